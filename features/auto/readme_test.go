package auto_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	readmeFile   = regexp.MustCompile("^\\| `([^`]+\\.gz)` \\| ([0-9,]+) / ([0-9,]+|-) \\| ([0-9,]+|-) \\| (.*) \\|(?: [^|]* \\|)? `?[^|`]*`? \\| `([0-9a-f]{64})` \\|$")
	readmeNumber = regexp.MustCompile(`[0-9][0-9,]*[0-9]|[0-9]`)
)

// otherNumbers are numbers in what the README says of a file that factsOf does not find out: they are no counts of it, or
// the test that is named here counts.
var otherNumbers = map[string][]int{
	"unsw-nb15/UNSW-NB15_1.head12142.unlabelled.csv.gz": {3400},           // TestREADMEBetweenFiles
	"nsl-kdd/KDDTest+.txt.gz":                           {3750},           // nslkdd.TestVocabulary
	"cic-ids2017/sample-78col-6311.csv.gz":              {110, 543},       // cicflow.TestSamples
	"vpc-flow/elastic-default-v2.log.gz":                {0},              // a port
	"models/categorical-logistic.json.gz":               {4},              // how it was trained
	"pcap/slips7.pcap.gz":                               {23, 2323, 8080}, // ports
	"pcap/slips8.pcap.gz":                               {259},            // binetflow.TestSamples
	"pcap/sshbf.pcap.gz":                                {902},            // a port
}

// TestREADME holds every file to its line in the README of the samples: sizes, lines and digest, and the numbers in what is said of it.
// What it says of Zeek logs in words is zeek.TestREADME's, of Suricata's eve.TestSample's.
func TestREADME(t *testing.T) {
	const root = "../../../shared/data"
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if os.IsNotExist(err) {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	require.NoError(t, err)
	seen := 0
	for line := range strings.Lines(string(text)) {
		m := readmeFile.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			require.False(t, strings.HasPrefix(line, "| `"), "a line of another form: %s", line)
			continue
		}
		seen++
		name, what := m[1], m[5]
		packed, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		require.Len(t, packed, commas(m[2]), name)
		require.Equal(t, m[6], fmt.Sprintf("%x", sha256.Sum256(packed)), name)
		if m[3] == "-" {
			continue // zeek.TestREADME
		}
		if testing.Short() && commas(m[3]) > 4<<20 {
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		require.NoError(t, err, name)
		plain, err := io.ReadAll(z)
		require.NoError(t, err, name)
		require.Len(t, plain, commas(m[3]), name)
		ends := bytes.Count(plain, []byte("\n"))
		if want := commas(m[4]); want != ends { // one that does not end its last line counts it, or not
			require.Equal(t, want, ends+1, name)
			require.False(t, bytes.HasSuffix(plain, []byte("\n")), name)
		}
		if strings.HasPrefix(name, "zeek") || strings.HasPrefix(name, "pcap/zeek") {
			continue
		}
		facts := factsOf(t, name, plain)
		for _, at := range readmeNumber.FindAllStringIndex(what, -1) {
			if at[0] > 0 && strings.ContainsAny(what[at[0]-1:at[0]], "._-abcdefghijklmnopqrstuvwxyz0123456789") || at[1] < len(what) && strings.ContainsAny(what[at[1]:at[1]+1], "%_-abcdefghijklmnopqrstuvwxyz") ||
				at[1]+1 < len(what) && what[at[1]] == '.' && what[at[1]+1] != ' ' {
				continue // part of a name or of a version
			}
			n := commas(what[at[0]:at[1]])
			if !facts[n] && !slices.Contains(otherNumbers[name], n) {
				t.Errorf("%s: %d is not found: %s", name, n, what)
			}
		}
	}
	require.Equal(t, 128, seen, "files")
}

func commas(s string) int {
	n, err := strconv.Atoi(strings.ReplaceAll(s, ",", ""))
	if err != nil {
		panic(err)
	}
	return n
}

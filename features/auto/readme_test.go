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
	// readmeNoun is what stands behind a number that counts it. Whatever stands ahead of other numbers is their name.
	readmeNoun = regexp.MustCompile(`^ (?:random |unidirectional |selected |raw )?(rows with inf|rows?|columns|features|flows|records?|events|lines|header|attack names|with a tcp object|trees|classes|rounds|% attack rate)\b`)
)

// otherNumbers are numbers in what the README says of a file that factsOf does not find out: they are no counts of it, or
// the test that is named here counts.
var otherNumbers = map[string][]int{
	"unsw-nb15/UNSW-NB15_1.head12142.unlabelled.csv.gz": {3400},           // TestREADMEBetweenFiles
	"nsl-kdd/KDDTest+.txt.gz":                           {17, 3750},       // nslkdd.TestVocabulary
	"nsl-kdd/KDDTest-21.txt.gz":                         {21},             // TestREADMEBetweenFiles
	"cic-ids2017/sample-78col-6311.csv.gz":              {110, 543, 2},    // cicflow.TestSamples
	"vpc-flow/elastic-default-v2.log.gz":                {0},              // a port
	"models/categorical-logistic.json.gz":               {4},              // how it was trained
	"pcap/slips7.pcap.gz":                               {23, 2323, 8080}, // ports
	"pcap/slips8.pcap.gz":                               {259},            // binetflow.TestSamples
	"pcap/sshbf.pcap.gz":                                {902},            // a port
}

// TestREADME holds every file to its line in the README of the samples: sizes, lines and digest, and each number in what is said of it to what it
// is said of.
// What it says of Zeek logs in words is zeek.TestREADME's, of Suricata's eve.TestSample's.
func TestREADME(t *testing.T) {
	const root = "../../../shared/data"
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if os.IsNotExist(err) {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	require.NoError(t, err)
	seen, checked := 0, 0
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
		for _, c := range claimsOf(what) {
			if slices.Contains(otherNumbers[name], c.number) {
				continue
			}
			if n, known := facts[c.of]; !known || n != c.number {
				t.Errorf("%s: %q is %d (counted: %v), not %d: %s", name, c.of, n, known, c.number, what)
			}
			checked++
		}
	}
	if !testing.Short() {
		require.Equal(t, 126, checked, "numbers that were found by name")
	}
	require.Equal(t, 128, seen, "files")
}

// claim is a number in what the README says of a file, and what it is the number of.
type claim struct {
	of     string
	number int
}

// claimsOf finds the numbers in a text that are no part of a name or of a version. "flow 3,512 (alerted true 366; state closed 1,980), 9 rows" has
// four: flow, alerted true, state closed and rows.
func claimsOf(what string) (claims []claim) {
	for _, at := range readmeNumber.FindAllStringIndex(what, -1) {
		before, after := what[:at[0]], what[at[1]:]
		if before != "" && strings.ContainsAny(before[len(before)-1:], "._-abcdefghijklmnopqrstuvwxyz0123456789") || after != "" && strings.ContainsAny(after[:1], "%+_-abcdefghijklmnopqrstuvwxyz") ||
			len(after) > 1 && after[0] == '.' && after[1] != ' ' || strings.HasPrefix(after, " = ") {
			continue // part of a name or of a version, or a value that a number is told of next
		}
		c := claim{number: commas(what[at[0]:at[1]])}
		if m := readmeNoun.FindStringSubmatch(after); m != nil {
			c.of = m[1]
		} else {
			from := strings.LastIndexAny(before, ";:(") + 1
			for _, end := range []string{", ", ". "} {
				from = max(from, strings.LastIndex(before, end)+1)
			}
			c.of = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(before[from:]), " ="), " for")
			if strings.HasSuffix(c.of, "rows x") {
				c.of = "columns"
			}
		}
		claims = append(claims, c)
	}
	return claims
}

func TestClaims(t *testing.T) {
	require.Equal(t, []claim{{"rows", 82332}, {"columns", 45}, {"label 0", 37000}, {"1", 332}, {"Generic", 18871}, {"DoS", 89}, {"flow=Background*", 21}, {"% attack rate", 13}, {"trees", 120}, {"leaf ids", 20}},
		claimsOf("82,332 rows x 45. label 0 = 37,000, 1 = 332 (v2, Windows-1252). cat: Generic 18,871, DoS 89; flow=Background* 21 (the natural 13 % attack rate, 7 = 120 trees); leaf ids for 20"))
}

func commas(s string) int {
	n, err := strconv.Atoi(strings.ReplaceAll(s, ",", ""))
	if err != nil {
		panic(err)
	}
	return n
}

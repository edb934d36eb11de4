package zeek_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/zeek"
)

var readmeRow = regexp.MustCompile("^\\| `(zeek[^`]*)` \\| ([0-9,]+) / ([0-9,]+|-) \\| ([0-9,]+|-) \\| (.*) \\| [^|]* \\| `([0-9a-f]{64})` \\|$")

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.ReplaceAll(s, ",", ""))
	require.NoError(t, err)
	return n
}

// TestREADME checks every number in what the README of the sample files says about Zeek logs: rows and labels. The reader accounts
// for every row. Sizes, lines and digests are auto.TestREADME's.
func TestREADME(t *testing.T) {
	const root = "../../../shared/data"
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if os.IsNotExist(err) {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	require.NoError(t, err)
	read := 0
files:
	for line := range strings.Lines(string(text)) {
		m := readmeRow.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		read++
		name, what := m[1], m[5]
		packed, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		z, err := gzip.NewReader(bytes.NewReader(packed))
		require.NoError(t, err)
		plain, err := io.ReadAll(z)
		if m[3] == "-" {
			require.Error(t, err, "%s: deliberately cut", name)
			continue
		}
		require.NoError(t, err, name)
		if strings.HasSuffix(name, "labels.config.gz") || strings.Contains(what, "must fail") {
			continue
		}
		rows := 0
		for row := range bytes.Lines(plain) {
			if row = bytes.TrimSpace(row); len(row) > 0 && row[0] != '#' {
				rows++
			}
		}
		var account features.Account
		labels := map[string]int{}
		label := ""
		if strings.Contains(what, "label Benign") || strings.Contains(what, "label Malicious") {
			label = "label"
		}
		for f, err := range zeek.Read(bytes.NewReader(packed), &zeek.Options{Label: label}) {
			if account.Add(f, err) != nil {
				// JSON behind a comment: the first byte decides, and it is none of JSON's.
				require.Contains(t, []string{"zeek/edge-cases/http.non-printable.json.log.gz", "zeek/edge-cases/iso-timestamps.json.log.gz",
					"zeek/edge-cases/utf8-escapes.json.log.gz"}, name, "%v", err)
				require.ErrorIs(t, err, features.ErrFormat)
				continue files
			}
			if err == nil && label != "" {
				labels[string(f.LabelText)]++
				labels[string(f.Kind)]++
			}
		}
		require.EqualValues(t, rows, account.Records, name)
		if m := regexp.MustCompile(`([0-9,]+) (?:conn\.log )?rows`).FindStringSubmatch(what); m != nil {
			require.EqualValues(t, number(t, m[1]), account.Flows, name)
		}
		counted := 0
		for _, m := range regexp.MustCompile(`(?:label |, |detailed-label )([A-Z][A-Za-z&]*)(?: \([^)]*\))? ([0-9,]+)`).FindAllStringSubmatch(what, -1) {
			if label != "" {
				require.Equal(t, number(t, m[2]), labels[m[1]], "%s: %s", name, m[1])
				counted++
			}
		}
		require.Equal(t, label != "", counted > 0, name)
	}
	require.Greater(t, read, 60, "the table of the README has another form")
}

// TestEdgeCases reads what the README says is special about a file.
func TestEdgeCases(t *testing.T) {
	const root = "../../../shared/data/zeek"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	each := func(name string, check func(f *features.Flow, bad *features.RecordError)) {
		f, err := os.Open(filepath.Join(root, name))
		require.NoError(t, err)
		defer f.Close()
		for flow, err := range zeek.Read(f, nil) {
			var bad *features.RecordError
			if err != nil {
				require.True(t, errors.As(err, &bad), "%v", err)
			}
			check(flow, bad)
		}
	}
	first := true
	each("mixed-9/conn.log.gz", func(f *features.Flow, _ *features.RecordError) {
		if first {
			require.Less(t, f.Start, int64(1000e9), "seconds since the start of the capture")
		}
		first = false
	})
	for _, name := range []string{"conn.ip_proto", "conn.field-name-map", "conn.scope_sep", "tunnels.teredo.conn"} {
		each("edge-cases/"+name+".log.gz", func(_ *features.Flow, bad *features.RecordError) {
			require.Equal(t, features.ReasonTime, bad.Reason, name)
			require.Equal(t, "XXXXXXXXXX.XXXXXX", string(bad.Text))
		})
	}
}

package detect_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/inference/detect"
)

const capture = "../../../shared/data/zeek-labelled/iot-23/CTU-IoT-Malware-Capture-34-1.conn.log.labeled.gz"

// The whole of a real capture gives the same verdicts from every form of the same log.
func TestCaptureInEveryForm(t *testing.T) {
	packed, err := os.ReadFile(capture)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the labelled Zeek logs are not beside the repository (../shared)")
	}
	require.NoError(t, err)
	z, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	plain, err := io.ReadAll(z)
	require.NoError(t, err)
	d, err := detect.Open(bundles[1], nil)
	require.NoError(t, err)

	want, account := judge(t, d, bytes.NewReader(plain))
	require.EqualValues(t, 23145, account.Records)
	require.EqualValues(t, 23145, account.Flows, "no record is skipped")
	require.Greater(t, strings.Count(want, `"threat":true`), 20000)
	got, _ := judge(t, d, bytes.NewReader(packed))
	require.Equal(t, want, got, "gzip")
	got, account = judge(t, d, bytes.NewReader(zeekJSON(t, plain)))
	require.EqualValues(t, 23145, account.Flows)
	require.Equal(t, want, got, "JSON")
}

// judge returns the verdicts on every flow of a log, as NDJSON, and the account.
func judge(t *testing.T, d *detect.Detector, log io.Reader) (string, *features.Account) {
	t.Helper()
	var out bytes.Buffer
	w, err := detect.NewWriter(&out, detect.NDJSON, d)
	require.NoError(t, err)
	account := new(features.Account)
	for v, err := range d.Stream().Verdicts(auto.Read(log, nil)) {
		require.NoError(t, account.Add(v.Flow, err))
		require.NoError(t, w.Write(v))
	}
	require.NoError(t, w.Close())
	return out.String(), account
}

// zeekJSON rewrites a Zeek TSV log as Zeek's JSON writer would have written it.
func zeekJSON(t *testing.T, tsv []byte) []byte {
	t.Helper()
	blanks := regexp.MustCompile(` {2,}|\t`)
	var names, types []string
	var out bytes.Buffer
	for line := range strings.Lines(string(tsv)) {
		fields := blanks.Split(strings.TrimSuffix(line, "\n"), -1)
		switch {
		case fields[0] == "#fields":
			names = fields[1:]
		case fields[0] == "#types":
			types = fields[1:]
		case !strings.HasPrefix(line, "#"):
			record := map[string]any{}
			for i, text := range fields {
				switch {
				case text == "-" || text == "(empty)":
				case types[i] == "bool":
					record[names[i]] = text == "T"
				case types[i] == "string" || types[i] == "addr" || types[i] == "enum":
					record[names[i]] = text
				default:
					record[names[i]] = json.Number(text)
				}
			}
			text, err := json.Marshal(record)
			require.NoError(t, err)
			out.Write(append(text, '\n'))
		}
	}
	return out.Bytes()
}

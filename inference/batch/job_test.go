package batch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/inference/detect"
	"threatdetect/internal/testkit"
	"threatdetect/internal/testkit/logs"
	"threatdetect/internal/trafficgen"
)

// randomDetector is a detector of random trees over a set.
func randomDetector(t testing.TB, name string, seed uint64) *detect.Detector {
	t.Helper()
	set, err := features.LookupSet(name)
	require.NoError(t, err)
	contract, err := features.NewContract(set, time.Unix(0, 0))
	require.NoError(t, err)
	text, err := contract.Canonical()
	require.NoError(t, err)
	contract, err = features.ParseContract(text)
	require.NoError(t, err)
	b := testkit.RandomBooster(testkit.RandFrom(seed), testkit.BoosterShape{
		Features: len(contract.Columns), Groups: 1, Trees: 30, Depth: 5, Fill: 0.9, Thresholds: 4,
	})
	b.Digest = fmt.Sprint("seed", seed)
	d, err := detect.New(b, contract, nil)
	require.NoError(t, err)
	return d
}

// quickDir is a folder in memory where there is such a thing: the tests sync a lot.
func quickDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "batch")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// simulate makes a log.
func simulate(t testing.TB, format trafficgen.Format, seed uint64, records int64, start time.Time) []byte {
	t.Helper()
	return logs.Simulate(t, trafficgen.Config{Seed: seed, Records: records, AttackShare: 0.2, Start: start}, &trafficgen.WriterOptions{Format: format})
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

const vpcLines = `2 123456789010 eni-1 10.0.0.5 192.0.2.7 51000 443 6 20 4249 1418530010 1418530070 ACCEPT OK
2 123456789010 eni-1 - - - - - - - 1431280876 1431280934 - NODATA
2 123456789010 eni-1 192.0.2.7 10.0.0.5 443 51000 6 18 9000 1418530010 1418530070 ACCEPT OK
rubbish
2 123456789010 eni-1 10.0.0.5 192.0.2.9 51001 443 6 20 4249 1418530010 1418530070 ACCEPT OK
`

// makeLogs writes logs of several formats, with all that may go wrong in them, to a folder.
func makeLogs(t testing.TB, records int64) string {
	t.Helper()
	dir := quickDir(t)
	start := time.Unix(1_700_000_000, 0)
	tsv := simulate(t, trafficgen.TSV, 1, records, start)
	half := bytes.LastIndexByte(tsv[:len(tsv)/2], '\n') + 1
	tsv = bytes.Join([][]byte{tsv[:half], []byte("rubbish\twith\tbytes \xff\x1b\"\n"), tsv[half:]}, nil)
	for name, b := range map[string][]byte{
		"a.conn.log":    tsv,
		"b.json.gz":     zipped(simulate(t, trafficgen.JSON, 2, records/2, start)),
		"c.eve.json":    append(simulate(t, trafficgen.EVE, 3, records/4, start), "{\"event_type\":\"dns\"}\n{\"event_type\":\n"...),
		"d.vpc.log":     []byte(vpcLines),
		"e.nothing.log": []byte("\n"),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	return dir
}

// loop scores a log the simple way: lines of the output, lines of the rejects, and the account.
func loop(t testing.TB, d *detect.Detector, name, to string, all bool) (out []byte, rejects string, a features.Account) {
	t.Helper()
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	var b bytes.Buffer
	w, err := detect.NewWriter(&b, to, d)
	require.NoError(t, err)
	s := d.Stream()
	for v, err := range s.Verdicts(func(yield func(*features.Flow, error) bool) {
		for f, err := range auto.Read(f, nil) {
			require.NoError(t, a.Add(f, err))
			if record, ok := errors.AsType[*features.RecordError](err); ok {
				rejects += fmt.Sprintf("%d %s\n", record.Line, record.Reason)
			}
			if !yield(f, err) {
				return
			}
		}
	}) {
		if err != nil {
			continue
		}
		a.Rows++
		if v.Threat {
			a.Threats++
		}
		if v.Threat || all {
			require.NoError(t, w.Write(v))
		}
	}
	require.NoError(t, w.Flush())
	return b.Bytes(), rejects, a
}

// tree reads all files of a folder.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		files[rel] = string(b)
		return err
	}))
	return files
}

// outputs are the files of a folder that are no bookkeeping.
func outputs(t testing.TB, dir string) map[string]string {
	files := tree(t, dir)
	for name := range files {
		if strings.Contains(filepath.Base(name), "journal") {
			delete(files, name)
		}
	}
	return files
}

// small are options under which there are many tasks and commits.
func small() *Options { return &Options{All: true, UnitBytes: 20_000, Workers: 3} }

func runJob(t testing.TB, d *detect.Detector, inputs []string, out string, opts *Options) (*Report, error) {
	t.Helper()
	j, err := New(context.Background(), d, inputs, out, opts)
	if err != nil {
		return nil, err
	}
	rep, err := j.Run(context.Background())
	return rep, errors.Join(err, j.Close())
}

func TestOutputsAreThoseOfALoop(t *testing.T) {
	d := randomDetector(t, "flow-portable/1", 1)
	logs := makeLogs(t, 4000)
	for _, to := range []string{NDJSON, CSV} {
		for _, workers := range []int{1, 4} {
			for _, all := range []bool{true, false} {
				out := quickDir(t)
				opts := small()
				opts.To, opts.Workers, opts.All = to, workers, all
				rep, err := runJob(t, d, []string{logs}, out, opts)
				require.NoError(t, err)
				require.Empty(t, rep.Failed)
				got := outputs(t, out)
				var sum features.Account
				names := 0
				for name := range tree(t, logs) {
					want, rejects, a := loop(t, d, filepath.Join(logs, name), to, all)
					require.Equal(t, string(want), got[name+"."+to], name)
					var told strings.Builder
					for line := range strings.Lines(got[name+".rejects.ndjson"]) {
						var n int64
						var reason string
						_, err := fmt.Sscanf(strings.NewReplacer(`"`, " ", ",", " ", "}", " ").Replace(line), "{ line :%d  reason : %s", &n, &reason)
						require.NoError(t, err, line)
						fmt.Fprintf(&told, "%d %s\n", n, reason)
					}
					require.Equal(t, rejects, told.String(), name)
					names++
					if rejects != "" {
						names++
					}
					sum.Records += a.Records
					sum.Flows += a.Flows
					sum.Rows += a.Rows
					sum.Threats += a.Threats
				}
				require.Len(t, got, names)
				require.Equal(t, []int64{sum.Records, sum.Flows, sum.Rows, sum.Threats},
					[]int64{rep.Account.Records, rep.Account.Flows, rep.Account.Rows, rep.Account.Threats})
				before := tree(t, out)
				j, err := New(context.Background(), d, []string{logs}, out, opts)
				require.NoError(t, err)
				require.True(t, j.Finished())
				again, err := j.Run(context.Background())
				require.NoError(t, err)
				require.NoError(t, j.Close())
				require.Equal(t, rep.Account, again.Account)
				require.Equal(t, 5, again.Done)
				require.Equal(t, before, tree(t, out), "a run that has nothing to do changes nothing")
			}
		}
	}
}

func ExampleNew() {
	d, err := detect.Open("../../testdata/demo/model.tar.gz", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := os.MkdirTemp("", "scored")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(out)
	job, err := New(context.Background(), d, []string{"../../testdata/demo/conn.log"}, out, &Options{All: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer job.Close()
	report, err := job.Run(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Files, "output,", report.Account.Records, "records,", report.Account.Threats, "threats")
	// Output:
	// 1 output, 1900 records, 249 threats
}

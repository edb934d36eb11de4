//go:build unix

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/internal/testkit"
	"threatdetect/internal/trafficgen"
	"threatdetect/model"
)

var (
	killRuns = flag.Int("killruns", 2, "complete runs of TestBatchKilled, half of them of a gzip log; 20 is test L4")
	killsOf  = flag.Int("kills", 8, "how often each is killed; 10 is L4")
	killRows = flag.Int64("killrows", 40_000, "rows of the log; 2000000 is L4")
	killMost = flag.Duration("killmost", 100*time.Millisecond, "the longest that a process lives; 400ms is L4")
)

// contextModel writes a model of a set that remembers flows, with its contract.
func contextModel(t *testing.T, dir string) []string {
	t.Helper()
	set, err := features.LookupSet("flow-context/1")
	require.NoError(t, err)
	contract, err := features.NewContract(set, time.Unix(0, 0))
	require.NoError(t, err)
	text, err := contract.Canonical()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "contract.json"), text, 0o600))
	b := &model.Booster{Version: model.Version{3, 2, 0}, Kind: "gbtree", Objective: "binary:logistic", NumFeature: len(contract.Columns), NumTarget: 1,
		BaseScore: []float32{0.5}, NumParallelTree: 1, Attributes: map[string]string{}}
	for c := range contract.Columns { // a stump for each column
		x := float32(c%7) * 0.7
		b.Trees = append(b.Trees, model.Tree{Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1}, Feature: []int32{int32(c), 0, 0},
			Value: []float32{x, 0.01 * float32(c), 0.3 - x/3}, DefaultLeft: []bool{c%2 == 0, false, false}})
		b.TreeGroup, b.IterationStart = append(b.TreeGroup, 0), append(b.IterationStart, int32(c))
	}
	b.IterationStart = append(b.IterationStart, int32(len(b.Trees)))
	require.NoError(t, model.SaveFile(filepath.Join(dir, "model.json"), b, nil))
	return []string{"--model", filepath.Join(dir, "model.json"), "--contract", filepath.Join(dir, "contract.json")}
}

// writeLog writes a log of simulated traffic, plain and as gzip, cut here and there by rubbish, and returns how many lines it has that are not empty.
func writeLog(t *testing.T, plain, packed string, rows int64) (lines int64) {
	t.Helper()
	g, err := trafficgen.New(trafficgen.Config{Seed: 4, Records: rows, AttackShare: 0.1})
	require.NoError(t, err)
	f, err := os.Create(plain)
	require.NoError(t, err)
	z, err := os.Create(packed)
	require.NoError(t, err)
	zw, err := gzip.NewWriterLevel(z, gzip.BestSpeed)
	require.NoError(t, err)
	both := io.MultiWriter(f, zw)
	w, err := trafficgen.NewWriter(both, &trafficgen.WriterOptions{Format: trafficgen.JSON})
	require.NoError(t, err)
	n := 0
	for r := range g.All() {
		require.NoError(t, w.Write(r))
		if n++; n%9_973 == 0 {
			_, err := io.WriteString(both, "{\"rubbish\n")
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	require.NoError(t, zw.Close())
	require.NoError(t, f.Close())
	require.NoError(t, z.Close())
	b, err := os.ReadFile(plain)
	require.NoError(t, err)
	for line := range bytes.Lines(b) {
		if len(line) > 1 {
			lines++
		}
	}
	return lines
}

// TestBatchKilled kills runs over a log with a set that remembers flows, at random times, and goes on with them (Q11, L4): runs that write NDJSON, and one each
// that writes CSV and Parquet. Nothing may be lost or doubled, and the outputs must be those of a run that nobody disturbed, to the byte.
func TestBatchKilled(t *testing.T) {
	if testing.Short() && *killRuns == 2 {
		*killRuns, *killRows = 2, 20_000
	}
	dir := t.TempDir()
	score := contextModel(t, dir)
	plain, packed := filepath.Join(dir, "conn.log"), filepath.Join(dir, "conn.log.gz")
	records := writeLog(t, plain, packed, *killRows)
	args := func(log, out, to string) []string {
		return append([]string{"batch", "--all", "--summary", "json", "--commit-size", "1", "--commit-every", "30ms", "--to", to, "--out", out, log}, score...)
	}
	type account struct{ Records, Rows, Written, Rejects int64 }
	accountOf := func(said string) (a account) {
		lines := strings.Split(strings.TrimSpace(said), "\n")
		require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &a), said)
		return a
	}
	hashes := func(log, out, to string, a account) (sums [2][32]byte) {
		for i, end := range []string{"." + to, ".rejects.ndjson"} {
			b, err := os.ReadFile(filepath.Join(out, filepath.Base(log)+end))
			require.NoError(t, err)
			switch lines := bytes.Count(b, []byte("\n")); end {
			case ".parquet": // which has no lines
			case ".csv":
				require.EqualValues(t, a.Rows+1, lines)
			default:
				require.EqualValues(t, []int64{a.Rows, a.Rejects}[i], lines, "lines of %s", end)
			}
			sums[i] = sha256.Sum256(b)
		}
		return sums
	}
	type run struct {
		log, to string
		kills   int
	}
	var runs []run
	for n := range *killRuns {
		runs = append(runs, run{[]string{plain, packed}[n%2], "ndjson", *killsOf})
	}
	runs = append(runs, run{packed, "csv", 3})
	formats := []string{"ndjson", "csv"}
	if parquetRows != nil {
		runs, formats = append(runs, run{plain, "parquet", 3}), append(formats, "parquet")
	}
	golden := map[string][2][32]byte{}
	var want account
	for _, to := range formats {
		whole := filepath.Join(dir, "whole")
		var said strings.Builder
		cmd := command(t, args(plain, whole, to)...)
		cmd.Stderr = &said
		cmd.Run() // it ends with 5, as records were skipped
		want = accountOf(said.String())
		require.Equal(t, records, want.Records)
		require.Equal(t, records, want.Rows+want.Rejects)
		require.Positive(t, want.Rejects)
		golden[to] = hashes(plain, whole, to, want)
		require.NoError(t, os.RemoveAll(whole))
	}
	random := testkit.RandFrom(uint64(time.Now().UnixNano()))
	kills, resumed := 0, 0
	for n, r := range runs {
		log := r.log
		out := filepath.Join(dir, fmt.Sprint("out", n))
		for k := 0; ; k++ {
			cmd := command(t, args(log, out, r.to)...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Start())
			killed := make(chan bool, 1)
			ctx, ended := context.WithCancel(t.Context())
			if k < r.kills {
				after := 5*time.Millisecond + time.Duration(random.Int64N(int64(*killMost)))
				journal := filepath.Join(out, "threatdetect.journal")
				go func() {
					// Every other one is killed some time after it has committed something, however slow the machine is.
					for before := sizeOf(journal); k%2 == 1 && ctx.Err() == nil && sizeOf(journal) <= max(before, 1000); {
						time.Sleep(5 * time.Millisecond)
					}
					select {
					case <-time.After(after):
						killed <- cmd.Process.Kill() == nil
					case <-ctx.Done():
						killed <- false
					}
				}()
			}
			cmd.Wait()
			ended()
			if k < r.kills && <-killed {
				kills++
				if strings.Contains(progressOf(t, out), `"at"`) {
					resumed++
				}
				continue
			}
			require.Equal(t, want, accountOf(stderr.String()))
			break
		}
		require.Equal(t, golden[r.to], hashes(log, out, r.to, want), "run %d", n)
		left, err := filepath.Glob(filepath.Join(out, "*journal-*"))
		require.NoError(t, err)
		require.Empty(t, left)
		require.NoError(t, os.RemoveAll(out))
		t.Logf("run %d: %s to %s: killed %d times so far, %d of these with something to go on with", n, filepath.Base(log), r.to, kills, resumed)
	}
	t.Logf("%d complete runs of %d rows, killed %d times, %d of these with something to go on with: 0 lost, 0 doubled, same bytes", len(runs), want.Rows, kills, resumed)
}

func sizeOf(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Size()
}

// progressOf is the journal of a run.
func progressOf(t *testing.T, out string) string {
	b, err := os.ReadFile(filepath.Join(out, "threatdetect.journal"))
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	return string(b)
}

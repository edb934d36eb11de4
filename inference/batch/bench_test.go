//go:build unix

package batch

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features/auto"
	"threatdetect/inference/detect"
	"threatdetect/internal/trafficgen"
)

// BenchmarkPipeline compares, by CPU time, what parsing, making rows, judging and laying out cost in a loop with what a job takes for the same log,
// with one worker and with two, in turns. pipeline/op is the share of the loop in the job: 1 is a job that costs nothing besides. two/op is what a record costs with two
// workers, over what it costs with one: the speed-up of two cores is 2 over that, as far as the machine has two to give.
func BenchmarkPipeline(b *testing.B) {
	d, err := detect.Open("../../testdata/demo/model.tar.gz", nil)
	require.NoError(b, err)
	log := simulate(b, trafficgen.TSV, 3, 300_000, time.Unix(1_700_000_000, 0))
	dir := quickDir(b)
	name := filepath.Join(dir, "conn.log")
	require.NoError(b, os.WriteFile(name, log, 0o600))
	var loops, jobs, twos time.Duration
	for b.Loop() {
		began := cpuTime(b)
		w, err := detect.NewWriter(io.Discard, NDJSON, d)
		require.NoError(b, err)
		block := d.Stream().Block(0)
		take := func() {
			for v, ok, err := block.Next(); ok; v, ok, err = block.Next() {
				if err == nil && v.Threat {
					err = w.Write(v)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		file, err := os.Open(name)
		require.NoError(b, err)
		for f, err := range auto.Read(file, nil) {
			if err != nil {
				b.Fatal(err)
			}
			if err := block.Push(f); err != nil {
				b.Fatal(err)
			}
			take()
		}
		block.Flush()
		take()
		require.NoError(b, file.Close())
		loops += cpuTime(b) - began
		for i, sum := range []*time.Duration{&jobs, &twos} {
			began := cpuTime(b)
			out := filepath.Join(dir, "out")
			rep, err := runJob(b, d, []string{name}, out, &Options{Workers: i + 1})
			require.NoError(b, err)
			require.EqualValues(b, 300_000, rep.Account.Rows)
			*sum += cpuTime(b) - began
			require.NoError(b, os.RemoveAll(out))
		}
	}
	b.ReportMetric(float64(loops)/float64(jobs), "pipeline/op")
	b.ReportMetric(float64(twos)/float64(jobs), "two/op")
	b.ReportMetric(float64(jobs.Nanoseconds())/float64(b.N)/300_000, "cpu-ns/record")
	b.SetBytes(int64(len(log)))
}

// cpuTime is the processor time of this process.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

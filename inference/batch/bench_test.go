//go:build unix

package batch

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features/auto"
	"threatdetect/inference/detect"
	"threatdetect/internal/trafficgen"
)

// BenchmarkPipeline compares, by processor time of this process and as the median of rounds, what a loop of parsing, making rows and judging costs with what a job takes
// for the same log: with one worker, and with two. pipeline/op is the share of the loop in the job: 1 is a job that costs nothing besides. written/op is the
// same for a loop that lays threats out as the job does. two/op is what a record costs with two workers, over what it costs with one:
// the speed-up of two cores is 2 over that, as far as the machine has two to give. Only threats are written, which makes a quarter as many bytes as are read;
// rare/op is pipeline/op for a log in which attacks are a hundredth of the records, and so is what is written. The loop judges as Block.Next does, and writes, explains and
// counts nothing; logs and outputs are in the folder for temporary files (TMPDIR), and are best on a disk: to a tmpfs of pages of 4 KiB the same bytes take twice the time.
func BenchmarkPipeline(b *testing.B) {
	d, err := detect.Open("../../testdata/demo/model.tar.gz", nil)
	require.NoError(b, err)
	const records = 1_000_000
	dir := b.TempDir()
	name, rare := filepath.Join(dir, "conn.log"), filepath.Join(dir, "rare.log")
	size := benchLog(b, name, records, trafficgen.DefaultAttackShare)
	benchLog(b, rare, records, 0.01)
	job := func(name string, workers int) float64 {
		out := filepath.Join(dir, "out")
		took := timed(b, func() {
			rep, err := runJob(b, d, []string{name}, out, &Options{Workers: workers})
			require.NoError(b, err)
			require.EqualValues(b, records, rep.Account.Rows)
		})
		require.NoError(b, os.RemoveAll(out))
		return took
	}

	var pipeline, written, two, cost, few []float64
	for b.Loop() {
		bare := timed(b, func() { judgeAll(b, d, name, false) })
		one := job(name, 1)
		laid := timed(b, func() { judgeAll(b, d, name, true) })
		pipeline, written = append(pipeline, bare/one), append(written, laid/one)
		two, cost = append(two, job(name, 2)/one), append(cost, one/records)
		bare = timed(b, func() { judgeAll(b, d, rare, false) })
		few = append(few, bare/job(rare, 1))
	}
	b.ReportMetric(median(pipeline), "pipeline/op")
	b.ReportMetric(median(written), "written/op")
	b.ReportMetric(median(few), "rare/op")
	b.ReportMetric(median(two), "two/op")
	b.ReportMetric(median(cost), "cpu-ns/record")
	b.SetBytes(size)
}

// benchLog writes a log of simulated traffic and returns its size in bytes.
func benchLog(b *testing.B, name string, records int64, attacks float64) int64 {
	g, err := trafficgen.New(trafficgen.Config{Seed: 3, Records: records, AttackShare: attacks})
	require.NoError(b, err)
	file, err := os.Create(name)
	require.NoError(b, err)
	w, err := trafficgen.NewWriter(file, nil)
	require.NoError(b, err)
	for r := range g.All() {
		require.NoError(b, w.Write(r))
	}
	require.NoError(b, w.Close())
	size, err := file.Seek(0, io.SeekCurrent)
	require.NoError(b, err)
	require.NoError(b, file.Close())
	return size
}

// judgeAll reads a log and judges its flows, and lays the threats among them out.
func judgeAll(b *testing.B, d *detect.Detector, name string, layOut bool) {
	w, err := detect.NewWriter(io.Discard, NDJSON, d)
	require.NoError(b, err)
	block := d.Stream().Block(0)
	take := func() {
		for v, ok, err := block.Next(); ok; v, ok, err = block.Next() {
			if err == nil && v.Threat && layOut {
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
		if err == nil {
			err = block.Push(f)
		}
		if err != nil {
			b.Fatal(err)
		}
		take()
	}
	block.Flush()
	take()
	require.NoError(b, file.Close())
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// timed is how many nanoseconds of processor time a function takes.
func timed(b *testing.B, f func()) float64 {
	began := cpuTime(b)
	f()
	return float64(cpuTime(b) - began)
}

// cpuTime is the processor time of this process.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

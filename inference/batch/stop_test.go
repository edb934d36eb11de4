package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/inference/detect"
)

// stops runs a job again and again, each time on a disk that fails one operation later, until one comes to its end. After each failure
// a run on a sound disk must give the outputs of a run that nobody disturbed, to the byte. It returns how many operations there were.
func stops(t *testing.T, d *detect.Detector, logs []string, opts func() *Options, golden map[string]string, failure error, short bool, lose int64) int {
	t.Helper()
	for n := 1; ; n++ {
		if n > 5000 {
			t.Fatal("it never came to its end")
		}
		out := quickDir(t)
		disk := &faultyDisk{at: n, err: failure, short: short}
		if lose >= 0 {
			disk.files = map[string]*durable{}
		}
		o := opts()
		o.disk = disk
		what := fmt.Sprintf("operation %d: %v, short %v, lost %d", n, failure, short, lose)
		rep, err := runJob(t, d, logs, out, o)
		if !disk.tore {
			require.NoError(t, err, what)
			require.Equal(t, golden, outputs(t, out), what)
			return n
		}
		if err == nil && failure == errKilled { // it was killed when it closed its last file
			require.Equal(t, golden, outputs(t, out), what)
			continue
		}
		require.ErrorIs(t, err, failure, what)
		whole := 0
		for name, text := range outputs(t, out) {
			require.Equal(t, golden[name], text, "%s: what has its name is whole: %s", what, name)
			if !strings.HasSuffix(name, rejectsEnd) {
				whole++
			}
		}
		if rep != nil {
			require.LessOrEqual(t, rep.Files, whole, "%s: what was not named is not counted", what)
		}
		if failure != errKilled {
			file, ok := errors.AsType[*FileError](err)
			require.True(t, ok && filepath.IsAbs(file.Name), "%s: %v: it names the file (BATCH-9)", what, err)
		}
		if lose >= 0 {
			require.NoError(t, disk.losePower(lose))
		}
		_, err = runJob(t, d, logs, out, opts())
		require.NoError(t, err, what)
		require.Equal(t, golden, outputs(t, out), what)
		for name := range tree(t, out) {
			require.NotContains(t, name, "journal-", "%s: nothing is left over", what)
		}
		require.NoError(t, os.RemoveAll(out))
	}
}

func stopLogs(t *testing.T) string {
	dir := makeLogs(t, 120)
	require.NoError(t, os.Remove(filepath.Join(dir, "e.nothing.log")))
	return dir
}

// copyRows stands for what makes tables.
func copyRows(dst io.Writer, rows io.Reader) error {
	_, err := io.Copy(dst, rows)
	return err
}

// TestStopPoints ends a run at every operation on the disk, in each way (Q9, Q10): the process is gone, with all or some or none of what was not
// synced; or the operation fails and the run ends by itself.
func TestStopPoints(t *testing.T) {
	sets := map[string]*detect.Detector{"flow-portable/1": randomDetector(t, "flow-portable/1", 1), "flow-context/1": randomDetector(t, "flow-context/1", 2)}
	sets["tables in folders"] = sets["flow-portable/1"]
	for name, d := range sets {
		t.Run(name, func(t *testing.T) {
			logs := []string{stopLogs(t)}
			opts := func() *Options { return &Options{All: true, UnitBytes: 8000, Workers: 2} }
			if strings.HasPrefix(name, "tables") {
				opts = func() *Options {
					return &Options{All: true, UnitBytes: 8000, Workers: 2, Tree: true, To: Parquet, Convert: copyRows}
				}
				require.NoError(t, os.Mkdir(filepath.Join(logs[0], "x"), 0o700))
				for _, log := range []string{"b.json.gz", "d.vpc.log"} {
					require.NoError(t, os.Rename(filepath.Join(logs[0], log), filepath.Join(logs[0], "x", log)))
				}
			}
			out := quickDir(t)
			_, err := runJob(t, d, logs, out, opts())
			require.NoError(t, err)
			golden := outputs(t, out)
			require.Len(t, golden, 7)
			for _, c := range []struct {
				err   error
				short bool
				lose  int64
			}{{errKilled, false, -1}, {errKilled, true, 0}, {errKilled, false, 50}, {syscall.ENOSPC, true, -1}, {syscall.EIO, false, -1}} {
				if testing.Short() && !c.short {
					continue
				}
				n := stops(t, d, logs, opts, golden, c.err, c.short, c.lose)
				require.Greater(t, n, 30, "operations")
				t.Logf("%v, short %v, lost %d: %d operations", c.err, c.short, c.lose, n)
			}
		})
	}
}

// TestInterrupt commits what was read when the context is done, and goes on from there.
func TestInterrupt(t *testing.T) {
	for _, set := range []string{"flow-portable/1", "flow-context/1"} {
		d := randomDetector(t, set, 1)
		logs := []string{makeLogs(t, 3000)}
		want, out := quickDir(t), quickDir(t)
		_, err := runJob(t, d, logs, want, small())
		require.NoError(t, err)
		cause := fmt.Errorf("asked to end")
		for rounds := 0; ; rounds++ {
			require.Less(t, rounds, 1000)
			ctx, cancel := context.WithCancelCause(context.Background())
			opts := &Options{All: true, Workers: 2}
			var read atomic.Int64
			opts.OnRead = func(int64) {
				if read.Add(1) == int64(3+rounds) {
					cancel(cause)
				}
			}
			j, err := New(ctx, d, logs, out, opts)
			require.NoError(t, err)
			_, err = j.Run(ctx)
			require.NoError(t, j.Close())
			cancel(nil)
			if err == nil {
				break
			}
			require.ErrorIs(t, err, cause)
		}
		require.Equal(t, outputs(t, want), outputs(t, out))
	}
}

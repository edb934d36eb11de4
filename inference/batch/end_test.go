package batch

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/trafficgen"
)

var errEnd = errors.New("end")

// TestEndsInTheMiddle ends runs in the middle of what may take long: passing over what was read of a packed log, and making a file of rows. They
// end there, and the next one goes on (BATCH-11).
func TestEndsInTheMiddle(t *testing.T) {
	d := randomDetector(t, "flow-portable/1", 1)
	packed := zipped(simulate(t, trafficgen.TSV, 1, 20_000, time.Unix(1_700_000_000, 0)))
	log := filepath.Join(quickDir(t), "a.log.gz")
	require.NoError(t, os.WriteFile(log, packed, 0o600))
	want := quickDir(t)
	_, err := runJob(t, d, []string{log}, want, &Options{All: true, To: Parquet, Convert: copyRows})
	require.NoError(t, err)
	golden := outputs(t, want)

	out := quickDir(t)
	// run ends a run when a number of bytes of the log were read, or when rows are converted, and returns how many were read.
	run := func(most int64, atConvert bool) (read int64, converted bool) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		job, err := New(ctx, d, []string{log}, out, &Options{All: true, To: Parquet, UnitBytes: 1, Workers: 1,
			OnRead: func(n int64) {
				if read += n; read >= most {
					cancel(errEnd)
				}
			},
			Convert: func(dst io.Writer, rows io.Reader) error {
				if converted = true; atConvert {
					cancel(errEnd)
				}
				return copyRows(dst, rows)
			}})
		require.NoError(t, err)
		defer func() { require.NoError(t, job.Close()) }()
		report, err := job.Run(ctx)
		require.ErrorIs(t, err, errEnd)
		if report.Done == 0 {
			require.Zero(t, report.Files)
		}
		require.Empty(t, outputs(t, out), "what is not whole has no name")
		return read, converted
	}
	size := int64(len(packed))
	run(size*3/4, false)
	require.Contains(t, string(tree(t, out)[journalName]), `"at"`, "there is something to pass over")
	read, _ := run(1, false)
	require.Less(t, read, size/2)
	for range 2 { // at the end of the log, and when there is nothing else left to do
		_, converted := run(size+1, true)
		require.True(t, converted)
	}
	_, err = runJob(t, d, []string{log}, out, &Options{All: true, To: Parquet, Convert: copyRows})
	require.NoError(t, err)
	require.Equal(t, golden, outputs(t, out))
}

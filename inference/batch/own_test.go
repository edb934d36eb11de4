package batch

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/trafficgen"
)

// TestOutputsBesideLogs: a pattern finds what earlier runs wrote as well, and the same command has nothing to do all the same, or goes on.
func TestOutputsBesideLogs(t *testing.T) {
	d := randomDetector(t, "flow-portable/1", 1)
	for _, to := range []string{NDJSON, CSV} {
		want, logs := quickDir(t), makeLogs(t, 1500)
		opts := small()
		opts.To = to
		_, err := runJob(t, d, []string{logs}, want, opts)
		require.NoError(t, err)
		golden := outputs(t, want)
		for name, text := range outputs(t, logs) {
			golden[name] = text
		}
		linked := filepath.Join(quickDir(t), "link")
		require.NoError(t, os.Symlink(logs, linked))
		for _, at := range []int{12, 25, 0, 0} {
			opts := small()
			if opts.To = to; at > 0 {
				opts.disk = &faultyDisk{at: at, err: errKilled}
			}
			rep, err := runJob(t, d, []string{logs + "/*", linked + "/*"}, logs, opts)
			if at > 0 {
				require.ErrorIs(t, err, errKilled)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, 5, rep.Files)
			require.Empty(t, rep.Failed)
			require.Equal(t, golden, outputs(t, logs))
		}
		opts.Restart = true
		_, err = runJob(t, d, []string{logs + "/*"}, logs, opts)
		require.NoError(t, err)
		require.Equal(t, golden, outputs(t, logs))
	}

	// An output goes by its place: that another log is called the same is no reason not to go on.
	beside, other := quickDir(t), quickDir(t)
	require.NoError(t, os.WriteFile(filepath.Join(beside, "a.log"), simulate(t, trafficgen.TSV, 1, 50, time.Unix(1e9, 0)), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(other, "a.log.ndjson"), []byte("no log\n"), 0o600))
	for done := range 2 {
		rep, err := runJob(t, d, []string{beside + "/*", other + "/*"}, beside, small())
		require.NoError(t, err)
		require.Equal(t, []int{1, done, 1}, []int{rep.Files, rep.Done, len(rep.Failed)})
	}

	// What no journal knows is a log, and no output takes the place of one.
	logs := makeLogs(t, 100)
	touch(t, logs, "a.conn.log.ndjson")
	for _, restart := range []bool{false, true} {
		_, err := runJob(t, d, []string{logs + "/a*"}, logs, &Options{Restart: restart})
		require.ErrorIs(t, err, ErrInputs)
		require.ErrorContains(t, err, "a.conn.log.ndjson is a log, and what is said of ")
	}
}

// TestOutputsBesideObjects is the same for a bucket, where outputs may also lie below the prefix of the logs.
func TestOutputsBesideObjects(t *testing.T) {
	d := randomDetector(t, "flow-portable/1", 1)
	logs := makeLogs(t, 300)
	for _, c := range []struct{ in, out string }{{"s3://lake/", "s3://lake/scored"}, {"s3://lake/day/", "s3://lake/day/scored/"}, {"s3://lake/day/*", "s3://lake/day"}, {"s3://lake/day/", "s3://lake"}} {
		store, work := &memoryStore{objects: map[string][]byte{}}, quickDir(t)
		for name, text := range tree(t, logs) {
			store.objects["day/"+name] = []byte(text)
		}
		for done := range 2 {
			opts := small()
			opts.Work, opts.Bucket = work, func(context.Context, string) (Store, error) { return store, nil }
			rep, err := runJob(t, d, []string{c.in}, c.out, opts)
			require.NoError(t, err, c)
			require.Equal(t, []int{5, 5 * done}, []int{rep.Files, rep.Done}, c)
			require.Empty(t, rep.Failed, c)
			require.Len(t, store.objects, 13, "five logs, and outputs of them, of which three have skipped records")
		}
	}
	opts := &Options{Work: quickDir(t), Bucket: func(context.Context, string) (Store, error) { return &memoryStore{}, nil }}
	_, err := runJob(t, d, []string{"s3://lake/day/"}, "s3://lake/day", opts)
	require.ErrorIs(t, err, ErrInputs)
	require.ErrorContains(t, err, "outputs would be among the logs of s3://lake/day/")
}

//go:build unix && !noaws

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
)

// TestBatchKilledOnS3 kills a run from a bucket to a bucket once it has committed something, and goes on with it.
func TestBatchKilledOnS3(t *testing.T) {
	dir := t.TempDir()
	day := filepath.Join(dir, "s3", "lake", "day")
	require.NoError(t, os.MkdirAll(day, 0o700))
	first, second := filepath.Join(day, "a.log"), filepath.Join(day, "b.log")
	simulateLog(t, first, 1, 20_000)
	simulateLog(t, second, 2, 5_000)
	golden, work := filepath.Join(dir, "golden"), filepath.Join(dir, "work")
	said, err := command(t, batchArgs(golden, first, second)...).CombinedOutput()
	require.NoError(t, err, string(said))

	s3, err := awsfake.New(awsfake.Options{Dir: filepath.Join(dir, "s3"), Tick: time.Minute})
	require.NoError(t, err)
	defer s3.Close()
	for round := range 2 {
		cmd := command(t, append(batchArgs("s3://lake/scored", "s3://lake/day/"), "--work", work)...)
		cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s3.URL, "AWS_ACCESS_KEY_ID=rehearsal", "AWS_SECRET_ACCESS_KEY=rehearsal", "AWS_EC2_METADATA_DISABLED=true",
			"AWS_CONFIG_FILE=none", "AWS_SHARED_CREDENTIALS_FILE=none")
		require.NoError(t, cmd.Start())
		if round == 0 {
			committed(t, work)
			require.NoError(t, cmd.Process.Kill())
		}
		code, _ := ended(t, cmd)
		require.True(t, round == 0 || code == 0, "exit code %d", code) // the first one may have been quicker than the signal
	}
	got := map[string]string{}
	keys, err := s3.Keys("lake", "scored/")
	require.NoError(t, err)
	for _, key := range keys {
		b, err := s3.Get("lake", key)
		require.NoError(t, err)
		got[filepath.Base(key)] = string(b)
	}
	require.Equal(t, outputsOf(t, golden), got)
	uploads, err := s3.Uploads("lake")
	require.NoError(t, err)
	require.Empty(t, uploads)
}

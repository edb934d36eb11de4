package batch

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFolderThatMayNotBeRead: nobody takes logs in it for scored.
func TestFolderThatMayNotBeRead(t *testing.T) {
	dir := quickDir(t)
	touch(t, dir, "mon/a.log", "tue/b.log")
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.Chmod(filepath.Join(dir, "mon"), 0o755))
	closed := filepath.Join(dir, "tue")
	require.NoError(t, os.Chmod(closed, 0))
	defer os.Chmod(closed, 0o700)
	if os.Geteuid() == 0 { // who may read everything
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		require.NoError(t, syscall.Setfsuid(65534))
		defer func() { require.NoError(t, syscall.Setfsuid(0)) }()
	}
	for pattern, bad := range map[string]bool{"": true, "*/a.log": true, "t*/*": true, "tue/*.log": true, "m*/*": false, "mon/*.log": false} {
		_, err := find(context.Background(), []string{filepath.Join(dir, pattern)}, "out", &Options{To: NDJSON})
		if bad {
			require.ErrorIs(t, err, fs.ErrPermission, pattern)
			require.ErrorContains(t, err, closed, pattern)
			continue
		}
		require.NoError(t, err, pattern)
	}
}

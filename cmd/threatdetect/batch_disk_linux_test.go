package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBatchOnAFullDisk has a real disk run full in the middle of an output, and be read-only; with room on it the same command goes on (BATCH-9). Only root can
// mount a disk.
func TestBatchOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	log, disk := filepath.Join(dir, "a.log"), filepath.Join(dir, "disk")
	require.NoError(t, os.Mkdir(disk, 0o700))
	if err := syscall.Mount("threatdetect", disk, "tmpfs", 0, "size=3m"); err != nil {
		t.Skip("no disk can be mounted here: ", err)
	}
	defer func() { require.NoError(t, syscall.Unmount(disk, 0)) }()
	simulateLog(t, log, 1, 20_000)
	golden, out := filepath.Join(dir, "golden"), filepath.Join(disk, "out")
	said, err := command(t, batchArgs(golden, log)...).CombinedOutput()
	require.NoError(t, err, string(said))

	outOfSpace(t, command(t, batchArgs(out, log)...), out, "no space left on device")

	require.NoError(t, syscall.Mount("threatdetect", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=64m"))
	for where, want := range map[string]string{out: "lock output: " + out + "/threatdetect.journal.lock", disk + "/new": "create output: " + disk + "/new"} {
		cmd := command(t, batchArgs(where, log)...)
		said, err = cmd.CombinedOutput()
		require.Error(t, err)
		require.Equal(t, 1, cmd.ProcessState.ExitCode())
		require.Contains(t, string(said), "threatdetect batch: "+want+": read-only file system\n")
	}

	require.NoError(t, syscall.Mount("threatdetect", disk, "tmpfs", syscall.MS_REMOUNT, "size=64m"))
	said, err = command(t, batchArgs(out, log)...).CombinedOutput()
	require.NoError(t, err, string(said))
	require.Equal(t, outputsOf(t, golden), outputsOf(t, out))
}

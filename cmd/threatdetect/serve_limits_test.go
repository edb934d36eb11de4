//go:build unix

package main

import (
	"bufio"
	"bytes"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGroupMemory(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	none, all, some := filepath.Join(dir, "none"), write("all", "max\n"), write("some", "536870912\n")
	require.EqualValues(t, math.MaxInt64, groupMemory(none, all))
	require.EqualValues(t, 512<<20, groupMemory(none, some))
	require.EqualValues(t, math.MaxInt64, serveCeiling(dir))
	require.EqualValues(t, 1<<30+32*10, serveCeiling(some))
}

// TestServeLimits has a server take 256 connections of an address by itself, and as many as come as SageMaker's container, to which all come from one (HTTP-4). It warns
// where it may have few.
func TestServeLimits(t *testing.T) {
	for _, c := range []struct {
		args  []string
		taken int
	}{{nil, 256}, {[]string{"--sagemaker", "1.7-1"}, 300}} {
		cmd := command(t, append([]string{"serve", "--model", demo + "model.tar.gz", "--listen", "127.0.0.1:0"}, c.args...)...)
		program := filepath.Join(t.TempDir(), cmd.Args[0]) // this test is what its name says
		require.NoError(t, os.Symlink(cmd.Path, program))
		cmd = exec.CommandContext(t.Context(), "sh", append([]string{"-c", `ulimit -n 800 && exec "$0" "$@"`, program}, cmd.Args[1:]...)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		line, err := bufio.NewReader(stdout).ReadString('\n')
		require.NoError(t, err)
		taken := 0
		var held []net.Conn
		for range 300 {
			conn, err := net.Dial("tcp", strings.TrimPrefix(strings.TrimSpace(line), "http://"))
			require.NoError(t, err)
			held = append(held, conn)
			require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
			_, err = conn.Write([]byte("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"))
			if err != nil {
				continue
			}
			if status, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
				require.Contains(t, status, " 200 ")
				taken++
			}
		}
		require.Equal(t, c.taken, taken)
		for _, conn := range held {
			conn.Close()
		}
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		code, _ := ended(t, cmd)
		require.Zero(t, code, "%s", &stderr)
		require.Contains(t, stderr.String(), "few files may be open at a time, and so few connections\" limit=800 want=4160")
	}
}

package serve

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
)

const shortSettle = 2 * time.Millisecond

// TestSettled opens a file while somebody writes to it, who does so whenever it has been read (HOT-6).
func TestSettled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) } // in place, as a bad copy does
	looks := 0
	open := func(then ...string) func() (string, error) {
		looks = 0
		return func() (string, error) {
			data, err := os.ReadFile(path)
			if looks < len(then) {
				write(then[looks])
			}
			looks++
			return string(data), err
		}
	}
	write("par")
	got, content, err := settled(path, 10*shortSettle, open("partly", "partly wri", "whole")) // so much that a busy machine comes to its end
	require.NoError(t, err)
	require.Equal(t, "whole", got)
	require.Equal(t, 4, looks)
	if content != "" { // it was not taken for old meanwhile
		require.Equal(t, contentOf(path, nil), content)
	}

	time.Sleep(2*shortSettle + 20*time.Millisecond)
	got, content, err = settled(path, shortSettle, open())
	require.NoError(t, err)
	require.Equal(t, "whole", got)
	require.Equal(t, 1, looks, "what was not touched is used at once")
	require.Empty(t, content)

	got, _, err = settled(path, 10*shortSettle, open("another"))
	require.NoError(t, err)
	require.Equal(t, "another", got)
	require.Equal(t, 2, looks, "unless it changes while it is read")

	write("first")
	slow := open("second")
	got, content, err = settled(path, shortSettle, func() (string, error) {
		defer time.Sleep(4 * shortSettle) // so that the second look finds a file that was not touched lately
		return slow()
	})
	require.NoError(t, err)
	require.Equal(t, "second", got)
	if content != "" {
		require.Equal(t, contentOf(path, nil), content, "and not what the first look saw")
	}

	never := make([]string, 1000)
	for i := range never {
		never[i] = string(bytes.Repeat([]byte("x"), i))
	}
	got, _, err = settled(path, shortSettle, open(never...))
	require.ErrorIs(t, err, errBeingWritten)
	require.Empty(t, got)

	_, _, err = settled(path+".not", shortSettle, func() (string, error) { return "", os.ErrNotExist })
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestContentOf(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "threatdetect"), 0o700))
	seen := map[string]bool{contentOf(dir, nil): true}
	for _, name := range []string{"xgboost-model", "threatdetect/contract.json", "second"} {
		for _, text := range []string{"one", "two"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
			require.False(t, seen[contentOf(dir, nil)], "%s %s", name, text)
			seen[contentOf(dir, nil)] = true
			require.Equal(t, contentOf(dir, nil), contentOf(dir, nil))
		}
	}
	m, err := openModel(demo(t, "model.tar.gz"), nil)
	require.NoError(t, err)
	require.Equal(t, m.Digest(), contentOf(demo(t, "model.tar.gz"), nil))
}

// TestSecondLook changes a model right after it was loaded at the start: it is looked at again, also where it is never looked for another one.
func TestSecondLook(t *testing.T) {
	one, err := os.ReadFile(demo(t, "model.tar.gz"))
	require.NoError(t, err)
	two, err := os.ReadFile(filepath.Join(testkit.Root(t), "testdata", "bundles", "iot23-ctu.tar.gz"))
	require.NoError(t, err)
	for name, then := range map[string][]byte{"another": two, "cut": two[:len(two)/2], "same": one} {
		path := filepath.Join(t.TempDir(), "model.tar.gz")
		put(t, path, one)
		var log lockedBuffer
		live, metrics := &Live{}, NewMetrics()
		r := &Reloader{Live: live, Path: path, Settle: shortSettle, Metrics: metrics, Log: slog.New(slog.NewTextHandler(&log, nil))}
		require.NoError(t, r.Start())
		first := live.Model()
		put(t, path, then)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.Run(ctx, 0, nil)
		}()
		switch name {
		case "another":
			require.Eventually(t, func() bool { return live.Model() != first }, 20*time.Second, time.Millisecond)
			require.Contains(t, log.String(), "the model has changed since it was read at the start")
		case "cut":
			require.Eventually(t, func() bool { return count(t, metrics, "refused") == 1 }, 20*time.Second, time.Millisecond)
			require.Same(t, first, live.Model())
		default:
			time.Sleep(10 * shortSettle)
			require.Same(t, first, live.Model())
			require.Empty(t, log.String())
		}
		cancel()
		<-ended
	}
}

// lockedBuffer is a log that is written and read at the same time.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

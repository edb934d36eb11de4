package serve

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
)

// put writes a file as programs that know do: a new one takes the place of the old.
func put(t *testing.T, path string, data []byte) {
	require.NoError(t, os.WriteFile(path+".new", data, 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

func TestReload(t *testing.T) {
	one, err := os.ReadFile(demo(t, "model.tar.gz"))
	require.NoError(t, err)
	two, err := os.ReadFile(filepath.Join(testkit.Root(t), "testdata", "bundles", "iot23-ctu.tar.gz"))
	require.NoError(t, err)
	other, err := os.ReadFile(filepath.Join(testkit.Root(t), "testdata", "container", "1.7-1-logistic.tar.gz"))
	require.NoError(t, err)

	path, cache := filepath.Join(t.TempDir(), "model.tar.gz"), filepath.Join(t.TempDir(), "cache")
	put(t, path, one)
	live := &Live{}
	r := &Reloader{Live: live, Path: path, Settle: time.Millisecond, Metrics: NewMetrics(), Cache: cache}
	require.NoError(t, r.Start())
	first := live.Model()
	check := func(swapped bool, problem string) {
		t.Helper()
		got, err := r.Check(t.Context())
		require.Equal(t, swapped, got)
		if problem == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, problem)
		}
	}
	check(false, "")

	put(t, path, two[:len(two)/2]) // cut short
	check(false, "cut short")
	require.Same(t, first, live.Model())
	put(t, path, other) // another kind of model
	check(false, "columns")
	check(false, "") // and the same digest is not tried again
	require.Same(t, first, live.Model())
	put(t, path, two)
	check(true, "")
	require.NotSame(t, first, live.Model())
	require.NoError(t, os.Remove(path))
	check(false, "no such file")

	// At the next start the file is still not there: the copy of the last good one is used.
	again := &Live{}
	restarted := &Reloader{Live: again, Path: path, Cache: cache}
	require.NoError(t, restarted.Start())
	require.Equal(t, live.Model().Digest(), again.Model().Digest(), "answers name the same model as before")
	info, err := os.Stat(cache)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077, "the cache is private")
	require.Error(t, (&Reloader{Live: &Live{}, Path: path, Cache: t.TempDir()}).Start())
	put(t, path, one)
	var log bytes.Buffer
	elsewhere := &Reloader{Live: &Live{}, Path: filepath.Join(path, "below a file"), Cache: cache, Log: slog.New(slog.NewTextHandler(&log, nil))}
	require.NoError(t, elsewhere.Start(), "whatever the reason is that it cannot be read")
	require.Contains(t, log.String(), `level=WARN msg="the model cannot be read; the last good copy is used"`)

	w := httptest.NewRecorder()
	r.Metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, w.Body.String(), "\nthreatdetect_model_reload_failed_total 3\n")
}

// TestReloadUnderLoad swaps while requests are answered: each is answered, by one of the two models.
func TestReloadUnderLoad(t *testing.T) {
	one, err := os.ReadFile(demo(t, "model.tar.gz"))
	require.NoError(t, err)
	two, err := os.ReadFile(filepath.Join(testkit.Root(t), "testdata", "bundles", "iot23-ctu.tar.gz"))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.tar.gz")
	put(t, path, one)
	live := &Live{}
	r := &Reloader{Live: live, Path: path, Settle: time.Microsecond}
	require.NoError(t, r.Start())
	api := &API{Live: live}
	row := strings.Repeat("1,", 69)
	want := map[string]bool{post(api, "/invocations", "text/csv", "", row).Body.String(): true}
	swaps := 200
	if testing.Short() {
		swaps = 20
	}

	var stop atomic.Bool
	var wait sync.WaitGroup
	answers := make([]map[string]int, 4)
	for i := range answers {
		answers[i] = map[string]int{}
		wait.Go(func() {
			for !stop.Load() {
				w := post(api, "/invocations", "text/csv", "", row)
				if w.Code != http.StatusOK {
					answers[i]["failed: "+w.Body.String()]++
					continue
				}
				answers[i][w.Body.String()]++
				time.Sleep(time.Millisecond) // reloads rest for others, and would take long
			}
		})
	}
	used, refused := 0, 0
	for n := range swaps {
		data := [][]byte{two, two[:len(two)-1-n], one, one[:100+n]}[n%4]
		put(t, path, data)
		swapped, err := r.Check(t.Context())
		if swapped {
			used++
			want[post(api, "/invocations", "text/csv", "", row).Body.String()] = true
		} else {
			require.Error(t, err)
			refused++
		}
	}
	stop.Store(true)
	wait.Wait()
	require.Equal(t, swaps/2, used)
	require.Equal(t, swaps/2, refused)
	require.Len(t, want, 2, "two models, two answers")
	for _, of := range answers {
		for body := range of {
			require.True(t, want[body], "%q is the answer of neither model", body)
		}
	}
}

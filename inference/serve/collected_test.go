package serve

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"threatdetect/inference"
	"threatdetect/inference/detect"
	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// kept tells which of the large parts of a model are in memory.
type kept struct {
	model     weak.Pointer[Model]
	bundle    weak.Pointer[model.Bundle]
	booster   weak.Pointer[model.Booster]
	scorer    weak.Pointer[inference.Predictor]
	detector  weak.Pointer[detect.Detector]
	explainer weak.Pointer[inference.Predictor]
}

func partsOf(m *Model) kept {
	return kept{weak.Make(m), weak.Make(m.Bundle), weak.Make(m.Bundle.Booster), weak.Make(m.scorer.(*inference.Predictor)), weak.Make(m.detector), weak.Make(m.explainer)}
}

// parts are the names of those that are left.
func (k *kept) parts() (left []string) {
	for name, there := range map[string]bool{"model": k.model.Value() != nil, "bundle": k.bundle.Value() != nil, "booster": k.booster.Value() != nil,
		"scorer": k.scorer.Value() != nil, "detector": k.detector.Value() != nil, "explainer": k.explainer.Value() != nil} {
		if there {
			left = append(left, name)
		}
	}
	return left
}

func collect() {
	runtime.GC()
	runtime.GC()
}

// TestOldModelIsCollected takes other models, and another shadow, while a client keeps its connection and a request is being answered: the model before is
// there until that request ends, and is gone after two collections then (HOT-4).
func TestOldModelIsCollected(t *testing.T) {
	one, err := os.ReadFile(demo(t, "model.tar.gz"))
	require.NoError(t, err)
	two := filepath.Join(testkit.Root(t), "testdata", "bundles", "iot23-ctu.tar.gz")
	other, err := os.ReadFile(two)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.tar.gz")
	put(t, path, one)
	api := &API{Live: &Live{}, Metrics: NewMetrics()}
	r := &Reloader{Live: api.Live, Path: path, Settle: 1, Metrics: api.Metrics, Cache: t.TempDir()}
	require.NoError(t, r.Start())
	shadow, err := OpenModel(two, nil)
	require.NoError(t, err)
	api.Live.SetShadow(shadow)

	address, _ := running(t, api, Limits{Quiet: 1})
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	answers := bufio.NewReader(c)
	ask := func() {
		body := conn(t, 40)
		fmt.Fprintf(c, "POST /v1/score?explain=3 HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		res, err := http.ReadResponse(answers, nil)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, res.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode)
	}
	ask()
	require.Equal(t, http.StatusOK, post(api, "/v1/score", "text/plain", "", logOf(1000, "", vpcLine)).Code) // needs a workspace, which the next model inherits
	old, oldShadow, spaces := partsOf(api.Live.Model()), partsOf(shadow), api.Live.Model().spaces

	body, rest := io.Pipe() // of a request that has its model, and waits for its rows
	begun, ended := make(chan struct{}), make(chan int)
	go func() {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/v1/score", readOnce{body, begun})
		api.ServeHTTP(w, r)
		ended <- w.Code
	}()
	<-begun
	put(t, path, other)
	swapped, err := r.Check(t.Context())
	require.NoError(t, err)
	require.True(t, swapped)
	require.Equal(t, spaces, api.Live.Model().spaces)
	shadow, err = OpenModel(demo(t, "model.tar.gz"), nil)
	require.NoError(t, err)
	api.Live.SetShadow(shadow)
	ask()
	collect()
	require.NotNil(t, old.model.Value(), "a request is being answered with it")
	_, err = io.Copy(rest, strings.NewReader(conn(t, 40)))
	require.NoError(t, err)
	rest.Close()
	require.Equal(t, http.StatusOK, <-ended)
	collect()
	require.Empty(t, old.parts())
	require.Empty(t, oldShadow.parts())
	now := partsOf(api.Live.Model())
	require.NotEmpty(t, now.parts(), "so that this test can fail")
	runtime.KeepAlive(shadow)
}

// readOnce tells when it is read first.
type readOnce struct {
	io.Reader
	begun chan struct{}
}

func (r readOnce) Read(p []byte) (int, error) {
	select {
	case <-r.begun:
	default:
		close(r.begun)
	}
	return r.Reader.Read(p)
}

// TestReloadAllocates bounds what a reload takes beside the model in use: the new model, and what LOAD-2 gives a load (HOT-4). All that is allocated counts,
// so that the bound does not depend on when the memory is collected.
func TestReloadAllocates(t *testing.T) {
	for format, times := range map[model.Format]int{model.FormatUBJSON: 8, model.FormatJSON: 24} {
		one, two := fileOf(t, testkit.WideBooster(100, 8, 69, 100), format), fileOf(t, testkit.WideBooster(101, 8, 69, 101), format)
		path := filepath.Join(t.TempDir(), "model")
		put(t, path, one)
		live := &Live{}
		r := &Reloader{Live: live, Path: path, Settle: 1}
		require.NoError(t, r.Start())
		var before, after, alone runtime.MemStats
		put(t, path, two)
		collect()
		runtime.ReadMemStats(&before)
		swapped, err := r.Check(t.Context())
		runtime.ReadMemStats(&after)
		require.NoError(t, err)
		require.True(t, swapped)
		collect()
		runtime.ReadMemStats(&alone) // with one model in place of another
		live.Swap(nil)
		collect()
		var none runtime.MemStats
		runtime.ReadMemStats(&none)
		took, size := int64(after.TotalAlloc-before.TotalAlloc), int64(alone.HeapAlloc)-int64(none.HeapAlloc)
		t.Logf("%s: a file of %d KiB is a model of %d KiB; a reload allocates %d KiB in all", format, len(two)>>10, size>>10, took>>10)
		require.LessOrEqual(t, took, size+int64(times*len(two))+16<<20)
	}
}

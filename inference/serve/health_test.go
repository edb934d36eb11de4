package serve

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/inference/rows"
	"threatdetect/internal/testkit"
)

// sick is a model whose scores can fail.
type sick struct {
	scorer
	predict func() error
}

func (s *sick) Predict(dst, row []float32) error {
	if err := s.predict(); err != nil {
		return err
	}
	return s.scorer.Predict(dst, row)
}

func pinged(h http.Handler) (status int, body string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ping", nil))
	return w.Code, w.Body.String()
}

// TestHealth has a model fail in every way, by a clock of its own: /ping is 200 only when a row was scored in the last ten seconds (HTTP-12).
func TestHealth(t *testing.T) {
	t.Parallel() // it waits for what does not come
	c := container(t, nil, "1.7-1", "1.7-1-logistic.tar.gz")
	now := time.Unix(1e9, 0)
	scored, fail := 0, error(nil)
	s := &sick{c.artifact.scorer, func() error { scored++; return fail }}
	c.artifact.health = newHealth(s)
	c.artifact.health.now = func() time.Time { return now }
	ping := func(want int) {
		t.Helper()
		status, body := pinged(c)
		require.Equal(t, want, status)
		require.Empty(t, body)
	}
	ping(http.StatusOK)
	require.Equal(t, 1, scored, "the first one to ask has a row scored")
	for range 3 {
		now = now.Add(recheckAfter / 4)
		ping(http.StatusOK)
	}
	require.Equal(t, 1, scored)
	fail = errors.New("no")
	now = now.Add(recheckAfter)
	ping(http.StatusServiceUnavailable)
	ping(http.StatusServiceUnavailable)
	require.Equal(t, 3, scored, "whoever asks when it fails has it tried again")
	fail = nil
	ping(http.StatusOK)
	s.predict = func() error { panic("a bug") }
	now = now.Add(freshFor)
	ping(http.StatusServiceUnavailable)

	// A row that takes for ever: what was known counts for ten seconds, and then /ping says that it does not work, in time.
	hang, begun := make(chan struct{}), atomic.Int64{}
	s.predict = func() error { return nil }
	ping(http.StatusOK)
	s.predict = func() error { begun.Add(1); <-hang; return nil }
	now = now.Add(freshFor - 1)
	ping(http.StatusOK)
	now = now.Add(1)
	ping(http.StatusServiceUnavailable)
	require.EqualValues(t, 1, begun.Load(), "it is tried once at a time")
	close(hang)
	require.Eventually(t, func() bool { return c.artifact.health.ok() }, 20*time.Second, time.Millisecond)
}

// TestHealthOfModel has the other two handlers know of a model that fails.
func TestHealthOfModel(t *testing.T) {
	api, _ := newAPI(t)
	status, _ := pinged(api)
	require.Equal(t, http.StatusOK, status)
	api.Live.Model().health = newHealth(&sick{api.Live.Model().scorer, func() error { return errors.New("no") }})
	status, _ = pinged(api)
	require.Equal(t, http.StatusServiceUnavailable, status)

	image, err := rows.LookupImage("1.7-1")
	require.NoError(t, err)
	m := NewMultiModel(SettingsFromEnv(image, lookupIn(nil)))
	const healthy, unhealthy = "{\n  \"status\": \"Healthy\"\n}\n", "{\n  \"status\": \"Unhealthy\"\n}\n"
	ping := func(want int, text string) {
		t.Helper()
		status, body := pinged(m)
		require.Equal(t, want, status)
		require.Equal(t, text, body)
	}
	ping(http.StatusOK, healthy) // without a model
	m.models["none"] = &loaded{}
	ping(http.StatusOK, healthy) // which could not be read, and fails its own requests alone
	for _, name := range []string{"a", "b"} {
		a, err := openArtifact(filepath.Join(testkit.Root(t), "testdata", "container", "1.7-1-logistic.tar.gz"), &m.settings, nil)
		require.NoError(t, err)
		m.models[name] = &loaded{artifact: a.averaged()}
	}
	fails := func(name string) {
		a := m.models[name].artifact
		a.health = newHealth(&sick{a.scorer, func() error { return errors.New("no") }})
	}
	ping(http.StatusOK, healthy)
	fails("a")
	ping(http.StatusOK, healthy)
	fails("b")
	ping(http.StatusServiceUnavailable, unhealthy)
}

// TestHealthInOverload has every slot and every place in the queue taken while rows are wanted again and again: /ping has one scored, and says 200.
func TestHealthInOverload(t *testing.T) {
	c := container(t, nil, "1.7-1", "1.7-1-logistic.tar.gz")
	goOn := make(chan struct{})
	busy := &stalled{scorer: c.artifact.scorer, goOn: goOn}
	var scored atomic.Int64
	c.artifact.scorer = busy
	c.artifact.health = newHealth(&sick{busy.scorer, func() error { scored.Add(1); return nil }})
	var hours atomic.Int64
	c.artifact.health.now = func() time.Time { return time.Unix(1e9+hours.Load()*3600, 0) }
	address, _ := running(t, c, Limits{Slots: 2, Queue: 2, Quiet: 1})
	defer close(goOn)
	const request = "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 3\r\n\r\n1,2"
	var statuses sync.Map
	for i := range 8 {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer conn.Close()
		fmt.Fprint(conn, request)
		go func() {
			if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
				statuses.Store(i, res.StatusCode)
			}
		}()
	}
	refused := func() (n int) {
		statuses.Range(func(_, status any) bool {
			if status == http.StatusServiceUnavailable {
				n++
			}
			return true
		})
		return n
	}
	require.Eventually(t, func() bool { return busy.waiting.Load() == 2 && refused() == 6 }, 20*time.Second, time.Millisecond)
	for range 5 {
		hours.Add(1)
		status, _ := raw(t, address, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
		require.Equal(t, http.StatusOK, status)
	}
	require.EqualValues(t, 5, scored.Load())
}

// stalled is a model that scores no row until it is told to go on.
type stalled struct {
	scorer
	goOn    <-chan struct{}
	waiting atomic.Int64
}

func (s *stalled) Predict(dst, row []float32) error {
	s.waiting.Add(1)
	<-s.goOn
	return s.scorer.Predict(dst, row)
}

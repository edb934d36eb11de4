package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// running is a server with limits, on loopback. stop asks it to end and waits for what Serve returns.
func running(t *testing.T, h http.Handler, l Limits) (address string, stop func() error) {
	listener, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- (&Server{Handler: h, Limits: l, Metrics: NewMetrics()}).Serve(ctx, listener) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { stop() })
	return listener.Addr().String(), stop
}

func raw(t *testing.T, address, request string) (status int, body string) {
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err.Error()
	}
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// Requests that no client of good will sends: none is a fault of the server, and the next is answered.
func TestMalformedRequests(t *testing.T) {
	api, _ := newAPI(t)
	address, _ := running(t, api, Limits{Body: 1000, Quiet: 1})
	const head = "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
	for _, test := range []struct {
		name, request string
		status        int // 0 is any of class 4xx, or a closed connection
	}{
		{"garbage", "\x00\x01\x02\r\n\r\n", 0},
		{"no host", "GET /ping HTTP/1.1\r\n\r\n", 400},
		{"two lengths", head + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n1,2", 0},
		{"length and chunks", head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"negative length", head + "Content-Length: -3\r\n\r\n", 0},
		{"bad chunk", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 0},
		{"lone line feed in a chunk size", head + "Transfer-Encoding: chunked\r\n\r\n1\n1\r\n0\r\n\r\n", 0},
		{"unknown coding", head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
		{"the same length twice", head + "Content-Length: 3\r\nContent-Length: 3\r\n\r\n1,2", 400},
		{"unknown version", "GET /ping HTTP/1.7\r\nHost: x\r\n\r\n", 400},
		{"expectation", "POST /v1/score HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\nx", 417},
		{"long head", "GET /ping HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 20<<10) + "\r\n\r\n", 431},
		{"long address", "GET /ping?" + strings.Repeat("a", 5<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
		{"announced too long", head + "Content-Length: 1001\r\n\r\n", 0},
		{"too long in chunks", head + "Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + strings.Repeat("1", 2000) + "\r\n0\r\n\r\n", 0},
		{"another protocol", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0},
		{"method", "BREW /invocations HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		{"header without a name", "GET /ping HTTP/1.1\r\nHost: x\r\n: x\r\n\r\n", 400},
		{"zeros in a header", "GET /ping HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n", 400},
	} {
		begin := time.Now()
		status, body := raw(t, address, test.request)
		t.Logf("%s: %d in %v", test.name, status, time.Since(begin))
		if test.status == 0 {
			require.True(t, status == 0 || 400 <= status && status < 500, "%s: %d %s", test.name, status, body)
		} else {
			require.Equal(t, test.status, status, "%s: %s", test.name, body)
		}
		if status != 0 { // whoever refused it, the answer has the handler's form
			var said struct {
				Code    int
				Error   string
				Request string `json:"request_id"`
			}
			require.NoError(t, json.Unmarshal([]byte(body), &said), "%s: %s", test.name, body)
			require.Equal(t, status, said.Code, test.name)
			require.NotEmpty(t, said.Error, test.name)
			require.NotEmpty(t, said.Request, test.name)
		}
		promptPing(t, address)
	}
	behind := "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n" + head + "transfer-encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"
	require.Equal(t, []int{200, 400}, statusesOf(t, address, behind))
}

// slowHandler answers when it is told to.
func slowHandler(started chan<- struct{}, goOn <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			io.Copy(io.Discard, r.Body)
			started <- struct{}{}
			<-goOn
		}
		io.WriteString(w, "done\n")
	})
}

// What is asked beyond the slots and the queue hears 503 at once, and /ping is not among those who wait.
func TestOverload(t *testing.T) {
	started, goOn := make(chan struct{}, 100), make(chan struct{})
	address, _ := running(t, slowHandler(started, goOn), Limits{Slots: 2, Queue: 3, Wait: 100 * time.Millisecond, Quiet: 1})
	var codes sync.Map
	var wait sync.WaitGroup
	var refused atomic.Int64
	ask := func(i int) {
		res, err := http.Post("http://"+address+"/x", "text/csv", strings.NewReader("1"))
		if err != nil {
			codes.Store(i, err.Error())
			return
		}
		defer res.Body.Close()
		codes.Store(i, res.StatusCode)
		if res.StatusCode == http.StatusServiceUnavailable {
			if res.Header.Get("Retry-After") != "1" {
				codes.Store(i, "no Retry-After")
			}
			refused.Add(1)
		}
	}
	for i := range 2 {
		wait.Go(func() { ask(i) })
	}
	<-started
	<-started
	for i := range 10 {
		wait.Go(func() { ask(2 + i) })
	}
	require.Eventually(t, func() bool { return refused.Load() == 10 }, 10*time.Second, 5*time.Millisecond)
	res, err := http.Get("http://" + address + "/ping")
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	close(goOn)
	wait.Wait()
	codes.Range(func(i, code any) bool {
		want := http.StatusServiceUnavailable
		if i.(int) < 2 {
			want = http.StatusOK
		}
		require.Equal(t, want, code)
		return true
	})
}

// The memory for bodies is shared: what does not fit hears 503, and it is given back.
func TestBodyBudget(t *testing.T) {
	started, goOn := make(chan struct{}, 100), make(chan struct{})
	address, _ := running(t, slowHandler(started, goOn), Limits{Body: 1 << 20, Bodies: 1 << 20, Quiet: 1})
	big := strings.Repeat("1", 600<<10)
	var wait sync.WaitGroup
	wait.Go(func() {
		res, err := http.Post("http://"+address+"/x", "text/csv", strings.NewReader(big[:300<<10]))
		if err == nil {
			res.Body.Close()
		}
	})
	<-started
	res, err := http.Post("http://"+address+"/x", "text/csv", strings.NewReader(big))
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	close(goOn)
	wait.Wait()
	res, err = http.Post("http://"+address+"/x", "text/csv", strings.NewReader(big[:300<<10]))
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode, "the memory was given back")
}

// Clients that send or take nothing lose their connections in time, and leave nothing behind.
func TestSlowClients(t *testing.T) {
	before := runtime.NumGoroutine()
	api, _ := newAPI(t)
	address, stop := running(t, api, Limits{Header: 200 * time.Millisecond, Read: 400 * time.Millisecond, Idle: 200 * time.Millisecond,
		Write: 500 * time.Millisecond, Quiet: 1})
	clients := 200
	if testing.Short() {
		clients = 40
	}
	var wait sync.WaitGroup
	for i := range clients {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		switch i % 3 {
		case 0: // a head that never ends
			fmt.Fprint(conn, "GET /ping HTTP/1.1\r\nHost: x\r\n")
		case 1: // a body that never comes
			fmt.Fprint(conn, "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1")
		} // or nothing at all
		wait.Go(func() {
			defer conn.Close()
			conn.SetReadDeadline(time.Now().Add(15 * time.Second))
			_, err := io.Copy(io.Discard, conn) // until the server closes it
			require.NoError(t, err)
		})
	}
	wait.Wait()
	require.NoError(t, stop())
	http.DefaultClient.CloseIdleConnections()
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, 10*time.Second, 20*time.Millisecond)
}

// Requests that were accepted before the end are answered; readiness ends at once.
func TestDrain(t *testing.T) {
	started, goOn := make(chan struct{}, 100), make(chan struct{})
	address, stop := running(t, slowHandler(started, goOn), Limits{Slots: 50, Quiet: 200 * time.Millisecond})
	const requests = 50
	var answered atomic.Int64
	var wait sync.WaitGroup
	for range requests {
		wait.Go(func() {
			res, err := http.Post("http://"+address+"/x", "text/csv", strings.NewReader("1"))
			if err != nil {
				return
			}
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			if err == nil && string(text) == "done\n" {
				answered.Add(1)
			}
		})
	}
	for range requests {
		<-started
	}
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	require.Eventually(t, func() bool {
		res, err := http.Get("http://" + address + "/ping")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusServiceUnavailable
	}, 5*time.Second, time.Millisecond)
	close(goOn)
	require.NoError(t, <-ended)
	wait.Wait()
	require.EqualValues(t, requests, answered.Load())
}

func TestConnectionLimit(t *testing.T) {
	api, _ := newAPI(t)
	address, _ := running(t, api, Limits{PerAddress: 3, Quiet: 1})
	var open []net.Conn
	for range 3 {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer conn.Close()
		fmt.Fprint(conn, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode)
		open = append(open, conn)
	}
	status, _ := raw(t, address, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
	require.Zero(t, status, "a fourth connection is closed")
	open[0].Close()
	require.Eventually(t, func() bool {
		status, _ := raw(t, address, "GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		return status == http.StatusOK
	}, 5*time.Second, 10*time.Millisecond)
}

package serve

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sendAll sends a request as many clients do: all of it before anything is read. It returns the status of the answer.
func sendAll(t *testing.T, address, head string, body int) int {
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = io.WriteString(c, head+fmt.Sprintf("Content-Length: %d\r\n\r\n", body)+strings.Repeat("1", body))
	require.NoError(t, err, "the connection was reset")
	time.Sleep(20 * time.Millisecond) // others have to be asked first
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	return res.StatusCode
}

// A client that sends a long request hears why it is refused, although the server does not want to read it (HTTP-5, HTTP-7, HTTP-11).
func TestRefusedBeforeItIsRead(t *testing.T) {
	const head, long = "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n", 6 << 20
	api, _ := newAPI(t)
	full := func(h http.Handler) string { // has no time for long requests
		s := &Server{Handler: h, Limits: Limits{Quiet: 1}}
		address := serveOn(t, s)
		require.Equal(t, []int{200}, statusesOf(t, address, "GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
		s.gate.turns.mu.Lock()
		defer s.gate.turns.mu.Unlock()
		s.gate.turns.cores, s.gate.turns.most = 0, 0
		return address
	}
	short, _ := running(t, api, Limits{Body: 1 << 20, Quiet: 1})
	little, _ := running(t, api, Limits{Bodies: 100 << 10, Quiet: 1})
	for _, test := range []struct {
		name, address, head string
		status              int
	}{
		{"no time", full(api), head, 503},
		{"no time, through net/http", full(struct{ *API }{api}), head, 503},
		{"too long", short, head, 413},
		{"no memory", little, head, 503},
		{"two lengths", short, head + "Transfer-Encoding: chunked\r\n", 400},
		{"no path", short, strings.Replace(head, "/invocations", "invocations", 1), 400},
		{"no such method", short, strings.Replace(head, "POST", "BREW", 1), 405},
	} {
		require.Equal(t, test.status, sendAll(t, test.address, test.head, long), test.name)
	}
}

// Connections that the kernel has taken when the listener ends are answered (HTTP-13): clients that connect again and again hear nothing, or all.
func TestNobodyIsCutAtTheEnd(t *testing.T) {
	api, _ := newAPI(t)
	var answered atomic.Int64
	for range 3 {
		address, stop := running(t, api, Limits{Quiet: 20 * time.Millisecond})
		var clients sync.WaitGroup
		for i := range 16 {
			body := strings.Repeat(strings.Repeat("1,", 69)+"2\n", 1+i%2*1000) // directly, and through net/http
			request := fmt.Sprintf("POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			clients.Go(func() {
				for {
					c, err := net.DialTimeout("tcp", address, 300*time.Millisecond)
					if late := net.Error(nil); errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &late) && late.Timeout() {
						return
					}
					if err != nil {
						t.Errorf("connect: %v", err)
						return
					}
					c.SetDeadline(time.Now().Add(20 * time.Second))
					go io.WriteString(c, request)
					res, err := http.ReadResponse(bufio.NewReader(c), nil)
					if err == nil {
						_, err = io.Copy(io.Discard, res.Body)
					}
					c.Close()
					if err != nil {
						t.Errorf("cut: %v", err)
						return
					}
					answered.Add(1)
				}
			})
		}
		time.Sleep(50 * time.Millisecond)
		require.NoError(t, stop())
		clients.Wait()
	}
	t.Logf("%d answered", answered.Load())
}

package serve

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
)

// The limits that nobody has set (HTTP-2, 4, 5, 6, 7, 13).
func TestDefaultLimits(t *testing.T) {
	require.Equal(t, Limits{Connections: 4096, Header: 5 * time.Second, Read: 30 * time.Second, Handler: 55 * time.Second, Write: time.Minute, Idle: time.Minute,
		Body: 6 << 20, Bodies: 256 << 20, Slots: max(4*runtime.GOMAXPROCS(0), 8), Queue: 64, Wait: 250 * time.Millisecond, Quiet: time.Second, Drain: 20 * time.Second,
		slowStart: 5 * time.Second, slowRate: 1024}, new(Limits).resolved())
}

// from is a client on a loopback address of its own.
func from(t *testing.T, host byte, address string) net.Conn {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, host)}}
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		t.Skipf("127.0.0.%d is no address of this machine: %v", host, err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

// asked sends a request and returns the status of its answer, 0 if there is none.
func asked(conn net.Conn, request string) int {
	go io.WriteString(conn, request) // which the server may not read to its end
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	return res.StatusCode
}

// An address holds a quarter of the memory for bodies where addresses are told apart, and all of it where they are not (HTTP-6).
func TestShareOfAnAddress(t *testing.T) {
	const size = 30 << 10 // takes 64 KiB, and is short
	request := fmt.Sprintf("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("1", size))
	for _, perAddress := range []int{256, 0} {
		started, goOn := make(chan struct{}, 100), make(chan struct{})
		address := serveOn(t, &Server{Handler: slowHandler(started, goOn), Limits: Limits{Bodies: 8 * bodyStep, PerAddress: perAddress, Quiet: 1}})
		answers := make(chan int, 4)
		ask := func(host byte) {
			conn := from(t, host, address)
			go func() { answers <- asked(conn, request) }()
		}
		ask(1)
		<-started
		ask(1)
		<-started
		ask(1)
		if perAddress > 0 {
			require.Equal(t, http.StatusServiceUnavailable, <-answers)
			ask(2)
		}
		<-started
		close(goOn)
		for range 3 {
			require.Equal(t, http.StatusOK, <-answers)
		}
		require.Equal(t, http.StatusOK, asked(from(t, 1, address), request), "the memory was given back")
	}
}

// So many connections are held in all, from whatever addresses (HTTP-4).
func TestConnectionsInAll(t *testing.T) {
	const most, ping = 5, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
	api, _ := newAPI(t)
	for _, perAddress := range []int{0, 2} {
		address, _ := running(t, api, Limits{Connections: most, PerAddress: perAddress, Quiet: 1})
		var held []net.Conn
		for i := range most {
			held = append(held, from(t, byte(1+i), address))
			require.Equal(t, http.StatusOK, asked(held[i], ping))
		}
		require.Zero(t, asked(from(t, most+1, address), ping))
		held[0].Close()
		require.Eventually(t, func() bool { return asked(from(t, most+1, address), ping) == http.StatusOK }, 20*time.Second, time.Millisecond)
	}
}

// Who sends less of a body than a little a second hears 408, and loses the connection (HTTP-2).
func TestSlowBody(t *testing.T) {
	api, _ := newAPI(t)
	address, _ := running(t, api, Limits{slowStart: 150 * time.Millisecond, slowRate: 1, Quiet: 1})
	body := strings.Repeat(strings.Repeat("1,", 69)+"2\n", 100)
	head := fmt.Sprintf("POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n", len(body))
	for _, chunked := range []bool{false, true} {
		conn := from(t, 1, address)
		if chunked {
			io.WriteString(conn, strings.Replace(head, "Content-Length: "+fmt.Sprint(len(body)), "Transfer-Encoding: chunked", 1))
		} else {
			io.WriteString(conn, head) // and nothing else
		}
		r := bufio.NewReader(conn)
		res, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestTimeout, res.StatusCode)
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Contains(t, string(text), `"code":408`)
		_, err = r.ReadByte()
		require.Equal(t, io.EOF, err)
	}
	conn := from(t, 1, address)
	io.WriteString(conn, head+body[:1000]) // which is the minute for the rest
	time.Sleep(300 * time.Millisecond)
	require.Equal(t, http.StatusOK, asked(conn, body[1000:]))
}

// The head of a request has 16 KiB at most, its address 4 KiB (HTTP-3).
func TestLongHeads(t *testing.T) {
	const get, host, end = "GET /ping", " HTTP/1.1\r\nHost: x\r\n", "\r\n\r\n"
	api, _ := newAPI(t)
	container := container(t, nil, "1.7-1", "1.7-1-logistic.tar.gz")
	for _, h := range []http.Handler{api, container} {
		address, _ := running(t, h, Limits{Quiet: 1})
		for bytes, want := range map[int]int{3 << 10: 200, 16<<10 - 1: 200, 16 << 10: 200, 16<<10 + 1: 431, 20 << 10: 431} {
			for _, lines := range []int{1, 100} { // of headers
				head := get + host
				for i := range lines {
					name := fmt.Sprintf("X%d: ", i)
					size := (bytes-len(get+host+end))/lines - len(name) - len("\r\n")
					if i == lines-1 {
						size = bytes - len(head) - len(name) - len(end)
						head += name + strings.Repeat("a", size)
						continue
					}
					head += name + strings.Repeat("a", size) + "\r\n"
				}
				head += end
				require.Len(t, head, bytes)
				require.Equal(t, want, asked(from(t, 1, address), head), "%d bytes, %d lines", bytes, lines)
			}
		}
		for size, want := range map[int]int{4 << 10: 200, 4<<10 + 1: 414} {
			target := "/ping?" + strings.Repeat("a", size-len("/ping?"))
			require.Equal(t, want, asked(from(t, 1, address), "GET "+target+host+"\r\n"), "%d bytes", size)
		}
	}
}

// A request has 100,000 rows and ten million cells at most, in every mode, or as many as are allowed instead (HTTP-5).
func TestRowsOfARequest(t *testing.T) {
	for width, want := range map[int]int{1: 100_000, 100: 100_000, 101: 99_009, 1000: 10_000, 20_000_000: 1} {
		require.Equal(t, want, mostRows(0, width))
	}
	require.Equal(t, 1_000_000, mostRows(1_000_000, 70))
	const row = "0.5,-1.25,3.75,0.125,-7.5,1\n"
	c := container(t, nil, "1.7-1", "1.7-1-logistic.tar.gz")
	several := NewMultiModel(&c.settings)
	several.models["m"] = &loaded{artifact: c.artifact}
	m, err := OpenModel(filepath.Join(testkit.Root(t), "testdata", "container", "1.7-1-logistic.tar.gz"), nil)
	require.NoError(t, err)
	api := &API{Live: &Live{}}
	api.Live.Swap(m)
	page := "<!doctype html>\n<title>413 Request Entity Too Large</title>\n<h1>Request Entity Too Large</h1>\n"
	for _, test := range []struct {
		handler    http.Handler
		path, want string // what the answer begins with
		most       *int
	}{
		{c, "/invocations", page, &c.settings.MaxRows},
		{several, "/models/m/invoke", "", &several.settings.MaxRows},
		{api, "/invocations", `{"code":413,"error":"too many rows for one request"`, &api.MaxRows},
		{api, "/v1/score?input=rows", `{"code":413,"error":"too many rows for one request"`, &api.MaxRows},
	} {
		ask := func(rows int) (int, string) {
			w := post(test.handler, test.path, "text/csv", "", strings.Repeat(row, rows))
			return w.Code, w.Body.String()
		}
		for *test.most = range []int{0, 1} { // the default, and one row
			most := mostRows(*test.most, 6)
			status, _ := ask(most)
			require.Equal(t, http.StatusOK, status, test.path)
			status, text := ask(most + 1)
			require.Equal(t, http.StatusRequestEntityTooLarge, status, test.path)
			require.True(t, strings.HasPrefix(text, test.want) && (text == "") == (test.want == ""), text)
		}
	}
}

// stepping is a model that is asked for one batch of rows after the other, as fast as the test lets it.
type stepping struct {
	scorer
	begun chan int
	goOn  chan struct{}
	rows  atomic.Int64
}

func (s *stepping) PredictBatch(dst, rows []float32) error {
	s.rows.Add(int64(len(rows) / s.NumFeature()))
	s.begun <- len(rows)
	<-s.goOn
	return s.scorer.PredictBatch(dst, rows)
}

// watched has the context of requests be known.
type watched struct {
	http.Handler
	contexts chan context.Context
	ended    chan struct{}
}

func (h *watched) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.contexts <- r.Context()
	defer func() { h.ended <- struct{}{} }()
	h.Handler.ServeHTTP(w, r)
}

// A client closes its connection while its rows are scored: no other batch of them is (HTTP-8).
func TestClientLeaves(t *testing.T) {
	const rows = 10 * batchRows
	body := strings.Repeat(strings.Repeat("1,", 69)+"2\n", rows)
	small := strings.Repeat("0.5,-1.25,3.75,0.125,-7.5,1\n", rows)
	api, _ := newAPI(t)
	container := container(t, nil, "1.7-1", "1.7-1-logistic.tar.gz")
	for _, test := range []struct {
		handler    http.Handler
		scorer     *scorer
		path, body string
	}{
		{api, &api.Live.Model().scorer, "/invocations", body},
		{api, &api.Live.Model().scorer, "/v1/score?input=rows", body},
		{container, &container.artifact.scorer, "/invocations", small},
	} {
		model := &stepping{scorer: *test.scorer, begun: make(chan int), goOn: make(chan struct{})}
		*test.scorer = model
		h := &watched{test.handler, make(chan context.Context), make(chan struct{})}
		s := &Server{Handler: h, Limits: Limits{Body: 10 << 20, Quiet: 1}}
		conn := from(t, 1, serveOn(t, s))
		_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n%s", test.path, len(test.body), test.body)
		require.NoError(t, err)
		ctx := <-h.contexts
		first := <-model.begun
		conn.Close()
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Second):
			t.Fatal("the server does not know that the client is gone")
		}
		close(model.goOn)
		select {
		case <-h.ended:
		case <-model.begun:
			t.Fatal("another batch is scored for a client that is gone")
		}
		require.EqualValues(t, first/model.NumFeature(), model.rows.Load())
		require.Less(t, model.rows.Load(), int64(rows))
		*test.scorer = model.scorer
	}
}

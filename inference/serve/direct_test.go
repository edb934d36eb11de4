package serve

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// exchanged is an answer, without what differs from one to the next.
type exchanged struct {
	Status int
	Header http.Header
	Order  []string // of the headers
	Body   string
	Close  bool
}

// order returns the names of the headers of the answer that comes next, in the order in which they come.
func order(r *bufio.Reader) (names []string) {
	for n := 1; ; n = max(n+1, r.Buffered()) {
		text, err := r.Peek(n)
		if head, _, whole := bytes.Cut(text, []byte("\r\n\r\n")); whole {
			for line := range bytes.Lines(head) {
				if name, _, ok := bytes.Cut(line, []byte(": ")); ok {
					names = append(names, string(name))
				}
			}
			return names
		}
		if err != nil {
			return nil
		}
	}
}

// talk sends parts of a conversation, with a pause between, and returns what is answered until the connection ends or all of want
// answers came.
func talk(t *testing.T, address string, want int, parts ...string) (all []exchanged) {
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	go func() {
		for i, part := range parts {
			if i > 0 {
				time.Sleep(20 * time.Millisecond)
			}
			io.WriteString(conn, part)
		}
	}()
	for r := bufio.NewReader(conn); len(all) < want; {
		names := order(r)
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			break
		}
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		for _, name := range []string{"Date", "X-Request-Id", "Content-Length"} {
			res.Header.Del(name)
		}
		body := string(text)
		if _, after, ok := strings.Cut(body, `"request_id":"`); ok { // which is another one every time
			body = strings.Replace(body, after[:26], "", 1)
		}
		all = append(all, exchanged{res.StatusCode, res.Header, names, body, res.Close})
	}
	return all
}

// TestDirect wants the same answers, headers included, with and without net/http, and that plain requests do without.
func TestDirect(t *testing.T) {
	api, _ := newAPI(t)
	direct := &Server{Handler: api, Limits: Limits{Quiet: 1}}
	ours := serveOn(t, direct)
	theirs := serveOn(t, &Server{Handler: struct{ *API }{api}, Limits: Limits{Quiet: 1}}) // another type, so that all of it goes through net/http
	row := strings.Repeat("1,", 69) + "2\n"
	post := func(path, body, more string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n%s\r\n%s", path, len(body), more, body)
	}
	one, many := post("/invocations", row, ""), post("/invocations", strings.Repeat(row, 300), "")
	const ping, last = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n", "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for _, test := range []struct {
		name  string
		plain bool
		want  int
		parts []string
	}{
		{"one row", true, 1, []string{one}},
		{"the same again", true, 3, []string{one, one, one}},
		{"several at once", true, 5, []string{one + ping + one + one + ping}},
		{"cut in the middle of a body", true, 2, []string{one[:len(one)-9], one[len(one)-9:] + ping}},
		{"a long one", true, 2, []string{many + one}},
		{"a long one in two parts", true, 2, []string{many[:30_000], many[30_000:] + one}},
		{"json", true, 1, []string{post("/invocations", row, "accept: application/json\r\n")}},
		{"kept alive", true, 2, []string{post("/invocations", row, "connection: Keep-Alive\r\n") + ping}},
		{"with reasons", false, 1, []string{post("/v1/score?input=rows&explain=2", row, "")}},
		{"many rows", false, 1, []string{post("/invocations", strings.Repeat("1\n", batchRows+1), "")}},
		{"no such path", true, 2, []string{"GET /x.y HTTP/1.1\r\nHost: x\r\n\r\n" + ping}},
		{"method", true, 1, []string{"GET /invocations HTTP/1.1\r\nHost: x\r\n\r\n"}},
		{"no row", true, 1, []string{post("/invocations", "", "")}},
		{"a bad row", true, 2, []string{post("/invocations", "1,x\n", "") + ping}},
		{"accept", true, 1, []string{post("/invocations", row, "Accept: image/png\r\n")}},
		{"page", true, 1, []string{"GET /page.css HTTP/1.1\r\nHost: x\r\n\r\n"}},
		{"last", true, 2, []string{one + last + ping}},
		{"cut in the middle of a head", false, 2, []string{one[:20], one[20:] + one}},
		{"chunks", false, 1, []string{"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1,2\n\r\n0\r\n\r\n"}},
		{"longer than is kept", false, 2, []string{one + post("/invocations", strings.Repeat(row, 1000), "")}},
		{"no host", false, 1, []string{"GET /ping HTTP/1.1\r\n\r\n"}},
		{"HTTP/1.0", false, 1, []string{"GET /ping HTTP/1.0\r\n\r\n"}},
		{"expect", false, 1, []string{"POST /invocations HTTP/1.1\r\nHost: x\r\nExpect: x\r\nContent-Length: 2\r\n\r\n1\n"}},
		{"escapes", false, 1, []string{"GET /%70ing HTTP/1.1\r\nHost: x\r\n\r\n"}},
		{"line feeds", false, 1, []string{"GET /ping HTTP/1.1\nHost: x\n\n"}},
		{"blank line first", false, 1, []string{"\r\n" + ping}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := talk(t, theirs, test.want, test.parts...)
			require.Len(t, want, test.want)
			require.Equal(t, want, talk(t, ours, test.want, test.parts...))
		})
		handed := direct.directs.handed.Swap(0)
		require.Equal(t, test.plain, handed == 0, "%s: %d connections went to net/http", test.name, handed)
	}
}

// serveOn runs a server on loopback until the end of the test.
func serveOn(t testing.TB, s *Server) (address string) {
	l, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return l.Addr().String()
}

// FuzzDirectHead wants that whatever head is taken for plain is read as net/http reads it.
func FuzzDirectHead(f *testing.F) {
	for _, head := range []string{
		"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n", "POST /invocations HTTP/1.1\r\nhost: [::1]:80\r\ncontent-type: text/csv\r\nContent-Length: 07\r\n\r\n",
		"GET /a?b=%zz&c HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Y_z:  a b \r\n\r\n", "GET /? HTTP/1.1\r\nHost: x\r\nPragma: no-cache\r\n\r\n",
		"POST //x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "GET / HTTP/1.1\nHost: x\r\n\r\n",
	} {
		f.Add([]byte(head))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		end := bytes.Index(head, []byte("\r\n\r\n"))
		if end < 0 {
			return
		}
		head = head[:end+4]
		var got requestHead
		if !got.read(head) {
			return
		}
		want, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
		require.NoError(t, err, "%q", head)
		require.Equal(t, want.Method, got.request.Method)
		require.Equal(t, want.RequestURI, got.request.RequestURI)
		require.Equal(t, want.URL, got.request.URL)
		require.Equal(t, want.Host, got.request.Host)
		require.Equal(t, want.Header, got.request.Header)
		require.Equal(t, want.ContentLength, int64(got.length))
		require.Equal(t, want.Close, got.last)
	})
}

package serve

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
)

// long makes the tests of this file as long as docs/reliability.md says: minutes each, on a machine with nothing else to do.
var long = flag.Bool("long", false, "run the long forms of tests, and print what they reached")

// resident is how much memory the process has, in bytes.
func resident(t testing.TB) int64 {
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc to tell the memory")
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}

// descriptors is how many files and connections are open.
func descriptors(t testing.TB) int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc to count descriptors")
	}
	return len(all)
}

// requestWords are what requests are made and spoilt with.
var requestWords = []string{"\r\n", "\n", "\r", "\x00", " ", ":", "Content-Length: 5\r\n", "Content-Length: -1\r\n", "Content-Length: 99999999999999999999\r\n",
	"Content-Length: 5\r\nContent-Length: 6\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n", "transfer-encoding:\tchunked\r\n", "Transfer-Encoding: chunked, gzip\r\n",
	"Host: y\r\n", "Expect: 100-continue\r\n", "Expect: x\r\n", "Connection: upgrade\r\nUpgrade: h2c\r\n", "Content-Encoding: gzip\r\n", "X: " + strings.Repeat("a", 9000) + "\r\n",
	"Accept: ,,;q=\r\n", "Accept: image/png\r\n", "Content-Type: text/csv; label_size=\r\n", "Content-Type: application/x-recordio-protobuf\r\n", "Content-Type: text/libsvm\r\n",
	"0\r\n\r\n", "5\r\n", "ffffffffffffffff\r\n", "5;x=y\n", "1e400,", "-", "nan,inf", "\xff\xfe", "\n\n\n", ",,,,,,,,", "0:1 0:2", "\n#separator \\x09\n", "{\"a\":", "é", "9999999999:1",
	" HTTP/2.0", " HTTP/0.9", "GET ", "POST /v1/score?explain=3 HTTP/1.1\r\nHost: x\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "?" + strings.Repeat("b", 5000)}

// spoil makes a request out of a sound one: parts go, come twice, or come from elsewhere.
func spoil(draw *rand.Rand, request string) string {
	b := []byte(request)
	for range 1 + draw.IntN(4) {
		at, end := draw.IntN(len(b)+1), draw.IntN(len(b)+1)
		at, end = min(at, end), max(at, end)
		end = min(end, at+1+draw.IntN(40))
		switch draw.IntN(5) {
		case 0:
			b = append(b[:at:at], b[end:]...)
		case 1:
			b = append(b[:end:end], append(bytes.Clone(b[at:end]), b[end:]...)...)
		case 2:
			if at < len(b) {
				b[at] = byte(draw.Uint32())
			}
		default:
			b = append(b[:at:at], append([]byte(requestWords[draw.IntN(len(requestWords))]), b[at:]...)...)
		}
	}
	return string(b)
}

// TestSpoiltRequests sends requests that were spoilt at random, the same ones every time: no answer is of class 5xx, nobody panics,
// and the next request is answered (Q15; L14 with -long).
func TestSpoiltRequests(t *testing.T) {
	count := 1000
	if *long {
		count = 10_000
	} else if testing.Short() {
		count = 200
	}
	api, _ := newAPI(t)
	container := container(t, nil, "1.7-1", "1.7-1-logistic.tar.gz")
	row, small := strings.Repeat("1,", 69)+"2\n", "0.5,-1.25,3.75,0.125,-7.5,1\n"
	post := func(path, contentType, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, contentType, len(body), body)
	}
	chunked := func(body string, size int) string {
		var b strings.Builder
		b.WriteString("POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n")
		for part := range slices.Chunk([]byte(body), size) {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(part), part)
		}
		return b.String() + "0\r\n\r\n"
	}
	bodies := [][3]string{{"/invocations", "text/csv", row + row}, {"/invocations", "text/csv", small + small}, {"/invocations", "text/libsvm", "0 0:1 3:2\n1 2:-5e3\n"},
		{"/v1/score", "text/plain", conn(t, 12)}, {"/invocations", "application/jsonlines", `{"duration_s":1.5}`}, {"/", "application/x-www-form-urlencoded", "input=log&text=x"}}
	seeds := []string{post("/invocations", "text/csv", row), post("/invocations", "text/csv", small+small), post("/invocations", "text/libsvm", "0 0:1 3:2\n"),
		post("/v1/score?explain=2", "text/plain", conn(t, 12)), post("/", "application/x-www-form-urlencoded", "input=rows&text="+row), chunked(row, 50), chunked(small, 1),
		"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n", "GET /page.css HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"}
	panics := make(chan string, 100)
	before, memory := runtime.NumGoroutine(), int64(0)
	for name, h := range map[string]http.Handler{"api": api, "container": container} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		// Whoever does not get on with a request loses the connection soon: spoilt ones often announce more than comes.
		server := &Server{Handler: h, Limits: Limits{Quiet: 1, Header: time.Second, Read: time.Second, Idle: time.Second}, ErrorLog: func(text string) {
			if strings.Contains(text, "panic") {
				panics <- text
			}
		}}
		go func() { ended <- server.Serve(ctx, l) }()
		statuses := map[int]int{}
		var mu sync.Mutex
		var wait sync.WaitGroup
		for worker := range 8 {
			wait.Go(func() {
				draw := rand.New(rand.NewPCG(uint64(worker), 15))
				for i := range count / 8 {
					if i == count/16 && worker == 0 && memory == 0 {
						memory = resident(t)
					}
					request := spoil(draw, seeds[draw.IntN(len(seeds))])
					if body := bodies[draw.IntN(len(bodies))]; i%2 == 0 { // well framed
						request = post(body[0], body[1], spoil(draw, body[2]))
					}
					for _, status := range statusesOf(t, l.Addr().String(), request) {
						mu.Lock()
						statuses[status]++
						mu.Unlock()
						if status >= 500 {
							t.Errorf("%s: %d to %q", name, status, request)
						}
					}
				}
			})
		}
		if *long && name == "api" { // 3 MiB in chunks of one byte each
			for _, status := range statusesOf(t, l.Addr().String(), chunked(strings.Repeat(row, 3<<20/len(row)), 1)) {
				require.Less(t, status, 500)
			}
		}
		wait.Wait()
		t.Logf("%s: %d requests, answers %v, then /ping in %v", name, count, statuses, promptPing(t, l.Addr().String()))
		require.Greater(t, statuses[400], count/50, "requests were not spoilt")
		require.Greater(t, statuses[200], count/50, "requests were spoilt too much to get anywhere")
		cancel()
		require.NoError(t, <-ended)
		server.gate.leftNothing(t)
	}
	require.Empty(t, panics)
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, 10*time.Second, 10*time.Millisecond)
	if *long {
		more := resident(t) - memory
		t.Logf("resident memory from the middle to the end: %+d KiB", more>>10)
		require.Less(t, more, int64(32<<20))
	}
}

// leftNothing holds that nobody waits any more, and that the memory of bodies was given back.
func (g *gate) leftNothing(t *testing.T) {
	t.Helper()
	require.Zero(t, g.bodies.Load())
	require.Empty(t, g.slots.places)
	g.turns.mu.Lock()
	defer g.turns.mu.Unlock()
	require.Empty(t, g.turns.jobs)
	g.crowd.mu.Lock()
	defer g.crowd.mu.Unlock()
	require.Empty(t, g.crowd.waiting)
}

// promptPing asks for /ping until an answer comes within 100 ms: a busy machine is late now and then, but not time and again.
func promptPing(t *testing.T, address string) (took time.Duration) {
	t.Helper()
	for range 20 {
		begin := time.Now()
		require.Equal(t, []int{200}, statusesOf(t, address, "GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
		if took = time.Since(begin); took <= 100*time.Millisecond {
			return took
		}
	}
	t.Errorf("/ping takes %v and more", took)
	return took
}

// statusesOf sends bytes and returns the statuses of what is answered until the server closes the connection or says no more.
func statusesOf(t *testing.T, address, request string) (statuses []int) {
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	go func() {
		io.WriteString(c, request)
		c.(*net.TCPConn).CloseWrite()
	}()
	for r := bufio.NewReader(c); ; {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return statuses
		}
		io.Copy(io.Discard, res.Body)
		if res.StatusCode >= 200 {
			statuses = append(statuses, res.StatusCode)
		}
	}
}

// TestManyReloads replaces the model again and again while logs and rows are scored: half of what is put there is no good, in three
// ways. Every answer is 200 and of one model, what is refused is counted, and the memory does not grow (Q14; L13 with -long).
func TestManyReloads(t *testing.T) {
	one, err := os.ReadFile(demo(t, "model.tar.gz"))
	require.NoError(t, err)
	two, err := os.ReadFile(filepath.Join(testkit.Root(t), "testdata", "bundles", "iot23-ctu.tar.gz"))
	require.NoError(t, err)
	other, err := os.ReadFile(filepath.Join(testkit.Root(t), "testdata", "container", "1.7-1-logistic.tar.gz"))
	require.NoError(t, err)
	reloads := 200
	if *long {
		reloads = 1000
	} else if testing.Short() {
		reloads = 40
	}
	path := filepath.Join(t.TempDir(), "model.tar.gz")
	put(t, path, one)
	live := &Live{}
	metrics := NewMetrics()
	r := &Reloader{Live: live, Path: path, Settle: time.Millisecond, Metrics: metrics}
	require.NoError(t, r.Start())
	api := &API{Live: live, Metrics: metrics}
	address, stop := running(t, api, Limits{Quiet: 1})
	row, log := strings.Repeat("1,", 69)+"2\n", conn(t, 40)
	digests := sync.Map{}
	digests.Store("sha256:"+live.Model().Digest(), true)
	other2 := &Live{}
	require.NoError(t, (&Reloader{Live: other2, Path: filepath.Join(testkit.Root(t), "testdata", "bundles", "iot23-ctu.tar.gz")}).Start())
	digests.Store("sha256:"+other2.Model().Digest(), true)

	var done atomic.Bool
	var asked, answered atomic.Int64
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for !done.Load() {
				asked.Add(1)
				path, kind, body := "/invocations", "text/csv", row
				if worker%2 == 0 {
					path, kind, body = "/v1/score", "text/plain", log
				}
				res, err := http.Post("http://"+address+path, kind, strings.NewReader(body))
				if err != nil {
					t.Errorf("dropped: %v", err)
					return
				}
				text, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != http.StatusOK {
					t.Errorf("%d %s %v", res.StatusCode, text, err)
					return
				}
				if worker%2 == 0 { // the answer and every verdict in it name one model
					model := string(text[bytes.Index(text, []byte("sha256:")):][:7+64])
					if _, known := digests.Load(model); !known || bytes.Count(text, []byte("sha256:")) != bytes.Count(text, []byte(model)) {
						t.Errorf("not of one model: %s", text)
						return
					}
				}
				answered.Add(1)
				time.Sleep(time.Millisecond) // reloads rest for others, and would take long
			}
		})
	}
	draw := rand.New(rand.NewPCG(13, 1))
	good, bad, memory := 0, 0, int64(0)
	current := one
	for n := range reloads {
		switch n % 10 {
		case 0, 1, 2: // spoilt
			data := bytes.Clone(two)
			data[draw.IntN(len(data))] ^= byte(1 + draw.IntN(255))
			put(t, path, data)
		case 3: // cut short, as in the middle of being written
			put(t, path, two[:1+draw.IntN(len(two)-1)])
		case 4: // of another schema
			put(t, path, append(bytes.Clone(other), byte(n), byte(n>>8)))
		default:
			if bytes.Equal(current, one) {
				current = two
			} else {
				current = one
			}
			put(t, path, current)
		}
		swapped, err := r.Check(t.Context())
		switch {
		case n%10 >= 5:
			require.NoError(t, err)
			require.True(t, swapped)
			good++
		case err != nil:
			require.False(t, swapped)
			bad++
		default: // a bit of gzip's head that says nothing: the same model
			require.False(t, swapped)
		}
		if n == reloads/10 {
			memory = resident(t)
		}
	}
	done.Store(true)
	wait.Wait()
	require.Equal(t, asked.Load(), answered.Load())
	require.Equal(t, float64(good), count(t, metrics, "used"))
	require.Equal(t, float64(bad), count(t, metrics, "refused"))
	require.NoError(t, stop())
	grown := float64(resident(t)-memory) / float64(memory)
	t.Logf("%d reloads, %d used, %d refused, %d requests asked and answered, resident memory %+.1f %%", reloads, good, bad, answered.Load(), grown*100)
	if *long {
		require.Less(t, grown, 0.05)
	}
}

// count is how many models had an outcome, by the metrics.
func count(t *testing.T, m *Metrics, outcome string) float64 {
	families, err := m.registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		for _, metric := range family.Metric {
			if family.GetName() == "threatdetect_model_reloads_total" && metric.Label[0].GetValue() == outcome {
				return metric.Counter.GetValue()
			}
		}
	}
	return 0
}

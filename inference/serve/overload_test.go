package serve

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// percentile of times, which it sorts.
func percentile(times []time.Duration, p float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[int(p*float64(len(times)-1))]
}

// TestLongSlowloris has 40 addresses open 10,000 connections that send or take next to nothing, while a client of good will, from an
// address of its own, is answered (L15).
func TestLongSlowloris(t *testing.T) {
	if !*long {
		t.Skip("minutes: -long")
	}
	const tries, atOnce, addresses = 10_000, 2400, 40
	api, _ := newAPI(t)
	before := runtime.NumGoroutine()
	address, stop := running(t, api, Limits{PerAddress: 256})
	var begun atomic.Int64
	var attackers, good sync.WaitGroup
	big := strings.Repeat(strings.Repeat("1,", 69)+"2\n", 20_000) // whose answer no socket takes as a whole
	for i := range atOnce {
		attackers.Go(func() {
			dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%addresses))}, Timeout: 30 * time.Second}
			for n := begun.Add(1); n <= tries; n = begun.Add(1) {
				c, err := dialer.Dial("tcp", address)
				if err != nil {
					continue
				}
				c.SetDeadline(time.Now().Add(3 * time.Minute))
				var drip string
				switch n % 4 {
				case 0: // a head that goes on and on
					drip = "GET /ping HTTP/1.1\r\nX: " + strings.Repeat("a", 1000)
				case 1: // a body
					io.WriteString(c, "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 100000\r\n\r\n")
					drip = strings.Repeat("1", 1000)
				case 2: // an answer that nobody takes; a few of them
					if n%400 == 2 {
						c.(*net.TCPConn).SetReadBuffer(4096)
						fmt.Fprintf(c, "POST /v1/score?input=rows HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n%s", len(big), big)
						time.Sleep(70 * time.Second)
					}
				} // or nothing
				for j := range drip {
					if _, err := io.WriteString(c, drip[j:j+1]); err != nil {
						break
					}
					time.Sleep(time.Second)
				}
				io.Copy(io.Discard, c) // until the server has had enough
				c.Close()
			}
		})
	}
	var done atomic.Bool
	var asked, answered, most int64
	var pings []time.Duration
	good.Go(func() {
		for !done.Load() {
			asked++
			begin := time.Now()
			if statuses := statusesOf(t, address, "GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); slices.Equal(statuses, []int{200}) {
				pings = append(pings, time.Since(begin))
				answered++
			}
			asked++
			if statuses := statusesOf(t, address, "POST /invocations HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/csv\r\nContent-Length: 140\r\n\r\n"+strings.Repeat("1,", 69)+"2\n"); slices.Equal(statuses, []int{200}) {
				answered++
			}
			most = max(most, int64(descriptors(t)))
			time.Sleep(20 * time.Millisecond)
		}
	})
	attackers.Wait()
	done.Store(true)
	good.Wait()
	p99 := percentile(pings, 0.99)
	t.Logf("%d connections from %d addresses; a good client: %d of %d answered, /ping p99 %v; at most %d descriptors of both sides", tries, addresses, answered, asked, p99, most)
	require.GreaterOrEqual(t, answered*100, asked*99)
	require.Less(t, p99, 100*time.Millisecond)
	require.Less(t, most, int64(2*4096+64), "each connection has two ends in this process")
	require.NoError(t, stop())
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, 10*time.Second, 10*time.Millisecond)
}

var overload = flag.Duration("overload", 3*time.Minute, "how long TestLongOverload asks too much")

// TestLongOverload asks ten times as much as can be answered, of mixed sizes, for three minutes by default: nothing but 200 and 503, memory within its
// bounds, and soon afterwards all is as before (L16).
func TestLongOverload(t *testing.T) {
	if !*long {
		t.Skip("minutes: -long")
	}
	api, _ := newAPI(t)
	limits := Limits{Quiet: 1}
	address, stop := running(t, api, limits)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	row := strings.Repeat("1.5,", 69) + "2\n"
	sizes := []int{1, 1, 1, 1, 1, 1, 10, 10, 100, 1000, 10_000}
	bodies := map[int]string{} // which all clients share: they are in the process whose memory is told
	for _, n := range sizes {
		bodies[n] = strings.Repeat(row, n)
	}
	ask := func(ctx context.Context, n int) (status int, took time.Duration) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/invocations", strings.NewReader(bodies[n]))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "text/csv")
		begin := time.Now()
		res, err := client.Do(r)
		if err != nil {
			return 0, 0
		}
		_, err = io.Copy(io.Discard, bufio.NewReader(res.Body))
		res.Body.Close()
		if err != nil {
			return 0, 0
		}
		return res.StatusCode, time.Since(begin)
	}
	alone := func(seconds int) (p99 time.Duration) {
		var times []time.Duration
		for i, end := 0, time.Now().Add(time.Duration(seconds)*time.Second); time.Now().Before(end); i++ {
			status, took := ask(t.Context(), sizes[i%len(sizes)])
			require.Equal(t, http.StatusOK, status)
			times = append(times, took)
		}
		return percentile(times, 0.99)
	}
	unloaded, memory := alone(10), resident(t)
	resolved := limits.resolved()
	statuses := map[int]int{}
	var times, pings []time.Duration
	var mu sync.Mutex
	var wait sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), *overload)
	defer cancel()
	for worker := range 10 * (resolved.Slots + resolved.Queue) {
		wait.Go(func() {
			for i := worker; ctx.Err() == nil; i++ {
				status, took := ask(context.Background(), sizes[i%len(sizes)])
				mu.Lock()
				if statuses[status]++; status == http.StatusOK {
					times = append(times, took)
				}
				mu.Unlock()
				if status == http.StatusServiceUnavailable {
					time.Sleep(50 * time.Millisecond)
				}
			}
		})
	}
	var peak int64
	for ctx.Err() == nil {
		begin := time.Now()
		require.Equal(t, []int{200}, statusesOf(t, address, "GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
		pings = append(pings, time.Since(begin))
		peak = max(peak, resident(t))
		time.Sleep(100 * time.Millisecond)
	}
	wait.Wait()
	ended := time.Now()
	for status, took := ask(t.Context(), 1); status != http.StatusOK || took > 2*unloaded; status, took = ask(t.Context(), 1) {
		require.Less(t, time.Since(ended), 5*time.Second)
	}
	t.Logf("answers %v; p99 of those accepted %v, alone %v; /ping p99 %v, most %v; memory %d MiB, before %d MiB; as before after %v", statuses, percentile(times, 0.99), unloaded,
		percentile(pings, 0.99), percentile(pings, 1), peak>>20, memory>>20, time.Since(ended))
	for status := range statuses {
		require.Contains(t, []int{200, 503}, status)
	}
	require.Positive(t, statuses[503], "this was no overload")
	require.Less(t, percentile(pings, 1), 2*time.Second)
	require.Less(t, peak-memory, resolved.Bodies+int64(resolved.Slots)*5*resolved.Body+128<<20)
	require.NoError(t, stop())
}

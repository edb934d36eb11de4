package serve

import (
	"fmt"
	"io"
	"net"
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

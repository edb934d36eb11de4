package serve

import (
	"sync"
	"time"
)

// rateSeconds is the time over which a rate is taken.
const rateSeconds = 10

// rate counts rows and the time of requests by the second. The zero value is ready; it is safe for concurrent use.
type rate struct {
	mu      sync.Mutex
	seconds [rateSeconds]struct {
		at       int64 // Unix time
		rows     int64
		requests int64
		took     time.Duration
	}
	rows int64 // in all
}

func (r *rate) add(rows int, took time.Duration) {
	now := time.Now().Unix()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.seconds[now%rateSeconds]
	if s.at != now {
		s.at, s.rows, s.requests, s.took = now, 0, 0, 0
	}
	s.rows += int64(rows)
	s.requests++
	s.took += took
	r.rows += int64(rows)
}

// now returns rows a second, the mean time of a request in seconds, and the rows since the start.
func (r *rate) now() (perSecond, mean float64, rows int64) {
	now := time.Now().Unix()
	r.mu.Lock()
	defer r.mu.Unlock()
	var n, requests int64
	var took time.Duration
	for i := range r.seconds {
		if s := &r.seconds[i]; s.at > now-rateSeconds {
			n, requests, took = n+s.rows, requests+s.requests, took+s.took
		}
	}
	if requests > 0 {
		mean = took.Seconds() / float64(requests)
	}
	return float64(n) / rateSeconds, mean, r.rows
}

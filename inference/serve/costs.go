package serve

import (
	"hash/maphash"
	"math"
	"net/http"
	"sync/atomic"
	"time"
)

// costs is how long requests take for each byte of their body, by what is asked and how it is written: learnt from those that were answered.
type costs struct {
	seed  maphash.Seed
	cells [1 << 10]atomic.Uint64 // float64 of nanoseconds; 0 is not known
}

const (
	unknownCost = 20      // nanoseconds a byte: rows of CSV take 10 to 20
	costSince   = 4 << 10 // bytes from which on what a request takes depends on its size
	costDown    = 2       // of the difference, this part counts when a request took less than was expected,
	costUp      = 64      // and when it took more: as others were at work meanwhile, more often than not
)

// kind tells requests apart that take different times. Some kinds may share their cell.
func (c *costs) kind(r *http.Request) *atomic.Uint64 {
	h := maphash.String(c.seed, r.URL.Path)
	for _, part := range r.Header["Content-Type"] {
		h = h*31 + maphash.String(c.seed, part)
	}
	if r.URL.RawQuery != "" {
		h = h*31 + maphash.String(c.seed, r.URL.RawQuery)
	}
	return &c.cells[h%uint64(len(c.cells))]
}

// takes is how long a request with a body of size bytes will take.
func takes(cell *atomic.Uint64, size int64) time.Duration {
	each := math.Float64frombits(cell.Load())
	if each == 0 {
		each = unknownCost
	}
	return time.Duration(each * float64(size))
}

// learn takes note of what a request took.
func learn(cell *atomic.Uint64, size int, took time.Duration) {
	if size < costSince {
		return
	}
	each, now := math.Float64frombits(cell.Load()), float64(took)/float64(size)
	switch {
	case each == 0:
		each = now
	case now < each:
		each += (now - each) / costDown
	default:
		each += (now - each) / costUp
	}
	cell.Store(math.Float64bits(each)) // a lost update is no loss
}

package serve

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"io"
	"math/bits"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// gate keeps requests with a body outside until they are complete and there is a slot. What would have to wait too long is refused
// by its head alone.
type gate struct {
	server  *Server
	limits  *Limits
	metrics *Metrics
	slots   queue
	turns   *turns // of requests that take long
	crowd   *crowd // of those that do not
	costs   costs
	bodies  atomic.Int64 // bytes held
	buffers buffers

	mu        sync.Mutex
	byAddress map[string]int64 // of them, where addresses are told apart; nil where they are not
}

// What takes long: a request of so many bytes, or for which so much time is expected. Two of them on one core would only slow each other down.
const (
	longBody = 64 << 10
	longTime = time.Millisecond
)

func newGate(s *Server) *gate {
	g := &gate{server: s, limits: &s.limits, metrics: s.Metrics}
	g.slots = queue{places: make(chan struct{}, s.limits.Slots), most: int64(s.limits.Queue)}
	g.crowd = newCrowd(runtime.GOMAXPROCS(0), s.limits.Wait)
	g.turns = newTurns(runtime.GOMAXPROCS(0), s.limits.Slots+s.limits.Queue, s.limits.Wait, g.crowd.lag, g.crowd.all.Load)
	g.crowd.strict = g.turns.isStrict
	g.costs.seed = maphash.MakeSeed()
	if s.limits.PerAddress > 0 {
		g.byAddress = map[string]int64{}
	}
	return g
}

// take takes memory for bodies, for one address no more than a quarter of it all, or gives it back where n is negative.
func (g *gate) take(address string, n int64) bool {
	if g.bodies.Add(n) > g.limits.Bodies && n > 0 {
		g.bodies.Add(-n)
		return false
	}
	if g.byAddress == nil {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	held := g.byAddress[address] + n
	if n > 0 && held > g.limits.Bodies/4 {
		g.bodies.Add(-n)
		return false
	}
	if held == 0 {
		delete(g.byAddress, address)
	} else {
		g.byAddress[address] = held
	}
	return true
}

// bodyStep is by how much the memory for a body grows: with what has arrived, never with what is announced.
const bodyStep = 64 << 10

var (
	errBudget = errors.New("no memory left for requests")
	errSlow   = errors.New("the request arrives too slowly")
)

func (g *gate) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if r.ContentLength < 0 {
		w.Header().Set("Connection", "close") // what may follow such a request is not looked at; see framing
	}
	cell := g.costs.kind(r)
	var j *job
	full := g.slots.full()
	if expected := takes(cell, r.ContentLength); !full && isLong(r.ContentLength, expected) {
		j = g.turns.admit(expected, true)
		full = j == nil
	}
	defer func() { g.end(j) }()
	if full {
		if r.ContentLength < 0 || r.ContentLength > bodyStep { // which would have to be read, for the next request to be found
			w.Header().Set("Connection", "close")
		}
		g.busy(w, r, "slots")
		return
	}
	address := ""
	if g.byAddress != nil {
		address, _, _ = net.SplitHostPort(r.RemoteAddr)
	}
	body, err := g.read(w, r, address, j)
	defer func() { g.giveBack(address, body) }()
	switch {
	case errors.Is(err, errBudget):
		g.busy(w, r, "memory")
		return
	case errors.Is(err, errSlow), errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		g.server.refuse(w, r, http.StatusRequestTimeout, "the request arrives too slowly")
		return
	case err != nil: // the client is gone, or does not speak HTTP
		w.Header().Set("Connection", "close")
		g.server.refuse(w, r, http.StatusBadRequest, "the request ended early")
		return
	}
	entered := false
	if j, entered = g.enter(r.Context(), j, cell, len(body), time.Now()); !entered {
		g.busy(w, r, "slots")
		return
	}
	defer g.leave(w, j, cell, len(body), time.Now())
	if j != nil {
		r = r.WithContext(context.WithValue(r.Context(), jobKey{}, j))
		if rec, ok := w.(*recorder); ok {
			rec.job = j
		}
	}
	r.ContentLength = int64(len(body))
	r.Body = &received{Reader: bytes.NewReader(body), body: body}
	if r.ContentLength > g.limits.Body { // it was read no further
		r.Body = tooLong(g.limits.Body)
	}
	next.ServeHTTP(w, r)
}

// received is a body that is there as a whole, for who can do without reading it. It is valid until the handler returns.
type received struct {
	*bytes.Reader
	body []byte
}

func (*received) Close() error { return nil }

// buffers are those of bodies that were answered, by how often bodyStep was doubled for them, and those of the largest size. To make and to clear away some
// megabytes for each request would be a third of what a long one costs.
type buffers [24]sync.Pool

// get returns an empty buffer of bodyStep, doubled any number of times, or of the largest size.
func (b *buffers) get(size int) []byte {
	if body, ok := b.of(size).Get().(*[]byte); ok && cap(*body) == size {
		return (*body)[:0]
	}
	return make([]byte, 0, size)
}

func (b *buffers) put(body []byte) {
	if cap(body) > 0 {
		b.of(cap(body)).Put(&body)
	}
}

func (b *buffers) of(size int) *sync.Pool {
	if size&(size-1) != 0 {
		return &b[len(b)-1]
	}
	return &b[min(bits.Len(uint(size/bodyStep)), len(b)-2)]
}

// giveBack ends the use of a body.
func (g *gate) giveBack(address string, body []byte) {
	g.take(address, -int64(cap(body)))
	g.buffers.put(body)
}

// tooLong is a body that is not read because of its length, which the handler has to tell in its own words.
type tooLong int64

func (t tooLong) Read([]byte) (int, error) { return 0, &http.MaxBytesError{Limit: int64(t)} }
func (t tooLong) Close() error             { return nil }

// read collects a body, but no more than one byte over the limit. Memory for it is taken from the budget; it is the caller's to
// give back what body holds, whatever the error. While a long one is read, others go first now and then.
func (g *gate) read(w http.ResponseWriter, r *http.Request, address string, j *job) (body []byte, err error) {
	control := http.NewResponseController(w)
	start := beganAt(r)
	breathed := time.Now()
	for {
		if len(body) == cap(body) {
			grow := min(int64(max(bodyStep, cap(body))), g.limits.Body+1-int64(cap(body)))
			if grow <= 0 {
				return body, nil
			}
			if !g.take(address, grow+int64(cap(body))) { // old and new exist for a moment
				return body, errBudget
			}
			larger := append(g.buffers.get(cap(body)+int(grow)), body...)
			g.giveBack(address, body)
			body = larger
		}
		limit := min(g.limits.slowStart+time.Duration(len(body))*time.Second/time.Duration(g.limits.slowRate), g.limits.Read)
		control.SetReadDeadline(start.Add(limit)) // not there in tests without a connection
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			if time.Since(start) >= limit {
				err = errSlow
			}
			return body, err
		}
		if j != nil && time.Since(breathed) > pieceOfWork {
			begin := time.Now()
			g.turns.breath.take()
			breathed = time.Now()
			g.turns.keep(j, breathed.Sub(begin))
		}
	}
}

// mayEnter tells whether a request of a size has a chance.
func (g *gate) mayEnter(cell *atomic.Uint64, size int64) bool {
	expected := takes(cell, size)
	return !g.slots.full() && (!isLong(size, expected) || g.turns.room(expected))
}

func isLong(size int64, expected time.Duration) bool { return size >= longBody || expected >= longTime }

// enter takes a slot for a request whose body is there, and a processor if it will take long. j is the place that was kept for it; nil is none.
func (g *gate) enter(ctx context.Context, j *job, cell *atomic.Uint64, size int, since time.Time) (_ *job, ok bool) {
	switch expected := takes(cell, int64(size)); {
	case j != nil:
		if !g.turns.arrived(j) {
			return j, false
		}
	case !isLong(int64(size), expected):
		return nil, g.crowd.enter(since, expected) && g.slots.enter(ctx, g.limits.Wait)
	default:
		if j = g.turns.admit(expected, false); j == nil {
			return nil, false
		}
	}
	begin := time.Now()
	if !g.slots.enter(ctx, g.limits.Wait) {
		return j, false
	}
	if !g.turns.begin(ctx, j, time.Since(begin)) {
		<-g.slots.places
		return j, false
	}
	return j, true
}

// leave gives back what enter took, and takes note of how long the answer took if it is a good one.
func (g *gate) leave(w http.ResponseWriter, j *job, cell *atomic.Uint64, size int, entered time.Time) {
	took := time.Since(entered)
	g.slots.leave(took)
	if j != nil {
		g.end(j)
		took = j.took
	}
	if rec, ok := w.(*recorder); ok && rec.status == http.StatusOK {
		learn(cell, size, took)
	}
}

// end ends a job, if there is one.
func (g *gate) end(j *job) {
	if j != nil {
		g.turns.end(j)
	}
}

func (g *gate) busy(w http.ResponseWriter, r *http.Request, what string) {
	g.metrics.refused(what)
	g.server.refuse(w, r, http.StatusServiceUnavailable, "too many requests at the moment")
}

package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Sizes of what is answered directly, and how long it is waited for the rest of a body.
const (
	directHead = 4 << 10
	directSize = 2 * bodyStep // of a request with its body
	patience   = 100 * time.Millisecond

	// A deadline costs more than a look at the clock: it is set now and then, and so up to this part of itself later than it ought to be.
	deadlineSlack = 64
)

// large are buffers for requests that are longer than directHead.
var large = sync.Pool{New: func() any { return new([directSize]byte) }}

// direct answers the small and plain requests of a connection, which nearly all are, without net/http, whose price for one is
// several times that of a score. With the first request that is anything else (a longer or slower one, one in chunks, an unusual
// head) the connection goes to net/http for good, with what was read of that request. One goroutine owns it.
type direct struct {
	server *Server
	conn   *countedConn
	remote string
	reader arrivals
	since  time.Time // when the request that is being answered came

	first  [directHead]byte
	buffer []byte // first, or one of large
	have   int    // bytes in buffer that were read and not answered

	head    []byte // of the last request: a client mostly sends the same again
	cell    *atomic.Uint64
	parsed  requestHead
	request http.Request
	body    received
	answer  answer
	record  recorder
	out     []byte

	readUntil, writeUntil time.Time // deadlines that are set; zero means another one
}

// serveDirect serves a connection until it ends or goes to net/http.
func (s *Server) serveDirect(c *countedConn, handOff *handOff) {
	d := &direct{server: s, conn: c, remote: c.RemoteAddr().String(), answer: answer{header: http.Header{}}}
	d.buffer = d.first[:]
	d.record.ResponseWriter = &d.answer
	headBy := time.Now().Add(s.limits.Header)
	s.directs.add(d)
	defer s.directs.remove(d)
	defer func() {
		d.have = 0
		d.release()
		if fault := recover(); fault != nil { // in the middle of an answer; the log has it already if it is told
			c.Close()
			if fault != http.ErrAbortHandler && s.ErrorLog != nil {
				s.ErrorLog(fmt.Sprintf("panic: %v", fault))
			}
		}
	}()
	for {
		goOn, unusual := d.next()
		if unusual {
			c.pending = bytes.Clone(d.buffer[:d.have])
			if d.head == nil {
				c.headBy = headBy
			}
			s.directs.handed.Add(1)
			handOff.give(c)
			return
		}
		if !goOn {
			c.Close()
			return
		}
	}
}

// next answers one request. It returns whether there may be another, or that this one is not for here.
func (d *direct) next() (goOn, unusual bool) {
	if d.have > 0 {
		d.since = time.Now()
	} else if !d.wait() {
		return false, false
	}
	end := bytes.Index(d.buffer[:d.have], []byte("\r\n\r\n"))
	if end < 0 {
		return false, true
	}
	end += len("\r\n\r\n")
	if head := d.buffer[:end]; !bytes.Equal(head, d.head) {
		d.head, d.cell = d.head[:0], nil
		if !d.parsed.read(head) {
			return false, true
		}
		d.head = append(d.head, head...)
	}
	total := end + d.parsed.length
	if total > directSize || int64(d.parsed.length) > d.server.limits.Body {
		return false, !d.refuseLong()
	}
	if d.have < total {
		if complete, broken := d.fill(total); !complete {
			return false, !broken
		}
		d.since = time.Now() // the client's own time does not count
	}
	if d.server.mayTakeLong(&d.parsed.request, d.buffer[end:total]) {
		return false, true
	}
	d.respond(d.buffer[end:total])
	d.have = copy(d.buffer, d.buffer[total:d.have])
	d.release()
	if !d.send() {
		return false, false
	}
	return !d.answer.last, false
}

// refuseLong answers a long request that there is no time for by its head, which is what many get where too much is asked. It returns false if there
// is time, or if the handler has something else to say.
func (d *direct) refuseLong() bool {
	s, length := d.server, int64(d.parsed.length)
	if length > s.limits.Body || len(d.parsed.request.RequestURI) > maxURL || s.gate.mayEnter(d.costs(), length) {
		return false
	}
	r := &d.request
	*r = d.parsed.request
	d.answer.reset(true)
	d.record.status = 0
	start := time.Now()
	s.gate.busy(&d.record, r, "slots")
	s.Metrics.request(r, d.record.status, time.Since(start))
	d.conn.more.Store(true)
	d.conn.answered.Store(true)
	d.conn.crowded = true
	d.send()
	return true
}

// costs is where it is known how long such requests take.
func (d *direct) costs() *atomic.Uint64 {
	if d.cell == nil {
		d.cell = d.server.gate.costs.kind(&d.parsed.request)
	}
	return d.cell
}

// mayTakeLong tells of a body that is more than one batch of rows, whose rows may be explained, or whose answer may be long: with net/http it is known when the client
// has gone meanwhile, and when the time of the handler is over, and an answer need not be held as a whole. A record of RecordIO has a line feed as well, in its magic number.
func (s *Server) mayTakeLong(r *http.Request, body []byte) bool {
	if len(body) == 0 {
		return false
	}
	size := 0
	if h, ok := s.Handler.(interface{ rowSize(*http.Request) int }); ok {
		size = h.rowSize(r)
	}
	explained := r.URL.RawQuery != "" || r.URL.Path == "/"
	rows := bytes.Count(body, []byte{'\n'})
	return explained || rows > batchRows || rows*size > directSize
}

// wait reads the beginning of a request. It returns false if there is none.
func (d *direct) wait() bool {
	now := time.Now()
	limit := d.server.limits.Idle
	slack := limit / deadlineSlack
	if d.head == nil { // the first one
		limit, slack = d.server.limits.Header, 0
	}
	if d.readUntil.Before(now.Add(limit)) {
		d.readUntil = now.Add(limit + slack)
		d.server.directs.deadline(d, d.readUntil)
	}
	n, waited, err := d.read(now)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && d.server.directs.ending() {
		// What was sent before the end is answered.
		d.conn.Conn.SetReadDeadline(time.Now().Add(patience))
		n, waited, _ = d.read(now)
	}
	d.have, d.since = n, time.Now().Add(-waited)
	return n > 0
}

// read reads into the empty buffer. How long what it read had been waiting costs a little to know, and only matters where somebody is refused.
func (d *direct) read(now time.Time) (n int, waited time.Duration, err error) {
	if d.server.gate.turns.isStrict(now) {
		return d.reader.read(d.conn.Conn, d.buffer)
	}
	n, err = d.conn.Conn.Read(d.buffer)
	return n, 0, err
}

// fill reads the rest of a request that has a body. It is not complete if it does not come in time, or if there is no memory.
func (d *direct) fill(total int) (complete, broken bool) {
	if total > len(d.buffer) {
		if !d.server.gate.take(d.conn.address, directSize) {
			return false, false
		}
		more := large.Get().(*[directSize]byte)[:]
		copy(more, d.buffer[:d.have])
		d.buffer = more
	}
	d.conn.Conn.SetReadDeadline(time.Now().Add(patience))
	d.readUntil = time.Time{}
	for d.have < total {
		n, err := d.conn.Conn.Read(d.buffer[d.have:])
		d.have += n
		if err != nil && d.have < total {
			return false, !errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
	return true, false
}

// release gives a large buffer back when what is left fits into the own one.
func (d *direct) release() {
	if len(d.buffer) == len(d.first) || d.have > len(d.first) {
		return
	}
	copy(d.first[:], d.buffer[:d.have])
	large.Put((*[directSize]byte)(d.buffer))
	d.buffer = d.first[:]
	d.server.gate.take(d.conn.address, -directSize)
}

// respond has the handler answer.
func (d *direct) respond(body []byte) {
	s := d.server
	r := &d.request
	*r = d.parsed.request
	r.RemoteAddr, r.Body, r.ContentLength = d.remote, http.NoBody, int64(len(body))
	d.answer.reset(d.parsed.last)
	d.record.status = 0
	defer s.settle(&d.record, r, time.Now())
	if s.refusedAtOnce(&d.record, r) {
		return
	}
	if len(body) == 0 {
		s.Handler.ServeHTTP(&d.record, r)
		return
	}
	j, ok := s.gate.enter(context.Background(), nil, d.costs(), len(body), d.since)
	if !ok {
		s.gate.end(j)
		s.gate.busy(&d.record, r, "slots")
		return
	}
	defer s.gate.leave(&d.record, j, d.cell, len(body), time.Now())
	if j != nil {
		r = r.WithContext(context.WithValue(context.Background(), jobKey{}, j))
	}
	d.body = received{Reader: bytes.NewReader(body), body: body}
	r.Body = &d.body
	s.Handler.ServeHTTP(&d.record, r)
}

// send sends the answer.
func (d *direct) send() bool {
	d.out = d.answer.append(d.out[:0])
	if now, limit := time.Now(), d.server.limits.Write; d.writeUntil.Before(now.Add(limit)) {
		d.writeUntil = now.Add(limit + limit/deadlineSlack)
		d.conn.Conn.SetWriteDeadline(d.writeUntil)
	}
	_, err := d.conn.Conn.Write(d.out)
	if cap(d.out) > bodyStep {
		d.out = nil
	}
	return err == nil
}

// directs are the connections that are served directly.
type directs struct {
	mu     sync.Mutex
	all    map[*direct]struct{}
	closed bool
	wait   sync.WaitGroup
	handed atomic.Int64 // connections that went to net/http
}

func (c *directs) add(d *direct) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[*direct]struct{}{}
	}
	c.all[d] = struct{}{}
}

func (c *directs) remove(d *direct) {
	c.mu.Lock()
	delete(c.all, d)
	c.mu.Unlock()
	c.wait.Done()
}

func (c *directs) ending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// deadline sets until when a connection waits for a request, which is no longer once it all ends.
func (c *directs) deadline(d *direct, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		until = time.Now()
	}
	d.conn.Conn.SetReadDeadline(until)
}

// end has all connections end, or go to net/http, when what they were sent is answered. It waits for that until ctx ends.
func (c *directs) end(ctx context.Context) {
	c.mu.Lock()
	c.closed = true
	for d := range c.all {
		d.conn.Conn.SetReadDeadline(time.Now())
	}
	c.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		c.wait.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		c.mu.Lock()
		for d := range c.all {
			d.conn.Close()
		}
		c.mu.Unlock()
	}
}

// handOff is the listener through which net/http gets the connections that are for it.
type handOff struct {
	address net.Addr
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newHandOff(address net.Addr) *handOff {
	return &handOff{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (h *handOff) give(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.closed:
		c.Close()
	}
}

// Accept waits for a connection.
func (h *handOff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (h *handOff) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr is that of the real listener.
func (h *handOff) Addr() net.Addr { return h.address }

package serve

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Listen listens on an address of TCP, as net.Listen does but for Multipath TCP: with that the kernel cannot be told to refuse new connections, as
// [Server.Serve] does at its end so that it cuts none off.
func Listen(address string) (net.Listener, error) {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	return c.Listen(context.Background(), "tcp", address)
}

// countedListener closes connections beyond a number right after they are accepted.
type countedListener struct {
	net.Listener
	limits  *Limits
	metrics *Metrics
	refusal func(code int, text string) []byte // the answer to a head that no handler sees

	mu        sync.Mutex
	all       int
	byAddress map[string]int // nil where addresses are not told apart

	closing sync.Once
	last    atomic.Pointer[time.Time] // until when what has come is taken, once the listener is to end
	ended   chan struct{}             // closed when all that had come by then was taken
}

func newCountedListener(l net.Listener, limits *Limits, m *Metrics, refusal func(code int, text string) []byte) *countedListener {
	c := &countedListener{Listener: l, limits: limits, metrics: m, refusal: refusal, ended: make(chan struct{})}
	if limits.PerAddress > 0 {
		c.byAddress = map[string]int{}
	}
	return c
}

// Accept waits for a connection that there is room for.
func (l *countedListener) Accept() (net.Conn, error) {
	for {
		begin := time.Now()
		conn, err := l.Listener.Accept()
		if last := l.last.Load(); last != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			if begin.After(*last) { // nobody has looked
				l.expire()
				continue
			}
			close(l.ended)
			return nil, net.ErrClosed
		}
		if err != nil {
			return nil, err
		}
		address := ""
		if l.byAddress != nil {
			address, _, _ = net.SplitHostPort(conn.RemoteAddr().String())
		}
		if l.add(address) {
			return &countedConn{Conn: conn, listener: l, address: address}, nil
		}
		l.metrics.refused("connections")
		conn.Close()
	}
}

// Close ends Accept. It may be called again, as net/http does when it ends.
func (l *countedListener) Close() (err error) {
	l.closing.Do(func() { err = l.Listener.Close() })
	return err
}

// lastCall is how long connections whose handshake had begun have to complete it.
const lastCall = 50 * time.Millisecond

// finish closes the listener when all connections are taken that the kernel has: it would reset them. New ones are refused meanwhile, where
// the kernel can be told to (otherwise those of the last moment may be reset).
func (l *countedListener) finish() {
	refuseNew(l.Listener)
	if l.expire() {
		select {
		case <-l.ended:
		case <-time.After(time.Second): // there are no descriptors left, as a rule
		}
	}
	l.Close()
}

// expire has Accept end when nothing has come for a moment. It returns false if the listener knows no time.
func (l *countedListener) expire() bool {
	d, ok := l.Listener.(interface{ SetDeadline(time.Time) error })
	last := time.Now().Add(lastCall)
	l.last.Store(&last)
	return ok && d.SetDeadline(last) == nil
}

// settle waits until all connections have ended, or ctx has.
func (l *countedListener) settle(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for l.open() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (l *countedListener) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all
}

func (l *countedListener) add(address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= l.limits.Connections {
		return false
	}
	if l.byAddress != nil {
		if l.byAddress[address] >= l.limits.PerAddress {
			return false
		}
		l.byAddress[address]++
	}
	l.all++
	l.metrics.connections(l.all)
	return true
}

func (l *countedListener) remove(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.byAddress != nil {
		if l.byAddress[address]--; l.byAddress[address] == 0 {
			delete(l.byAddress, address)
		}
	}
	l.metrics.connections(l.all)
}

type countedConn struct {
	net.Conn
	listener *countedListener
	address  string
	framing  framing
	pending  []byte       // was read already, before net/http had the connection
	headBy   time.Time    // the first head has to be there, if net/http got the connection before it was; zero after that
	slow     bool         // the head does not come at once
	began    atomic.Int64 // when the first byte of the request came, in nanoseconds of Unix time
	more     atomic.Bool  // of the request may still be coming
	answered atomic.Bool  // the request was, or what there was of it
	closed   atomic.Bool
	crowded  bool // the last request was refused as there are too many
}

// Close closes the connection and makes room for another. If the request was answered before it was read, the client is given time to
// take the answer first: the kernel would reset the connection.
func (c *countedConn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	if c.more.Load() && c.answered.Load() {
		go c.linger()
		return nil
	}
	defer c.listener.remove(c.address)
	return c.Conn.Close()
}

// SetReadDeadline sets how long reads wait. The first time it is net/http that sets it for a head, of which it does not know since when it is
// waited for.
func (c *countedConn) SetReadDeadline(t time.Time) error {
	if !c.headBy.IsZero() && t.After(c.headBy) {
		t = c.headBy
	}
	c.headBy = time.Time{}
	return c.Conn.SetReadDeadline(t)
}

// CloseWrite is how net/http closes a connection whose request it has not read to its end.
func (c *countedConn) CloseWrite() error {
	c.more.Store(true)
	return c.Close()
}

// What is read, and thrown away, of a request that was answered before its end.
const (
	lingerTime  = 5 * time.Second
	lingerQuiet = time.Second           // without a byte
	lingerPause = 10 * time.Millisecond // before what has come is thrown away: most clients end it themselves meanwhile
	lingerBytes = 64 << 20

	// Where many are refused, those who take the answer are given more time to end the connection before it is read from, and what is still on its way to be
	// thrown away unsent.
	lingerCrowd = 50 * time.Millisecond
)

// linger tells the client that there will be no more, and reads until it ends the connection as well.
func (c *countedConn) linger() {
	defer c.listener.remove(c.address)
	defer c.Conn.Close()
	if c.crowded {
		// A client that has closed the connection would still have its system send all of the request. To an empty line, which the answer needs none of, that
		// system says that nobody is there any more.
		time.Sleep(lingerCrowd)
		if _, err := c.Conn.Write([]byte("\r\n")); err != nil || isReset(c.Conn) {
			return
		}
	}
	if half, ok := c.Conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	end := time.Now().Add(lingerTime)
	for left := int64(lingerBytes); left > 0; {
		time.Sleep(lingerPause)
		until := time.Now().Add(lingerQuiet)
		if until.After(end) {
			until = end
		}
		c.Conn.SetReadDeadline(until)
		n, err := discard(c.Conn)
		if err != nil {
			return
		}
		left -= n
	}
}

// logEvery is how often net/http's complaints about one kind of connection are passed on.
const logEvery = 10 * time.Second

// quietLog passes on what net/http complains about, without what clients sent, and each kind now and then only. It returns nil if
// nobody listens: net/http then writes nothing that this package does not want, as the writer is discarded.
func quietLog(to func(string)) *log.Logger {
	return log.New(&complaints{to: to, last: map[string]time.Time{}}, "", 0)
}

type complaints struct {
	to   func(string)
	mu   sync.Mutex
	last map[string]time.Time
}

// Write takes one complaint.
func (c *complaints) Write(line []byte) (int, error) {
	if c.to == nil {
		return len(line), nil
	}
	text := string(line)
	kind, _, _ := strings.Cut(text, ":")
	kind = strings.TrimSpace(kind)
	if strings.HasPrefix(kind, "http: panic serving") {
		kind = "http: panic serving"
	} else if !strings.HasPrefix(kind, "http") {
		kind = "connection"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.last[kind]) >= logEvery {
		c.last[kind] = now
		c.to(kind)
	}
	return len(line), nil
}

type connKey struct{}

// withConn lets those who have a request find its connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// beganAt is when the first byte of a request came, as far as that is known.
func beganAt(r *http.Request) time.Time {
	if c, ok := r.Context().Value(connKey{}).(*countedConn); ok {
		return time.Unix(0, c.began.Load())
	}
	return time.Now()
}

// idle are the connections that net/http has and that wait for another request. The zero value is ready.
type idle struct {
	mu  sync.Mutex
	all map[net.Conn]struct{}
}

func (i *idle) set(c net.Conn, state http.ConnState) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if state != http.StateIdle {
		delete(i.all, c)
		return
	}
	if i.all == nil {
		i.all = map[net.Conn]struct{}{}
	}
	i.all[c] = struct{}{}
}

// end waits no longer for requests, but for those that were sent already.
func (i *idle) end() {
	i.mu.Lock()
	for c := range i.all {
		if c, ok := c.(*countedConn); ok {
			c.Conn.SetReadDeadline(time.Now().Add(patience))
		}
	}
	waiting := len(i.all) > 0
	i.mu.Unlock()
	if waiting {
		time.Sleep(patience)
	}
}

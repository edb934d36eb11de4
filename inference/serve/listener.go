package serve

import (
	"log"
	"net"
	"strings"
	"sync"
	"time"
)

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
}

func newCountedListener(l net.Listener, limits *Limits, m *Metrics, refusal func(code int, text string) []byte) *countedListener {
	c := &countedListener{Listener: l, limits: limits, metrics: m, refusal: refusal}
	if limits.PerAddress > 0 {
		c.byAddress = map[string]int{}
	}
	return c
}

// Accept waits for a connection that there is room for.
func (l *countedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
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
	pending  []byte // was read already, before net/http had the connection
	once     sync.Once
}

// Close closes the connection and makes room for another.
func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.listener.remove(c.address) })
	return err
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

package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// Limits are what a [Server] allows. The zero value of each field is its default, which is given behind it.
type Limits struct {
	Connections int // at the same time: 4096
	PerAddress  int // of those from one address, which may hold a quarter of Bodies then: 0 is no limit, as behind a proxy all come from one

	Header  time.Duration // for the head of a request to arrive: 5 s
	Read    time.Duration // for a whole request to arrive: 30 s
	Handler time.Duration // for its answer to be made: 55 s, below the 60 s that SageMaker waits
	Write   time.Duration // for a request to be answered: 60 s
	Idle    time.Duration // between requests: 60 s

	Body   int64         // bytes of a request: 6 MiB; a handler may take fewer, and says so itself
	Bodies int64         // bytes of all requests that are being read or answered: 256 MiB
	Slots  int           // requests that are answered at the same time: 4 for each core, but at least 8
	Queue  int           // requests that wait for a slot: 64
	Wait   time.Duration // how long they wait: 250 ms

	Quiet time.Duration // between the end of readiness and that of listening: 1 s
	Drain time.Duration // for accepted requests to be answered after that: 20 s

	slowStart time.Duration // after which a body has to come at slowRate: 5 s
	slowRate  int           // bytes a second: 1 KiB
}

func (l *Limits) resolved() Limits {
	r := *l
	set(&r.Connections, 4096)
	set(&r.Header, 5*time.Second)
	set(&r.Read, 30*time.Second)
	set(&r.Handler, 55*time.Second)
	set(&r.Write, 60*time.Second)
	set(&r.Idle, 60*time.Second)
	set(&r.Body, DefaultMaxContentLength)
	set(&r.Bodies, 256<<20)
	set(&r.Slots, max(4*runtime.GOMAXPROCS(0), 8))
	set(&r.Queue, 64)
	set(&r.Wait, 250*time.Millisecond)
	set(&r.Quiet, time.Second)
	set(&r.Drain, 20*time.Second)
	set(&r.slowStart, 5*time.Second)
	set(&r.slowRate, 1<<10)
	return r
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Server runs a handler within limits. Requests whose body is complete are answered a few at a time; a slow sender takes
// memory from a shared budget as its bytes arrive, and no place among those that are answered. What is too much gets 503.
// Requests without a body, such as /ping, do not wait for others.
type Server struct {
	// Handler must not use the body of a request after it returns.
	Handler http.Handler
	Limits  Limits
	Metrics *Metrics // nil counts nothing
	// ErrorLog is told, at most once in 10 seconds for each kind, of connections that were refused. It may be nil.
	ErrorLog func(text string)

	draining atomic.Bool
	limits   Limits
	gate     *gate
	directs  directs
	idle     idle
}

// Serve answers requests on a listener until ctx ends. Then /ping and /readyz say 503 at once, the listener closes a little later,
// and requests that were accepted are answered before it returns nil; an error is that of the listener, or that requests were still
// open when Limits.Drain was over. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	s.limits = s.Limits.resolved()
	s.gate = newGate(s)
	defer s.gate.crowd.close()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	server := &http.Server{
		Handler:           http.HandlerFunc(s.serveHTTP),
		ReadHeaderTimeout: s.limits.Header,
		ReadTimeout:       s.limits.Read,
		WriteTimeout:      s.limits.Write,
		IdleTimeout:       s.limits.Idle,
		MaxHeaderBytes:    maxHeader,
		Protocols:         protocols,
		ConnContext:       withConn,
		ConnState:         s.idle.set,
		ErrorLog:          quietLog(s.ErrorLog),
	}
	ended := make(chan error, 1)
	counted := newCountedListener(l, &s.limits, s.Metrics, s.refusal)
	if s.isPlain() {
		h := newHandOff(l.Addr())
		go server.Serve(h)
		go func() { ended <- s.accept(counted, h) }()
	} else {
		go func() { ended <- server.Serve(counted) }()
	}
	select {
	case err := <-ended:
		server.Close()
		return err
	case <-ctx.Done():
	}
	s.draining.Store(true)
	select { // whoever asks for readiness has time to hear of the end
	case err := <-ended:
		server.Close()
		return err
	case <-time.After(s.limits.Quiet):
	}
	late, cancel := context.WithTimeout(context.Background(), s.limits.Drain)
	defer cancel()
	counted.finish()
	s.directs.end(late)
	s.idle.end()
	server.SetKeepAlivesEnabled(false) // Shutdown would forget requests whose head is not read yet
	counted.settle(late)
	err := server.Shutdown(late)
	if errors.Is(err, context.DeadlineExceeded) {
		server.Close()
	} else if late.Err() == nil { // nobody works any more
		s.gate.turns.breath.close()
	}
	return err
}

// maxHeader is how many bytes the head of a request may have, as net/http counts, which adds some of its own; maxURL of it the
// path with its query.
const (
	maxHeader = 16<<10 - 4096
	maxURL    = 4 << 10
)

// isPlain tells whether the handler needs nothing of net/http but requests and writers.
func (s *Server) isPlain() bool {
	switch s.Handler.(type) {
	case *API, *Container, *MultiModel:
		return true
	}
	return false
}

// accept serves the connections of a listener until that is closed.
func (s *Server) accept(l *countedListener, h *handOff) error {
	var pause time.Duration
	for {
		conn, err := l.Accept()
		var temporary interface{ Temporary() bool }
		switch {
		case err == nil:
			pause = 0
			s.directs.wait.Add(1) // before the listener can end
			go s.serveDirect(conn.(*countedConn), h)
		case errors.As(err, &temporary) && temporary.Temporary(): // no descriptors left, as a rule
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			time.Sleep(pause)
		default:
			return err
		}
	}
}

// serveHTTP answers what comes through net/http.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	rec := &recorder{ResponseWriter: w}
	defer s.settle(rec, r, time.Now())
	if s.refusedAtOnce(rec, r) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.Handler)
	defer cancel()
	r = r.WithContext(ctx)
	switch {
	case r.ContentLength == 0:
		s.Handler.ServeHTTP(rec, r)
	case r.ContentLength > s.limits.Body:
		rec.Header().Set("Connection", "close")
		r.Body = tooLong(s.limits.Body)
		s.Handler.ServeHTTP(rec, r)
	default:
		s.gate.serve(rec, r, s.Handler)
	}
}

// settle is deferred to the end of a request. A panic is a bug: the client hears of it, and the log; net/http would only end the
// connection.
func (s *Server) settle(rec *recorder, r *http.Request, start time.Time) {
	if fault := recover(); fault != nil {
		if fault == http.ErrAbortHandler || rec.status != 0 {
			panic(fault)
		}
		if s.ErrorLog != nil {
			s.ErrorLog(fmt.Sprintf("panic: %v\n%s", fault, debug.Stack()))
		}
		s.refuse(rec, r, http.StatusInternalServerError, "the server has a bug")
	}
	s.Metrics.request(r, rec.status, time.Since(start))
}

// refusedAtOnce answers what no handler sees.
func (s *Server) refusedAtOnce(rec *recorder, r *http.Request) bool {
	draining := s.draining.Load()
	if draining { // whoever keeps the connection would lose it between two requests
		rec.Header().Set("Connection", "close")
	}
	switch {
	case draining && (r.URL.Path == "/ping" || r.URL.Path == "/readyz"):
		reply(rec, http.StatusServiceUnavailable, typeText, nil)
	case len(r.RequestURI) > maxURL:
		s.refuse(rec, r, http.StatusRequestURITooLong, "the address is too long")
	default:
		return false
	}
	return true
}

// refuser is a handler that has a form of its own for what the server refuses.
type refuser interface {
	refuse(w http.ResponseWriter, r *http.Request, code int, text string)
}

// refuse answers in the place of the handler.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, code int, text string) {
	if code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	if h, ok := s.Handler.(refuser); ok {
		h.refuse(w, r, code, text)
		return
	}
	reply(w, code, "text/plain; charset=utf-8", []byte(text+"\n"))
}

// refusal is the whole answer to a head that no handler sees, and the last one of its connection.
func (s *Server) refusal(code int, text string) []byte {
	a := &answer{header: http.Header{}, last: true}
	s.refuse(a, new(http.Request), code, text)
	return a.append(nil)
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	job    *job // of the request, if it has a processor
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write has others have the processor while the client takes a piece of a long answer, which may be a minute.
func (r *recorder) Write(b []byte) (n int, err error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.job != nil && len(b) == pieceSize {
		r.job.apart(func() { n, err = r.ResponseWriter.Write(b) })
		return n, err
	}
	return r.ResponseWriter.Write(b)
}

// worked tells that there is nothing to do any more but to send the answer, which takes no processor.
func (r *recorder) worked() {
	if r.job != nil {
		r.job.turns.end(r.job)
		r.job = nil
	}
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

package awsfake

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/johannesboyne/gofakes3"
)

// Account is the account that everything belongs to.
const Account = "111122223333"

// Options say how the server behaves; the zero value is sensible.
type Options struct {
	Listen string    // address; default 127.0.0.1:0
	Start  time.Time // of the server's clock; default now
	// Speed is how many seconds pass on the server's clock in one real second; 0 moves it by Tick and Advance alone.
	Speed float64
	// Tick is how far each request that asks for a state moves the clock; default 15 s, negative none.
	Tick time.Duration
	// Binary is the threatdetect command that training, processing and transform jobs run. Empty: training replays a stored
	// artifact, processing and transform jobs fail and say so.
	Binary string
	// Python is where training finds XGBoost, handed to the command; empty lets the command look for it.
	Python string
	// Dir holds buckets as directories: their files are objects from the start, and objects are written to it. Empty is memory alone.
	Dir string
	// StrictIAM refuses roles that nobody created here, and holds the policies of those that exist against what they are used for.
	StrictIAM bool
	Log       func(string) // told what happens, a line at a time
}

// Server is a running fake. Its methods are safe for concurrent use.
type Server struct {
	URL string

	options  Options
	clock    *clock
	listener net.Listener
	http     *http.Server
	backend  gofakes3.Backend
	replays  sync.Map // image versions that no Python here can train: looking for one takes a second or two
	s3       http.Handler
	closed   context.Context
	close    context.CancelFunc

	mu       sync.Mutex // of all below
	requests []Request
	faults   []*Fault
	serial   int
	buckets  map[string]*bucketState
	state
}

// Request is one that has arrived; Status is 0 until it is answered.
type Request struct {
	Service, Operation string // as botocore calls them
	Protocol           string // json, cbor, query, rest, s3
	Input              map[string]any
	Method, Path       string
	Header             http.Header
	Size               int64 // bytes of the body
	Status             int   // of the answer; 0 is a connection that was cut
	Code               string
	Time               time.Time // on the server's clock
}

// New starts a server.
func New(o Options) (*Server, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Start.IsZero() {
		o.Start = time.Now()
	}
	if o.Tick == 0 {
		o.Tick = 15 * time.Second
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + l.Addr().String(), options: o, listener: l, clock: &clock{start: o.Start.UTC(), real: time.Now(), speed: o.Speed}}
	s.closed, s.close = context.WithCancel(context.Background())
	s.state = newState()
	s.openS3()
	if err := s.loadDir(); err != nil {
		l.Close()
		return nil, err
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go s.http.Serve(l)
	return s, nil
}

// Close ends the server and whatever it has started.
func (s *Server) Close() error {
	s.close()
	return s.http.Close()
}

// Now is the time on the server's clock.
func (s *Server) Now() time.Time { return s.clock.now() }

// Advance moves the clock, through whatever is due on the way.
func (s *Server) Advance(d time.Duration) { s.clock.pass(s.Now().Add(d)) }

// Settle moves the clock until nothing is left to happen, but no further than limit.
func (s *Server) Settle(limit time.Duration) {
	end := s.Now().Add(limit)
	for {
		at, ok := s.clock.pending()
		if !ok || at.After(end) {
			return
		}
		s.clock.pass(at)
	}
}

// Requests are all that were answered so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// arrived keeps a request; what it gives back adds what became of it.
func (s *Server) arrived(q Request) func(func(*Request)) {
	q.Time = s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.requests)
	s.requests = append(s.requests, q)
	return func(change func(*Request)) {
		s.mu.Lock()
		defer s.mu.Unlock()
		change(&s.requests[n])
	}
}

// maxBody bounds the body of a request that is no object.
const maxBody = 64 << 20

// ServeHTTP answers one request to any of the services.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		s.control(w, r)
		return
	}
	if _, signing := scope(r); signing == "s3" {
		s.serveS3(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	if r.Header.Get("Content-Encoding") == "gzip" { // as CloudWatch's client sends its metrics
		if body, err = gunzip(body); err != nil || len(body) > maxBody {
			http.Error(w, "the body is no gzip", http.StatusBadRequest)
			return
		}
	}
	c, refused := identify(r, body)
	if c == nil && refused == nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.serveS3(w, r)
		return
	}
	s.mu.Lock()
	s.serial++
	id := fmt.Sprintf("%08x-0000-4000-8000-%012x", s.serial, s.serial)
	s.mu.Unlock()
	w.Header().Set("X-Amzn-Requestid", id)
	rec := Request{Protocol: c.protocol, Method: r.Method, Path: r.URL.RequestURI(), Header: r.Header.Clone(), Size: int64(len(body))}
	if c.service != nil {
		rec.Service = c.service.Name
	}
	if c.op != nil {
		rec.Operation = c.op.Name
	}
	answered := s.arrived(rec)
	finish := func(status int, code string) {
		answered(func(q *Request) { q.Status, q.Code, q.Input = status, code, c.in })
		s.logf("%s %s %d %s", rec.Service, rec.Operation, status, code)
	}
	if refused != nil {
		c.fail(w, refused, id)
		finish(refused.status(), refused.Code)
		return
	}
	c.account = Account
	if err := c.decode(r, body); err != nil {
		e := errorf("SerializationException", "%v", err)
		c.fail(w, e, id)
		finish(400, e.Code)
		return
	}
	c.in, _ = deepCopy(c.in).(doc)
	fault := s.fault(rec.Service, rec.Operation, func() string { return toJSON(c.in) })
	if fault != nil && fault.before(w, c, id) {
		finish(fault.Status, fault.Code)
		return
	}
	out, apiErr := s.do(c)
	if apiErr != nil {
		c.fail(w, apiErr, id)
		finish(apiErr.status(), apiErr.Code)
		return
	}
	if fault != nil {
		out = fault.spoil(out)
		w = fault.wrap(w, r)
	}
	finish(200, "")
	w.Header().Set("Date", s.Now().Format(http.TimeFormat)) // by which programs that AWS runs know its time; refusals would be taken for those of a wrong clock
	c.succeed(w, out, id)
}

// do validates a decoded call and runs its handler.
func (s *Server) do(c *call) (doc, *apiError) {
	handle := handlers[c.service.Name][c.op.Name]
	if handle == nil {
		e := errorf("UnknownOperationException", "awsfake does not implement %s of %s", c.op.Name, c.service.Name)
		e.Status = 501
		return nil, e
	}
	if c.op.Input != "" {
		if faults := c.service.validate(c.op.Input, c.in, ""); len(faults) > 0 {
			e := validationError(faults)
			if c.protocol == "query" {
				e.Code = "ValidationError"
			}
			return nil, e
		}
	}
	until := s.Now()
	if s.options.Tick > 0 && looks(c.op.Name) {
		until = until.Add(s.options.Tick)
	}
	s.clock.pass(until)
	s.mu.Lock()
	defer s.mu.Unlock()
	out, err := handle(s, c)
	if err != nil {
		return nil, err
	}
	out, _ = deepCopy(out).(doc)
	if out == nil {
		out = doc{}
	}
	return out, nil
}

// looks tells the operations that only ask for a state.
func looks(op string) bool {
	for _, p := range []string{"Describe", "List", "Get", "Filter"} {
		if strings.HasPrefix(op, p) {
			return true
		}
	}
	return false
}

// handler answers one operation, with the server's lock held.
type handler func(*Server, *call) (doc, *apiError)

var handlers = map[string]map[string]handler{}

// register is called by each file that implements operations.
func register(service string, ops map[string]handler) bool {
	if handlers[service] == nil {
		handlers[service] = map[string]handler{}
	}
	for name, h := range ops {
		handlers[service][name] = h
	}
	return true
}

func (c *call) succeed(w http.ResponseWriter, out doc, id string) {
	switch c.protocol {
	case "query":
		w.Header().Set("Content-Type", "text/xml")
		w.Write(c.xmlAnswer(out, id))
	case "cbor":
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		if c.op.Output == "" {
			return
		}
		w.Write(cbor.Encode(c.service.toCBOR(c.op.Output, out)))
	case "rest":
		c.writeREST(w, out)
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-"+c.service.Meta.JSON)
		if c.op.Output == "" {
			return
		}
		io.WriteString(w, toJSON(c.service.toJSON(c.op.Output, out)))
	}
}

func (c *call) fail(w http.ResponseWriter, e *apiError, id string) {
	status := e.status()
	if c.op != nil && e.Status == 0 {
		if n := c.op.Errors[e.Code]; n != 0 {
			status = n
		}
	}
	e.Status = status
	body := doc{"__type": e.Code, "message": e.Message}
	for k, v := range e.Fields {
		body[k] = v
	}
	switch c.protocol {
	case "query":
		xmlns := ""
		if c.service != nil {
			xmlns = c.service.Meta.XMLNS
		}
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		w.Write(xmlError(e, xmlns, id))
	case "cbor":
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.WriteHeader(status)
		w.Write(cbor.Encode((&service{}).toCBOR("", body)))
	case "rest":
		delete(body, "__type")
		w.Header().Set("X-Amzn-Errortype", e.Code)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		body["Message"] = e.Message
		io.WriteString(w, toJSON(body))
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		io.WriteString(w, toJSON(body))
	}
}

func (s *Server) logf(format string, args ...any) {
	if s.options.Log != nil {
		s.options.Log(fmt.Sprintf(format, args...))
	}
}

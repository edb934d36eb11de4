package awsfake

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is something that goes wrong with requests, or with the job that a request makes.
type Fault struct {
	Service, Operation string // of the requests meant; "" is any
	Contains           string // text in the request: bucket/key of S3, JSON of the input otherwise
	Skip, Times        int    // let so many pass, then hit so many; Times 0 is 1, below 0 without end

	// Kind is what happens:
	//   error       Status, Code, Message are answered, RetryAfter with them; nothing is done
	//   reset       the connection is reset before anything is done
	//   lost        the request is done, and the connection reset instead of an answer
	//   cut, stall  the answer ends, or stops flowing, after After bytes of its body
	//   range       a part of an object comes with a wrong Content-Range; full: the whole object comes with 200
	//   etag        the entity tag is another one; nochecksum: no checksum comes; corrupt: the byte at After is another one
	//   redirect    307 to Location
	//   partial     some entries of a batch, such as the first object to delete, are refused in an answer of success
	//   capacity, internal, algorithm   the job fails for that reason
	//   spot        the job's instances are taken away Interruptions times
	Kind          string
	Status        int
	Code, Message string
	RetryAfter    string
	Skew          time.Duration // of the Date header, by which a client learns that its clock is wrong
	Location      string
	After         int64
	Interruptions int
	seen, hits    int
	closed        context.Context
}

// Throttle is the usual answer of a service that is asked too often.
func Throttle(service, operation string, times int) Fault {
	return Fault{Service: service, Operation: operation, Times: times, Kind: "error", Status: 400, Code: "ThrottlingException", Message: "Rate exceeded"}
}

// ExpiredToken is what a temporary credential answers with past its end.
func ExpiredToken(service, operation string, times int) Fault {
	code := "ExpiredTokenException"
	if service == "s3" {
		code = "ExpiredToken"
	}
	return Fault{Service: service, Operation: operation, Times: times, Kind: "error", Status: 400, Code: code, Message: "The security token included in the request is expired"}
}

var jobKinds = map[string]bool{"capacity": true, "internal": true, "algorithm": true, "spot": true}

// Inject adds a fault. Faults are asked in the order in which they were added.
func (s *Server) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.closed = s.closed
	s.faults = append(s.faults, &f)
}

// fault finds what is to go wrong with a request; job faults wait for the job.
func (s *Server) fault(service, operation string, text func() string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return nil
	}
	return s.nextFault(service, operation, text(), false)
}

// nextFault does so with the lock held; job asks for the faults of jobs.
func (s *Server) nextFault(service, operation, text string, job bool) *Fault {
	for _, f := range s.faults {
		if f.Service != "" && f.Service != service || f.Operation != "" && f.Operation != operation || !strings.Contains(text, f.Contains) || jobKinds[f.Kind] != job {
			continue
		}
		if f.seen++; f.seen <= f.Skip {
			continue
		}
		if f.Times >= 0 && f.hits >= max(f.Times, 1) {
			continue
		}
		f.hits++
		hit := *f
		return &hit
	}
	return nil
}

// before answers instead of the service, for faults that let nothing be done.
func (f *Fault) before(w http.ResponseWriter, c *call, id string) bool {
	switch f.Kind {
	case "error":
		f.headers(w.Header())
		c.fail(w, &apiError{Code: f.Code, Message: f.Message, Status: f.Status}, id)
		return true
	case "reset":
		f.Status = 0
		reset(w)
		return true
	case "redirect":
		w.Header().Set("Location", f.Location)
		f.Status = 307
		w.WriteHeader(307)
		return true
	}
	return false
}

func (f *Fault) headers(h http.Header) {
	if f.RetryAfter != "" {
		h.Set("Retry-After", f.RetryAfter)
	}
	if f.Skew != 0 {
		h.Set("Date", time.Now().Add(f.Skew).UTC().Format(http.TimeFormat))
	}
}

func (f *Fault) beforeS3(w *s3Writer, r *http.Request) bool {
	if f.Kind == "error" || f.Kind == "redirect" {
		// A client that is still sending may not see an answer that comes before it has ended.
		io.Copy(io.Discard, r.Body)
	}
	switch f.Kind {
	case "error":
		f.headers(w.Header())
		w.fail(s3Error(f.Status, f.Code, f.Message), r)
		return true
	case "reset":
		w.code = "reset"
		reset(w.w)
		return true
	case "redirect":
		w.Header().Set("Location", f.Location)
		w.fail(s3Error(307, "TemporaryRedirect", "Please re-send this request to the specified temporary endpoint."), r)
		return true
	}
	return false
}

// reset drops the connection so that the client sees a reset, not an end.
func reset(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				tcp.SetLinger(0)
			}
			conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// wrap is an answer that goes wrong on its way. What finish does to it happens when the handler has written it.
func (f *Fault) wrap(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	switch f.Kind {
	case "lost", "cut", "stall":
		return &spoiledWriter{fault: f, to: w, header: w.Header(), gone: r.Context().Done(), direct: true}
	}
	return w
}

func (f *Fault) wrapS3(w *s3Writer, r *http.Request) http.ResponseWriter {
	return &spoiledWriter{fault: f, to: w, header: w.Header(), gone: r.Context().Done()}
}

// spoiledWriter holds an answer back, and then gives it spoiled.
type spoiledWriter struct {
	fault  *Fault
	to     http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
	gone   <-chan struct{}
	direct bool // the handler writes once and nobody calls finish
}

func (w *spoiledWriter) Header() http.Header    { return w.header }
func (w *spoiledWriter) WriteHeader(status int) { w.status = status }
func (w *spoiledWriter) Write(b []byte) (int, error) {
	w.body.Write(b)
	if w.direct {
		w.finish()
	}
	return len(b), nil
}

func (w *spoiledWriter) finish() {
	f, body := w.fault, w.body.Bytes()
	if w.status == 0 {
		w.status = 200
	}
	inner := w.to
	if o, ok := inner.(*s3Writer); ok && f.Kind == "lost" {
		o.code = "lost"
		inner = o.w
	}
	switch f.Kind {
	case "lost":
		reset(inner)
		return
	case "range":
		if from, total, ok := parseContentRange(w.header.Get("Content-Range")); ok {
			w.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from+1, from+int64(len(body)), total))
		}
	case "full":
		// The range was taken from the request before it was answered.
		w.header.Del("Content-Range")
		w.status = 200
	case "etag":
		w.header.Set("ETag", `"00000000000000000000000000000000"`)
	case "nochecksum":
		for k := range w.header {
			if strings.HasPrefix(k, "X-Amz-Checksum-") {
				w.header.Del(k)
			}
		}
	case "corrupt":
		if f.After < int64(len(body)) {
			body[f.After] ^= 1
		}
	case "cut", "stall":
		w.header.Set("Content-Length", strconv.Itoa(len(body)))
		w.to.WriteHeader(w.status)
		w.to.Write(body[:min(f.After, int64(len(body)))])
		flush(w.to)
		if f.Kind == "stall" {
			select {
			case <-w.gone:
			case <-f.closed.Done():
			}
		}
		panic(http.ErrAbortHandler)
	}
	w.to.WriteHeader(w.status)
	w.to.Write(body)
}

func flush(w http.ResponseWriter) {
	if o, ok := w.(*s3Writer); ok {
		w = o.w
	}
	if fl, ok := w.(http.Flusher); ok {
		fl.Flush()
	}
}

func parseContentRange(text string) (from, total int64, ok bool) {
	var to int64
	n, _ := fmt.Sscanf(text, "bytes %d-%d/%d", &from, &to, &total)
	return from, total, n == 3
}

// spoil changes an answer of success so that some of a batch failed.
func (f *Fault) spoil(out doc) doc {
	if f.Kind != "partial" {
		return out
	}
	if _, ok := out["FailedEntryCount"]; ok {
		out["FailedEntryCount"] = int64(1)
		out["FailedEntries"] = []any{doc{"TargetId": "pipeline", "ErrorCode": "ConcurrentModificationException", "ErrorMessage": "The rule was changed meanwhile"}}
	}
	return out
}

package serve

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// answer is a http.ResponseWriter that keeps the answer until it is whole, and is used again and again.
type answer struct {
	header http.Header
	status int
	body   []byte
	last   bool     // the connection ends with it
	names  []string // of headers, while they are sorted
}

func (a *answer) reset(last bool) {
	clear(a.header)
	if cap(a.body) > bodyStep {
		a.body = nil
	}
	a.status, a.body, a.last = 0, a.body[:0], last
}

// Header returns the headers that will be sent.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader sets the status; the first one counts.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write adds to the body.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, b...)
	return len(b), nil
}

// oneLine keeps what a header says on its line.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// append appends the answer as it is sent, with its headers in the order of net/http: the handler's by their names, and then those that it did not set.
func (a *answer) append(dst []byte) []byte {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(a.status), 10)
	dst = append(append(append(dst, ' '), http.StatusText(a.status)...), "\r\n"...)
	told := a.last && !slices.Contains(a.header["Connection"], "close") // by the client, who hears of it last
	a.names = a.names[:0]
	for name := range a.header {
		a.names = append(a.names, name)
	}
	slices.Sort(a.names)
	measured := a.status == http.StatusNoContent
	for _, name := range a.names {
		switch values := a.header[name]; name {
		case "Content-Length": // which is known better here
			if !measured {
				dst, measured = a.appendLength(dst), true
			}
			continue
		case "Connection":
			a.last = a.last || slices.Contains(values, "close")
			fallthrough
		default:
			for _, v := range values {
				dst = append(append(append(append(dst, name...), ": "...), oneLine.Replace(v)...), "\r\n"...)
			}
		}
	}
	dst = append(append(append(dst, "Date: "...), date(time.Now())...), "\r\n"...)
	if !measured {
		dst = a.appendLength(dst)
	}
	if told {
		dst = append(dst, "Connection: close\r\n"...)
	}
	dst = append(dst, "\r\n"...)
	if a.status == http.StatusNoContent {
		return dst
	}
	return append(dst, a.body...)
}

func (a *answer) appendLength(dst []byte) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(a.body)), 10)
	return append(dst, "\r\n"...)
}

// written is a second and how a header tells it.
type written struct {
	second int64
	text   string
}

var lastDate atomic.Pointer[written]

// date is a time in the form of HTTP, which is written once a second.
func date(now time.Time) string {
	second := now.Unix()
	if d := lastDate.Load(); d != nil && d.second == second {
		return d.text
	}
	d := &written{second, now.UTC().Format(http.TimeFormat)}
	lastDate.Store(d)
	return d.text
}

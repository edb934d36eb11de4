package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// asked is a request and what came of it.
type asked struct {
	at           time.Duration // when it was to be sent
	rows, status int           // no rows is /ping; no status is no answer
	fault        error         // why there is none
	answer       time.Duration // from the last byte of the request to the first of the answer, when the system has it
	whole        time.Duration // from before the connection was made, or taken, to the last byte of the answer
}

// overloader asks a server, from one thread that never waits for one connection, or works for one for long: what is measured must not be how
// late this process comes to send and to read. Each request has a connection that nobody else uses meanwhile.
type overloader struct {
	address  unix.SockaddrInet4
	requests map[int][]byte   // by their rows
	files    map[int]*os.File // of long ones, which the system sends without a copy
	done     func(asked)
	start    time.Time
	epoll    int
	events   [256]unix.EpollEvent
	buffer   [64 << 10]byte
	conns    map[int32]*asking // by descriptor
	free     []*asking
	sending  []*asking // those that have more to send, and were interrupted
	open     int       // requests without an answer
}

// asking is a connection, with the last request that was sent through it.
type asking struct {
	fd                 int
	rows               int
	busy, used         bool
	sent               int64
	begin, last, first time.Duration // the beginning, the last byte of the request, the first of the answer
	answer             []byte
}

const (
	// longRequest is from which on a request is sent as a file, a piece at a time.
	longRequest = 32 << 10
	pieceToSend = 128 << 10
	// heldToSend is what the system holds of a request: what is sent and refused is lost time.
	heldToSend = 128 << 10
)

func newOverloader(t *testing.T, address string, sizes []int, done func(asked)) *overloader {
	at, err := netip.ParseAddrPort(address)
	require.NoError(t, err)
	o := &overloader{address: unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}, requests: map[int][]byte{}, files: map[int]*os.File{},
		done: done, start: time.Now(), conns: map[int32]*asking{}}
	o.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	require.NoError(t, err)
	o.requests[0] = []byte("GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	for _, n := range sizes {
		body := strings.Repeat(strings.Repeat("1.5,", 69)+"2\n", n)
		request := fmt.Appendf(nil, "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		o.requests[n] = request
		if len(request) >= longRequest {
			name := filepath.Join(t.TempDir(), strconv.Itoa(n))
			require.NoError(t, os.WriteFile(name, request, 0o600))
			o.files[n], err = os.Open(name)
			require.NoError(t, err)
		}
	}
	t.Cleanup(func() {
		for _, c := range o.conns {
			unix.Close(c.fd)
		}
		for _, f := range o.files {
			f.Close()
		}
		unix.Close(o.epoll)
	})
	return o
}

// now is the time.
func (o *overloader) now() time.Duration { return time.Since(o.start) }

// ask begins to send a request of some rows.
func (o *overloader) ask(rows int) {
	begin := o.now()
	o.open++
	if n := len(o.free); n > 0 && rows > 0 {
		c := o.free[n-1]
		o.free = o.free[:n-1]
		*c = asking{fd: c.fd, rows: rows, busy: true, used: true, begin: begin, answer: c.answer[:0]}
		o.write(c)
		return
	}
	o.dial(rows, begin)
}

// dial sends a request through a new connection, on which the system notes when something comes.
func (o *overloader) dial(rows int, begin time.Duration) {
	c := &asking{rows: rows, busy: true, begin: begin}
	var err error
	if c.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err == nil {
		o.conns[int32(c.fd)] = c
		unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, heldToSend)
		unix.SetsockoptInt(c.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if err = unix.EpollCtl(o.epoll, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLET, Fd: int32(c.fd)}); err == nil {
			err = unix.Connect(c.fd, &o.address)
		}
	}
	switch err {
	case nil:
		o.write(c)
	case unix.EINPROGRESS:
	default:
		o.end(c, 0, false, err)
	}
}

// turn sends and reads what there is to, and waits for it if there is nothing.
func (o *overloader) turn(wait time.Duration) {
	if len(o.sending) > 0 {
		wait = 0
	}
	n, _ := unix.EpollWait(o.epoll, o.events[:], int(wait.Milliseconds()))
	for _, e := range o.events[:max(n, 0)] {
		c := o.conns[e.Fd]
		if c != nil && e.Events&unix.EPOLLOUT != 0 && c.busy {
			o.write(c)
		}
		if o.conns[e.Fd] == c && c != nil && e.Events&^unix.EPOLLOUT != 0 {
			o.read(c)
		}
	}
	again := o.sending
	o.sending = nil
	for _, c := range again {
		if o.conns[int32(c.fd)] == c && c.busy {
			o.write(c)
		}
	}
}

// write sends on. What goes wrong is found by read.
func (o *overloader) write(c *asking) {
	request := o.requests[c.rows]
	left := int64(len(request)) - c.sent
	if left == 0 {
		return
	}
	file, n := o.files[c.rows], 0
	var err error
	if file == nil {
		c.last = o.now() - c.begin
		n, err = unix.SendmsgN(c.fd, request[c.sent:], nil, nil, unix.MSG_NOSIGNAL)
	} else {
		at := c.sent
		n, err = unix.Sendfile(c.fd, int(file.Fd()), &at, int(min(left, pieceToSend)))
		c.last = o.now() - c.begin
	}
	switch {
	case err == nil:
		if c.sent += int64(n); c.sent < int64(len(request)) {
			o.sending = append(o.sending, c)
		}
	case c.used && c.sent == 0 && err != unix.EAGAIN: // it was closed just now
		o.forget(c)
		o.dial(c.rows, c.begin)
	}
}

// read reads what has come.
func (o *overloader) read(c *asking) {
	for o.conns[int32(c.fd)] == c {
		var control [64]byte
		n, of, _, _, err := unix.Recvmsg(c.fd, o.buffer[:], control[:], 0)
		switch {
		case err == unix.EAGAIN:
			return
		case !c.busy: // closed by the server, which nobody waits for
			o.forget(c)
			return
		case err != nil || n == 0:
			o.end(c, 0, false, cmp.Or(err, io.EOF))
			return
		}
		if len(c.answer) == 0 {
			c.first = o.stamp(control[:of])
		}
		c.answer = append(c.answer, o.buffer[:n]...)
		if status, keep, complete := complete(c.answer); complete {
			o.end(c, status, keep, nil)
		}
	}
}

// stamp is the time that the system has noted with what has come.
func (o *overloader) stamp(control []byte) time.Duration {
	messages, _ := syscall.ParseSocketControlMessage(control)
	for _, m := range messages {
		if m.Header.Type == unix.SO_TIMESTAMPNS {
			t := (*unix.Timespec)(unsafe.Pointer(&m.Data[0]))
			return time.Unix(t.Unix()).Sub(o.start.Round(0))
		}
	}
	return o.now()
}

// complete tells whether an answer is there as a whole, and whether there may be another one on its connection.
func complete(answer []byte) (status int, keep, ok bool) {
	head, body, ok := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !ok || len(head) < len("HTTP/1.1 200") {
		return 0, false, false
	}
	status, _ = strconv.Atoi(string(head[9:12]))
	keep = true
	length := 0
	for line := range bytes.Lines(head) {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(string(line))), ": ")
		switch {
		case name == "connection" && value == "close":
			keep = false
		case name == "content-length":
			length, _ = strconv.Atoi(value)
		case name == "transfer-encoding" && !bytes.HasSuffix(body, []byte("0\r\n\r\n")):
			return status, keep, false
		}
	}
	return status, keep, len(body) >= length
}

// end notes what came of a request.
func (o *overloader) end(c *asking, status int, keep bool, fault error) {
	a := asked{at: c.begin, rows: c.rows, status: status, fault: fault, whole: o.now() - c.begin}
	if all := c.sent == int64(len(o.requests[c.rows])); all {
		a.answer = max(c.first-c.begin-c.last, 0)
	} else {
		keep = false
	}
	o.open--
	c.busy = false
	if keep {
		o.free = append(o.free, c)
	} else {
		o.forget(c)
	}
	o.done(a)
}

// forget closes a connection.
func (o *overloader) forget(c *asking) {
	if i := len(o.free); !c.busy {
		for i--; i >= 0; i-- {
			if o.free[i] == c {
				o.free = append(o.free[:i], o.free[i+1:]...)
				break
			}
		}
	}
	delete(o.conns, int32(c.fd))
	unix.Close(c.fd)
}

package serve

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"
)

// framing follows the requests of a connection, byte by byte as they are read, only far enough to find one that net/http would take
// although it says its length in more than one way: Content-Length together with Transfer-Encoding, or twice. A proxy in front may read
// it the other way round, and so take a part of a body for the next request. It also finds what net/http says 501 or 505 to: codings
// and versions that are not known are faults of the client; and 417, which net/http says without a word.
type framing struct {
	head []byte // of the request that is being read
	left int64  // bytes of its body that are still to come
	done bool   // nothing is followed any more: the connection ends with this request, or net/http refuses it
}

// within tells whether something of a request is still to come, as far as it is followed.
func (f *framing) within() bool { return f.left > 0 || f.done || len(f.head) > 0 }

// maxHead is more than what net/http reads of a head.
const maxHead = 32 << 10

var (
	errTwoLengths = errors.New("the request says its length in two ways")
	errCoding     = errors.New("the body has another Transfer-Encoding than chunked, or two")
	errExpect     = errors.New("the request expects another thing than 100-continue")
	errVersion    = errors.New("the request is not of HTTP/1.0 or HTTP/1.1")
)

// follow takes what was read. It returns an error as soon as a head is complete that must be refused.
func (f *framing) follow(data []byte) error {
	for len(data) > 0 && !f.done {
		if f.left > 0 {
			n := min(f.left, int64(len(data)))
			f.left -= n
			data = data[n:]
			continue
		}
		before := len(f.head)
		f.head = append(f.head, data[:min(len(data), maxHead-before)]...)
		end := headEnd(f.head, before)
		if end < 0 {
			f.done = len(f.head) >= maxHead
			return nil
		}
		data = data[end-before:]
		length, chunked, err := lengths(f.head[:end])
		f.head = f.head[:0]
		if err != nil {
			return err
		}
		f.left, f.done = length, chunked
	}
	return nil
}

// headEnd is where a head ends, -1 if it does not yet; begin is up to where it is known not to.
func headEnd(head []byte, begin int) int {
	for i := max(begin-3, 0); i < len(head); i++ {
		if head[i] != '\n' {
			continue
		}
		switch rest := head[i+1:]; {
		case bytes.HasPrefix(rest, []byte("\n")):
			return i + 2
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return i + 3
		}
	}
	return -1
}

// lengths finds the headers that say how long a body is, and what is wrong with them or with the version.
func lengths(head []byte) (length int64, chunked bool, err error) {
	sized := false
	first := true
	for line := range bytes.Lines(head) {
		if first {
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue // as net/http does before a request
			}
			if first = false; bytes.Contains(line, []byte(" HTTP/")) && !bytes.HasSuffix(line, []byte(" HTTP/1.1")) && !bytes.HasSuffix(line, []byte(" HTTP/1.0")) {
				err = errVersion
			}
			continue
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		value = bytes.TrimSpace(value)
		switch string(bytes.ToLower(bytes.TrimSpace(name))) {
		case "content-length":
			if sized {
				err = errTwoLengths
			}
			sized = true
			if n, fault := strconv.ParseInt(string(value), 10, 63); fault == nil && n > 0 {
				length = n
			}
		case "transfer-encoding":
			if (chunked || !bytes.EqualFold(value, []byte("chunked"))) && err == nil {
				err = errCoding
			}
			chunked = true
		case "expect":
			if len(value) > 0 && !bytes.Contains(bytes.ToLower(value), []byte("100-continue")) && err == nil {
				err = errExpect
			}
		}
	}
	if sized && chunked {
		err = errTwoLengths
	}
	return length, chunked, err
}

// Read reads from the connection, and ends it at a request that must be refused.
func (c *countedConn) Read(b []byte) (int, error) {
	var n int
	var err error
	if len(c.pending) > 0 {
		n = copy(b, c.pending)
		if c.pending = c.pending[n:]; len(c.pending) == 0 {
			c.pending = nil
		}
	} else {
		n, err = c.Conn.Read(b)
	}
	if n > 0 && !c.framing.within() { // a request begins
		c.began.Store(time.Now().UnixNano())
		c.answered.Store(false)
	}
	fault := c.framing.follow(b[:n])
	c.more.Store(fault != nil || c.framing.within())
	if len(c.framing.head) > 0 && !c.slow { // net/http gives the first bytes of a head all the time there is between requests
		c.Conn.SetReadDeadline(time.Unix(0, c.began.Load()).Add(c.listener.limits.Header))
	}
	c.slow = len(c.framing.head) > 0
	if fault != nil {
		code := http.StatusBadRequest
		if errors.Is(fault, errExpect) {
			code = http.StatusExpectationFailed
		}
		c.Write(c.listener.refusal(code, fault.Error())) // a client that does not listen is no loss
		c.Close()
		return 0, fault
	}
	return n, err
}

// ownHeaders is what net/http sends, and nothing else, behind the status of what it refuses itself; an answer of a handler has a date.
const ownHeaders = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// Write writes to the connection, and gives what net/http refuses itself the form of the handler's errors.
func (c *countedConn) Write(b []byte) (int, error) {
	if c.closed.Load() { // and the client may still be reading
		return 0, net.ErrClosed
	}
	c.answered.Store(true)
	if status, _, ok := bytes.Cut(b[:min(len(b), maxOwn)], []byte("\r\n")); ok && bytes.HasPrefix(b[len(status):], []byte(ownHeaders)) {
		code, text := http.StatusBadRequest, "the head of the request cannot be read"
		if bytes.HasPrefix(status, []byte("HTTP/1.1 431 ")) {
			code, text = http.StatusRequestHeaderFieldsTooLarge, "the head of the request is too long"
		}
		if _, err := c.Conn.Write(c.listener.refusal(code, text)); err != nil {
			return 0, err
		}
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// maxOwn is more than the status line of what net/http refuses itself.
const maxOwn = 128

package serve

import (
	"bytes"
	"errors"
	"io"
	"strconv"
)

// framing follows the requests of a connection, byte by byte as they are read, only far enough to find one that says its length in
// two ways: Content-Length together with Transfer-Encoding. net/http takes the latter and drops the former, but a proxy in front may
// read it the other way round, and so take a part of a body for the next request.
type framing struct {
	head []byte // of the request that is being read
	left int64  // bytes of its body that are still to come
	done bool   // nothing is followed any more: the connection ends with this request, or net/http refuses it
}

// maxHead is more than what net/http reads of a head.
const maxHead = 32 << 10

// twoLengths is what such a request hears.
const twoLengths = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 40\r\nConnection: close\r\n\r\n" +
	"the request says its length in two ways\n"

var errTwoLengths = errors.New("the request says its length in two ways")

// follow takes what was read. It returns errTwoLengths as soon as a head is complete that must be refused.
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
		length, chunked, both := lengths(f.head[:end])
		f.head = f.head[:0]
		if both {
			return errTwoLengths
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

// lengths finds the headers that say how long a body is.
func lengths(head []byte) (length int64, chunked, both bool) {
	sized := false
	for line := range bytes.Lines(head) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		switch string(bytes.ToLower(bytes.TrimSpace(name))) {
		case "content-length":
			sized = true
			if n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 63); err == nil && n > 0 {
				length = n
			}
		case "transfer-encoding":
			chunked = true
		}
	}
	return length, chunked, sized && chunked
}

// Read reads from the connection, and ends it at a request that says its length in two ways.
func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.framing.follow(b[:n]) != nil {
		io.WriteString(c.Conn, twoLengths) // a client that does not listen is no loss
		c.Conn.Close()
		return 0, errTwoLengths
	}
	return n, err
}

// Package safeio reads untrusted streams into memory under limits.
//
// Nothing here allocates what an input claims about itself; memory grows only with bytes that really arrived.
package safeio

import (
	"fmt"
	"io"
	"strings"
	"unsafe"
)

// LimitError tells that an input went over a limit.
type LimitError struct {
	Name       string // what was limited, for example "decompressed bytes"
	Limit, Got int64  // Got is how much there was, or at least how much when the limit was met
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: %d is over the limit of %d", e.Name, e.Got, e.Limit)
}

const (
	firstChunk = 16 << 10
	lastChunk  = 4 << 20
	copied     = 256 << 10 // bytes between pauses
)

// ReadAll reads r to its end. It fails with a *LimitError called name as soon as more than limit bytes have come.
// In all it allocates about twice the bytes that it returns, whatever the stream's real length is. A hint > 0 says how many bytes a
// trustworthy source, such as the file system, expects; it must not be a number out of the input.
func ReadAll(r io.Reader, name string, limit, hint int64) ([]byte, error) {
	return ReadAllPausing(r, name, limit, hint, func() {})
}

// ReadAllPausing is ReadAll that calls pause between pieces of what it does besides reading, which are short: no memory is cleared before it is read into, as that would take
// long for much of it.
func ReadAllPausing(r io.Reader, name string, limit, hint int64, pause func()) ([]byte, error) {
	if hint > 0 && hint <= limit {
		buf := uncleared(int(hint))
		n, err := fill(r, buf)
		if err == io.EOF {
			return buf[:n], nil
		}
		if err != nil {
			return nil, err
		}
		rest, err := readChunks(r, name, limit, hint, pause)
		if err != nil || len(rest) == 0 {
			return buf, err
		}
		return append(buf, rest...), nil
	}
	return readChunks(r, name, limit, 0, pause)
}

// uncleared returns memory that holds anything.
func uncleared(n int) []byte {
	var b strings.Builder // the only one in the standard library that does not clear what it allocates
	b.Grow(n)
	b.WriteByte(0)
	return unsafe.Slice(unsafe.StringData(b.String()), n)
}

// readChunks reads the rest of a stream of which had bytes have been read already.
func readChunks(r io.Reader, name string, limit, had int64, pause func()) ([]byte, error) {
	var chunks [][]byte
	total := had
	for size := firstChunk; ; size = min(2*size, lastChunk) {
		chunk := make([]byte, size)
		n, err := fill(r, chunk)
		total += int64(n)
		if total > limit {
			return nil, &LimitError{Name: name, Limit: limit, Got: total}
		}
		chunks = append(chunks, chunk[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if len(chunks) == 1 {
		return chunks[0], nil
	}
	all := uncleared(int(total - had))
	rest := all
	for i, c := range chunks {
		for len(c) > 0 {
			n := copy(rest, c[:min(len(c), copied)])
			c, rest = c[n:], rest[n:]
			pause()
		}
		chunks[i] = nil
	}
	return all, nil
}

// fill reads until p is full or r fails. Unlike with io.ReadFull, the end of r is told from a decompressor that misses the end of its input,
// which is io.ErrUnexpectedEOF.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = r.Read(p[n:])
		n += more
	}
	if n == len(p) {
		err = nil
	}
	return n, err
}

// Counter counts the bytes read through it and fails with a *LimitError called Name beyond Limit.
type Counter struct {
	R     io.Reader
	Name  string
	Limit int64
	N     int64 // bytes read so far
	Err   error // what R failed with, if it was not its end: tells a broken source from broken contents
}

func (c *Counter) Read(p []byte) (int, error) {
	n, err := c.R.Read(p)
	c.N += int64(n)
	if err != nil && err != io.EOF {
		c.Err = err
	}
	if c.N > c.Limit {
		return n, &LimitError{Name: c.Name, Limit: c.Limit, Got: c.N}
	}
	return n, err
}

// Expansion guards the output of a decompressor against bombs: once more than Free bytes have come out, the output may be at
// most Ratio times as long as what has gone in.
type Expansion struct {
	R     io.Reader // the decompressor
	In    *Counter  // what the decompressor reads from
	Free  int64     // bytes
	Ratio int64
	out   int64
}

func (e *Expansion) Read(p []byte) (int, error) {
	n, err := e.R.Read(p)
	e.out += int64(n)
	if e.out > e.Free && e.out/e.Ratio > e.In.N {
		return n, &LimitError{Name: "expansion ratio", Limit: e.Ratio, Got: e.out / max(e.In.N, 1)}
	}
	return n, err
}

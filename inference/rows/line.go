package rows

import (
	"bytes"
	"fmt"
	"io"
)

const (
	startBuffer    = 64 << 10 // bytes; grows only for a longer line
	maxEmptyReads  = 100      // reads in a row without a byte or an error, as in bufio
	byteOrderMark  = "\xef\xbb\xbf"
	utf16LittleEnd = "\xff\xfe"
	utf16BigEnd    = "\xfe\xff"
)

// lineReader cuts a stream into lines of at most limit bytes.
type lineReader struct {
	r          io.Reader
	buf        []byte
	start, end int // buf[start:end] has been read and not been handed out
	limit      int
	count      int64 // lines handed out
	err        error // what ended r
}

// newLineReader reads from r, or where its bytes lie if it is a buffer, which nobody may write to meanwhile.
func newLineReader(r io.Reader, limit int) *lineReader {
	if b, ok := r.(*bytes.Buffer); ok {
		all := b.Next(b.Len())
		return &lineReader{limit: limit, buf: all[:len(all):len(all)], end: len(all), err: io.EOF}
	}
	return &lineReader{r: r, limit: limit, buf: make([]byte, sizeOf(r, startBuffer-1)+1)} // with room to find the end
}

// sizeOf is how many bytes r still has, if it knows, but limit at most. What does not know has limit, or less where that is much.
func sizeOf(r io.Reader, limit int) int {
	if sized, ok := r.(interface{ Len() int }); ok {
		return min(sized.Len(), limit)
	}
	return min(limit, startBuffer-1)
}

// next returns a line without its end, valid until the next call; io.EOF after the last one.
func (l *lineReader) next() ([]byte, error) {
	searched := 0 // bytes of buf[start:end] that hold no newline
	for {
		rest := l.buf[l.start:l.end]
		if i := bytes.IndexByte(rest[searched:], '\n'); i >= 0 {
			l.start += searched + i + 1
			return l.tidy(rest[:searched+i])
		}
		if l.err == io.EOF && len(rest) > 0 {
			l.start = l.end
			return l.tidy(rest)
		}
		if l.err != nil {
			if l.err != io.EOF {
				return nil, fmt.Errorf("after line %d: %w", l.count, l.err)
			}
			return nil, io.EOF
		}
		if len(rest) > l.limit {
			l.count++
			return nil, l.tooLong(rest)
		}
		searched = len(rest)
		l.fill()
	}
}

// fill reads more, making room for it first. At most limit bytes are waiting in buf.
func (l *lineReader) fill() {
	if l.start > 0 {
		copy(l.buf, l.buf[l.start:l.end])
		l.start, l.end = 0, l.end-l.start
	}
	if l.end == len(l.buf) {
		grown := make([]byte, min(2*len(l.buf), max(l.limit+2, startBuffer)))
		copy(grown, l.buf)
		l.buf = grown
	}
	for range maxEmptyReads {
		n, err := l.r.Read(l.buf[l.end:])
		l.end += n
		l.err = err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}

// tidy counts a line, and takes the carriage returns from its end and the mark from the start of the first.
func (l *lineReader) tidy(line []byte) ([]byte, error) {
	l.count++
	if len(line) > l.limit {
		return nil, l.tooLong(line)
	}
	if l.count == 1 {
		if bytes.HasPrefix(line, []byte(utf16LittleEnd)) || bytes.HasPrefix(line, []byte(utf16BigEnd)) {
			fault := syntaxFault(0, "", "text is UTF-16, want UTF-8")
			fault.Line = 1
			return nil, fault
		}
		line = bytes.TrimPrefix(line, []byte(byteOrderMark))
	}
	for len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	return line, nil
}

func (l *lineReader) tooLong(line []byte) *Error {
	return &Error{Line: l.count, Err: &LimitError{Name: "line length", Limit: int64(l.limit), Got: int64(len(line))}}
}

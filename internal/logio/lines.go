package logio

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
)

const (
	startSize = 64 << 10
	// MaxLine is the default limit of a line in bytes, its end not counted.
	MaxLine = 1 << 20
	// prefixSize is how much of a line over the limit is kept, for a report.
	prefixSize = 128
)

// End says how a line ends.
type End uint8

// A line ends with a newline, or with the input, or where the input broke.
const (
	EndNewline End = iota
	EndInput
	EndBroken
)

// Lines reads a log line by line. It has one owner. It is also an [io.Reader] of the bytes that were not yet taken as
// lines, so that a reader of logs can be handed a log that somebody has looked into; see [From].
type Lines struct {
	src   *source
	err   error // why there is nothing behind buf[w]
	limit int

	buf   []byte
	small []byte // what buf is but for long lines; nil if it is the log itself
	lent  bool   // buf is lent by the pool that all readers share
	held  bool   // buf is not given back for now
	r, w  int    // buf[r:w] is read and not yet taken
	past  int64  // bytes that were taken ahead of buf[0]
	seen  int    // bytes from r on that hold no newline

	line    []byte
	no      int64
	end     End
	empty   bool // lines of white space are lines
	short   bool // PassShort passes over lines
	stop    int  // bytes of the next line, which PassShort has looked at and which is neither blank nor long; 0 if it has not
	tooLong bool
	length  int64 // of a line that is too long
	lost    int64 // bytes that the first line had besides
	prefix  [prefixSize]byte
}

// From returns the lines of r, which is unpacked if it is gzip or zstd; limit is the longest line in bytes, 0 for
// [MaxLine]. If r is a *Lines already it is returned as it is.
func From(r io.Reader, limit int) *Lines {
	if l, ok := r.(*Lines); ok {
		return l
	}
	if limit <= 0 {
		limit = MaxLine
	}
	small := make([]byte, min(startSize, limit+2))
	l := &Lines{src: open(r), limit: limit, buf: small, small: small}
	for l.w < len(byteOrderMark) && l.err == nil {
		l.fill()
	}
	if bytes.HasPrefix(l.buf[:l.w], byteOrderMark) {
		l.r = len(byteOrderMark)
	}
	return l
}

// Raw is From for bytes that are taken as they are: no compression, no byte order mark.
func Raw(r io.Reader, limit int) *Lines {
	if limit <= 0 {
		limit = MaxLine
	}
	small := make([]byte, min(startSize, limit+2))
	return &Lines{src: &source{r: r, close: func() {}}, limit: limit, buf: small, small: small}
}

// Plain returns the lines of a text in memory, which is taken as it is: no compression, no byte order mark. It is for parts of
// a log that was unpacked already. The text must not change meanwhile.
func Plain(text []byte, limit int) *Lines {
	if limit <= 0 {
		limit = MaxLine
	}
	return &Lines{limit: limit, buf: text[:len(text):len(text)], w: len(text), err: io.EOF}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// Close frees what unpacking holds. It does not close the underlying reader.
func (l *Lines) Close() {
	if l.src != nil {
		l.src.close()
	}
	if l.lent {
		shared.give(l.buf)
		l.buf, l.lent = nil, false
		l.r, l.w = 0, 0
	}
}

// Packing is the compression of the log: gzip, zstd, or "" for none.
func (l *Lines) Packing() string {
	if l.src == nil {
		return ""
	}
	return l.src.name
}

// Bytes is the current line without its end. It is valid until the next call of Next.
func (l *Lines) Bytes() []byte { return l.line }

// Len is how many bytes Bytes returns; a line that is TooLong has more than a short one.
func (l *Lines) Len() int { return len(l.line) }

// Offset is how many plain bytes of the log were taken.
func (l *Lines) Offset() int64 { return l.past + int64(l.r) }

// Number is the 1-based number of the current line.
func (l *Lines) Number() int64 { return l.no }

// End says how the current line ends.
func (l *Lines) End() End { return l.end }

// TooLong reports whether the current line is over the limit. Bytes is then only the beginning of it.
func (l *Lines) TooLong() bool { return l.tooLong }

// Count says that so many lines are ahead of the first.
func (l *Lines) Count(ahead int64) { l.no = ahead }

// Lost says that so many bytes of the first line are left out, which is too long without them.
func (l *Lines) Lost(n int64) { l.lost = n }

// Length is how many bytes the current line has, if it is TooLong.
func (l *Lines) Length() int64 { return l.length }

// Cut reports whether a fault in the current line is put down to the line being cut off: always if the input broke in
// it, and also at the end of the input unless the fault is lossless, which means that the line is only of another kind.
// A line that is too long is just that.
func (l *Lines) Cut(lossless bool) bool {
	return !l.tooLong && (l.end == EndBroken || l.end == EndInput && !lossless)
}

// Err is the error that broke the input; nil if it ended as it should. It counts when Next has returned false.
func (l *Lines) Err() error {
	if l.err == io.EOF {
		return nil
	}
	return l.err
}

// Read reads the bytes behind the current line.
func (l *Lines) Read(p []byte) (int, error) {
	l.stop = 0
	l.settle()
	if l.r == l.w && l.err == nil {
		if len(p) >= len(l.buf)/4 && len(p) > 0 { // no need for the detour by buf
			n, err := l.src.Read(p)
			l.past += int64(l.r + n)
			l.r, l.w, l.seen, l.err = 0, 0, 0, err
			if n > 0 {
				return n, nil
			}
		}
		if l.err == nil {
			l.fill()
		}
	}
	if l.r == l.w {
		return 0, l.err
	}
	n := copy(p, l.buf[l.r:l.w])
	l.r += n
	l.seen = 0
	return n, nil
}

// Peek returns what follows the current line: more than n bytes and at least one whole line, unless the input ends
// before or they do not fit into 64 KiB. Lines of white space at the beginning are dropped. more says whether a larger
// n may return more.
func (l *Lines) Peek(n int) (head []byte, more bool) {
	for {
		l.dropBlankLines()
		head = l.buf[l.r:l.w]
		if l.err != nil || len(head) >= min(startSize, len(l.buf)) {
			return head, false
		}
		if len(head) > n && bytes.IndexByte(head, '\n') >= 0 {
			return head, true
		}
		l.fill()
	}
}

func (l *Lines) dropBlankLines() {
	for l.r < l.w {
		i := bytes.IndexByte(l.buf[l.r:l.w], '\n')
		if i < 0 || !Blank(l.buf[l.r:l.r+i]) {
			return
		}
		l.r += i + 1
		l.no++
		l.seen = 0
	}
}

// KeepEmpty makes Next give out lines of nothing but white space.
func (l *Lines) KeepEmpty() { l.empty = true }

// Next takes the next line and reports whether there is one. Lines of nothing but white space are passed over, but for KeepEmpty; they
// count in Number.
func (l *Lines) Next() bool {
	if n := l.stop; n > 0 {
		l.Pass(n)
		return true
	}
	// What nearly every line is: whole in the buffer, and neither blank nor long.
	if rest := l.buf[l.r:l.w]; len(rest) > 0 && rest[0] > ' ' && l.seen == 0 && l.lost == 0 && !l.lent {
		if n := newline(rest); n > 0 && n <= l.limit {
			l.r += n + 1
			l.no++
			if rest[n-1] == '\r' {
				n--
			}
			l.line, l.end, l.tooLong = rest[:n], EndNewline, false
			return true
		}
	}
	for l.next() {
		if l.empty || l.tooLong || len(l.line) > 0 && (l.line[0] > ' ' || !Blank(l.line)) {
			return true
		}
	}
	return false
}

// newline is where the first newline of b is, -1 if there is none: of short lines, too, as quickly as can be.
func newline(b []byte) int {
	if len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b) ^ '\n'*lowBits
		if hits := (x - lowBits) &^ x & highBits; hits != 0 { // the lowest one is where a newline is
			return bits.TrailingZeros64(hits) >> 3
		}
	}
	return bytes.IndexByte(b, '\n')
}

// Ahead returns what follows the current line in memory, as far as it is whole lines with their newlines, and at most n bytes of it. It may be nothing although there
// is more to read; Next takes care of that, and of lines that are not what nearly every line is. The bytes are valid until Next reads more.
func (l *Lines) Ahead(n int) []byte {
	if l.seen != 0 || l.lost != 0 || n > l.limit || l.lent && l.w-l.r <= len(l.small)/2 { // then Next gives back what is lent
		return nil
	}
	rest := l.buf[l.r:min(l.w, l.r+n)]
	return rest[:bytes.LastIndexByte(rest, '\n')+1]
}

// Pass is Next for a line that Ahead begins with: it has n bytes, neither none nor white space alone, and ends with a newline without a carriage return.
func (l *Lines) Pass(n int) {
	l.line, l.end, l.tooLong, l.stop = l.buf[l.r:l.r+n], EndNewline, false, 0
	l.r += n + 1
	l.no++
}

// MaxShort is how many bytes a line has at most that PassShort passes over.
const MaxShort = 7

// Together lets PassShort pass over lines: whoever reads the log wants to know how many records are bad, and not of each which one.
func (l *Lines) Together() { l.short = true }

// Class is what a line is to PassShort. Classes from Bad on are for the reader of the log to tell the reasons of bad records apart.
type Class uint8

// The classes that mean the same to all readers.
const (
	Unclear  Class = iota // it has to be read
	NoRecord              // such as a comment
	Same                  // unclear, but equal to the current line
	Bad
)

// Run is lines of one class, but for ones that are no record between them.
type Run struct {
	Class Class
	Line  int64  // the number of the first
	More  int64  // how many are behind it
	Text  []byte // the first, as long as Bytes
}

// PassShort passes over short lines behind the current one, as long as they are whole in memory and of says of each what it is. The last of runs is that of the
// current line: those behind it are added to it, and runs of other classes appended, up to the capacity of runs. of has to say the same of equal lines; empty ones
// are passed over, too. The current line stays what Bytes returns. It passes over nothing unless Together was called.
func (l *Lines) PassShort(runs []Run, of func(line []byte) Class) []Run {
	if !l.short || l.seen != 0 || l.lost != 0 || l.lent || l.empty || l.limit < MaxShort {
		return runs
	}
	run := &runs[len(runs)-1]
	rest := l.buf[l.r:l.w]
	at := 0
	var word, last, before uint64 // a line with its newline; of the two that came last, which are often all that there are
	var is, was Class             // what those are
	counts := int64(0)            // 1 if the line that came last is a record
	for at+8 <= len(rest) {
		word = binary.LittleEndian.Uint64(rest[at:])
		x := word ^ '\n'*lowBits
		hits := (x - lowBits) &^ x & highBits
		if hits == 0 {
			break
		}
		end := bits.TrailingZeros64(hits) + 1 // of the newline, in bits
		size := end>>3 - 1
		if word &^= ^uint64(0) << end; word != last {
			line := rest[at : at+size]
			if size > 0 && line[size-1] == '\r' {
				line = line[:size-1]
			}
			class := was
			if word != before {
				class = l.classOf(line, of)
			}
			if class == Unclear || class > NoRecord && class != run.Class && len(runs) == cap(runs) {
				if len(line) == size && line[0] > ' ' {
					l.stop = size
				}
				break
			}
			last, before, is, was = word, last, class, is
			counts = 0
			if class > NoRecord {
				counts = 1
				if class != run.Class {
					runs = append(runs, Run{class, l.no + 1, -1, line})
					run = &runs[len(runs)-1]
				}
			}
		}
		run.More += counts
		l.no++
		at += size + 1
	}
	l.r += at
	return runs
}

// classOf is what a short line is behind the current one.
func (l *Lines) classOf(line []byte, of func(line []byte) Class) Class {
	if len(line) == 0 {
		return NoRecord
	}
	class := of(line)
	if class == Unclear && string(line) == string(l.line) {
		return Same
	}
	return class
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

func (l *Lines) next() bool {
	l.settle()
	for {
		if l.seen == 0 && l.r < l.w && l.buf[l.r] <= ' ' && !l.empty {
			l.passBlank()
		}
		rest := l.buf[l.r:l.w]
		if i := bytes.IndexByte(rest[l.seen:], '\n'); i >= 0 {
			n := l.seen + i
			l.r += n + 1
			l.take(rest[:n], EndNewline)
			return true
		}
		l.seen = len(rest)
		if l.err != nil {
			if len(rest) == 0 {
				return false
			}
			l.r = l.w
			l.take(rest, l.broken())
			return true
		}
		if len(rest) >= l.limit+2 {
			l.skip()
			return true
		}
		l.fill()
	}
}

// passBlank passes over lines of white space.
func (l *Lines) passBlank() {
	for i, c := range l.buf[l.r:l.w] {
		if c == '\n' {
			l.no++
		} else if c != ' ' && (c < '\t' || c > '\r') {
			l.r += bytes.LastIndexByte(l.buf[l.r:l.r+i], '\n') + 1
			return
		}
	}
	l.r += bytes.LastIndexByte(l.buf[l.r:l.w], '\n') + 1
}

func (l *Lines) broken() End {
	if l.err == io.EOF {
		return EndInput
	}
	return EndBroken
}

func (l *Lines) take(line []byte, end End) {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	l.tooLong = len(line) > l.limit
	if l.tooLong {
		l.length = int64(len(line)) + l.lost
		line = line[:min(prefixSize, len(line))]
	}
	l.line, l.end, l.seen, l.lost = line, end, 0, 0
	l.no++
}

// skip passes over a line that fills the buffer, in constant memory. If it is blank it does not count as too long.
func (l *Lines) skip() {
	l.line = l.prefix[:copy(l.prefix[:], l.buf[l.r:l.w])]
	l.seen = 0
	l.length = 0
	l.no++
	last := byte(0)
	for blank := true; ; l.fill() {
		rest := l.buf[l.r:l.w]
		i := bytes.IndexByte(rest, '\n')
		if i >= 0 {
			rest = rest[:i+1]
			l.end = EndNewline
		} else if l.err != nil {
			l.end = l.broken()
		}
		l.r += len(rest)
		l.length += int64(len(rest))
		blank = blank && Blank(rest)
		if len(rest) > 0 && i < 0 {
			last = rest[len(rest)-1]
		}
		if i >= 0 || l.err != nil {
			l.tooLong = !blank
			if i >= 0 {
				l.length-- // the newline
				if i > 0 {
					last = rest[i-1]
				}
				if last == '\r' {
					l.length--
				}
			}
			return
		}
	}
}

// fill reads more behind buf[w], and makes room for it first.
func (l *Lines) fill() {
	switch {
	case l.r > 0:
		l.w = copy(l.buf, l.buf[l.r:l.w])
		l.past += int64(l.r)
		l.r = 0
	case l.w == len(l.buf):
		l.grow()
	}
	for range maxEmpty {
		n, err := l.src.Read(l.buf[l.w:])
		l.w += n
		if err != nil {
			l.err = err
			return
		}
		if n > 0 {
			return
		}
	}
	l.err = io.ErrNoProgress
}

// grow makes buf as long as a line may be: at once, so that who holds a part of what is shared never waits for more of it.
func (l *Lines) grow() {
	buf, lent := shared.take(l.limit+2, maxTurn)
	copy(buf, l.buf[:l.w])
	l.buf, l.lent = buf, lent
}

// Hold is for a record of several lines that is getting long, of which its reader keeps what it has seen: the log takes its turn for the memory of a long line, unless
// it has that, and keeps it until Release. So what is kept is within what all readers share.
func (l *Lines) Hold() {
	if l.small == nil || len(l.small) > l.limit { // it is a text in memory, or never grows
		return
	}
	if len(l.buf) == len(l.small) {
		l.grow()
	}
	l.held = true
}

// Release ends a Hold.
func (l *Lines) Release() { l.held = false }

// maxKept is how much memory a reader keeps from record to record.
const maxKept = 4 << 10

// Reset empties what a reader has made of a record, such as texts without their escapes, for the next one, of so many bytes. What a long record takes is not kept, and
// is taken at once: it would be left behind for several others while it grows.
func Reset(scratch []byte, record int) []byte {
	switch {
	case record > startSize:
		return make([]byte, 0, record)
	case cap(scratch) > maxKept:
		return nil
	}
	return scratch[:0]
}

// settle gives back what a long line took, if it is not needed any more.
func (l *Lines) settle() {
	if l.small != nil && len(l.buf) > len(l.small) && l.w-l.r <= len(l.small)/2 && !l.held {
		l.shrink()
	}
}

func (l *Lines) shrink() {
	l.w = copy(l.small, l.buf[l.r:l.w])
	l.past += int64(l.r)
	l.r = 0
	if l.lent {
		shared.give(l.buf)
	}
	l.buf, l.lent = l.small, false
}

// Blank reports whether b is nothing but white space.
func Blank(b []byte) bool {
	for _, c := range b {
		if c != ' ' && (c < '\t' || c > '\r') {
			return false
		}
	}
	return true
}

package auto

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"threatdetect/features"
	"threatdetect/features/eve"
	"threatdetect/features/zeek"
	"threatdetect/internal/logio"
)

// PieceSize is how long a piece of a log is at most, in bytes, up to one line more or less.
const PieceSize = 512 << 10

// PieceLines is a number of lines that pieces have a multiple of, as far as lines are short enough: who takes as many flows together as that, or
// a part of it, has none left over at the end of a piece.
const PieceLines = 256

const (
	enough   = 400 << 10 // bytes of a piece of so many lines
	readSize = 16 << 10  // bytes that are read at once, behind that
	lookSize = 4 << 10   // bytes whose lines are counted at once
)

var newline = []byte{'\n'}

// maxComments bounds the directives that a Position holds, in bytes.
const maxComments = 64 << 10

// Splitter takes a log apart into pieces of whole lines, each of which can be read by itself, at the same time as others: all pieces
// together give the flows and record errors of [Read], one for one. Where pieces begin depends on the log alone, so a
// splitter that starts at the end of a piece cuts the same ones behind it.
//
// Zeek's logs and Suricata's can be split. The records of the other formats depend on each other, or on a header that may be
// anywhere; such a log is read in one go, with [Splitter.Whole].
//
// A Splitter has one owner.
type Splitter struct {
	lines  *logio.Lines
	size   int // of a piece at most
	enough int // of one that has a multiple of so many lines:
	many   int
	opts   Options
	format Format
	json   bool // of Zeek
	empty  bool

	header   zeek.Header
	comments []byte // the directives that header was read from
	replay   bool   // they are too many to be told
	began    bool
	pos      Position // behind the last piece
	rest     []byte   // what was read behind it
	err      error    // of the input
}

// Position is where a piece ends.
type Position struct {
	Offset int64 // plain bytes of the log ahead of it
	Line   int64 // lines ahead of it
	// Header holds the directives of a Zeek log that are in force there.
	Header string
	// FromStart tells that Header would be too long: a splitter can only get there from the start of the log.
	FromStart bool
}

// Piece is a part of a log. It may be read by any goroutine, once; its memory is its own.
type Piece struct {
	End  Position
	text []byte
	line int64 // lines ahead of it
	lost int64 // bytes of its first line, which is too long, that are not in text
	of   *Splitter
	read func(lines *logio.Lines, m *Memory) iter.Seq2[*features.Flow, error]
}

// Memory is what one piece after another takes to be read, so that not each of a log has to learn again what the texts in it mean. The zero value is ready. It
// has one owner.
type Memory struct {
	// Slot is that of [zeek.Memory]: what flows of a piece that are in such memory refer to is valid until the piece is released.
	Slot func() *features.Flow

	of   *Splitter // of the last piece
	zeek zeek.Memory
	eve  eve.Memory
}

// NewSplitter looks at the beginning of a log, which may be gzip or zstd, and tells its format. opts are those of [Read], without
// Parts and Join. The error is that of [Read] for a log that is of no known format.
func NewSplitter(r io.Reader, opts *Options) (*Splitter, error) {
	s := &Splitter{lines: logio.From(r, 0), size: PieceSize, enough: enough, many: PieceLines}
	if opts != nil {
		s.opts = *opts
	}
	var head []byte
	by := ""
	s.format, by, head = detect(s.lines)
	if s.opts.Format != Unknown {
		s.format, by = s.opts.Format, ""
	}
	if s.format == Unknown {
		s.empty = logio.Blank(head)
		return s, unknown(head, s.lines)
	}
	if s.opts.OnFormat != nil {
		s.opts.OnFormat(s.format, by)
	}
	head = bytes.TrimLeft(head, " \t\v\f\r\n")
	s.json = len(head) > 0 && head[0] == '{'
	s.pos.Line, s.pos.Offset = s.lines.Number(), s.lines.Offset()
	return s, nil
}

// Close frees what unpacking holds.
func (s *Splitter) Close() { s.lines.Close() }

// Format is what the log was found to be; Unknown if there is nothing in it.
func (s *Splitter) Format() Format { return s.format }

// Splits reports whether the log can be split. An empty one can: it has no pieces.
func (s *Splitter) Splits() bool {
	return s.format == Zeek || s.format == EVE || s.empty
}

// Plain reports whether the log is not compressed: places in it are places in the file.
func (s *Splitter) Plain() bool { return s.lines.Packing() == "" }

// Whole reads the log in one go. It takes the place of Next.
func (s *Splitter) Whole() iter.Seq2[*features.Flow, error] {
	opts := s.opts
	opts.Format, opts.OnFormat = s.format, nil
	return Read(s.lines, &opts)
}

// Skip goes to a place where a piece of the same log ended, before the first call of Next. The bytes ahead of it are read, unless r is
// there already: then r was opened at p.Offset plain bytes, and the log is not compressed.
func (s *Splitter) Skip(p Position, r io.Reader) error {
	if p.FromStart || r == nil {
		for s.pos.Offset < p.Offset {
			if _, ok, err := s.Next(); err != nil || !ok {
				if err == nil {
					err = io.ErrUnexpectedEOF
				}
				return err
			}
		}
		if s.pos.Offset != p.Offset {
			return fmt.Errorf("%w: no piece ends at byte %d", errPlace, p.Offset)
		}
		return nil
	}
	s.lines.Close()
	s.lines = logio.Raw(r, 0)
	s.pos, s.began = p, true
	s.comment([]byte(p.Header))
	s.comments = append(s.comments[:0], p.Header...)
	return nil
}

var errPlace = errors.New("another log than before")

// Next returns the next piece, or false at the end of the log. An error is that of the input, such as of a gzip stream that was cut.
func (s *Splitter) Next() (p *Piece, ok bool, err error) {
	if s.empty {
		return nil, false, nil
	}
	text := append(texts.get(s.size), s.rest...)
	s.rest = s.rest[:0]
	raw := int64(0) // bytes of the log that are not in text
	text, end, lines := s.fillLines(text)
	for end == 0 && s.err == nil && bytes.IndexByte(text, '\n') < 0 {
		if len(text) > logio.MaxLine+2 {
			text, raw = s.skipLine(text)
			break
		}
		text = s.fill(text, len(text)+64<<10)
	}
	if s.err != nil && s.err != io.EOF {
		// What was read of this piece is not given: a log that is read again, and does not break, would have another one in its place.
		return nil, false, &features.InputError{Line: s.pos.Line, Err: s.err}
	}
	if end == 0 && s.err == nil {
		end = bytes.LastIndexByte(text, '\n') + 1
	}
	if end > 0 {
		s.rest = append(s.rest, text[end:]...)
		if text = text[:end]; len(s.rest) == 0 && s.err == nil {
			s.rest = s.fill(s.rest, 1) // to know whether this is the last piece
		}
	}
	if len(text) == 0 {
		return nil, false, nil
	}
	if lines == 0 {
		lines = bytes.Count(text, newline)
	}
	p = &Piece{text: text, line: s.pos.Line, lost: raw, of: s}
	s.aim(p)
	s.pos.Offset += int64(len(text)) + raw
	s.pos.Line += int64(lines)
	p.End = s.pos
	p.End.Header, p.End.FromStart = string(s.comments), s.replay
	return p, true, nil
}

// fillLines reads as much as a piece may have, or a multiple of lines that is enough of it. end is where the last multiple that was read ends, and lines how many that
// are; 0 where the piece is to end with the last line, or the input. It depends on what the log is alone, not on how much of it was there already.
func (s *Splitter) fillLines(text []byte) (_ []byte, end, lines int) {
	seen, more := 0, 0 // bytes, and lines behind end
	for n := min(s.enough+readSize, s.size); ; n = min(len(text)+readSize, s.size) {
		text = s.fill(text, n)
		for whole := min(len(text), s.size); seen < whole; {
			part := text[seen:min(seen+lookSize, whole)]
			k := bytes.Count(part, newline)
			if more+k < s.many {
				seen, more = seen+len(part), more+k
				continue
			}
			for ; more < s.many; more++ {
				seen += bytes.IndexByte(text[seen:], '\n') + 1
			}
			end, lines, more = seen, lines+s.many, 0
			if end >= s.enough {
				return text, end, lines
			}
		}
		switch {
		case s.err != nil:
			return text, 0, 0
		case len(text) >= s.size:
			return text, end, lines
		}
	}
}

// fill reads until text has n bytes, or the input ends.
func (s *Splitter) fill(text []byte, n int) []byte {
	for len(text) < n && s.err == nil {
		if cap(text) < n {
			text = append(make([]byte, 0, max(n, 2*cap(text))), text...)
		}
		var k int
		k, s.err = s.lines.Read(text[len(text):n])
		text = text[:len(text)+k]
	}
	return text
}

// skipLine passes over the rest of a line that is over the limit, in constant memory. What is left of it is as much as its
// reader needs to see that; of a blank one, nothing. raw is how many bytes less that is than the line has.
func (s *Splitter) skipLine(text []byte) (short []byte, raw int64) {
	blank := logio.Blank(text)
	kept := text[:logio.MaxLine+3]
	raw = int64(len(text) - len(kept))
	blank = blank && logio.Blank(text)
	buf := make([]byte, 0, 64<<10)
	last := byte(0)
	for {
		buf = s.fill(buf[:0], cap(buf))
		i := bytes.IndexByte(buf, '\n')
		line := buf
		if i >= 0 {
			line = buf[:i]
		}
		blank = blank && logio.Blank(line)
		raw += int64(len(line))
		if len(line) > 0 {
			last = line[len(line)-1]
		}
		if i < 0 && s.err == nil {
			continue
		}
		if blank {
			raw += int64(len(kept))
			kept = kept[:0]
		}
		if i >= 0 {
			if last == '\r' && !blank { // it belongs to the end of the line
				kept = append(kept, '\r')
				raw--
			}
			kept = append(kept, buf[i:]...)
		}
		return kept, raw
	}
}

// aim tells a piece how it is to be read, and takes over what the directives in it say.
func (s *Splitter) aim(p *Piece) {
	first := !s.began
	s.began = true
	if s.format == EVE {
		pointer := s.opts.Pointer
		p.read = func(lines *logio.Lines, m *Memory) iter.Seq2[*features.Flow, error] {
			return eve.Read(lines, &eve.Options{Pointer: pointer, Memory: &m.eve})
		}
		return
	}
	header := new(zeek.Header)
	if !first {
		header = s.header.Within(s.json)
	}
	if len(s.rest) > 0 || s.err == nil {
		header.More()
	}
	pointer := s.opts.Pointer
	p.read = func(lines *logio.Lines, m *Memory) iter.Seq2[*features.Flow, error] {
		return zeek.Read(lines, &zeek.Options{Pointer: pointer, Header: header, Memory: &m.zeek})
	}
	if s.json {
		return
	}
	text := p.text
	if first {
		text = bytes.TrimLeft(text, " \t\v\f\r\n")
	}
	s.comment(directives(text))
}

// directives returns the lines of a text that begin with a '#'.
func directives(text []byte) (found []byte) {
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '#') // which is rare, as a newline is not
		if i < 0 {
			return found
		}
		at += i
		if at > 0 && text[at-1] != '\n' {
			at++
			continue
		}
		end := at + bytes.IndexByte(text[at:], '\n') + 1
		if end == at {
			end = len(text)
		}
		found = append(found, text[at:end]...)
		at = end
	}
}

// comment takes over directives.
func (s *Splitter) comment(lines []byte) {
	if len(lines) == 0 {
		return
	}
	if s.header == (zeek.Header{}) {
		s.header = *s.header.Within(false)
	}
	for range zeek.Read(logio.Plain(lines, 0), &zeek.Options{Header: &s.header}) {
		// What is wrong with them is told by the reader of the piece.
	}
	s.keep(lines)
}

// keep adds directives to those that are told with a position. A block that repeats what is there already, as in logs that were put
// together, changes nothing.
func (s *Splitter) keep(lines []byte) {
	var block []byte
	take := func() {
		switch {
		case bytes.HasSuffix(s.comments, block):
		case len(s.comments)+len(block) > maxComments:
			s.replay = true
		default:
			s.comments = append(s.comments, block...)
		}
		block = block[:0]
	}
	for line := range bytes.Lines(lines) {
		if bytes.HasPrefix(line, []byte("#close")) || bytes.HasPrefix(line, []byte("#open")) {
			continue
		}
		if bytes.HasPrefix(line, []byte("#separator")) {
			take()
		}
		block = append(block, line...)
	}
	take()
}

// Flows reads the piece: the flows and errors are those of the format's reader, with the line numbers of the log. It is single-use,
// and they are as shortly valid. Memory of pieces that were read before spares the making of new one; it may be nil.
func (p *Piece) Flows(m *Memory) iter.Seq2[*features.Flow, error] {
	return func(yield func(*features.Flow, error) bool) {
		if m == nil {
			m = &Memory{}
		}
		if m.of != p.of { // of another log, which may have other texts altogether
			*m = Memory{Slot: m.Slot, of: p.of}
		}
		m.zeek.Slot = m.Slot
		lines := logio.Plain(p.text, 0)
		lines.Count(p.line)
		lines.Lost(p.lost)
		p.read(lines, m)(yield)
	}
}

// texts is the memory of pieces that were released.
var texts textPool

type textPool struct{ pool sync.Pool }

func (p *textPool) get(size int) []byte {
	if b, ok := p.pool.Get().(*[]byte); ok && cap(*b) >= size {
		return (*b)[:0]
	}
	return make([]byte, 0, size)
}

// Release gives the memory of the piece to one to come. Nothing of it may be used any more, nor of the flows that were read of it.
func (p *Piece) Release() {
	texts.pool.Put(&p.text)
	p.read = nil
}

// Len is the number of bytes of the piece.
func (p *Piece) Len() int { return len(p.text) }

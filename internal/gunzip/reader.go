package gunzip

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// What is wrong with a stream that is not merely cut, which is io.ErrUnexpectedEOF.
var (
	ErrHeader   = errors.New("no gzip member where one should be")
	ErrCorrupt  = errors.New("corrupt deflate data")
	ErrChecksum = errors.New("wrong checksum")
)

const (
	history    = 32 << 10
	longest    = 258 // bytes of one match
	windowSize = history + 96<<10
)

// Reader unpacks the members of a gzip stream, one after the other. It has one owner.
type Reader struct {
	src *bufio.Reader
	in  []byte // of src's buffer, from pos on not yet in b
	pos int
	eof error // why there is nothing behind in

	b  uint64
	nb uint

	window []byte
	r, w   int
	begin  int // of the member in the window
	summed int // up to here the checksum goes
	crc    uint32
	size   uint32

	step  func(*Reader) error // what comes next in the stream
	last  bool                // the block is the member's last
	rest  int                 // bytes of a stored block
	first bool                // no member was read yet
	err   error

	litlen, dist *table // of the block
	own          [2]table
}

// NewReader returns a reader of the gzip stream that src is. It reads ahead.
func NewReader(src *bufio.Reader) *Reader {
	return &Reader{src: src, window: make([]byte, windowSize), step: (*Reader).header, first: true}
}

// Read reads unpacked bytes. The error, also one of src, comes when all that could be unpacked was read; it is
// io.ErrUnexpectedEOF if the stream is cut.
func (z *Reader) Read(p []byte) (int, error) {
	for z.r == z.w {
		if z.err != nil {
			return 0, z.err
		}
		if z.w > len(z.window)-2*longest {
			z.slide()
		}
		for z.err == nil && z.w <= len(z.window)-2*longest {
			if z.w > z.r && z.pos == len(z.in) {
				break // more input may be long in coming
			}
			z.err = z.step(z)
		}
		z.sum()
	}
	n := copy(p, z.window[z.r:z.w])
	z.r += n
	return n, nil
}

// slide makes room in the window; all in it is delivered.
func (z *Reader) slide() {
	z.sum()
	gone := z.w - history
	copy(z.window, z.window[gone:z.w])
	z.w, z.r, z.summed = history, history, history
	z.begin = max(0, z.begin-gone)
}

// sum adds to the checksum what is new in the window.
func (z *Reader) sum() {
	fresh := z.window[z.summed:z.w]
	z.crc = crc32.Update(z.crc, crc32.IEEETable, fresh)
	z.size += uint32(len(fresh))
	z.summed = z.w
}

// more gets more input and reports whether there is any.
func (z *Reader) more() bool {
	if z.eof != nil {
		return false
	}
	_, _ = z.src.Discard(len(z.in)) // they are in the buffer, so it cannot fail
	z.in, z.pos = nil, 0
	if _, err := z.src.Peek(1); err != nil {
		z.eof = err
		return false
	}
	z.in, _ = z.src.Peek(z.src.Buffered())
	return true
}

// fill makes sure of 56 bits, or of all that are left.
func (z *Reader) fill() {
	if len(z.in)-z.pos >= 8 {
		// Bits above nb may be in b already. They are the same, so it does not matter that they come again.
		z.b |= binary.LittleEndian.Uint64(z.in[z.pos:]) << z.nb
		z.pos += int(63-z.nb) >> 3
		z.nb |= 56
		return
	}
	for z.nb < 56 {
		if z.pos == len(z.in) && !z.more() {
			return
		}
		z.b |= uint64(z.in[z.pos]) << z.nb
		z.pos++
		z.nb += 8
	}
}

// cut is the error of a stream that ends where it should go on.
func (z *Reader) cut() error {
	if z.eof == nil || z.eof == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return z.eof
}

// take returns the next n bits, at most 32.
func (z *Reader) take(n uint) (uint32, error) {
	if z.nb < n {
		if z.fill(); z.nb < n {
			return 0, z.cut()
		}
	}
	v := uint32(z.b & (1<<n - 1))
	z.b >>= n
	z.nb -= n
	return v, nil
}

// header reads the header of a member, or the end of the stream in its place.
func (z *Reader) header() error {
	if z.fill(); z.nb == 0 && !z.first {
		return z.eof
	}
	z.first = false
	crc := uint32(0)
	next := func(n uint) (uint32, error) { // bytes
		v, err := z.take(8 * n)
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], v)
		crc = crc32.Update(crc, crc32.IEEETable, b[:n])
		return v, err
	}
	id, err := next(4) // two bytes of magic, the method, the flags
	if err != nil {
		return err
	}
	const deflate = 0x08_8b_1f
	if id&0xffffff != deflate {
		return ErrHeader
	}
	flags := id >> 24
	for _, n := range [...]uint{4, 2} { // the time, two hints
		if _, err = next(n); err != nil {
			return err
		}
	}
	if flags&4 != 0 { // further data
		n, err := next(2)
		for ; err == nil && n > 0; n-- {
			_, err = next(1)
		}
		if err != nil {
			return err
		}
	}
	for _, flag := range [...]uint32{8, 16} { // a name, a comment
		for c := uint32(1); flags&flag != 0 && c != 0; {
			if c, err = next(1); err != nil {
				return err
			}
		}
	}
	if flags&2 != 0 {
		want := crc & 0xffff
		if got, err := next(2); err != nil || got != want {
			return errors.Join(err, ErrHeader)
		}
	}
	z.begin, z.crc, z.size = z.w, 0, 0
	z.step = (*Reader).block
	return nil
}

// trailer compares the checksum and the size of the member.
func (z *Reader) trailer() error {
	z.sum()
	z.b >>= z.nb & 7
	z.nb &^= 7
	crc, err := z.take(32)
	if err != nil {
		return err
	}
	size, err := z.take(32)
	if err != nil {
		return err
	}
	if crc != z.crc || size != z.size {
		return ErrChecksum
	}
	z.step = (*Reader).header
	return nil
}

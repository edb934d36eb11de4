package logio

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"threatdetect/internal/gunzip"
)

// Bounds of decompression.
const (
	maxWindow = 8 << 20 // bytes of a zstd window; the largest that zstd uses without --ultra or --long
	maxRatio  = 1000    // of plain to compressed bytes; deflate itself cannot reach 1,033
	freeRatio = 64 << 20
)

const (
	lookSize = 4096
	maxEmpty = 100 // a reader may return nothing and no error, but not forever
)

// ErrRatio says that a compressed stream unpacks to more than a thousand times its size.
var ErrRatio = errors.New("unpacks to over 1,000 times its size")

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
	skippable = []byte{0x2a, 0x4d, 0x18} // behind a byte from 0x50 to 0x5f
)

// source is the plain bytes of a log.
type source struct {
	r     io.Reader
	name  string // of the compression, "" for none
	in    *counter
	out   int64
	err   error // of the decoder
	close func()
}

// counter counts what is read of the log as it lies on disk.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// looked is a reader into which somebody has looked: the first bytes were read already, and perhaps the error behind them.
type looked struct {
	r    io.Reader
	head []byte
	err  error
}

// look reads at least the first n bytes of r, unless there are fewer.
func look(r io.Reader, n int) *looked {
	l := &looked{r: r}
	buf := make([]byte, lookSize)
	for empty := 0; len(l.head) < n && l.err == nil; {
		var got int
		got, l.err = r.Read(buf[len(l.head):])
		l.head = buf[:len(l.head)+got]
		if got > 0 {
			empty = 0
		} else if empty++; empty == maxEmpty && l.err == nil {
			l.err = io.ErrNoProgress
		}
	}
	return l
}

func (l *looked) Read(p []byte) (int, error) {
	switch {
	case len(l.head) > 0:
		n := copy(p, l.head)
		if l.head = l.head[n:]; len(l.head) == 0 {
			l.head = nil // and with it what is ahead of it
		}
		return n, nil
	case l.err != nil:
		return 0, l.err
	}
	return l.r.Read(p)
}

// open tells the compression of r from its first bytes. Reading is all that can fail.
func open(r io.Reader) *source {
	s := &source{in: &counter{r: r}, close: func() {}}
	b := look(s.in, len(zstdMagic))
	head := b.head
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		s.name = "gzip"
		s.r = gunzip.NewReader(bufio.NewReaderSize(b, startSize))
	case isZstd(head):
		s.name = "zstd"
		z, err := newZstd(bufio.NewReaderSize(b, startSize))
		if err != nil {
			s.r = failed{err}
			break
		}
		s.r, s.close = z, z.Close
	default:
		s.r = b
	}
	return s
}

// Packed reports whether what begins so is unpacked while it is read: gzip or zstd.
func Packed(head []byte) bool { return bytes.HasPrefix(head, gzipMagic) || isZstd(head) }

// isZstd knows skippable frames, too: pzstd begins with one.
func isZstd(head []byte) bool {
	return bytes.HasPrefix(head, zstdMagic) || len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.HasPrefix(head[1:], skippable)
}

// newZstd decodes one block at a time on the caller's goroutine: nothing runs on, and what precedes a break is not lost.
func newZstd(r io.Reader) (*zstd.Decoder, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
}

// Zstd is a decoder for what is not a log. It need not be closed, and knows no bounds but that of its window: the caller has to count.
func Zstd(r io.Reader) (io.Reader, error) { return newZstd(r) }

// failed is a reader that could not be opened.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

func (s *source) Read(p []byte) (int, error) {
	if s.name == "" {
		return s.r.Read(p)
	}
	if s.err != nil {
		return s.drain(p)
	}
	n, err := s.r.Read(p)
	s.out += int64(n)
	if err == nil && s.out > freeRatio && s.out > maxRatio*s.in.n {
		err = ErrRatio
	}
	if err == nil || err == io.EOF {
		return n, err
	}
	s.err = fmt.Errorf("%s stream: %w", s.name, err)
	return n, nil
}

// drain returns what a decoder still holds when it has failed: zstd keeps the block in which a checksum was wrong.
func (s *source) drain(p []byte) (int, error) {
	if s.name != "zstd" || errors.Is(s.err, ErrRatio) {
		return 0, s.err
	}
	if n, _ := s.r.Read(p); n > 0 {
		return n, nil
	}
	return 0, s.err
}

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

// ErrRatio says that a compressed stream unpacks to more than a thousand times its size.
var ErrRatio = errors.New("unpacks to over 1,000 times its size")

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
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

// open tells the compression of r from its first bytes. Reading is all that can fail.
func open(r io.Reader) *source {
	s := &source{in: &counter{r: r}, close: func() {}}
	b := bufio.NewReaderSize(s.in, startSize)
	head, _ := b.Peek(len(zstdMagic))
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		s.name = "gzip"
		s.r = gunzip.NewReader(b)
	case bytes.HasPrefix(head, zstdMagic):
		s.name = "zstd"
		z, err := newZstd(b)
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

package logio

import "io"

// NewReader returns the plain bytes of r, which may be gzip or zstd. Closing it frees the decoder and leaves r open.
func NewReader(r io.Reader) io.ReadCloser { return plainReader{open(r)} }

type plainReader struct{ *source }

func (p plainReader) Close() error {
	p.close()
	return nil
}

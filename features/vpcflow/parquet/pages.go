package parquet

import (
	"bufio"
	"encoding/binary"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	maxPage   = 64 << 20 // bytes of an unpacked page; writers make them of 1 MiB
	maxFooter = 64 << 20 // bytes
)

// checkPages holds the file to the bounds of memory before the library reads it: it looks at the footer and at the header
// of every page, which say how much is going to be unpacked.
func checkPages(r io.ReaderAt, size int64) error {
	var tail [8]byte
	if size < int64(len(tail)+len(Magic)) {
		return damaged("the file is cut off")
	}
	if _, err := r.ReadAt(tail[:], size-int64(len(tail))); err != nil {
		return err
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	if string(tail[4:]) != Magic {
		return damaged("the file is cut off: it does not end with %s", Magic)
	}
	if length > maxFooter || length > size-int64(len(tail)+len(Magic)) {
		return damaged("a footer of %d bytes", length)
	}
	var meta format.FileMetaData
	footer := make([]byte, length)
	if _, err := r.ReadAt(footer, size-int64(len(tail))-length); err != nil {
		return err
	}
	protocol := new(thrift.CompactProtocol)
	if err := thrift.Unmarshal(protocol, footer, &meta); err != nil {
		return damaged("footer: %v", err)
	}
	for _, group := range meta.RowGroups {
		for i := range group.Columns {
			if err := checkChunk(r, size, &group.Columns[i].MetaData); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkChunk walks over the pages of a column of a row group.
func checkChunk(r io.ReaderAt, size int64, c *format.ColumnMetaData) error {
	start := c.DataPageOffset
	if c.DictionaryPageOffset > 0 && c.DictionaryPageOffset < start {
		start = c.DictionaryPageOffset
	}
	length := c.TotalCompressedSize
	if start < 0 || length < 0 || start > size || length > size-start {
		return damaged("a column lies outside the file")
	}
	for at := start; at < start+length; {
		counted := &counter{r: bufio.NewReaderSize(io.NewSectionReader(r, at, start+length-at), 4096)}
		var header format.PageHeader
		if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(counted)).Decode(&header); err != nil {
			return damaged("page at %d: %v", at, err)
		}
		if header.UncompressedPageSize < 0 || header.UncompressedPageSize > maxPage || header.CompressedPageSize < 0 {
			return damaged("page at %d has %d bytes, over the limit of %d", at, header.UncompressedPageSize, maxPage)
		}
		at += counted.n + int64(header.CompressedPageSize)
	}
	return nil
}

// counter counts the bytes that were read of a buffered reader.
type counter struct {
	r *bufio.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// ReadByte implements io.ByteReader.
func (c *counter) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

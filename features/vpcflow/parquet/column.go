package parquet

import (
	"errors"
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// row is the current row of a row group. It has one owner.
type row struct{ columns []*column }

// Get implements vpcflow.Record.
func (r *row) Get(i int) []byte {
	if r.columns[i] == nil {
		return nil
	}
	return r.columns[i].text
}

func (r *row) next() error {
	for _, c := range r.columns {
		if c == nil {
			continue
		}
		if err := c.next(); err != nil {
			return err
		}
	}
	return nil
}

func (r *row) close() {
	for _, c := range r.columns {
		if c != nil {
			c.release()
			c.pages.Close()
		}
	}
}

// column reads one column of a row group, page by page.
type column struct {
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buffer [256]parquet.Value
	at, n  int
	number [20]byte
	text   []byte // of the current value, nil if it is missing
}

func (c *column) next() error {
	for c.at == c.n {
		if err := c.fill(); err != nil {
			return err
		}
	}
	v := &c.buffer[c.at]
	c.at++
	switch {
	case v.IsNull():
		c.text = nil
		return nil
	case v.Kind() == parquet.ByteArray, v.Kind() == parquet.FixedLenByteArray:
		c.text = v.ByteArray()
	case v.Kind() == parquet.Int32:
		c.text = strconv.AppendInt(c.number[:0], int64(v.Int32()), 10)
	case v.Kind() == parquet.Int64:
		c.text = strconv.AppendInt(c.number[:0], v.Int64(), 10)
	default:
		c.text = []byte(v.String())
	}
	if len(c.text) == 0 || len(c.text) == 1 && c.text[0] == '-' {
		c.text = nil
	}
	return nil
}

// fill gets the next values, from the next page if need be.
func (c *column) fill() error {
	for c.values == nil {
		page, err := c.pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return damaged("a column has fewer values than there are rows")
		}
		if err != nil {
			return damaged("%v", err)
		}
		c.page, c.values = page, page.Values()
	}
	n, err := c.values.ReadValues(c.buffer[:])
	c.at, c.n = 0, n
	if err != nil && !errors.Is(err, io.EOF) {
		return damaged("%v", err)
	}
	if n == 0 {
		c.release()
	}
	return nil
}

func (c *column) release() {
	if c.page != nil {
		parquet.Release(c.page)
	}
	c.page, c.values = nil, nil
}

package parquet

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/parquet-go/parquet-go"

	"threatdetect/features"
	"threatdetect/features/vpcflow"
)

// Magic is what a Parquet file begins and ends with.
const Magic = "PAR1"

// Read returns the flows of a Parquet file that comes as a stream. The file is copied to a temporary one first, because its
// index is at its end. It is single-use; flows and errors are those of [vpcflow.ReadRecords], and as shortly valid.
func Read(r io.Reader, opts *vpcflow.Options) iter.Seq2[*features.Flow, error] {
	return func(yield func(*features.Flow, error) bool) {
		f, err := os.CreateTemp("", "threatdetect-*.parquet")
		if err != nil {
			yield(nil, &features.InputError{Err: err})
			return
		}
		defer os.Remove(f.Name())
		defer f.Close()
		size, err := io.Copy(f, r)
		if err != nil {
			vpcflow.ReadRecords(broken(err), opts)(yield)
			return
		}
		ReadAt(f, size, opts)(yield)
	}
}

// ReadAt is Read for a file of which any part can be read, size bytes long.
func ReadAt(r io.ReaderAt, size int64, opts *vpcflow.Options) iter.Seq2[*features.Flow, error] {
	return vpcflow.ReadRecords(records(r, size), opts)
}

// broken are no records but an error.
func broken(err error) iter.Seq2[vpcflow.Record, error] {
	return func(yield func(vpcflow.Record, error) bool) { yield(nil, err) }
}

// records are the rows of a file. The library panics at some damaged files: that is an error of the file too.
func records(r io.ReaderAt, size int64) iter.Seq2[vpcflow.Record, error] {
	return func(yield func(vpcflow.Record, error) bool) {
		consuming, enough := false, false // a panic of the consumer is not ours
		defer func() {
			if consuming {
				return
			}
			if p := recover(); p != nil && !enough {
				yield(nil, damaged("%v", p))
			}
		}()
		pass := func(record vpcflow.Record, err error) bool {
			consuming = true
			more := yield(record, err)
			consuming, enough = false, !more
			return more
		}
		if err := checkPages(r, size); err != nil {
			pass(nil, err)
			return
		}
		file, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		if err != nil {
			pass(nil, damaged("%v", err))
			return
		}
		places, err := places(file)
		if err != nil {
			pass(nil, err)
			return
		}
		for _, group := range file.RowGroups() {
			if more := readGroup(group, places, pass); !more {
				return
			}
		}
	}
}

func damaged(format string, args ...any) error {
	return &features.InputError{Err: features.ErrFormat, What: fmt.Sprintf("Parquet: "+format, args...)}
}

// places are the columns of the file in the order of vpcflow.Columns, -1 where there is none.
func places(file *parquet.File) ([]int, error) {
	at := make([]int, len(vpcflow.Columns))
	for i := range at {
		at[i] = -1
	}
	var names [][]byte
	for _, path := range file.Schema().Columns() {
		if len(path) != 1 {
			names = append(names, nil)
			continue
		}
		names = append(names, bytes.ReplaceAll([]byte(path[0]), []byte("_"), []byte("-")))
	}
	for i, name := range vpcflow.Columns {
		for c, n := range names {
			if string(n) != name || at[i] >= 0 {
				continue
			}
			leaf, _ := file.Schema().Lookup(file.Schema().Columns()[c]...)
			if leaf.Node.Repeated() {
				return nil, damaged("column %s is a list", name)
			}
			at[i] = c
		}
	}
	lacking := func(name string) error {
		return damaged("no column %s; there are %.1024s", name, bytes.Join(names, []byte(", ")))
	}
	has := func(names ...string) bool {
		for i, c := range vpcflow.Columns {
			for _, name := range names {
				if c == name && at[i] >= 0 {
					return true
				}
			}
		}
		return false
	}
	switch {
	case !has("srcaddr", "pkt-srcaddr"):
		return nil, lacking("srcaddr")
	case !has("dstaddr", "pkt-dstaddr"):
		return nil, lacking("dstaddr")
	case !has("start"):
		return nil, lacking("start")
	case !has("end"):
		return nil, lacking("end")
	}
	return at, nil
}

// readGroup yields the rows of a row group, and reports whether to go on.
func readGroup(group parquet.RowGroup, places []int, yield func(vpcflow.Record, error) bool) bool {
	record := &row{columns: make([]*column, len(places))}
	defer record.close()
	chunks := group.ColumnChunks()
	for i, at := range places {
		if at >= 0 {
			record.columns[i] = &column{pages: chunks[at].Pages()}
		}
	}
	for range group.NumRows() {
		if err := record.next(); err != nil {
			yield(nil, err)
			return false
		}
		if !yield(record, nil) {
			return false
		}
	}
	return true
}

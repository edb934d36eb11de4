package rows

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// Image is how the container of one of SageMaker's XGBoost images reads the rows of a request. It takes the whole input for
// one request, as the container does: a fault anywhere means that there are no rows. Faults that the container answers with
// the status 415 are [ErrSyntax], those that it answers with 400 are [ErrShape].
//
// CSV: ASCII's blanks are taken off both ends of the text, which is UTF-8, lines end with a newline alone, the separator is guessed from the first
// line as Python's csv.Sniffer does, there is no quoting and no header, an empty field is missing, and a number is what
// Python's float reads. A row may be shorter than the model, but all need to be alike.
//
// libsvm: items are separated by single spaces, those without a colon are skipped, so label:weight is taken for a feature;
// of 0:1:2 the 2 is dropped, and values of the same index are added. A line without an item is a row of missing values, but
// not at the end.
//
// RecordIO: the first record decides which names, types, shapes and forms all others have, but see OwnRecords.
type Image struct {
	Tag     string // "1.7-1"
	XGBoost [3]int // the release inside

	// Infinite tells that values that are infinite as float32 pass.
	Infinite bool
	// Wider tells that columns which the model does not have pass, and do not count.
	Wider bool
	// Shift tells that libsvm indices count from 1 if the smallest one of the request is not 0.
	Shift bool
	// OwnRecords tells that RecordIO is read by the container's own code: records may differ in type and form, those without numbers
	// are no rows, and labels have to be as many as rows.
	OwnRecords bool

	// Pickled is for the caller to set: for a model out of a pickle the container wants as many columns as the model has, or one
	// fewer, and of libsvm at most one more.
	Pickled bool
}

var images = []Image{
	{Tag: "0.90-1", XGBoost: [3]int{0, 90, 0}, Infinite: true, Wider: true},
	{Tag: "0.90-2", XGBoost: [3]int{0, 90, 0}, Infinite: true, Wider: true},
	{Tag: "1.0-1", XGBoost: [3]int{1, 0, 0}, Infinite: true, Wider: true},
	{Tag: "1.2-1", XGBoost: [3]int{1, 2, 0}, Infinite: true},
	{Tag: "1.2-2", XGBoost: [3]int{1, 2, 0}, Infinite: true},
	{Tag: "1.3-1", XGBoost: [3]int{1, 3, 3}, Infinite: true},
	{Tag: "1.5-1", XGBoost: [3]int{1, 5, 2}},
	{Tag: "1.7-1", XGBoost: [3]int{1, 7, 4}},
	{Tag: "3.0-5", XGBoost: [3]int{3, 0, 5}},
	{Tag: "3.2-0", XGBoost: [3]int{3, 2, 0}, Shift: true, OwnRecords: true},
}

// ImageTags lists the images that [LookupImage] knows.
func ImageTags() []string {
	var tags []string
	for i := range images {
		tags = append(tags, images[i].Tag)
	}
	return tags
}

// LookupImage returns the image with a tag, which may end in what SageMaker adds to it: 0.90-2-cpu-py3, 1.5-1-arm64.
func LookupImage(tag string) (*Image, error) {
	base := tag
	for _, suffix := range []string{"-cpu-py3", "-gpu-py3", "-arm64"} {
		base = strings.TrimSuffix(base, suffix)
	}
	i := slices.IndexFunc(images, func(m Image) bool { return m.Tag == base })
	if i < 0 {
		return nil, fmt.Errorf("rows: unknown image %s, want one of %s", quote([]byte(tag)), strings.Join(ImageTags(), ", "))
	}
	m := images[i]
	return &m, nil
}

// MaxPayload bounds what is read as one request, bytes. The container's own limit is 6 MiB unless it is told otherwise.
const MaxPayload = 256 << 20

// maxKept is how many values of rows are kept until the whole payload is known to be sound.
const maxKept = 1 << 15

// keeps are such values of payloads that have been read.
var keeps = sync.Pool{New: func() any { return new([]float32) }}

// scan goes through a payload and calls emit with every row, in row. It returns the number of columns. The first scan,
// without emit, is to find faults: only what has none is gone through again.
type scan func(m *Image, payload []byte, row []float32, emit func() bool) (columns uint64, fault *Error)

func (m *Image) read(r io.Reader, format Format, opts *Options, row []float32, yield func([]float32, error) bool) {
	var scan scan
	switch format {
	case CSV:
		scan = (*Image).scanCSV
	case Libsvm:
		scan = (*Image).scanLibsvm
	case RecordIO:
		scan = (*Image).scanRecords
	default:
		yield(nil, fmt.Errorf("rows: the image does not accept %s, want csv, libsvm or recordio", quote([]byte(format))))
		return
	}
	payload, n, err := whole(r)
	switch {
	case err != nil:
		yield(nil, fmt.Errorf("rows: %w", err))
		return
	case n > MaxPayload:
		yield(nil, &Error{Err: &LimitError{Name: "payload", Limit: MaxPayload, Got: n}})
		return
	case n == 0:
		return
	}
	// What is small is kept, so that it need not be gone through again.
	scratch := keeps.Get().(*[]float32)
	defer keeps.Put(scratch)
	kept := slices.Grow((*scratch)[:0], min((bytes.Count(payload, []byte("\n"))+1)*len(row), maxKept))
	*scratch = kept
	all, count := true, 0
	columns, fault := scan(m, payload, row, func() bool {
		if count++; opts.MaxRows > 0 && count > opts.MaxRows {
			return false
		}
		if all = all && len(kept)+len(row) <= maxKept; all {
			kept = append(kept, row...)
		}
		return true
	})
	if fault == nil && opts.MaxRows > 0 && count > opts.MaxRows {
		fault = &Error{Err: ErrTooMany}
	}
	if fault == nil {
		fault = m.fit(format, columns, uint64(len(row)))
	}
	if fault != nil {
		yield(nil, fault)
		return
	}
	if all {
		for ; len(kept) > 0; kept = kept[len(row):] {
			copy(row, kept)
			if opts.Missing != nil {
				blank(row, *opts.Missing)
			}
			if !yield(row, nil) {
				return
			}
		}
		return
	}
	scan(m, payload, row, func() bool {
		if opts.Missing != nil {
			blank(row, *opts.Missing)
		}
		return yield(row, nil)
	})
}

// whole reads a payload, of one that is too long no more than tells so. What is a buffer is used where it lies.
func whole(r io.Reader) (payload []byte, n int64, err error) {
	if b, ok := r.(*bytes.Buffer); ok {
		payload = b.Next(b.Len())
		return payload, int64(len(payload)), nil
	}
	var copied bytes.Buffer
	copied.Grow(sizeOf(r, MaxPayload))
	n, err = io.Copy(&copied, io.LimitReader(r, MaxPayload+1))
	return copied.Bytes(), n, err
}

// fit compares the columns of a request with those of the model.
func (m *Image) fit(format Format, got, want uint64) *Error {
	switch {
	case m.Pickled && format == Libsvm && got > want+1:
		return columnsFault(got, want, fmt.Sprintf("the request has %d columns, more than one beyond the model's %d", got, want))
	case m.Pickled && format != Libsvm && got != want && got+1 != want:
		return columnsFault(got, want, fmt.Sprintf("the request has %d columns, the model %d; for a pickled model they may differ by one at most", got, want))
	case got > want && !m.Wider:
		return columnsFault(got, want, fmt.Sprintf("the request has %d columns, the model has %d", got, want))
	}
	return nil
}

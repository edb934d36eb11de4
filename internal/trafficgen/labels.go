package trafficgen

import (
	"fmt"
	"io"
)

// A LabelWriter writes the truth about records as CSV beside a log: a header and
// one line uid,label,detailed-label per record. Join it to the log by uid.
type LabelWriter struct {
	w   io.Writer
	buf []byte
	err error
}

// NewLabelWriter returns a label writer on w. The caller must call Close.
func NewLabelWriter(w io.Writer) *LabelWriter {
	return &LabelWriter{w: w, buf: []byte("uid,label,detailed-label\n")}
}

// Write adds the label of a record.
func (l *LabelWriter) Write(r *Record) error {
	l.buf = r.UID.AppendTo(l.buf)
	l.buf = append(l.buf, ',')
	l.buf = append(l.buf, r.Kind.Label()...)
	l.buf = append(l.buf, ',')
	l.buf = append(l.buf, r.Kind.Detail()...)
	l.buf = append(l.buf, '\n')
	if len(l.buf) >= flushSize {
		l.flush()
	}
	return l.err
}

// Close writes the buffer. It does not close the underlying writer.
func (l *LabelWriter) Close() error {
	l.flush()
	return l.err
}

func (l *LabelWriter) flush() {
	if l.err == nil && len(l.buf) > 0 {
		if _, err := l.w.Write(l.buf); err != nil {
			l.err = fmt.Errorf("trafficgen: write labels: %w", err)
		}
	}
	l.buf = l.buf[:0]
}

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"threatdetect/features"
	"threatdetect/features/auto"
)

// logs are the log files of one run, read as one stream in the given order.
type logs struct {
	app    *app
	files  []string
	format auto.Format
	label  string        // column whose text is wanted, "" for none
	set    *features.Set // that each file has to be good for; nil for rows
	bar    *progress
	idle   func() // called before a read that may wait

	file  string // the one that is being read, as messages call it
	parts auto.Parts
	join  *joiner // of a set that is made of what several logs say
	// passed, unless nil, counts the records of the files that are skipped: nobody wants to see each, so flows does not yield them.
	passed *skips
}

// flows yields the records of all files. Errors of single records are passed on; any other error is an *exitError and
// the end.
func (l *logs) flows() iter.Seq2[*features.Flow, error] {
	return func(yield func(*features.Flow, error) bool) {
		l.parts = auto.Parts{}
		if err := l.readHeader(l.app.part.header); err != nil {
			yield(nil, err)
			return
		}
		files := l.files
		if l.set.Joins {
			var err error
			if l.join, files, err = l.openJoiner(); err != nil {
				yield(nil, err)
				return
			}
			defer l.closeJoiner()
		}
		for _, name := range files {
			more, err := l.readFile(name, yield)
			if err == nil && !more {
				return
			}
			if err != nil {
				if l.flush(yield) {
					yield(nil, err)
				}
				return
			}
		}
		if l.flush(yield) {
			l.rest(yield)
		}
	}
}

// flush yields the flows that wait for more records of theirs, and reports whether the consumer wants more.
func (l *logs) flush(yield func(*features.Flow, error) bool) bool {
	for flow, err := range l.parts.Flush() {
		if !yield(flow, err) {
			return false
		}
	}
	return true
}

// readFile yields the records of one file. It returns false if the consumer has had enough.
func (l *logs) readFile(name string, yield func(*features.Flow, error) bool) (more bool, err error) {
	l.file = cmp.Or(l.app.named[name], name)
	r, err := l.app.open(name, l.bar, l.idle)
	if err != nil {
		return false, err
	}
	defer r.Close()
	var unfit error // the set cannot be computed from the format that the file turns out to have
	w := watch{l: l}
	opts := &auto.Options{MaxLine: l.app.limits.maxLine << 10, Format: l.format, Label: l.label, Pointer: l.app.pointer, Fields: strings.FieldsFunc(l.app.fields, isSeparator), Parquet: readParquet, Parts: &l.parts, Together: l.passed != nil, OnFormat: func(f auto.Format, by string) { unfit = l.fits(f); l.app.readAs(f, by) }}
	if l.join != nil {
		opts.Join = l.join.Joiner
	}
	for flow, err := range auto.Read(r, opts) {
		if unfit != nil {
			return false, unfit
		}
		var record *features.RecordError
		var end error // of the file, which this record brings
		if err == nil {
			end = w.flow(flow)
		} else if record, _ = recordError(err); record == nil {
			return false, l.wrap(err)
		} else if record.Log == "" {
			end = w.skipped(record)
		}
		if end == nil && l.app.signal.Load() != 0 {
			return false, l.app.interrupted()
		}
		if record != nil && l.passed != nil {
			l.passed.add(record)
		} else if !yield(flow, err) {
			return false, nil
		}
		if end != nil {
			return false, end
		}
	}
	return true, unfit
}

// fits returns an error if the set cannot be computed from what the file turns out to be.
func (l *logs) fits(f auto.Format) error {
	if err := l.set.CheckFormat(string(f)); err != nil {
		return misfit(l.file, "%w", err)
	}
	return l.app.part.checkFormat(f)
}

// wrap says in which file, and where in it, reading ended.
func (l *logs) wrap(err error) error {
	if errors.Is(err, errInterrupted) {
		return l.app.interrupted()
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return err
	}
	where := l.file
	var input *features.InputError
	if errors.As(err, &input) {
		where = cmp.Or(input.Log, l.file)
		if input.Line > 0 {
			where = fmt.Sprintf("%s:%d", where, input.Line)
			bare := *input
			bare.Line = 0
			err = &bare
		}
	}
	return inputError(where, err)
}

// unreadable is the error of an input of which no record could be read.
func (l *logs) unreadable() error {
	return inputError(l.file, fmt.Errorf("%w: all %d records are malformed, cut off or of a wrong number of fields", features.ErrFormat, l.app.account.Records))
}

// isSeparator reports whether r stands between the names of --fields, which may be written as AWS does: ${version} ${account-id}.
func isSeparator(r rune) bool { return strings.ContainsRune(" \t\n,${}", r) }

func isRecordError(err error) bool {
	_, ok := recordError(err)
	return ok
}

// recordError is the record error that err is or wraps, if it does. A reader's is one itself, and a log may have nothing else.
func recordError(err error) (record *features.RecordError, ok bool) {
	if record, ok = err.(*features.RecordError); ok {
		return record, true
	}
	return errors.AsType[*features.RecordError](err)
}

// open opens one input, "-" being standard input. What may block for ever can be interrupted by a signal.
func (a *app) open(name string, bar *progress, idle func()) (io.ReadCloser, error) {
	if name == "-" {
		return bar.count(newPatientReader(a.stdin, a.interrupt, idle)), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, inputError(name, err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("is a directory; give the files in it")
	}
	if err != nil {
		f.Close()
		return nil, inputError(name, err)
	}
	if info.Mode().IsRegular() {
		return bar.count(f), nil
	}
	return bar.count(newPatientReader(f, a.interrupt, idle)), nil
}

// totalSize is the size of the regular files among names in bytes, or 0 if some input has no known size.
func totalSize(names []string) int64 {
	var total int64
	for _, name := range names {
		info, err := os.Stat(name)
		if name == "-" || err != nil || !info.Mode().IsRegular() {
			return 0
		}
		total += info.Size()
	}
	return total
}

// errInterrupted is what a patientReader answers once a signal came.
var errInterrupted = errors.New("interrupted")

// patientReader reads from something that may keep it waiting, such as a pipe that a sensor writes to: it reads one
// chunk ahead, says before it waits (so that output can be flushed), and gives up waiting when the program is asked to end.
type patientReader struct {
	chunks    chan chunk
	free      chan []byte
	interrupt <-chan struct{}
	idle      func()
	current   chunk
	rest      []byte
	closer    io.Closer
}

type chunk struct {
	b   []byte
	err error
}

const chunkSize = 128 << 10 // bytes

func newPatientReader(r io.Reader, interrupt <-chan struct{}, idle func()) *patientReader {
	p := &patientReader{chunks: make(chan chunk, 1), free: make(chan []byte, 3), interrupt: interrupt, idle: idle}
	p.closer, _ = r.(io.Closer)
	if r == io.Reader(os.Stdin) {
		p.closer = nil
	}
	for range cap(p.free) {
		p.free <- make([]byte, chunkSize)
	}
	go func() {
		for b := range p.free {
			n, err := r.Read(b[:chunkSize])
			select {
			case p.chunks <- chunk{b[:n], err}:
			case <-interrupt:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return p
}

func (p *patientReader) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.current.err != nil {
			return 0, p.current.err
		}
		if p.current.b != nil {
			p.free <- p.current.b
			p.current.b = nil
		}
		select {
		case p.current = <-p.chunks:
		default:
			if p.idle != nil {
				p.idle()
			}
			select {
			case p.current = <-p.chunks:
			case <-p.interrupt:
				p.current = chunk{err: errInterrupted}
			}
		}
		p.rest = p.current.b
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *patientReader) Close() error {
	if p.closer != nil {
		return p.closer.Close()
	}
	return nil
}

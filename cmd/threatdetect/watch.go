package main

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"threatdetect/features"
	"threatdetect/internal/logio"
)

// readLimits are the flags that say what is still a log.
type readLimits struct {
	maxLine     int // KiB
	maxBadRatio float64
}

// Bounds of --max-line, in KiB.
const (
	leastLine = 64
	mostLine  = 16 << 10
)

func (r *readLimits) add(flags *pflag.FlagSet) {
	flags.IntVar(&r.maxLine, "max-line", logio.MaxLine>>10, "KiB of the longest line that is read; a longer one is a skipped record")
	flags.Float64Var(&r.maxBadRatio, "max-bad-ratio", 0.5, "end, with exit code 4, when more than this share of the records of a file is skipped for a fault, from 10,000 records on; 1 for never")
}

func (r *readLimits) check() error {
	switch {
	case r.maxLine < leastLine || r.maxLine > mostLine:
		return usagef("--max-line %d: want %d to %d KiB", r.maxLine, leastLine, mostLine)
	case !(r.maxBadRatio >= 0 && r.maxBadRatio <= 1):
		return usagef("--max-bad-ratio %v: want 0 to 1", r.maxBadRatio)
	}
	return nil
}

// ratioFrom is from how many records of a file on the share of bad ones means something.
const ratioFrom = 10_000

// longPause is how long a file's lines that are too long are not told of after one was.
const longPause = 10 * time.Second

// Times outside these years are data like any others, but hardly those of a live network.
var (
	earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
)

// watch looks at what comes out of one file.
type watch struct {
	l            *logs
	records, bad int64
	oddTime      bool      // was told of
	long         time.Time // when a line that is too long was told of
}

// flow looks at a flow, and returns an error if the file has too many bad records: its record may be the 10,000th.
func (w *watch) flow(f *features.Flow) error {
	w.records += int64(1 + f.MoreRecords)
	if f.Has(features.FieldStart) && (f.Start < earliest || f.Start >= latest) && !w.oddTime {
		w.oddTime = true
		w.warn("%s: times before 1990 or after 2099, such as %s, are taken as they are", w.l.file, f.StartTime().Format(time.RFC3339))
	}
	return w.judge()
}

// skipped looks at a record that was skipped, and at those that e stands for besides, and returns an error if the file has too many of them: at the first at
// which that is so, and then e stands for no more than are read by then.
func (w *watch) skipped(e *features.RecordError) error {
	n := 1 + e.More
	switch {
	case e.Reason == features.ReasonTooLong && time.Since(w.long) >= longPause:
		w.long = time.Now()
		what := "an object over several lines"
		if e.Length > 0 {
			what = fmt.Sprintf("a line of %d bytes", e.Length)
		}
		w.warn("%s:%d: %s is skipped: the limit is --max-line %d KiB", w.l.file, e.Line, what, w.l.app.limits.maxLine)
	case e.Reason.Lossless():
		w.records += n
		return w.judge()
	}
	if !w.tooMany(n) {
		w.records, w.bad = w.records+n, w.bad+n
		return nil
	}
	for i := range n {
		w.records, w.bad = w.records+1, w.bad+1
		if err := w.judge(); err != nil {
			e.More = i
			return err
		}
	}
	return nil
}

// judge returns an error if the share of bad records is too large.
func (w *watch) judge() error {
	if !w.tooMany(0) {
		return nil
	}
	return inputError(w.l.file, fmt.Errorf("%w: %d of %d records are skipped for a fault, which is over --max-bad-ratio %v", features.ErrFormat, w.bad, w.records, w.l.app.limits.maxBadRatio))
}

// tooMany reports whether the share of bad records is too large when so many more are. It never is with fewer, unless it is with so many.
func (w *watch) tooMany(more int64) bool {
	limit, records := w.l.app.limits.maxBadRatio, w.records+more
	return limit < 1 && records >= ratioFrom && float64(w.bad+more) > limit*float64(records)
}

func (w *watch) warn(format string, args ...any) {
	if a := w.l.app; !a.quiet {
		w.l.bar.stop()
		a.printf("warning: "+format+"\n", args...)
	}
}

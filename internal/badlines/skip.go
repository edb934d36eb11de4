package badlines

import (
	"threatdetect/features"
	"threatdetect/internal/logio"
)

// The classes of short lines that are bad.
const (
	Fields = logio.Bad + iota
	Malformed
	Other
)

var reasons = [...]features.Reason{Fields: features.ReasonFields, Malformed: features.ReasonMalformed, Other: features.ReasonOther}

const (
	maxText = 128 // bytes of a text that is shown
	maxRuns = 64  // that are looked for at a time
)

// Skipper yields the errors of one log. Its owner is the reader.
type Skipper struct {
	// Plain is what a short line, which is not empty, is at once, whatever is ahead of it.
	Plain func(line []byte) logio.Class

	bad  features.RecordError
	text [maxText]byte
	runs []logio.Run // not there before they are needed
}

// Fault is the error of the current line: what is wrong with it, in which field, and with which text there, which for a whole record, without a field, is the
// line. If the line was cut off that is what is wrong instead. The error is valid until the next call.
func (s *Skipper) Fault(lines *logio.Lines, reason features.Reason, field string, text []byte) *features.RecordError {
	if lines.Cut(reason.Lossless()) {
		reason, field, text = features.ReasonTruncated, "", lines.Bytes()
	}
	s.bad = features.RecordError{}
	s.bad.Line, s.bad.Reason, s.bad.Field = lines.Number(), reason, field
	if reason == features.ReasonTooLong {
		s.bad.Length = lines.Length()
	}
	if !reason.Lossless() {
		if s.bad.Text = text; len(text) > 0 { // a copy, as the error is kept for longer than a long line should be
			s.bad.Text = s.text[:copy(s.text[:], text)]
		}
	}
	return &s.bad
}

// Skip yields the error that Fault has returned, and those of the short lines behind it, as far as Plain says what they are. It reports whether to go on.
func (s *Skipper) Skip(lines *logio.Lines, yield func(*features.Flow, error) bool) bool {
	if lines.Len() > logio.MaxShort {
		return yield(nil, &s.bad)
	}
	class := s.Plain(lines.Bytes())
	if class == logio.Unclear || reasons[class] != s.bad.Reason {
		class = logio.Same
	}
	runs := s.pass(lines, class, maxRuns)
	first := s.bad
	for i := range runs {
		run := &runs[i]
		switch {
		case i == 0:
		case run.Class == logio.Same:
			s.bad = first
			s.bad.Line = run.Line
		default:
			s.bad.Line, s.bad.Reason, s.bad.Field, s.bad.Text = run.Line, reasons[run.Class], "", nil
			if run.Class != Other {
				s.bad.Text = run.Text
			}
		}
		s.bad.More = run.More
		if !yield(nil, &s.bad) {
			return false
		}
	}
	return true
}

// Pass passes over the short lines behind the current one that are no records, as that is none.
func (s *Skipper) Pass(lines *logio.Lines) { s.pass(lines, logio.NoRecord, 1) }

// pass returns the runs behind the current line, which is of a class.
func (s *Skipper) pass(lines *logio.Lines, class logio.Class, most int) []logio.Run {
	if s.runs == nil {
		s.runs = make([]logio.Run, maxRuns)
	}
	s.runs[0] = logio.Run{Class: class}
	return lines.PassShort(s.runs[:1:most], s.Plain)
}

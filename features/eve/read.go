package eve

import (
	"io"
	"iter"
	"strings"

	"threatdetect/features"
	"threatdetect/features/join"
	"threatdetect/internal/badlines"
	"threatdetect/internal/jsonscan"
	"threatdetect/internal/logio"
	"threatdetect/internal/naming"
)

// Options say how to read a log. The zero value reads an unlabelled log.
type Options struct {
	// Label is the key whose value goes to Flow.LabelText, true as 1 and false as 0, and from which Flow.Label is told; a
	// key of the objects flow and tcp has that before a dot. "flow.alerted", whether a rule raised an alarm, is a weak label: a model that learns
	// it learns the rules. Flows without the key are unlabelled. Empty: Flow.Label is told from the key "label" where
	// there is one, and LabelText stays empty.
	Label string
	// Pointer is where in a line the event is, as a JSON pointer (RFC 6901), for logs that a shipper wrapped:
	// "/suricata". What it points to may also be a string that holds the event: "/event/original".
	Pointer string
	// MaxLine is the longest line in bytes, without its end; 0 means logio's 1 MiB.
	MaxLine int
	// Join, unless nil, joins dns, http, tls and alert events by flow_id: Flow.Joined has them. They are still counted as
	// records of another kind. It goes on from log to log.
	Join *join.Buffer
	// Memory, unless nil, is what reading takes, and keeps what was learnt for the next part of the same log.
	Memory *Memory
}

// Memory is what one reader after another takes to read the parts of a log, so that each need not learn again what the texts in it mean. The zero
// value is ready. It has one owner.
type Memory struct{ reader *reader }

// Read returns the flows of a log, which may be gzip or zstd. It is single-use. The flow, and the record error in its
// place, are valid until the next step; the memory is the reader's.
//
// Every line but blank ones is either one flow or one [*features.RecordError], so the two add up to the records of the
// log. Any other error is the last thing yielded: the error of the input in a [*features.InputError], such as
// [io.ErrUnexpectedEOF] of one that was cut.
func Read(r io.Reader, opts *Options) iter.Seq2[*features.Flow, error] {
	if opts == nil {
		opts = &Options{}
	}
	return func(yield func(*features.Flow, error) bool) {
		rd := opts.Memory.take(opts.Label)
		rd.lines, rd.pointer, rd.join, rd.yield = logio.From(r, opts.MaxLine), jsonscan.ParsePointer(opts.Pointer), opts.Join, yield
		defer func() {
			rd.lines.Close()
			rd.lines, rd.join, rd.yield = nil, nil, nil
		}()
		rd.wantLabel, rd.labelScope, rd.labelKey = opts.Label != "", 0, "label"
		if rd.wantLabel {
			rd.labelKey = opts.Label
		}
		for s := scopeFlow; s <= scopeTCP; s++ {
			if key, ok := strings.CutPrefix(rd.labelKey, prefixes[s]); ok {
				rd.labelScope, rd.labelKey = s, key
				break
			}
		}
		for rd.lines.Next() {
			if !rd.line(rd.lines.Bytes()) {
				return
			}
		}
		if err := rd.lines.Err(); err != nil {
			yield(nil, &features.InputError{Line: rd.lines.Number(), Err: err})
		}
	}
}

// take returns a reader of a part of a log with a label.
func (m *Memory) take(label string) *reader {
	switch {
	case m == nil:
		return newReader(label)
	case m.reader == nil || m.reader.of != label: // what a key means depends on it
		m.reader = newReader(label)
	}
	return m.reader
}

// reader reads one log. It has one owner.
type reader struct {
	of      string // Options.Label
	lines   *logio.Lines
	pointer jsonscan.Pointer
	yield   func(*features.Flow, error) bool

	wantLabel  bool
	labelScope scope
	labelKey   string // in that scope

	join    *join.Buffer
	names   naming.Names
	layouts [numScopes]jsonscan.Layout
	cursor  jsonscan.Cursor
	cells   cells
	flow    features.Flow
	bad     badlines.Skipper
	scratch []byte // texts without their escapes
}

func newReader(label string) *reader {
	r := &reader{of: label}
	r.bad.Plain = r.plain
	event := &r.layouts[scopeEvent]
	event.Inner(jsonscan.ID(colFlow), &r.layouts[scopeFlow], flowColumns)
	event.Inner(jsonscan.ID(colTCP), &r.layouts[scopeTCP], tcpColumns)
	return r
}

// line reads one line and reports whether to go on.
func (r *reader) line(line []byte) bool {
	switch {
	case r.lines.TooLong():
		return r.skip(fault{noColumn, features.ReasonTooLong})
	case len(line) == 0 || line[0] <= ' ' && logio.Blank(line):
		return true
	case r.lines.End() == logio.EndBroken:
		return r.skip(fault{noColumn, features.ReasonTruncated})
	}
	r.scratch, r.cells.scratch = logio.Reset(r.scratch, 0), logio.Reset(r.cells.scratch, 0)
	switch {
	case len(r.pointer) > 0:
		var ok bool
		switch line, r.scratch, ok = r.pointer.Find(r.scratch, line); {
		case !ok:
			return r.skip(fault{noColumn, features.ReasonMalformed})
		case line == nil:
			return r.skip(fault{noColumn, features.ReasonMissing})
		}
	case jsonscan.NoObject(line):
		return r.skip(fault{noColumn, features.ReasonMalformed})
	case string(line) == "{}" && r.join == nil:
		return r.skip(fault{noColumn, features.ReasonOther})
	}
	if !r.object(line) {
		return r.skip(fault{noColumn, features.ReasonMalformed})
	}
	if c := &r.cells; !c.isText(colEvent) || string(c.value(colEvent)) != "flow" {
		if r.join != nil {
			r.joinEvent(line)
		}
		return r.skip(fault{noColumn, features.ReasonOther})
	}
	r.flow = features.Flow{}
	if bad := r.build(&r.flow); bad != sound {
		return r.skip(bad)
	}
	if r.join != nil {
		r.flow.Joined = r.join.Take(r.flow.UID, r.flow.End())
	}
	return r.yield(&r.flow, nil)
}

// skip yields a record error for the current line, and reports whether to go on.
func (r *reader) skip(f fault) bool {
	field, text := "", r.lines.Bytes()
	if f.column < numColumns {
		field, text = columnNames[f.column], nil
		if f.reason != features.ReasonMissing {
			text = r.cells.value(f.column)
		}
	}
	bad := r.bad.Fault(r.lines, f.reason, field, text)
	if f.reason == features.ReasonOther && r.join != nil {
		return r.yield(nil, bad)
	}
	return r.bad.Skip(r.lines, r.yield)
}

// plain is what every short line is that looks like this one.
func (r *reader) plain(line []byte) logio.Class {
	switch {
	case line[0] <= ' ' || len(r.pointer) > 0: // blank, perhaps, or something that is wrapped
	case jsonscan.NoObject(line):
		return badlines.Malformed
	case string(line) == "{}" && r.join == nil:
		return badlines.Other
	}
	return logio.Unclear
}

package trafficgen

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriterOptions says how a log looks. The zero value is a current Zeek TSV log
// without quirks and faults.
type WriterOptions struct {
	Format Format
	Quirks Quirk
	Seed   uint64 // of the places where quirks and faults happen

	// FaultRate is the chance that a bad line follows a good one, 0 to 1. Bad
	// lines come in addition to the records.
	FaultRate float64

	// Faults are the reasons for which a reader has to refuse the bad lines; nil
	// means all that the format can have. Truncated happens once, at the end.
	// Other is no fault: see QuirkMixedLogs.
	Faults []Reason
}

// Account counts what a Writer wrote.
type Account struct {
	Records    int64 // data lines: Flows and all of Bad
	Flows      int64 // good conn lines, duplicates included
	Duplicates int64 // lines that were there before
	Late       int64 // lines that came later than their turn
	Headers    int64 // TSV headers
	Comments   int64 // comment lines, headers and #close not included
	Blank      int64 // empty lines
	Bytes      int64

	// Bad counts the lines that a reader of flows skips, by reason.
	Bad [NumReasons]int64
}

// A Writer writes records as a Zeek conn log or as the flow events of Suricata. It keeps no record after Write
// returned, other than copies. It is not safe for concurrent use.
type Writer struct {
	w       io.Writer
	opts    WriterOptions
	rnd     stream
	buf     []byte
	scratch []byte
	err     error
	closed  bool
	acc     Account

	reasons  []Reason
	frequent []Reason // of them, those that may come any time
	faults   int64    // bad lines so far, rows of other logs not included

	started    bool
	block      int64 // number of the current TSV header, from 0
	layout     layout
	nextHeader int64 // Records at which the next header is due
	now        int64 // greatest end seen, microseconds

	held    []held
	nextDue int64 // least due of held
	temp    Record
}

// held is a record that will be written when Flows reaches due.
type held struct {
	due   int64
	again bool // a duplicate, not a late one
	r     Record
}

const (
	flushSize = 64 << 10
	mostHeld  = 256
)

// NewWriter returns a writer on w; nil options mean the zero value. The caller
// must call Close. The error wraps ErrConfig.
func NewWriter(w io.Writer, opts *WriterOptions) (*Writer, error) {
	var o WriterOptions
	if opts != nil {
		o = *opts
	}
	fail := func(format string, args ...any) (*Writer, error) {
		return nil, fmt.Errorf("trafficgen: %w: %s", ErrConfig, fmt.Sprintf(format, args...))
	}
	switch {
	case o.Format > EVE:
		return fail("unknown format %v", o.Format)
	case o.Quirks&^QuirksAll != 0:
		return fail("unknown quirks in %v", o.Quirks)
	case !(o.FaultRate >= 0 && o.FaultRate <= 1):
		return fail("fault rate %v is outside 0 to 1", o.FaultRate)
	}
	wr := &Writer{w: w, opts: o, rnd: newStream(o.Seed, 7)}
	all := faultsOf(o.Format)
	wr.reasons = all
	if o.Faults != nil {
		wr.reasons = nil
		for _, want := range o.Faults {
			if !contains(all, want) {
				return fail("%v logs have no fault %v", o.Format, want)
			}
			wr.reasons = append(wr.reasons, want)
		}
	}
	for _, r := range wr.reasons {
		if r != TooLong && r != Truncated {
			wr.frequent = append(wr.frequent, r)
		}
	}
	wr.buf = make([]byte, 0, flushSize+4096)
	wr.layout = newLayout(o.Quirks, 0)
	wr.nextHeader = 400
	return wr, nil
}

// Write adds a record. With QuirkLate some records are copied and written later.
// An error of the underlying writer is returned by every further call.
func (w *Writer) Write(r *Record) error {
	if w.closed {
		return fmt.Errorf("trafficgen: write on a closed writer")
	}
	q := w.opts.Quirks
	w.now = max(w.now, r.End())
	w.start(r.TS)
	if q&QuirkLate != 0 && len(w.held) < mostHeld {
		p := 0.004
		if r.Timed && r.Duration > 5*minute {
			p = 0.5
		}
		if w.rnd.chance(p) {
			w.hold(r, false, w.rnd.between(1, 600))
			return w.err
		}
	}
	w.flow(r)
	if q&QuirkDuplicates != 0 && len(w.held) < mostHeld && w.rnd.chance(0.005) {
		w.hold(r, true, w.rnd.between(1, 40))
	}
	for len(w.held) > 0 && w.acc.Flows >= w.nextDue {
		w.release()
	}
	return w.err
}

// Close writes what is held back, the end of the log and the buffer. It does not
// close the underlying writer.
func (w *Writer) Close() error {
	if w.closed {
		return w.err
	}
	w.start(DefaultStart.UnixMicro())
	for len(w.held) > 0 {
		w.release()
	}
	w.closed = true
	cut := w.opts.FaultRate > 0 && contains(w.reasons, Truncated) && w.acc.Flows > 0
	if cut {
		w.truncate()
	}
	if w.opts.Format == TSV && !cut && w.opts.Quirks&QuirkNoClose == 0 {
		w.directive("#close", stamp(w.now))
	}
	if !cut && w.opts.Quirks&QuirkNoFinalNewline == 0 && w.begun() {
		w.eol()
	}
	w.flush()
	return w.err
}

// Account returns the counts so far. They are final after Close.
func (w *Writer) Account() Account { return w.acc }

// start writes the beginning of the file, once.
func (w *Writer) start(ts int64) {
	if w.started {
		return
	}
	w.started = true
	w.now = max(w.now, ts)
	if w.opts.Quirks&QuirkBOM != 0 {
		w.buf = append(w.buf, 0xef, 0xbb, 0xbf)
		w.acc.Bytes += 3
	}
	if w.opts.Format == TSV {
		if w.opts.Quirks&QuirkComments != 0 {
			w.comment("### simulated traffic, not a capture")
		}
		w.header(ts)
	}
}

// flow writes a good line, and with it the interruptions that are due.
func (w *Writer) flow(r *Record) {
	q := w.opts.Quirks
	if q&QuirkUnknownTransport != 0 && r.Proto == ICMP && !r.Kind.Malicious() && w.acc.Flows%3 == 0 {
		w.temp = *r
		w.temp.Proto, w.temp.OrigP, w.temp.RespP = 47, 0, 0
		r = &w.temp
	}
	w.interrupt(r)
	w.newline()
	from := len(w.buf)
	w.buf = w.appendRecord(w.buf, r)
	w.acc.Bytes += int64(len(w.buf) - from)
	w.acc.Records++
	w.acc.Flows++
	if w.opts.FaultRate > 0 && w.rnd.chance(w.opts.FaultRate) {
		w.fault(r)
	}
	if len(w.buf) >= flushSize {
		w.flush()
	}
}

func (w *Writer) appendRecord(b []byte, r *Record) []byte {
	switch w.opts.Format {
	case JSON:
		return w.appendJSON(b, r)
	case EVE:
		return w.appendEVE(b, r)
	}
	return w.appendTSV(b, r)
}

// interrupt writes headers, comments, blank lines and rows of other
// logs before the line of r.
func (w *Writer) interrupt(r *Record) {
	q := w.opts.Quirks
	if w.opts.Format == TSV {
		if q&QuirkRestart != 0 && w.acc.Records >= w.nextHeader {
			if w.block%2 == 0 && q&QuirkNoClose == 0 {
				w.directive("#close", stamp(w.now))
			}
			w.block++
			w.layout = newLayout(q, w.block)
			w.header(w.now)
			w.nextHeader += w.rnd.between(300, 6_000)
		}
		if q&QuirkComments != 0 && w.rnd.chance(0.001) {
			w.comment("# sensor restarted its clock")
		}
	}
	if q&QuirkBlankLines != 0 && w.rnd.chance(0.002) {
		w.newline()
		w.acc.Blank++
	}
	if q&QuirkMixedLogs != 0 && r.Service == "dns" && w.rnd.chance(0.05) {
		w.otherRows(r)
	}
	if w.opts.Format == EVE {
		w.events(r)
	}
}

// hold keeps a copy of r for after lines further flows.
func (w *Writer) hold(r *Record, again bool, lines int64) {
	due := w.acc.Flows + lines
	if len(w.held) == 0 || due < w.nextDue {
		w.nextDue = due
	}
	w.held = append(w.held, held{due, again, *r})
}

// release writes the held record that is due first.
func (w *Writer) release() {
	first := 0
	for i := range w.held {
		if w.held[i].due < w.held[first].due {
			first = i
		}
	}
	h := w.held[first]
	last := len(w.held) - 1
	w.held[first] = w.held[last]
	w.held = w.held[:last]
	if h.again {
		w.acc.Duplicates++
	} else {
		w.acc.Late++
	}
	w.flow(&h.r)
	w.nextDue = 0
	for i := range w.held {
		if i == 0 || w.held[i].due < w.nextDue {
			w.nextDue = w.held[i].due
		}
	}
}

// begun reports whether the file holds a line already.
func (w *Writer) begun() bool {
	return w.acc.Records+w.acc.Headers+w.acc.Comments+w.acc.Blank > 0
}

// newline ends the line before, if there is one. Ends of lines are written late,
// so that the last one can be left out.
func (w *Writer) newline() {
	if w.begun() {
		w.eol()
	}
}

func (w *Writer) eol() {
	if w.opts.Quirks&QuirkCRLF != 0 {
		w.buf = append(w.buf, '\r')
		w.acc.Bytes++
	}
	w.buf = append(w.buf, '\n')
	w.acc.Bytes++
}

// comment writes a line that says nothing.
func (w *Writer) comment(text string) {
	w.newline()
	w.buf = append(w.buf, text...)
	w.acc.Bytes += int64(len(text))
	w.acc.Comments++
}

func (w *Writer) flush() {
	if w.err == nil && len(w.buf) > 0 {
		if _, err := w.w.Write(w.buf); err != nil {
			w.err = fmt.Errorf("trafficgen: write log: %w", err)
		}
	}
	w.buf = w.buf[:0]
}

// stamp formats a time as #open and #close do.
func stamp(us int64) string {
	return time.UnixMicro(us).UTC().Format("2006-01-02-15-04-05")
}

// service returns the service as the quirks want it.
func (w *Writer) service(r *Record) string {
	s, q := r.Service, w.opts.Quirks
	if q&(QuirkServiceOrder|QuirkServiceMinus) == 0 {
		return s
	}
	if q&QuirkServiceOrder != 0 && w.rnd.chance(0.5) {
		if first, rest, ok := strings.Cut(s, ","); ok {
			s = rest + "," + first
		}
	}
	if q&QuirkServiceMinus != 0 && r.Proto == TCP && r.Timed && r.OrigBytes > 0 && w.rnd.chance(0.05) {
		switch {
		case s == "":
			s = "-http"
		case w.rnd.chance(0.5):
			s += ",-gssapi"
		default:
			s = "-ftp," + s
		}
	}
	return s
}

func contains(list []Reason, want Reason) bool {
	for _, r := range list {
		if r == want {
			return true
		}
	}
	return false
}

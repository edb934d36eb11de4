package trafficgen

import (
	"bytes"
	"fmt"
)

// Reason is why a reader of flows skips a line. Of several reasons a line would
// have the first one; the lines made here have one each.
type Reason uint8

// The reasons.
const (
	TooLong   Reason = iota // longer than 1 MiB
	Truncated               // the last line, incomplete and without its end
	Malformed               // JSON: not an object
	Fields                  // TSV: wrong number of fields
	Other                   // a row of another log
	Missing                 // a required field is unset
	Number                  // not a number where one belongs, or out of range
	Address                 // not an IP address
	Time                    // not a time, or out of range
	NumReasons
)

var reasonNames = [NumReasons]string{
	"too_long", "truncated", "malformed", "fields", "other", "missing",
	"number", "address", "time",
}

// String returns the name of the reason as the readers report it.
func (r Reason) String() string {
	if r < NumReasons {
		return reasonNames[r]
	}
	return fmt.Sprintf("Reason(%d)", uint8(r))
}

// ParseReason returns the reason with the given name.
func ParseReason(name string) (Reason, error) {
	for i, n := range reasonNames {
		if n == name {
			return Reason(i), nil
		}
	}
	return 0, fmt.Errorf("trafficgen: unknown fault %q", name)
}

// maxLine is the longest line that readers accept, without its end.
const maxLine = 1 << 20

func faultsOf(f Format) []Reason {
	if f != TSV {
		return []Reason{TooLong, Truncated, Malformed, Missing, Number, Address, Time}
	}
	return []Reason{TooLong, Truncated, Fields, Missing, Number, Address, Time}
}

// wrong is a value that does not belong into a column.
type wrong struct {
	col column
	tsv string
	// json is the value as JSON; "" where tsv can stand there as text.
	json string
}

// Wrong values by reason. A value fits a format when its text there is not "!".
var wrongValues = [NumReasons][]wrong{
	Missing: {
		{colTS, "-", "null"}, {colOrigH, "-", "null"}, {colRespH, "-", "null"}, {colProto, "-", "null"},
	},
	Number: {
		{colOrigPkts, "12x", `"12"`},
		{colRespPkts, "0x1f", `-3`},
		{colOrigIPBytes, "-40", `1.5`},
		{colRespIPBytes, "1_000", `1e999`},
		{colMissedBytes, "7\x00", `99999999999999999999`},
		{colOrigPkts, "99999999999999999999", `"many"`},
		{colDuration, "-1.500000", `-1.5`},
		{colDuration, "1,25", `"1.25"`},
	},
	Address: {
		{colOrigH, "10.0.0.256", ""}, {colRespH, "not-an-address", ""}, {colOrigH, "10.0.0", ""},
		{colRespH, "2001:db8::1::2", ""}, {colRespH, "10.0.0.1/8", ""},
	},
	Time: {
		{colTS, "XXXXXXXXXX.XXXXXX", `"yesterday"`},
		{colTS, "99999999999999.000000", `1e30`},
		{colTS, "17095x.5", `"2024-13-41T00:00:00.000000Z"`},
		{colTS, "nan", `""`},
	},
}

// choose draws the reason of the next bad line, or false when there is none to
// draw. Long lines weigh much and are rare; the truncated line is the last one.
func (w *Writer) choose() (Reason, bool) {
	long := contains(w.reasons, TooLong)
	if long && (len(w.frequent) == 0 || w.faults >= 1000*w.acc.Bad[TooLong]+3) {
		return TooLong, true
	}
	if len(w.frequent) == 0 {
		return 0, false
	}
	return w.frequent[w.rnd.below(len(w.frequent))], true
}

// fault writes a bad line made from r.
func (w *Writer) fault(r *Record) {
	reason, ok := w.choose()
	if !ok {
		return
	}
	w.faults++
	w.newline()
	w.scratch = w.appendRecord(w.scratch[:0], r)
	line := w.scratch
	switch reason {
	case TooLong:
		if w.opts.Format != TSV {
			line = append(line[:len(line)-1], `,"note":"`...)
			line = appendFill(line, 'x', maxLine+1)
			line = append(line, `"}`...)
		} else {
			line = appendFill(append(line, '\t'), 'x', maxLine+1)
		}
	case Malformed:
		line = w.malform(line)
	case Fields:
		line = w.misplace(line)
	default:
		if w.opts.Format == EVE {
			line = w.wrongEvent(line, reason)
			break
		}
		list := wrongValues[reason]
		line = w.replace(line, list[w.rnd.below(len(list))], reason)
	}
	w.scratch = line
	w.bad(line, reason)
	if cap(w.scratch) > maxLine {
		w.scratch = nil
	}
}

// bad writes a line that counts as skipped.
func (w *Writer) bad(line []byte, reason Reason) {
	w.buf = append(w.buf, line...)
	w.acc.Bytes += int64(len(line))
	w.acc.Records++
	w.acc.Bad[reason]++
	if len(w.buf) >= flushSize {
		w.flush()
		if cap(w.buf) > maxLine {
			w.buf = make([]byte, 0, flushSize+4096)
		}
	}
}

// truncate writes the beginning of a line and nothing after it.
func (w *Writer) truncate() {
	w.newline()
	w.temp = Record{TS: w.now, ConnState: "S0", OrigH: linkLocal(&host{}), RespH: linkLocal(&host{id: 1}), Proto: TCP}
	w.scratch = w.appendRecord(w.scratch[:0], &w.temp)
	cut := len(w.scratch) / 2
	w.bad(w.scratch[:cut], Truncated)
}

// malform returns a line that is not a JSON object.
func (w *Writer) malform(line []byte) []byte {
	switch w.rnd.below(6) {
	case 0: // torn by a full disk
		return line[:1+w.rnd.below(len(line)-1)]
	case 1: // a block of zeros after a crash
		return append(line[:0], make([]byte, 64)...)
	case 2:
		return append(line, '}')
	case 3:
		return append(line[:0], `["not","an","object"]`...)
	case 4:
		return append(line[:0], "sensor-1 kernel: out of memory"...)
	}
	i := bytes.IndexByte(line, ':')
	line[i] = ' '
	return line
}

// misplace returns a line with the wrong number of fields.
func (w *Writer) misplace(line []byte) []byte {
	switch w.rnd.below(5) {
	case 0: // torn by a full disk: some fields are left
		return line[:bytes.LastIndexByte(line[:len(line)/2], '\t')]
	case 1:
		return append(line[:0], make([]byte, 64)...)
	case 2:
		return append(line, "\textra"...)
	case 3: // two processes wrote at once
		return append(line, line...)
	}
	i := bytes.IndexByte(line, '\t')
	line[i] = ' '
	return line
}

// replace puts a wrong value into its column.
func (w *Writer) replace(line []byte, v wrong, reason Reason) []byte {
	if w.opts.Format == TSV {
		from := 0
		for range w.layout.index(v.col) {
			from += 1 + bytes.IndexByte(line[from:], '\t')
		}
		to := len(line)
		if n := bytes.IndexByte(line[from:], '\t'); n >= 0 {
			to = from + n
		}
		return splice(line, from, to, v.tsv)
	}
	text := v.json
	if text == "" {
		text = `"` + v.tsv + `"`
	}
	key := `"` + v.col.name(w.opts.Quirks.turn(groupNames, w.acc.Records)) + `":`
	from := bytes.Index(line, []byte(key))
	if from < 0 { // an unset duration
		return splice(line, len(line)-1, len(line)-1, ","+key+text)
	}
	to := from + len(key)
	if line[to] == '"' {
		to += 2 + bytes.IndexByte(line[to+1:], '"')
	} else {
		to += bytes.IndexAny(line[to:], ",}")
	}
	if reason == Missing && w.rnd.chance(0.5) { // absent instead of null
		if line[to] == ',' {
			to++
		}
		return splice(line, from, to, "")
	}
	return splice(line, from+len(key), to, text)
}

// splice replaces line[from:to] by text.
func splice(line []byte, from, to int, text string) []byte {
	tail := append([]byte(nil), line[to:]...)
	return append(append(line[:from], text...), tail...)
}

func appendFill(b []byte, c byte, n int) []byte {
	return append(b, bytes.Repeat([]byte{c}, n)...)
}

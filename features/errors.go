package features

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Reason is why a record did not become a flow. It is the key under which skipped records are counted.
type Reason string

// The reasons, in the order in which they apply.
const (
	ReasonTooLong   Reason = "too_long"  // the line is over the limit
	ReasonTruncated Reason = "truncated" // the last line is cut off
	ReasonMalformed Reason = "malformed" // not in the format's syntax
	ReasonFields    Reason = "fields"    // wrong number of fields
	ReasonOther     Reason = "other"     // a record of another kind, no flow; nothing is lost
	ReasonNoData    Reason = "nodata"    // the source says that there was no traffic; nothing is lost
	ReasonSkipData  Reason = "skipdata"  // the source says that it lost records itself
	ReasonMissing   Reason = "missing"   // a required field is not set
	ReasonNumber    Reason = "number"    // a number is unreadable or out of range
	ReasonAddress   Reason = "address"   // an address is unreadable
	ReasonTime      Reason = "time"      // a time is unreadable or impossible
)

// Lossless reports whether skipping a record for this reason loses nothing: it was no flow.
func (r Reason) Lossless() bool {
	return r == ReasonOther || r == ReasonNoData || r == ReasonSkipData
}

// RecordError concerns one record, which was skipped. Ranging over a reader's records continues after it. It is
// valid until the next step.
type RecordError struct {
	Line   int64  // 1-based; 0 in a copy whose holder says the line itself
	Field  string // the log's own name of the field; empty if the whole record is at fault
	Reason Reason
	Text   []byte // the offending text, at most 128 bytes of it
	Log    string // the name of the log, if it is one that is read beside the one that was asked for
	Length int64  // bytes of a line that is too long
	// More is how many records on the lines behind this one were skipped for the same reason and are no errors of their own: none, unless a
	// reader was asked to take such records together.
	More int64
}

func (e *RecordError) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Field != "" {
		b.WriteString("field ")
		b.WriteString(e.Field)
		b.WriteString(": ")
	}
	if e.Length > 0 {
		fmt.Fprintf(&b, "the line has %d bytes, which is over the limit", e.Length)
	} else {
		b.WriteString(reasonTexts[e.Reason])
	}
	if len(e.Text) > 0 {
		b.WriteString(": ")
		b.WriteString(strconv.Quote(string(e.Text)))
	}
	return b.String()
}

var reasonTexts = map[Reason]string{
	ReasonTooLong:   "the line is over the limit",
	ReasonTruncated: "the last line is cut off",
	ReasonMalformed: "not in the format's syntax",
	ReasonFields:    "wrong number of fields",
	ReasonOther:     "no flow record",
	ReasonNoData:    "no traffic in the interval",
	ReasonSkipData:  "the source lost records",
	ReasonMissing:   "a required field is not set",
	ReasonNumber:    "not a number of the expected kind",
	ReasonAddress:   "not an IP address",
	ReasonTime:      "not a possible time",
}

// What kind of failure it is; test with errors.Is.
var (
	// ErrFormat says that an input is not in the format that was expected of it, or in none that is known.
	ErrFormat = errors.New("format not recognised")
	// ErrContract says that a contract is damaged, or does not fit the model, the log or this version.
	ErrContract = errors.New("contract does not fit")
)

// InputError is a fault of a whole input, such as a missing header. It is the last thing that a reader yields.
type InputError struct {
	Line int64 // 1-based, 0 if the fault is not at a line
	Err  error // ErrFormat, or an error of the underlying reader such as io.ErrUnexpectedEOF
	What string
	Log  string // the name of the log, if it is one that is read beside the one that was asked for
}

func (e *InputError) Error() string {
	s := e.What
	if s == "" {
		s = e.Err.Error()
	}
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, s)
	}
	return s
}

func (e *InputError) Unwrap() error { return e.Err }

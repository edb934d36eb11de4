package rows

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The two kinds of fault in an input, for errors.Is.
var (
	// ErrSyntax: the text is not what its form allows.
	ErrSyntax = errors.New("malformed row")
	// ErrShape: the text can be read, but its columns or names are not the model's, or differ from line to line.
	ErrShape = errors.New("row does not fit the model")
)

// ErrTooMany says that a request has more than [Options.MaxRows] rows, which is no fault of any of them.
var ErrTooMany = errors.New("too many rows")

// Error is a fault in the input and its place.
type Error struct {
	Line   int64  // from 1; 0 in a copy whose reader says the line itself
	Record int64  // RecordIO, which has no lines: number of the record, from 1
	Column int    // from 1: field of a CSV record, item of a libsvm line, element of an array, member of an object, key of a sparse record; 0: the whole line
	Field  string // name of the column; for libsvm also label, qid or "index N"; empty if unknown
	Err    error  // answers errors.Is for ErrSyntax or ErrShape, or is ErrTooMany
}

// Error says place and fault: line 12: column 3 (rate): not a number: "x".
func (e *Error) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Record > 0 {
		fmt.Fprintf(&b, "record %d: ", e.Record)
	}
	if e.Column > 0 {
		fmt.Fprintf(&b, "column %d", e.Column)
		if e.Field != "" {
			fmt.Fprintf(&b, " (%s)", plain(e.Field))
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// LimitError is the Err of an [Error] when the input goes beyond a limit. It counts as ErrSyntax.
type LimitError struct {
	Name  string // what is limited: "line length"
	Limit int64  // the limit, bytes
	Got   int64  // bytes seen when reading stopped: more than Limit, maybe less than there are
}

// Error names the limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s is over the limit of %d bytes", e.Name, e.Limit)
}

// Unwrap returns ErrSyntax.
func (e *LimitError) Unwrap() error { return ErrSyntax }

// ColumnsError is the Err of an [Error] when a request to an [Image] has more or fewer columns than the image lets the model
// take. It counts as ErrShape.
type ColumnsError struct {
	Got, Want uint64
	text      string
}

// Error tells the numbers.
func (e *ColumnsError) Error() string { return e.text }

// Unwrap returns ErrShape.
func (e *ColumnsError) Unwrap() error { return ErrShape }

func columnsFault(got, want uint64, text string) *Error {
	return &Error{Err: &ColumnsError{Got: got, Want: want, text: text}}
}

// kinded is a text that answers errors.Is for a kind without spelling it out.
type kinded struct {
	kind error
	text string
}

func (k *kinded) Error() string { return k.text }
func (k *kinded) Unwrap() error { return k.kind }

// syntaxFault and shapeFault make the two kinds of Error; Read adds the line.
func syntaxFault(column int, field, text string) *Error {
	return &Error{Column: column, Field: field, Err: &kinded{ErrSyntax, text}}
}

func shapeFault(column int, field, text string) *Error {
	return &Error{Column: column, Field: field, Err: &kinded{ErrShape, text}}
}

// maxQuoted bounds how much of the input an error repeats, in escaped bytes.
const maxQuoted = 128

// quote is text from the input for an error: escaped, and cut to maxQuoted bytes.
func quote(text []byte) string { return quoteTo(text, maxQuoted) }

func quoteTo(text []byte, limit int) string {
	cut := text[:min(len(text), limit)]
	for {
		for len(cut) < len(text) && len(cut) > 0 && !utf8.RuneStart(text[len(cut)]) {
			cut = cut[:len(cut)-1]
		}
		q := strconv.Quote(string(cut))
		if len(q)-2 <= limit {
			if len(cut) < len(text) {
				q += "…"
			}
			return q
		}
		cut = cut[:len(cut)-1]
	}
}

// plain is a name as it is, or quoted if it holds anything that needs it.
func plain(name string) string {
	q := quote([]byte(name))
	if q == `"`+name+`"` {
		return name
	}
	return q
}

// listNames quotes names one after the other, together about maxQuoted bytes, and counts the rest.
func listNames(names []string) string {
	var b strings.Builder
	for i, name := range names {
		room := maxQuoted - b.Len()
		if i > 0 && room < len(name)+4 {
			fmt.Fprintf(&b, " and %d more", len(names)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quoteTo([]byte(name), room))
	}
	return b.String()
}

// counted is n with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"threatdetect/features"
	"threatdetect/internal/decimal"
	"threatdetect/internal/logio"
)

// ErrLabels says that a file of labels cannot be used. Errors of this kind say where and why.
var ErrLabels = errors.New("labels")

// Bounds of a file of labels.
const (
	maxLabelLine = 64 << 10 // bytes
	maxLabels    = 50_000_000
	maxKinds     = 1 << 12 // different kinds of attack
)

// ParseLabel reads what a label says: 0, benign, normal, false; 1, malicious, attack, true; or nobody knows: an empty
// one, -, unknown, background, unlabelled, nan. Case and blanks around it do not matter. ok is false for any other text.
func ParseLabel(text []byte) (l features.Label, ok bool) {
	switch strings.ToLower(string(bytes.TrimSpace(text[:min(len(text), 64)]))) {
	case "0", "0.0", "benign", "normal", "false":
		return features.Benign, true
	case "1", "1.0", "malicious", "attack", "true":
		return features.Attack, true
	case "", "-", "?", "(empty)", "unknown", "background", "unlabelled", "unlabeled", "nan", "null":
		return features.Unlabelled, true
	}
	return features.Unlabelled, false
}

// KindOf returns the kind of attack of a flow: what the log says in a column for it, or else the text of its label if
// that is more than a plain verdict. It is empty for flows that are no attacks or of no known kind, and valid as long as
// the flow.
func KindOf(f *features.Flow) []byte {
	if f.Label != features.Attack {
		return nil
	}
	if len(f.Kind) > 0 {
		return f.Kind
	}
	if _, plain := ParseLabel(f.LabelText); !plain {
		return f.LabelText
	}
	return nil
}

// Judge gives a flow the verdict that ParseLabel reads in the text of its label, if its reader found none there: sensors and data sets have words
// for it, and whoever labels a log may write 0 and 1.
func Judge(f *features.Flow) {
	if f.Label == features.Unlabelled && len(f.LabelText) > 0 {
		f.Label, _ = ParseLabel(f.LabelText)
	}
}

// OtherLabel returns the label of a flow that says neither benign nor attack, nor that nobody knows: the name of an attack, or a text of
// something else. It is nil for flows without such a label, and valid as long as the flow.
func OtherLabel(f *features.Flow) []byte {
	if f.Label == features.Unlabelled {
		if _, plain := ParseLabel(f.LabelText); !plain {
			return f.LabelText
		}
	}
	return nil
}

// WantLabel says what is wanted instead of another label.
func WantLabel(other string) string {
	return fmt.Sprintf("label %.64q: want 0, benign or normal; 1, attack or malicious; or unknown", other)
}

// Labels is the truth about flows that does not stand in their log: by the flow's name (UID), or by the number of its
// record. It is immutable but for its counts and has one owner.
type Labels struct {
	byUID   map[string]uint16 // index into truths
	byRow   map[uint64]uint16
	inOrder []uint16 // of the first record, the second, ...

	truths []truth
	kinds  [][]byte // of truths

	Entries int64 // labels in the file
	Used    int64 // of them those that met a flow
}

type truth struct {
	label features.Label
	kind  string
}

// ReadLabels reads a file of labels, which may be gzip or zstd, separated by commas, tabs or semicolons:
//
//	uid,label,kind      a header names the columns: uid or row, label (or kind alone), kind; others are passed over
//	C1a2b3,1,DDoS
//
//	1                   without a header, one column: line n labels record n of the log
//	C1a2b3,benign       two or three: uid, label, kind
//
// A row is the number, from 1, of a data record of the whole input (comments and headers do not count). A label is what
// [ParseLabel] reads. In a file that has kinds and no labels, normal, benign and an empty kind are benign flows. A second
// label for the same flow must say the same. The error answers errors.Is for ErrLabels, or is that of the input.
func ReadLabels(r io.Reader) (*Labels, error) {
	lines := logio.From(r, maxLabelLine)
	lines.KeepEmpty()
	defer lines.Close()
	rd := labelReader{l: &Labels{byUID: make(map[string]uint16), byRow: make(map[uint64]uint16)}, known: make(map[truth]uint16)}
	for lines.Next() {
		if logio.Blank(lines.Bytes()) && (rd.columns == nil || rd.columns.width > 1) {
			continue
		}
		if lines.TooLong() {
			return nil, fmt.Errorf("%w: line %d: longer than %d bytes", ErrLabels, lines.Number(), maxLabelLine)
		}
		if err := rd.line(lines.Bytes()); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrLabels, lines.Number(), err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if rd.l.Entries == 0 {
		return nil, fmt.Errorf("%w: none in the file", ErrLabels)
	}
	return rd.l, nil
}

// labelColumns is where the columns of a file of labels are; -1 for one that it lacks.
type labelColumns struct {
	width                 int
	uid, row, label, kind int
}

type labelReader struct {
	l         *Labels
	separator byte
	columns   *labelColumns
	known     map[truth]uint16
	fields    [][]byte
}

func (rd *labelReader) line(line []byte) error {
	if rd.columns == nil {
		for _, c := range []byte(",\t;") {
			if bytes.IndexByte(line, c) >= 0 {
				rd.separator = c
				break
			}
		}
	}
	rd.fields = rd.fields[:0]
	for more := true; more; {
		var field []byte
		if rd.separator == 0 {
			field, more = line, false
		} else {
			field, line, more = bytes.Cut(line, []byte{rd.separator})
		}
		rd.fields = append(rd.fields, bytes.Trim(bytes.TrimSpace(field), `"`))
	}
	if rd.columns == nil {
		if header, err := newLabelColumns(rd.fields); header != nil || err != nil {
			rd.columns = header
			return err
		}
		rd.columns = &labelColumns{width: len(rd.fields), uid: 0, row: -1, label: 1, kind: -1}
		switch len(rd.fields) {
		case 1:
			rd.columns.uid, rd.columns.label = -1, 0
		case 2:
		case 3:
			rd.columns.kind = 2
		default:
			return fmt.Errorf("%d columns without a header: want one (a label for each record), or uid, label and kind", len(rd.fields))
		}
	}
	if len(rd.fields) != rd.columns.width {
		return fmt.Errorf("%d fields, want %d", len(rd.fields), rd.columns.width)
	}
	return rd.entry(rd.columns)
}

// newLabelColumns reads a header; nil if the fields are none.
func newLabelColumns(fields [][]byte) (*labelColumns, error) {
	c := &labelColumns{width: len(fields), uid: -1, row: -1, label: -1, kind: -1}
	for i, f := range fields {
		switch strings.ToLower(string(f[:min(len(f), 64)])) {
		case "uid", "flow_id", "id":
			c.uid = i
		case "row", "record":
			c.row = i
		case "line":
			return nil, errors.New("a column of line numbers is ambiguous, as logs have comments and headers: want uid, or row, the number of the data record")
		case "label", "truth", "class":
			c.label = i
		case "kind", "attack_cat", "detailed-label", "detailedlabel":
			c.kind = i
		}
	}
	if c.label < 0 && c.kind < 0 {
		if c.uid >= 0 || c.row >= 0 {
			return nil, errors.New("the header has no column label or kind")
		}
		return nil, nil
	}
	if len(fields) > 1 && c.uid < 0 && c.row < 0 {
		return nil, errors.New("the header has no column uid or row")
	}
	return c, nil
}

func (rd *labelReader) entry(c *labelColumns) error {
	var t truth
	if c.kind >= 0 {
		t.kind = string(rd.fields[c.kind])
	}
	switch {
	case c.label >= 0:
		var ok bool
		if t.label, ok = ParseLabel(rd.fields[c.label]); !ok {
			return fmt.Errorf("%s (a name of the attack goes into a column kind)", WantLabel(string(rd.fields[c.label])))
		}
	default:
		var plain bool
		if t.label, plain = ParseLabel(rd.fields[c.kind]); !plain {
			t.label = features.Attack
		} else if t.kind == "" {
			t.label = features.Benign
		}
	}
	if t.label != features.Attack {
		t.kind = ""
	}
	index, ok := rd.known[t]
	if !ok {
		if len(rd.l.truths) == maxKinds {
			return fmt.Errorf("more than %d different kinds of attack", maxKinds)
		}
		index = uint16(len(rd.l.truths))
		rd.known[t] = index
		rd.l.truths, rd.l.kinds = append(rd.l.truths, t), append(rd.l.kinds, []byte(t.kind))
	}
	if rd.l.Entries++; rd.l.Entries > maxLabels {
		return fmt.Errorf("more than %d labels", maxLabels)
	}
	return rd.store(c, index)
}

// store files an entry under its key.
func (rd *labelReader) store(c *labelColumns, index uint16) error {
	l := rd.l
	conflict := func(before uint16) error {
		if before != index {
			return errors.New("another label than this was given to the same flow before")
		}
		return nil
	}
	switch {
	case c.uid >= 0:
		uid := rd.fields[c.uid]
		if len(uid) == 0 {
			return errors.New("no uid")
		}
		if before, ok := l.byUID[string(uid)]; ok {
			return conflict(before)
		}
		l.byUID[string(uid)] = index
	case c.row >= 0:
		row, ok := decimal.Count(rd.fields[c.row])
		if !ok || row == 0 {
			return fmt.Errorf("row %.64q: want a number from 1 on", rd.fields[c.row])
		}
		if before, ok := l.byRow[row]; ok {
			return conflict(before)
		}
		l.byRow[row] = index
	default:
		l.inOrder = append(l.inOrder, index)
	}
	return nil
}

// Apply gives f the label that the file has for it; row is the number of its record, from 1. A flow that the file does
// not know becomes unlabelled.
func (l *Labels) Apply(f *features.Flow, row int64) {
	var index uint16
	var ok bool
	switch {
	case len(l.byUID) > 0:
		index, ok = l.byUID[string(f.UID)]
	case len(l.byRow) > 0:
		index, ok = l.byRow[uint64(row)]
	case row > 0 && row <= int64(len(l.inOrder)):
		index, ok = l.inOrder[row-1], true
	}
	f.Label, f.Kind, f.LabelText = features.Unlabelled, nil, nil
	if ok {
		l.Used++
		f.Label, f.Kind = l.truths[index].label, l.kinds[index]
	}
}

// ByUID reports whether flows are named by their UID; otherwise by the number of their record.
func (l *Labels) ByUID() bool { return len(l.byUID) > 0 }

package inference

import (
	"fmt"
	"strings"

	"threatdetect/model"
)

// ShapeError says that an argument has the wrong length. Nothing was written.
type ShapeError struct {
	Op   string // the method, for example "Predict"
	What string // the argument, "row", "rows", "base" or "dst", or a field of a [Matrix], [CSR] or [Packed]
	Got  int    // its length, or its value if it is a number
	Want int    // what it has to be; for "rows" and "Bits", the length of one row, of which it has to be a multiple; the least for what is a field
}

func (e *ShapeError) Error() string {
	what, want := fmt.Sprintf("%s has %d values", e.What, e.Got), ""
	switch e.What {
	case "rows":
		want = "a multiple of "
	case "Data":
		want = "at least "
	case "Offsets":
		what, want = fmt.Sprintf("Offsets has %d", e.Got), "at least "
	case "Bits":
		what = fmt.Sprintf("Bits has %d bytes", e.Got)
		if e.Op != "Pack" {
			want = "a multiple of "
		}
	case "Rows", "Stride":
		what, want = fmt.Sprintf("%s is %d", e.What, e.Got), "at least "
	}
	return fmt.Sprintf("inference: %s: %s, want %s%d", e.Op, what, want, e.Want)
}

// StatisticsError says that contributions or interactions were asked for of a model whose file has no training statistics
// (sum_hessian), from which they are computed. It answers errors.Is for [model.ErrUnsupported].
type StatisticsError struct {
	Tree int // the first tree with splits and without statistics
}

func (e *StatisticsError) Error() string {
	return fmt.Sprintf("tree %d has no training statistics (sum_hessian), which contributions and interactions need", e.Tree)
}

func (e *StatisticsError) Is(target error) bool { return target == model.ErrUnsupported }

// FeatureError says how a list of column names differs from the names in the model.
type FeatureError struct {
	Missing []string // in the model, not in the list; in the model's order
	Unknown []string // in the list, not in the model; in the list's order

	// Position is the first place where the list has another name than the model, which has Want there; Got is empty
	// beyond the end of the list and Want beyond the end of the model.
	Position  int
	Got, Want string

	// NumGot and NumWant are the lengths of the list and of a row.
	NumGot, NumWant int
}

func (e *FeatureError) Error() string {
	var b strings.Builder
	b.WriteString("inference: columns differ from the model's: ")
	if e.NumGot != e.NumWant {
		fmt.Fprintf(&b, "%d instead of %d; ", e.NumGot, e.NumWant)
	}
	list := func(what string, names []string) {
		if len(names) > 0 {
			const shown = 5
			fmt.Fprintf(&b, "%s %q", what, names[:min(len(names), shown)])
			if len(names) > shown {
				fmt.Fprintf(&b, " and %d more", len(names)-shown)
			}
			b.WriteString("; ")
		}
	}
	list("missing", e.Missing)
	list("unknown", e.Unknown)
	switch {
	case e.Got == "" && e.Want == "":
		b.WriteString("the model has no names")
	case e.Got == "":
		fmt.Fprintf(&b, "nothing at column %d, which is %q", e.Position, e.Want)
	case e.Want == "":
		fmt.Fprintf(&b, "%q behind the last column", e.Got)
	case len(e.Missing)+len(e.Unknown) == 0:
		fmt.Fprintf(&b, "the order is another, first at column %d: %q instead of %q", e.Position, e.Got, e.Want)
	default:
		fmt.Fprintf(&b, "first at column %d: %q instead of %q", e.Position, e.Got, e.Want)
	}
	return b.String()
}

package dataset

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"

	"threatdetect/internal/decimal"
)

// WriteText writes the report for people. What comes from logs is printable in it.
func (r *Report) WriteText(w io.Writer) error {
	p := &printer{w: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	p.f("set %s, split %s\n", r.Set, r.SplitWords)
	p.f("\npart\trows\tbenign\tattacks\tfrom\tto\n")
	for _, part := range r.Parts {
		p.f("%s\t%d\t%d\t%d\t%s\t%s\n", part.Part, part.Rows, part.Benign, part.Attacks, part.From, part.To)
	}
	p.flush()
	if r.Unlabelled > 0 {
		p.f("\n%d flows that nobody labelled, or that are labelled unknown, are in no part: unknown is not benign.\n", r.Unlabelled)
	}
	if r.LabelsUnused > 0 {
		p.f("\n%d labels belong to no flow of the input.\n", r.LabelsUnused)
	}
	if len(r.Kinds) > 1 || len(r.Kinds) == 1 && r.Kinds[0].Kind != noKind {
		p.f("\nkind of attack\ttrain\tvalidation\ttest\n")
		for _, k := range r.Kinds {
			p.f("%s\t%d\t%d\t%d\n", quote(k.Kind), k.Train, k.Validation, k.Test)
		}
		p.flush()
	}
	if len(r.Classes) > 0 {
		p.f("\nlabel\tclass\n")
		for label, class := range r.Classes {
			p.f("%d\t%s\n", label, quote(class))
		}
		p.flush()
	}
	d := &r.Duplicates
	p.f("\n%d rows, %d different ones: %s repeat an earlier one; of the test rows %s are equal to a training row, of the validation rows %s",
		d.Rows, d.Distinct, percent(d.Repeated), percent(d.TestInTrain), percent(d.ValidationInTrain))
	if d.Sample < 1 {
		p.f(" (found on %s of the different rows)", percent(d.Sample))
	}
	p.f("\n\nfindings\n")
	if len(r.Findings) == 0 {
		p.f("none\n")
	}
	for _, f := range r.Findings {
		p.f("  %s\t%s\t%s\n", f.Severity, f.Kind, f.Text)
	}
	p.flush()
	return p.err
}

type printer struct {
	w   *tabwriter.Writer
	err error
}

func (p *printer) f(format string, args ...any) {
	if _, err := fmt.Fprintf(p.w, format, args...); p.err == nil {
		p.err = err
	}
}

func (p *printer) flush() {
	if err := p.w.Flush(); p.err == nil {
		p.err = err
	}
}

// Format is the form of a training file.
type Format string

// The forms that SageMaker's built-in XGBoost reads.
const (
	// CSV has the label first and no header; missing is an empty field.
	CSV Format = "csv"
	// Libsvm counts columns from 0. Zeros are written and what is missing is left out, so that absent means missing and
	// nothing else.
	Libsvm Format = "libsvm"
)

// Append appends the line of a row.
func (f Format) Append(dst []byte, r *Row) []byte {
	dst = strconv.AppendInt(dst, int64(r.Class), 10)
	for i, v := range r.Values {
		missing := math.IsNaN(float64(v))
		switch {
		case f == CSV:
			dst = append(dst, ',')
		case missing:
			continue
		default:
			dst = append(strconv.AppendInt(append(dst, ' '), int64(i), 10), ':')
		}
		if !missing {
			dst = decimal.AppendFloat32(dst, v)
		}
	}
	return append(dst, '\n')
}

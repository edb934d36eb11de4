package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"threatdetect/inference"
	"threatdetect/inference/diagnose"
	"threatdetect/inference/rows"
	"threatdetect/internal/decimal"
	"threatdetect/model"
)

type verifyFlags struct {
	scoreSource
	rows, expect string
	asJSON       bool
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify BUNDLE | --model MODEL --rows ROWS --expect EXPECT",
		Short: "Compare predictions with expected ones, bit by bit",
		Long: "Verify scores the golden records of a bundle, or the rows of a file, and compares every number with the one that is expected.\n" +
			"It reports the rows, the values whose bits differ, the largest distance in units in the last place, and for the first\n" +
			"difference the row, the tree and the splits that led to its leaf.\n\n" +
			"EXPECT holds one row of numbers a line (CSV, or NDJSON). The exit code is 0 if every bit is equal, 4 if predictions of ROWS\n" +
			"differ or there are not as many rows as expected ones, and 3 if a bundle does not give its own golden numbers or has none.",
		Example: "  threatdetect verify model.tar.gz\n" +
			"  threatdetect verify --model model.tar.gz --rows rows.csv --expect margins.csv --kind margin",
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.verify(&f, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.rows, "rows", "", "file of rows")
	flags.StringVar(&f.expect, "expect", "", "file of expected values, one row a line")
	flags.BoolVar(&f.asJSON, "json", false, "report as one JSON object")
	f.scoreSource.add(flags)
	return cmd
}

// verification is what verify reports.
type verification struct {
	Kind            string      `json:"kind"`
	Rows            int         `json:"rows"`
	Values          int         `json:"values"`
	DifferingRows   int         `json:"differing_rows"`
	DifferingValues int         `json:"differing_values"`
	LargestULP      uint32      `json:"largest_ulp"`
	First           *difference `json:"first"`
	Equal           bool        `json:"equal"`
	Seconds         float64     `json:"seconds"`
}

// difference is the first one. Numbers are text, for NaN and infinity are no JSON.
type difference struct {
	Row      int      `json:"row"` // from 1
	Column   int      `json:"column"`
	What     string   `json:"what"`
	Got      string   `json:"got"`
	Want     string   `json:"want"`
	ULP      uint32   `json:"ulp"`
	Tree     *int     `json:"tree"`
	Evidence string   `json:"evidence,omitempty"`
	Leaf     *int32   `json:"leaf,omitempty"`
	WantLeaf *int32   `json:"want_leaf,omitempty"`
	Path     []string `json:"path,omitempty"`
	WantPath []string `json:"want_path,omitempty"`
}

// add takes the comparison of a further part in, whose values are called what.
func (v *verification) add(c *diagnose.Comparison, what string) (first bool) {
	v.Rows += c.Rows
	v.Values += c.Values
	v.DifferingRows += c.DifferingRows
	v.DifferingValues += c.DifferingValues
	v.LargestULP = max(v.LargestULP, c.LargestULP)
	if c.Equal() || v.First != nil {
		return false
	}
	v.First = &difference{Row: v.Rows - c.Rows + c.Row + 1, Column: c.Column + 1, What: what, Got: floatText(c.Got), Want: floatText(c.Want),
		ULP: diagnose.ULP(c.Got, c.Want)}
	return true
}

func floatText(v float32) string { return string(decimal.AppendFloat32(nil, v)) }

// explain adds what points at a tree.
func (d *difference) explain(s *diagnose.Suspect) {
	if s == nil {
		return
	}
	d.Tree, d.Leaf, d.Evidence, d.Path = &s.Tree, &s.Leaf, string(s.Evidence), steps(s.Path)
	if s.Want >= 0 {
		d.WantLeaf, d.WantPath = &s.Want, steps(s.WantPath)
	}
}

func steps(path []diagnose.Step) []string {
	var text []string
	for _, s := range path {
		text = append(text, s.String())
	}
	return text
}

func (a *app) verify(f *verifyFlags, args []string) error {
	began := time.Now()
	byRows := f.model != "" || f.rows != "" || f.expect != ""
	switch {
	case len(args) == 0 && !byRows:
		return usagef("want BUNDLE, or --model MODEL --rows ROWS --expect EXPECT")
	case len(args) == 1 && byRows:
		return usagef("BUNDLE goes with none of --model, --rows and --expect")
	case byRows && (f.model == "" || f.rows == "" || f.expect == ""):
		return usagef("--model, --rows and --expect go together")
	case f.rows == "-" && f.expect == "-":
		return usagef("standard input is named 2 times")
	}
	if byRows {
		if err := f.check(); err != nil {
			return err
		}
	}
	report := &verification{Kind: f.kind}
	var err error
	fault := &exitError{code: exitInput, what: "verify", where: f.rows}
	if byRows {
		err = a.verifyRows(f, report)
	} else {
		fault.code, fault.where = exitModel, args[0]
		err = a.verifyBundle(f, args[0], report)
	}
	if err != nil {
		return err
	}
	report.Equal = report.DifferingValues == 0
	report.Seconds = time.Since(began).Seconds()
	if err := a.printVerification(f, report); err != nil {
		return err
	}
	if !report.Equal {
		fault.err = fmt.Errorf("%d of %d values differ from the expected ones; threatdetect doctor looks for the reason", report.DifferingValues, report.Values)
		return fault
	}
	return nil
}

// verifyRows compares the predictions of a file of rows with a file of expected ones.
func (a *app) verifyRows(f *verifyFlags, report *verification) error {
	p, b, opts, err := f.openScorer()
	if err != nil {
		return err
	}
	_, several := p.(*inference.Ensemble)
	want, err := a.readExpectation(f.expect)
	if err != nil {
		return err
	}
	if want.width != p.NumOutput() {
		return misfit(f.expect, "%d values a row, the model gives %d (--kind %s)", want.width, p.NumOutput(), f.kind)
	}
	bar := a.newProgress("verifying", totalSize([]string{f.rows}))
	defer bar.stop()
	raw, err := a.open(f.rows, bar, nil)
	if err != nil {
		return err
	}
	defer raw.Close()
	width, rest := p.NumOutput(), want.values
	size := batchRows(p)
	batch, got := make([]float32, 0, size*p.NumFeature()), make([]float32, size*width)
	compare := func() error {
		n := len(batch) / p.NumFeature()
		if len(rest) < n*width {
			return misfit(f.expect, "only %d rows, %s has more", want.rows(), f.rows)
		}
		if err := scoreRows(p, got[:n*width], batch, report.Rows == 0 && size > 1); err != nil {
			return inputError(f.rows, err)
		}
		c := diagnose.Compare(got[:n*width], rest[:n*width], width)
		if report.add(&c, f.kind) && !several {
			row := batch[c.Row*p.NumFeature() : (c.Row+1)*p.NumFeature()]
			if err := locate(b, opts, row, &c, report.First); err != nil {
				return modelError(f.model, err)
			}
		}
		batch, rest = batch[:0], rest[n*width:]
		return nil
	}
	read := f.options(b)
	for row, err := range a.rowsOf(f.rows, raw, rows.Format(f.from), read) {
		if err != nil {
			return err
		}
		if batch = append(batch, row...); len(batch) == cap(batch) {
			if err := compare(); err != nil {
				return err
			}
		}
	}
	if err := compare(); err != nil {
		return err
	}
	if len(rest) > 0 {
		return misfit(f.expect, "%d rows, %s has only %d", want.rows(), f.rows, report.Rows)
	}
	return nil
}

// locate says which tree may be behind a difference.
func locate(b *model.Booster, opts *inference.Options, row []float32, c *diagnose.Comparison, d *difference) error {
	l, err := diagnose.NewLocator(b, opts)
	if err != nil {
		return err
	}
	s, err := l.Locate(row, c.Column, c.Want)
	d.explain(s)
	return err
}

func (a *app) printVerification(f *verifyFlags, v *verification) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	switch {
	case f.asJSON:
		_, err = fmt.Fprintf(a.stdout, "%s\n", line)
	case !a.quiet:
		err = v.print(a.stdout)
	}
	if a.summary == "json" {
		a.printf("%s\n", line)
	}
	return err
}

// print writes the report for people.
func (v *verification) print(w io.Writer) error {
	text := fmt.Sprintf("compared  %d rows, %d values\n", v.Rows, v.Values)
	if v.Equal {
		_, err := io.WriteString(w, text+"differing none: every bit is as expected\n")
		return err
	}
	distance := strconv.FormatUint(uint64(v.LargestULP), 10) + " units in the last place"
	if v.LargestULP == diagnose.MaxULP {
		distance = "a number against NaN"
	}
	text += fmt.Sprintf("differing %d values in %d rows\nlargest   %s\n", v.DifferingValues, v.DifferingRows, distance)
	d := v.First
	text += fmt.Sprintf("first     row %d, %s %d: %s, expected %s\n", d.Row, d.What, d.Column, d.Got, d.Want)
	if d.Tree != nil {
		text += fmt.Sprintf("tree      %d (counted from 0): %s\n", *d.Tree, d.Evidence)
		text += fmt.Sprintf("leaf      %d\n", *d.Leaf)
		for _, s := range d.Path {
			text += "          " + oneLine(s) + "\n"
		}
	}
	if d.WantLeaf != nil {
		text += fmt.Sprintf("expected  leaf %d\n", *d.WantLeaf)
		for _, s := range d.WantPath {
			text += "          " + oneLine(s) + "\n"
		}
	}
	_, err := io.WriteString(w, text)
	return err
}

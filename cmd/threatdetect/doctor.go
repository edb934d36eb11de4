package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"threatdetect/inference"
	"threatdetect/inference/diagnose"
	"threatdetect/model"
)

type doctorFlags struct {
	trust               trustFlags
	model, rows, expect string
	from, kind          string
	asJSON              bool
}

func (a *app) doctorCommand() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor --model MODEL --rows ROWS --expect EXPECT",
		Short: "Find out why predictions differ",
		Long: "Doctor tries the ways in which the same model and the same rows are known to be read differently: zero or another number as\n" +
			"missing, missing as zero, libsvm indices from 1, a label in the first column, columns in another order, all trees against those\n" +
			"up to the best iteration, margins against values, the base score left out or meant otherwise, float64 or <= in comparisons, other\n" +
			"releases of XGBoost. It names the ways that give the numbers of EXPECT, one at a time or up to three together.\n\n" +
			"The exit code is 0 if a way is found, or none is needed, and 4 if none gives all rows.",
		Example: "  threatdetect doctor --model model.tar.gz --rows rows.csv --expect endpoint.csv",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.doctor(&f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.model, "model", "", "model of any kind")
	flags.StringVar(&f.rows, "rows", "", "file of rows")
	flags.StringVar(&f.expect, "expect", "", "file of the numbers that another program gave, one row a line")
	flags.StringVar(&f.from, "from", "csv", "format of the rows: csv, libsvm, ndjson or recordio")
	flags.StringVar(&f.kind, "kind", "value", "what EXPECT is believed to hold: value, margin or leaf")
	flags.BoolVar(&f.asJSON, "json", false, "report as one JSON object")
	f.trust.add(flags)
	return cmd
}

// diagnosis is what doctor --json prints.
type diagnosis struct {
	Rows    int       `json:"rows"`
	AsIs    reading   `json:"as_is"`
	Equal   bool      `json:"equal"`
	Matches []reading `json:"matches"`
	Nearest *reading  `json:"nearest"`
	Tried   int       `json:"tried"`
}

type reading struct {
	Changes []string `json:"changes"`
	Exact   int      `json:"exact"`
	Close   int      `json:"close"`
}

func readingOf(f *diagnose.Finding) reading {
	return reading{Changes: append([]string{}, f.Changes...), Exact: f.Exact, Close: f.Close}
}

func (a *app) doctor(f *doctorFlags) error {
	_, kind := outputs[f.kind]
	switch {
	case f.model == "" || f.rows == "" || f.expect == "":
		return usagef("want --model MODEL, --rows ROWS and --expect EXPECT")
	case f.rows == "-" && f.expect == "-":
		return usagef("standard input is named 2 times")
	case !kind || outputs[f.kind] > inference.Leaf:
		return usagef("--kind %q: want value, margin or leaf", f.kind)
	}
	if err := (&rowFlags{from: f.from, missing: "nan", header: "auto"}).check(); err != nil {
		return err
	}
	load, err := f.trust.options()
	if err != nil {
		return err
	}
	b, err := model.Open(f.model, load)
	if err != nil {
		return modelError(f.model, err)
	}
	data, err := a.readData(f.rows, f.from, b.NumFeature)
	if err != nil {
		return err
	}
	want, err := a.readExpectation(f.expect)
	if err != nil {
		return err
	}
	if want.rows() != data.NumRow() {
		return misfit(f.expect, "%d rows, %s has %d", want.rows(), f.rows, data.NumRow())
	}
	found, err := diagnose.Find(b, data, want.values, want.width, &inference.Options{Output: outputs[f.kind]})
	if err != nil {
		return modelError(f.model, err)
	}
	d := &diagnosis{Rows: found.Rows, AsIs: readingOf(&found.AsIs), Equal: found.AsIs.Exact == found.Rows, Matches: []reading{}, Tried: found.Tried}
	for i := range found.Matches {
		d.Matches = append(d.Matches, readingOf(&found.Matches[i]))
	}
	if found.Nearest != nil {
		r := readingOf(found.Nearest)
		d.Nearest = &r
	}
	if err := a.printDiagnosis(f, d); err != nil {
		return err
	}
	if len(d.Matches) == 0 && d.AsIs.Close < d.Rows {
		return &exitError{code: exitInput, what: "doctor", where: f.expect, err: fmt.Errorf("no known way of reading %s and %s gives these numbers", f.model, f.rows)}
	}
	return nil
}

func (a *app) printDiagnosis(f *doctorFlags, d *diagnosis) error {
	line, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if a.summary == "json" {
		a.printf("%s\n", line)
	}
	if f.asJSON {
		_, err = fmt.Fprintf(a.stdout, "%s\n", line)
		return err
	}
	return d.print(a.stdout)
}

// print writes the diagnosis for people.
func (d *diagnosis) print(w io.Writer) error {
	text := fmt.Sprintf("as read: %d of %d rows have every bit that was expected", d.AsIs.Exact, d.Rows)
	if d.AsIs.Close > d.AsIs.Exact {
		text += fmt.Sprintf(", %d are that close that printing may have rounded them", d.AsIs.Close)
	}
	text += "\n"
	switch {
	case d.Equal:
		text += "nothing differs\n"
	case len(d.Matches) == 0 && d.AsIs.Close == d.Rows:
		text += "only last digits differ: the expected numbers were rounded, or computed with another arithmetic\n"
	case len(d.Matches) == 0:
		text += fmt.Sprintf("none of %d ways to read model and rows gives all rows\n", d.Tried)
		if d.Nearest != nil {
			text += fmt.Sprintf("nearest: %d of %d rows if %s\n", d.Nearest.Close, d.Rows, oneLine(strings.Join(d.Nearest.Changes, ", and ")))
		}
	}
	const most = 8
	for i, m := range d.Matches {
		if i == most {
			text += fmt.Sprintf("       and %d more ways that these rows do not tell apart\n", len(d.Matches)-most)
			break
		}
		how := "every bit"
		if m.Exact < d.Rows {
			how = fmt.Sprintf("every bit of %d rows, and the others but for rounding", m.Exact)
		}
		text += fmt.Sprintf("found: %s\n       gives %s\n", oneLine(strings.Join(m.Changes, ", and ")), how)
	}
	_, err := io.WriteString(w, text)
	return err
}

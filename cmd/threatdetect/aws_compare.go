//go:build !noaws

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"threatdetect/inference/diagnose"
	"threatdetect/inference/rows"
	"threatdetect/model"
	"threatdetect/train"
)

type compareFlags struct {
	awsFlags
	trust       trustFlags
	model, from string
	opts        train.CompareOptions
	most        int
	asJSON      bool
}

func (a *app) compareCommand() *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{
		Use:   "compare --model MODEL [flags] ROWS",
		Short: "Score rows with the endpoint and here, and explain every difference",
		Long: "Compare sends the rows to the endpoint, scores them here with the artifact that it serves, and says how far the scores are from each other:\n" +
			"rows with the same bits, largest, mean and 99th percentile of the differences, rows that are a threat for one alone. Where they differ it\n" +
			"looks for the way of reading model and rows that gives the endpoint's numbers (missing or zero, indices from 1, columns in another order,\n" +
			"the best round, the base score …), and names for each row what explains it, and the tree and splits that may have gone another way.\n\n" +
			"The exit code is 0 if no score differs by more than the tolerance and no row changes sides, and 4 otherwise.",
		Example: "  threatdetect endpoint compare --model model.tar.gz rows.csv",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.compare(cmd, &f, args[0]) },
	}
	flags := cmd.Flags()
	f.awsFlags.add(flags)
	f.trust.add(flags)
	flags.StringVar(&f.model, "model", "", "the artifact that the endpoint serves, on this machine")
	flags.StringVar(&f.from, "from", "csv", "format of the rows: csv, libsvm, ndjson or recordio")
	flags.StringVar(&f.opts.ContentType, "content-type", "text/csv", "how rows are sent: text/csv, or text/libsvm, which leaves missing values out")
	flags.StringVar(&f.opts.Accept, "accept", "text/csv", "how scores come back: text/csv or application/json")
	flags.Float64Var(&f.opts.Threshold, "threshold", 0.5, "score from which on a row is a threat")
	flags.Float64Var(&f.opts.Tolerance, "tolerance", 1e-6, "largest difference that is none")
	flags.IntVar(&f.opts.Rows, "batch", 5000, "rows in a request, at most")
	flags.IntVar(&f.most, "show", 5, "differing rows to show, the worst first; all are in --json")
	flags.BoolVar(&f.asJSON, "json", false, "report as one JSON object")
	return cmd
}

func (a *app) compare(cmd *cobra.Command, f *compareFlags, file string) error {
	switch {
	case f.model == "":
		return usagef("want --model MODEL, the artifact that the endpoint serves")
	case f.opts.ContentType != "text/csv" && f.opts.ContentType != "text/libsvm":
		return usagef("--content-type %q: want text/csv or text/libsvm", f.opts.ContentType)
	case f.opts.Accept != "text/csv" && f.opts.Accept != "application/json":
		return usagef("--accept %q: want text/csv or application/json", f.opts.Accept)
	case !(f.opts.Threshold > 0) || !(f.opts.Tolerance > 0) || f.opts.Rows < 1 || f.most < 0:
		return usagef("--threshold, --tolerance and --batch want more than 0, and --show 0 or more")
	}
	if err := (&rowFlags{from: f.from, missing: "nan", header: "auto"}).check(); err != nil || f.from == string(rows.Auto) {
		return usagef("--from %q: want csv, libsvm, ndjson or recordio", f.from)
	}
	ctx, cancel := a.context(cmd)
	defer cancel()
	stack, aws, err := a.connect(ctx, &f.awsFlags)
	if err != nil {
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
	data, err := a.readData(file, f.from, b.NumFeature)
	if err != nil {
		return err
	}
	a.printf("note: %s\n", stack.CostOf())
	if f.dryRun { // what is sent is known, and what comes back is not
		return awsEnd(train.CompareRequests(ctx, aws.Invoke, b, data, &f.opts))
	}
	p, err := train.Compare(ctx, aws.Invoke, b, data, &f.opts)
	if err != nil {
		return awsError(file, err)
	}
	if err := a.printParity(f, p); err != nil {
		return err
	}
	if !p.Within {
		return &exitError{code: exitInput, what: "compare", where: file, err: fmt.Errorf("%d of %d rows differ, by up to %g, and %d change sides", p.Rows-p.Equal, p.Rows, p.Largest, p.Flips)}
	}
	return nil
}

func (a *app) printParity(f *compareFlags, p *train.Parity) error {
	if f.asJSON {
		line, err := json.Marshal(parityOf(p))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "%s\n", line)
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "compared  %d rows in %d requests\n", p.Rows, p.Requests)
	if p.Equal == p.Rows {
		b.WriteString("differing none: every bit is the same here and there\n")
	} else {
		fmt.Fprintf(&b, "differing %d rows; largest %.3g, mean %.3g, 99th percentile %.3g\n", p.Rows-p.Equal, p.Largest, p.Mean, p.P99)
		fmt.Fprintf(&b, "verdicts  %d rows are a threat for one alone\n", p.Flips)
		for i := range p.Reasons.Matches {
			fmt.Fprintf(&b, "found     %s\n", oneLine(strings.Join(p.Reasons.Matches[i].Changes, ", and ")))
		}
	}
	for i := range p.Differing {
		if i == f.most {
			fmt.Fprintf(&b, "          and %d more rows; --show N or --json has them\n", len(p.Differing)-i)
			break
		}
		d := &p.Differing[i]
		flips := ""
		if d.Flips {
			flips = ", and changes sides"
		}
		fmt.Fprintf(&b, "row %-5d here %s, there %s (%.3g%s): %s\n", d.Row, floatText(d.Local), floatText(d.Endpoint), d.Difference, flips, oneLine(d.Why))
		if s := d.Suspect; s != nil && len(s.Path) > 0 {
			fmt.Fprintf(&b, "          tree %d (%s): leaf %d by %s\n", s.Tree, s.Evidence, s.Leaf, strings.Join(steps(s.Path), "; "))
		}
	}
	_, err := fmt.Fprint(a.stdout, b.String())
	return err
}

type parityJSON struct {
	Rows      int           `json:"rows"`
	Requests  int           `json:"requests"`
	Equal     int           `json:"equal"`
	Largest   *float64      `json:"largest"` // null: infinite
	Mean      *float64      `json:"mean"`
	P99       *float64      `json:"p99"`
	Flips     int           `json:"flips"`
	Within    bool          `json:"within"`
	Reasons   []reading     `json:"reasons"`
	Differing []rowParities `json:"differing"`
}

type rowParities struct {
	Row        int      `json:"row"`
	Column     int      `json:"column"`
	Here       string   `json:"here"`
	There      string   `json:"there"`
	Difference *float64 `json:"difference"`
	ULP        uint32   `json:"ulp"`
	Flips      bool     `json:"flips"`
	Why        string   `json:"why"`
	Tree       *int     `json:"tree"`
	Path       []string `json:"path,omitempty"`
}

func parityOf(p *train.Parity) *parityJSON {
	j := &parityJSON{Rows: p.Rows, Requests: p.Requests, Equal: p.Equal, Largest: finite(p.Largest), Mean: finite(p.Mean), P99: finite(p.P99), Flips: p.Flips, Within: p.Within,
		Reasons: []reading{}, Differing: []rowParities{}}
	if p.Reasons != nil {
		for i := range p.Reasons.Matches {
			j.Reasons = append(j.Reasons, readingOf(&p.Reasons.Matches[i]))
		}
	}
	for i := range p.Differing {
		d := &p.Differing[i]
		r := rowParities{Row: d.Row, Column: d.Column, Here: floatText(d.Local), There: floatText(d.Endpoint), Difference: finite(d.Difference), ULP: d.ULP, Flips: d.Flips, Why: d.Why}
		if s := d.Suspect; s != nil && s.Evidence != diagnose.Evidence("") {
			r.Tree, r.Path = &s.Tree, steps(s.Path)
		}
		j.Differing = append(j.Differing, r)
	}
	return j
}

func finite(v float64) *float64 {
	if math.IsInf(v, 0) || v != v {
		return nil
	}
	return &v
}

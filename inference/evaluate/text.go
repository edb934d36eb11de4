package evaluate

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
)

// maxTextKinds and maxTextColumns are how many lines of a kind the text has.
const (
	maxTextKinds   = 20
	maxTextColumns = 10
)

// WriteText writes the report for people. What comes from logs is printable in it.
func (r *Report) WriteText(w io.Writer) error {
	p := &printer{w: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	d := &r.Data
	p.f("%s, set %s, threshold %s\n", Printable(r.Model.Name), r.Model.Set, Short(r.Threshold))
	p.f("%d flows: %d benign, %d attacks", d.Flows, d.Benign, d.Attacks)
	if d.Unlabelled > 0 {
		p.f("; %d more without a label are left out", d.Unlabelled)
	}
	if d.From != "" {
		p.f("; %s to %s", d.From, d.To)
	}
	p.f("\n\n\tall flows\twithout repeats")
	columns := []*Measures{r.All, r.Distinct}
	if r.Unseen != nil {
		p.f("\tand not in training")
		columns = append(columns, r.Unseen)
	}
	if r.Compare != nil {
		p.f("\t%s", Printable(r.Compare.Model.Name))
		columns = append(columns, r.Compare.All)
	}
	p.f("\n")
	for _, line := range figures {
		p.f("%s", line.name)
		for _, m := range columns {
			p.f("\t%s", line.text(m))
		}
		p.f("\n")
	}
	p.flush()
	r.writeMore(p)
	p.f("\n")
	for _, note := range r.Notes {
		p.f("note: %s\n", note)
	}
	p.flush()
	return p.err
}

// figures are the lines of the table of measures.
var figures = []struct {
	name string
	text func(*Measures) string
}{
	{"flows", func(m *Measures) string { return strconv.Itoa(m.Flows) }},
	{"ROC AUC", func(m *Measures) string { return WithInterval(m.AUC, m.AUCInterval) }},
	{"average precision", func(m *Measures) string { return WithInterval(m.AP, m.APInterval) }},
	{"recall at 1 % false positives", func(m *Measures) string { return WithInterval(m.RecallAt[0].Recall, m.RecallAt[0].Interval) }},
	{"recall at 0.1 %", func(m *Measures) string { return WithInterval(m.RecallAt[1].Recall, m.RecallAt[1].Interval) }},
	{"recall at 0.01 %", func(m *Measures) string { return WithInterval(m.RecallAt[2].Recall, m.RecallAt[2].Interval) }},
	{"false positives at recall 0.9", func(m *Measures) string { return Short(m.FalsePositiveRate90) }},
	{"at the threshold: recall", func(m *Measures) string {
		return WithInterval(m.Recall, Wilson(m.TruePositive, m.Attacks))
	}},
	{"  false positive rate", func(m *Measures) string {
		return WithInterval(m.FalsePositiveRate, Wilson(m.FalsePositive, m.Benign))
	}},
	{"  precision", func(m *Measures) string { return Short(m.Precision) }},
	{"  accuracy", func(m *Measures) string { return Short(m.Accuracy) }},
	{"  F1, macro F1", func(m *Measures) string { return Short(m.F1) + ", " + Short(m.MacroF1) }},
	{"  attacks found, missed", func(m *Measures) string { return fmt.Sprintf("%d, %d", m.TruePositive, m.FalseNegative) }},
	{"  false alarms, rightly passed", func(m *Measures) string { return fmt.Sprintf("%d, %d", m.FalsePositive, m.TrueNegative) }},
	{"Brier score, calibration error", func(m *Measures) string { return Short(m.Brier) + ", " + Short(m.CalibrationError) }},
}

// writeMore writes what is beyond the table of measures.
func (r *Report) writeMore(p *printer) {
	if len(r.Kinds) > 0 {
		p.f("\nkind of attack\tflows\tfound\trecall\n")
		for i, k := range r.Kinds {
			if i == maxTextKinds {
				p.f("(%d more)\n", len(r.Kinds)-i)
				break
			}
			p.f("%s\t%d\t%d\t%s\n", Printable(k.Kind), k.Flows, k.Found, WithInterval(k.Recall, k.Interval))
		}
		p.flush()
	}
	if c := r.Classes; c != nil {
		p.f("\nclass\tflows\tcalled so\trightly\trecall\tprecision\tF1\n")
		for i, k := range c.Each {
			if i == maxTextKinds {
				p.f("(%d more)\n", len(c.Each)-i)
				break
			}
			p.f("%s\t%d\t%d\t%d\t%s\t%s\t%s\n", Printable(k.Class), k.Flows, k.Called, k.Right, WithInterval(k.Recall, k.Interval), Short(k.Precision), Short(k.F1))
		}
		p.flush()
		p.f("called what they are: %s of the flows; macro F1 of the classes %s", Short(c.Accuracy), Short(c.MacroF1))
		if c.Others > 0 {
			p.f("; %d attacks are of none of these classes", c.Others)
		}
		p.f("\n")
		p.flush()
	}
	b := &r.Budget
	p.f("\n%s false alarms a day: %s", Short(Number(b.PerDay)), b.Text)
	if b.Threshold.Known() {
		p.f(" Threshold %s: recall %s, %d false alarms in %s days", Short(b.Threshold), Short(b.Recall), b.FalseAlarms, Short(b.Days))
		if b.HostHours > 0 {
			p.f("; %d alerts, in %d pairs of host and hour", b.Alerts, b.HostHours)
		}
	}
	p.f("\n\nif attacks are\tprecision\talerts per million flows\n")
	for _, w := range r.Precision {
		p.f("%.3g %%\t%s\t%s\n", 100*w.Prevalence, Short(w.Precision), Short(w.PerMillion))
	}
	if c := r.Calibrated; c != nil {
		p.f("\ncalibration: %s.\n%s\n\tscores\tprobabilities\n", c.About(), c.Text)
		p.f("flows, attacks\t%d, %d\t%d, %d\n", c.Before.Flows, c.Before.Attacks, c.After.Flows, c.After.Attacks)
		p.f("Brier score\t%s\t%s\n", Short(c.Before.Brier), Short(c.After.Brier))
		p.f("calibration error\t%s\t%s\n", Short(c.Before.CalibrationError), Short(c.After.CalibrationError))
		p.flush()
	}
	p.f("\nbaseline\taccuracy\tAUC\taverage precision\n")
	for _, base := range r.Baselines {
		p.f("%s (%s)\t%s\t%s\t%s\n", base.Name, Printable(base.About()), Short(base.Accuracy), Short(base.AUC), Short(base.AP))
	}
	p.flush()
	if c := r.Contributions; c != nil {
		p.f("\nwhat the model looks at\tmean |contribution|\n")
		for _, col := range c.Columns[:min(len(c.Columns), maxTextColumns)] {
			p.f("%s\t%s\n", Printable(col.Column), Short(col.Mean))
		}
		p.flush()
	}
	if d := r.Drift; d != nil {
		p.f("\ndrift from %s: %d columns over %v, %d over %v; of the score %s\n", Printable(strings.Join(d.Reference, ", ")), d.Drifted(DriftAlarm), DriftAlarm,
			d.Drifted(DriftWarn)-d.Drifted(DriftAlarm), DriftWarn, Short(d.Score))
		p.f("column\tPSI\tmedian before\tnow\tmissing before\tnow\n")
		for _, col := range d.Columns[:min(len(d.Columns), maxTextColumns)] {
			p.f("%s\t%s\t%s\t%s\t%s\t%s\n", Printable(col.Column), Short(col.PSI), Short(col.Median[0]), Short(col.Median[1]), Short(col.Missing[0]), Short(col.Missing[1]))
		}
		p.flush()
	}
	if c := r.Compare; c != nil {
		p.f("\n%s against %s: AUC %s, average precision %s, recall at 1 %% %s\n", Printable(c.Model.Name), Printable(r.Model.Name), signed(c.AUC), signed(c.AP), signed(c.RecallAt))
		p.f("judged alike: %d flows; rightly by the other alone: %d, by this alone: %d\n", c.Same, c.OnlyOther, c.OnlyThis)
	}
}

func signed(d Difference) string {
	sign := ""
	if d.Value > 0 {
		sign = "+"
	}
	return sign + WithInterval(d.Value, d.Interval)
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

// Short returns a figure with four digits, and a dash for one that cannot be measured.
func Short(n Number) string {
	if !n.Known() {
		return "–"
	}
	v := float64(n) + 0 // no -0
	if v == 0 || 1e-4 <= max(v, -v) && max(v, -v) < 1e6 {
		text := strconv.FormatFloat(v, 'f', 4, 64)
		if max(v, -v) >= 100 {
			text = strconv.FormatFloat(v, 'f', 1, 64)
		}
		return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// WithInterval returns a figure with its interval, if that is known.
func WithInterval(n Number, i Interval) string {
	if !i.Low.Known() || !i.High.Known() {
		return Short(n)
	}
	return fmt.Sprintf("%s (%s to %s)", Short(n), Short(i.Low), Short(i.High))
}

// Printable returns text from a log or of a file name with everything that a terminal might act on replaced, and cut to a
// sensible length.
func Printable(s string) string {
	const limit = 200
	cut := ""
	if len(s) > limit {
		s, cut = s[:limit], "…"
	}
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd")) + cut
}

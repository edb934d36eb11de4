package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"sync"

	"threatdetect/inference/evaluate"
)

//go:embed page.tmpl.html
var pageText string

//go:embed style.css
var styleText string

// page is parsed when a page is written.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"short": evaluate.Short, "percent": percent, "thousands": thousands, "printable": evaluate.Printable,
		"interval": interval, "wilson": wilson, "number": func(f float64) evaluate.Number { return evaluate.Number(f) },
		"signed": signed, "shade": shade, "level": level, "times": func(f float64) evaluate.Number { return evaluate.Number(100 * f) },
		"reference": func(files []string) string { return evaluate.Printable(strings.Join(files, ", ")) },
		"days":      days, "whole": whole,
	}).Parse(pageText))
})

// Write writes the page of a report.
func Write(w io.Writer, r *evaluate.Report) error {
	v := view{Report: r, Style: template.CSS(styleText)}
	v.columns()
	both := r.All.Attacks > 0 && r.All.Benign > 0
	if both {
		v.ROCPlot, v.ROCLogPlot, v.PRPlot = roc(r, false), roc(r, true), precisionRecall(r)
	}
	if len(r.Calibration) > 0 {
		v.CalibrationPlot = calibration(r)
	}
	if r.Calibrated != nil {
		v.CalibratedPlot = calibrated(r.Calibrated)
	}
	v.HistogramPlot = histogram(r)
	v.KindRows = kinds(r)
	if r.Contributions != nil && len(r.Contributions.Columns) > 0 {
		v.Importance = importance(r)
		v.Swarms, v.SwarmAxis = swarms(r)
	}
	if r.Drift != nil {
		v.Drifted = drift(r)
	}
	return page().Execute(w, &v)
}

// view is what the template shows.
type view struct {
	*evaluate.Report
	Style template.CSS

	Columns []column // of the table of figures
	Figures []figure

	ROCPlot, ROCLogPlot, PRPlot, CalibrationPlot, CalibratedPlot, HistogramPlot template.HTML
	KindRows, Importance, Swarms, Drifted                                       []row
	SwarmAxis                                                                   []mark
}

type column struct {
	Name string
	M    *evaluate.Measures
}

type figure struct {
	Name  string
	Cells []cell
}

type cell struct{ Value, Interval string }

// Heading is the title of the page.
func (v *view) Heading() string {
	if v.Title != "" {
		return evaluate.Printable(v.Title)
	}
	return "What " + evaluate.Printable(v.Model.Name) + " is worth"
}

// Summary is the report in a sentence.
func (v *view) Summary() string {
	m := v.All
	switch {
	case m.Attacks == 0:
		return fmt.Sprintf("%s of %s benign flows are taken for a threat (%s). There is no attack among the flows.", thousands(m.FalsePositive), thousands(m.Benign), percent(m.FalsePositiveRate))
	case m.Benign == 0:
		return fmt.Sprintf("%s of %s attack flows are found (%s). There is no benign flow to take for one.", thousands(m.TruePositive), thousands(m.Attacks), percent(m.Recall))
	}
	return fmt.Sprintf("Of %s attack flows %s are found, with %s false alarms among %s benign flows.",
		thousands(m.Attacks), thousands(m.TruePositive), thousands(m.FalsePositive), thousands(m.Benign))
}

func (v *view) columns() {
	v.Columns = []column{{"all flows", v.All}, {"without repeats", v.Distinct}}
	if v.Unseen != nil {
		v.Columns = append(v.Columns, column{"and not in training", v.Unseen})
	}
	if v.Compare != nil {
		v.Columns = append(v.Columns, column{evaluate.Printable(v.Compare.Model.Name), v.Compare.All})
	}
	plain := func(text string) cell { return cell{Value: text} }
	short := func(n evaluate.Number) cell { return plain(evaluate.Short(n)) }
	with := func(n evaluate.Number, i evaluate.Interval) cell { return cell{evaluate.Short(n), interval(i, false)} }
	for _, line := range []struct {
		name string
		cell func(*evaluate.Measures) cell
	}{
		{"flows", func(m *evaluate.Measures) cell { return plain(thousands(m.Flows)) }},
		{"attacks", func(m *evaluate.Measures) cell { return plain(thousands(m.Attacks)) }},
		{"ROC AUC", func(m *evaluate.Measures) cell { return with(m.AUC, m.AUCInterval) }},
		{"average precision", func(m *evaluate.Measures) cell { return with(m.AP, m.APInterval) }},
		{"recall at FPR 1 %", func(m *evaluate.Measures) cell { return with(m.RecallAt[0].Recall, m.RecallAt[0].Interval) }},
		{"recall at FPR 0.1 %", func(m *evaluate.Measures) cell { return with(m.RecallAt[1].Recall, m.RecallAt[1].Interval) }},
		{"recall at FPR 0.01 %", func(m *evaluate.Measures) cell { return with(m.RecallAt[2].Recall, m.RecallAt[2].Interval) }},
		{"FPR at recall 0.9", func(m *evaluate.Measures) cell { return short(m.FalsePositiveRate90) }},
		{"recall", func(m *evaluate.Measures) cell { return with(m.Recall, evaluate.Wilson(m.TruePositive, m.Attacks)) }},
		{"false positive rate", func(m *evaluate.Measures) cell {
			return with(m.FalsePositiveRate, evaluate.Wilson(m.FalsePositive, m.Benign))
		}},
		{"precision", func(m *evaluate.Measures) cell { return short(m.Precision) }},
		{"accuracy", func(m *evaluate.Measures) cell { return short(m.Accuracy) }},
		{"F1 · macro F1", func(m *evaluate.Measures) cell {
			return plain(evaluate.Short(m.F1) + " · " + evaluate.Short(m.MacroF1))
		}},
		{"Brier score", func(m *evaluate.Measures) cell { return short(m.Brier) }},
		{"calibration error", func(m *evaluate.Measures) cell { return short(m.CalibrationError) }},
	} {
		f := figure{Name: line.name}
		for _, c := range v.Columns {
			f.Cells = append(f.Cells, line.cell(c.M))
		}
		v.Figures = append(v.Figures, f)
	}
}

// Tiles are the figures at the top.
func (v *view) Tiles() []tile {
	m, d := v.All, v.Distinct
	return []tile{
		{"Attacks found", percent(m.Recall), interval(evaluate.Wilson(m.TruePositive, m.Attacks), true), percent(d.Recall), "recall at the threshold"},
		{"False alarms", percent(m.FalsePositiveRate), interval(evaluate.Wilson(m.FalsePositive, m.Benign), true), percent(d.FalsePositiveRate), "of benign flows, at the threshold"},
		{"Recall at FPR 1 %", percent(m.RecallAt[0].Recall), interval(m.RecallAt[0].Interval, true), percent(d.RecallAt[0].Recall), "whatever the threshold"},
		{"Average precision", evaluate.Short(m.AP), interval(m.APInterval, false), evaluate.Short(d.AP), "area under precision-recall"},
		{"ROC AUC", evaluate.Short(m.AUC), interval(m.AUCInterval, false), evaluate.Short(d.AUC), "an attack outscores a benign flow"},
	}
}

type tile struct{ Name, Value, Interval, Distinct, Text string }

// interval writes an interval, of shares in per cent; "" if it is not known.
func interval(i evaluate.Interval, share bool) string {
	if !i.Low.Known() || !i.High.Known() {
		return ""
	}
	if share {
		return percent(i.Low) + " – " + percent(i.High)
	}
	return evaluate.Short(i.Low) + " – " + evaluate.Short(i.High)
}

func wilson(found, n int) string { return interval(evaluate.Wilson(found, n), true) }

func signed(d evaluate.Difference) string {
	sign := ""
	if d.Value > 0 {
		sign = "+"
	}
	return sign + evaluate.WithInterval(d.Value, d.Interval)
}

// shade is how strongly a cell of the confusion matrix is coloured: its share of its row.
func shade(n, of int) template.CSS {
	if of == 0 {
		return "0"
	}
	return template.CSS(fmt.Sprintf("%.2f", 0.06+0.5*float64(n)/float64(of)))
}

// level names what a stability index means.
func level(psi evaluate.Number) string {
	switch {
	case float64(psi) >= evaluate.DriftAlarm:
		return "changed much"
	case float64(psi) >= evaluate.DriftWarn:
		return "changed"
	}
	return "as before"
}

// days writes a time span in a unit that suits it.
func days(d evaluate.Number) string {
	switch v := float64(d); {
	case !d.Known():
		return "unknown time"
	case v < 1./24:
		return fmt.Sprintf("%.0f minutes", math.Ceil(v*1440))
	case v < 2:
		return fmt.Sprintf("%.1f hours", v*24)
	default:
		return fmt.Sprintf("%.1f days", v)
	}
}

// whole writes a figure without decimals.
func whole(n evaluate.Number) string {
	if !n.Known() {
		return "–"
	}
	return thousands(int(math.Round(float64(n))))
}

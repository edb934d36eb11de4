package page

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"threatdetect/inference/evaluate"
)

const (
	maxKinds   = 40
	maxColumns = 15
)

// bar draws a bar that is value long on a track of most, with a whisker over an interval unless that is unknown. It is as wide
// as the cell it stands in; the figure itself stands beside it as text.
func bar(class string, value, most evaluate.Number, i evaluate.Interval, limits ...float64) template.HTML {
	place := func(v evaluate.Number) string {
		if !v.Known() {
			v = 0
		}
		return num(100 * min(max(float64(v/most), 0), 1))
	}
	var b strings.Builder
	b.WriteString(`<svg class="hbar" viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true"><rect class="track" y="2" width="100" height="12"/>`)
	fmt.Fprintf(&b, `<rect class="bar %s" y="2" width="%s" height="12"/>`, class, place(value))
	for _, l := range limits {
		fmt.Fprintf(&b, `<path class="line limit" d="M%s 0V16"/>`, place(evaluate.Number(l)))
	}
	if i.Low.Known() && i.High.Known() {
		low, high := place(i.Low), place(i.High)
		fmt.Fprintf(&b, `<path class="whisker" d="M%s 8H%sM%s 5v6M%s 5v6"/>`, low, high, low, high)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // nothing but numbers
}

// row is a row of a table with a plot in it.
type row struct {
	Name string
	Plot template.HTML
	Text []string
	Full string // name as it is, if Name is cut
}

// kinds makes the rows of the recall of each kind of attack.
func kinds(r *evaluate.Report) (rows []row) {
	for _, k := range r.Kinds[:min(len(r.Kinds), maxKinds)] {
		rows = append(rows, row{Name: evaluate.Printable(k.Kind), Plot: bar("attack", k.Recall, 1, k.Interval),
			Text: []string{percent(k.Recall), fmt.Sprintf("%s of %s", thousands(k.Found), thousands(k.Flows)), interval(k.Interval, true)}})
	}
	return rows
}

// importance makes the rows of the mean sizes of what columns add.
func importance(r *evaluate.Report) (rows []row) {
	columns := r.Contributions.Columns
	for _, col := range columns[:min(len(columns), maxColumns)] {
		if col.Mean > 0 {
			rows = append(rows, row{Name: evaluate.Printable(col.Column), Plot: bar("model", col.Mean, columns[0].Mean, evaluate.Interval{Low: nan, High: nan}),
				Text: []string{fmt.Sprintf("%.3f", float64(col.Mean))}})
		}
	}
	return rows
}

var nan = evaluate.Number(math.NaN())

// drift makes the rows of the stability index of the columns that changed most.
func drift(r *evaluate.Report) (rows []row) {
	columns := r.Drift.Columns
	most := evaluate.Number(0.5)
	if len(columns) > 0 && columns[0].PSI > most {
		most = columns[0].PSI
	}
	for _, col := range columns[:min(len(columns), maxColumns)] {
		class := "calm"
		switch {
		case float64(col.PSI) >= evaluate.DriftAlarm:
			class = "alarm"
		case float64(col.PSI) >= evaluate.DriftWarn:
			class = "warn"
		}
		rows = append(rows, row{Name: evaluate.Printable(col.Column), Plot: bar(class, col.PSI, most, evaluate.Interval{Low: nan, High: nan}, evaluate.DriftWarn, evaluate.DriftAlarm),
			Text: []string{fmt.Sprintf("%.3f", float64(col.PSI)), level(col.PSI)}})
	}
	return rows
}

const (
	levels      = 6 // of colour that tell low from high values
	swarmWidth  = 500.0
	swarmHeight = 36.0
)

// swarms makes the strips of dots: one for each column, and below them the places of the axis.
func swarms(r *evaluate.Report) (rows []row, axis []mark) {
	low, high := 0.0, 0.0
	for _, col := range r.Contributions.Columns {
		for _, d := range col.Swarm {
			if d.Contribution.Known() {
				low, high = min(low, float64(d.Contribution)), max(high, float64(d.Contribution))
			}
		}
	}
	pad := (high-low)*0.02 + 1e-9
	x := scale{low: low - pad, high: high + pad, from: 0, to: swarmWidth}
	for _, col := range r.Contributions.Columns {
		if len(col.Swarm) > 0 {
			rows = append(rows, row{Name: evaluate.Printable(col.Column), Plot: strip(col.Swarm, x)})
		}
	}
	for _, t := range round(low, high, 6) {
		axis = append(axis, mark{num(100 * x.at(t.value) / swarmWidth), t.text})
	}
	return rows, axis
}

// mark is a place of an axis, in per cent of its length.
type mark struct{ Left, Text string }

// strip draws the dots of a column. Dots that would lie on each other are put beside the middle line.
func strip(dots []evaluate.Dot, x scale) template.HTML {
	var paths [levels + 1]strings.Builder
	taken := map[int]int{}
	for _, d := range dots {
		if !d.Contribution.Known() {
			continue
		}
		at := x.at(float64(d.Contribution))
		k := taken[int(at/4)]
		taken[int(at/4)]++
		const step, most = 2.3, swarmHeight/2 - 2.5
		offset := float64((k+1)/2) * step
		for offset > most { // full: begin again, between the dots
			offset -= most + step/2
		}
		if k%2 == 1 {
			offset = -offset
		}
		level := levels
		if d.Rank.Known() {
			level = min(int(float64(d.Rank)*levels), levels-1)
		}
		fmt.Fprintf(&paths[level], "M%s %sh0", num(at), num(swarmHeight/2+max(-most, min(most, offset))))
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="strip" viewBox="0 0 %v %v" preserveAspectRatio="none" aria-hidden="true"><path class="line limit" d="M%s 0V%v"/>`,
		swarmWidth, swarmHeight, num(x.at(0)), swarmHeight)
	for level := range paths {
		if paths[level].Len() == 0 {
			continue
		}
		class := fmt.Sprintf("v%d", level)
		if level == levels {
			class = "vm"
		}
		fmt.Fprintf(&b, `<path class="swarm %s" d="%s"/>`, class, &paths[level])
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // nothing but numbers
}

// percent writes a share in per cent.
func percent(n evaluate.Number) string {
	if !n.Known() {
		return "–"
	}
	v := 100 * float64(n)
	switch {
	case v == 0 || v == 100:
		return fmt.Sprintf("%.0f %%", v)
	case v < 0.1:
		return fmt.Sprintf("%.2g %%", v)
	case v > 99.9:
		return fmt.Sprintf("%.3f %%", v)
	case v < 1, v > 99:
		return fmt.Sprintf("%.2f %%", v)
	}
	return fmt.Sprintf("%.1f %%", v)
}

// thousands writes a number with narrow gaps.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

package page

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"threatdetect/inference/evaluate"
)

// chart is a plot that is being drawn: a frame with two axes, in a box of width by height units.
type chart struct {
	strings.Builder
	id                       string
	width, height            float64
	left, right, top, bottom float64 // margins
	x, y                     scale
}

// scale maps values to places of the box.
type scale struct {
	low, high float64 // values
	from, to  float64 // places
	log       bool
}

func (s scale) at(v float64) float64 {
	low, high := s.low, s.high
	if s.log {
		low, high, v = math.Log10(low), math.Log10(high), math.Log10(max(v, s.low))
	}
	if high == low {
		return s.from
	}
	t := min(max((v-low)/(high-low), 0), 1)
	return s.from + t*(s.to-s.from)
}

// newChart begins a plot. title names it and text says what it shows, for those who do not see it.
func newChart(id, title, text string, width, height float64) *chart {
	c := &chart{id: id, width: width, height: height, left: 46, right: 14, top: 10, bottom: 40}
	c.put(`<svg viewBox="0 0 %s %s" role="img" aria-labelledby="%s-t %s-d"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		num(width), num(height), id, id, id, safe(title), id, safe(text))
	return c
}

// axes fixes what the axes show.
func (c *chart) axes(x, y scale) {
	x.from, x.to = c.left, c.width-c.right
	y.from, y.to = c.height-c.bottom, c.top
	c.x, c.y = x, y
}

func (c *chart) put(format string, args ...any) { fmt.Fprintf(c, format, args...) }

// done ends the plot.
func (c *chart) done() template.HTML {
	c.WriteString("</svg>")
	return template.HTML(c.String()) // numbers, and text that went through safe
}

// tick is a mark of an axis.
type tick struct {
	value float64
	text  string
}

// frame draws grid, ticks and names of the axes.
func (c *chart) frame(xs, ys []tick, xName, yName string) {
	c.WriteString(`<g class="lines">`)
	for _, t := range xs {
		x := c.x.at(t.value)
		c.put(`<path d="M%s %sV%s"/>`, num(x), num(c.y.from), num(c.y.to))
	}
	for _, t := range ys {
		y := c.y.at(t.value)
		c.put(`<path d="M%s %sH%s"/>`, num(c.x.from), num(y), num(c.x.to))
	}
	c.WriteString(`</g><g class="tick">`)
	for _, t := range xs {
		c.put(`<text x="%s" y="%s" text-anchor="middle">%s</text>`, num(c.x.at(t.value)), num(c.y.from+15), safe(t.text))
	}
	for _, t := range ys {
		c.put(`<text x="%s" y="%s" text-anchor="end">%s</text>`, num(c.x.from-7), num(c.y.at(t.value)+4), safe(t.text))
	}
	c.put(`</g><text class="axis" x="%s" y="%s" text-anchor="middle">%s</text>`, num((c.x.from+c.x.to)/2), num(c.height-5), safe(xName))
	c.put(`<text class="axis" transform="translate(12 %s) rotate(-90)" text-anchor="middle">%s</text>`, num((c.y.from+c.y.to)/2), safe(yName))
}

// line draws a line through values.
func (c *chart) line(class string, xs, ys []float64) {
	if len(xs) == 0 {
		return
	}
	var d strings.Builder
	command := "M"
	for i := range xs {
		fmt.Fprintf(&d, "%s%s %s", command, num(c.x.at(xs[i])), num(c.y.at(ys[i])))
		command = "L"
	}
	c.put(`<path class="line %s" d="%s"/>`, class, &d)
}

// mark draws a point with a name that shows when it is pointed at.
func (c *chart) mark(class, name string, x, y float64) {
	if x != x || y != y {
		return
	}
	c.put(`<circle class="mark %s" cx="%s" cy="%s" r="4.5"><title>%s</title></circle>`, class, num(c.x.at(x)), num(c.y.at(y)), safe(name))
}

var (
	shares = []tick{{0, "0"}, {0.2, "0.2"}, {0.4, "0.4"}, {0.6, "0.6"}, {0.8, "0.8"}, {1, "1"}}
	unit   = scale{low: 0, high: 1}
)

// powers are the ticks of a logarithmic axis.
func powers(low, high float64) (ticks []tick) {
	for e := math.Ceil(math.Log10(low) - 1e-9); e <= math.Log10(high)+1e-9; e++ {
		text := fmt.Sprintf("10%s", superscript(int(e)))
		if e >= -1 && e <= 2 {
			text = num(math.Pow(10, e))
		}
		ticks = append(ticks, tick{math.Pow(10, e), text})
	}
	return ticks
}

func superscript(n int) string {
	return strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹").Replace(fmt.Sprint(n))
}

// round returns about n round numbers that span a range.
func round(low, high float64, n int) (ticks []tick) {
	if !(high > low) {
		high = low + 1
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/float64(n))))
	for _, m := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*m) <= float64(n) {
			step *= m
			break
		}
	}
	for v := math.Ceil(low/step-1e-9) * step; v <= high+step*1e-9 && len(ticks) < 20; v += step {
		ticks = append(ticks, tick{v, evaluate.Short(evaluate.Number(math.Round(v/step) * step))})
	}
	return ticks
}

// num writes a place with at most one decimal.
func num(v float64) string {
	if v != v || math.IsInf(v, 0) {
		v = 0
	}
	s := fmt.Sprintf("%.1f", v)
	return strings.TrimSuffix(s, ".0")
}

// safe makes text from anywhere fit for HTML.
func safe(s string) string { return html.EscapeString(evaluate.Printable(s)) }

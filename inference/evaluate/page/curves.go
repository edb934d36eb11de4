package page

import (
	"fmt"
	"html/template"
	"math"

	"threatdetect/inference/evaluate"
)

// roc draws the curve with a false positive rate that is linear or, to see the part that matters, logarithmic.
func roc(r *evaluate.Report, log bool) template.HTML {
	id, title, low := "roc", "ROC curve", 0.0
	ticks := shares
	if log {
		low = math.Pow(10, math.Floor(math.Log10(max(0.9/float64(max(r.All.Benign, 1)), 1e-6))))
		id, title, ticks = "roclog", "ROC curve at low false positive rates", powers(low, 1)
	}
	c := newChart(id, title, fmt.Sprintf("Recall against the false positive rate; the area under the curve is %s.", evaluate.Short(r.All.AUC)), 370, 285)
	c.axes(scale{low: low, high: 1, log: log}, unit)
	c.frame(ticks, shares, "false positive rate", "recall")
	if !log {
		c.line("chance", []float64{0, 1}, []float64{0, 1})
	}
	draw := func(class string, curve []evaluate.CurvePoint) {
		xs, ys := []float64{low}, []float64{0}
		for i, p := range curve {
			if i > 0 && log { // between two points recall rises first
				xs, ys = append(xs, float64(curve[i-1].FalsePositiveRate)), append(ys, float64(p.Recall))
			}
			xs, ys = append(xs, float64(p.FalsePositiveRate)), append(ys, float64(p.Recall))
		}
		c.line(class, xs, ys)
	}
	if r.Compare != nil {
		draw("other", r.Compare.Curve)
	}
	draw("this", r.Curve)
	markROC(c, r)
	return c.done()
}

func markROC(c *chart, r *evaluate.Report) {
	if b := &r.Budget; b.Threshold.Known() && r.All.Benign > 0 {
		c.mark("budget", "threshold for the budget of alerts: "+evaluate.Short(b.Threshold), float64(b.FalseAlarms)/float64(r.All.Benign), float64(b.Recall))
	}
	c.mark("threshold", "threshold: "+evaluate.Short(r.Threshold), float64(r.All.FalsePositiveRate), float64(r.All.Recall))
}

// precisionRecall draws the other curve.
func precisionRecall(r *evaluate.Report) template.HTML {
	c := newChart("pr", "Precision-recall curve", fmt.Sprintf("Precision against recall; the average precision is %s.", evaluate.Short(r.All.AP)), 370, 285)
	c.axes(unit, unit)
	c.frame(shares, shares, "recall", "precision")
	share := float64(r.All.Attacks) / float64(r.All.Flows)
	c.line("chance", []float64{0, 1}, []float64{share, share})
	draw := func(class string, curve []evaluate.CurvePoint) {
		var xs, ys []float64
		for i, p := range curve {
			if i == 0 {
				xs, ys = append(xs, 0), append(ys, float64(p.Precision))
			}
			xs, ys = append(xs, float64(p.Recall)), append(ys, float64(p.Precision))
		}
		c.line(class, xs, ys)
	}
	if r.Compare != nil {
		draw("other", r.Compare.Curve)
	}
	draw("this", r.Curve)
	if b := &r.Budget; b.Threshold.Known() && b.Alerts > 0 {
		c.mark("budget", "threshold for the budget of alerts: "+evaluate.Short(b.Threshold), float64(b.Recall), 1-float64(b.FalseAlarms)/float64(b.Alerts))
	}
	c.mark("threshold", "threshold: "+evaluate.Short(r.Threshold), float64(r.All.Recall), float64(r.All.Precision))
	return c.done()
}

// calibration draws shares of attacks against scores.
func calibration(r *evaluate.Report) template.HTML {
	c := newChart("calibration", "Calibration", fmt.Sprintf("Share of attacks against the mean score of ten bins; on the diagonal scores are probabilities. The mean distance is %s.",
		evaluate.Short(r.All.CalibrationError)), 370, 285)
	c.axes(unit, unit)
	c.frame(shares, shares, "mean score", "share of attacks")
	c.line("chance", []float64{0, 1}, []float64{0, 1})
	c.reliability(r.Calibration)
	return c.done()
}

// reliability draws the bins with their intervals.
func (c *chart) reliability(bins []evaluate.Bin) {
	xs, ys := places(bins)
	for _, b := range bins {
		if b.Score.Known() {
			x := num(c.x.at(float64(b.Score)))
			c.put(`<path class="whisker" d="M%s %sV%s"/>`, x, num(c.y.at(float64(b.Interval.Low))), num(c.y.at(float64(b.Interval.High))))
		}
	}
	c.line("this", xs, ys)
	for i := range xs {
		c.put(`<circle class="dot" cx="%s" cy="%s" r="3.5"/>`, num(c.x.at(xs[i])), num(c.y.at(ys[i])))
	}
}

// places are the mean scores and the shares of attacks of bins that are not empty.
func places(bins []evaluate.Bin) (xs, ys []float64) {
	for _, b := range bins {
		if b.Score.Known() {
			xs, ys = append(xs, float64(b.Score)), append(ys, float64(b.Share))
		}
	}
	return xs, ys
}

// calibrated draws shares of attacks against scores and against probabilities.
func calibrated(r *evaluate.Calibrated) template.HTML {
	c := newChart("calibrated", "Calibration, before and after", fmt.Sprintf("Share of attacks against the mean of ten bins, of scores and of the probabilities that the calibration makes of them. "+
		"The mean distance from the diagonal is %s before and %s after.", evaluate.Short(r.Before.CalibrationError), evaluate.Short(r.After.CalibrationError)), 370, 285)
	c.axes(unit, unit)
	c.frame(shares, shares, "mean score or probability", "share of attacks")
	c.line("chance", []float64{0, 1}, []float64{0, 1})
	xs, ys := places(r.Before.Bins)
	c.line("other", xs, ys)
	c.reliability(r.After.Bins)
	return c.done()
}

// histogram draws the scores of both classes: attacks upwards, benign flows downwards, on a logarithmic axis, as there are
// many times more of these.
func histogram(r *evaluate.Report) template.HTML {
	c := newChart("histogram", "Scores by class", "How many attacks, above the middle line, and benign flows, below it, have which score. The axes of counts are logarithmic.", 370, 285)
	bins := r.Histogram
	if len(bins) == 0 {
		return c.done()
	}
	most := 1
	for _, b := range bins {
		most = max(most, b.Benign, b.Attacks)
	}
	top := math.Log10(float64(most)) + 0.3
	low, high := float64(bins[0].From), float64(bins[len(bins)-1].To)
	c.axes(scale{low: low, high: high}, scale{low: -top, high: top})
	height := func(n int) float64 {
		if n == 0 {
			return 0
		}
		return math.Log10(float64(n)) + 0.3 // a single flow is seen
	}
	ys := []tick{{0, "0"}}
	for n := 1; n <= most; n *= 10 {
		if n == 1 && most > 50 {
			continue
		}
		text := count(n)
		ys = append(ys, tick{height(n), text}, tick{-height(n), text})
	}
	c.frame(round(low, high, 6), ys, "score", "benign · flows · attacks")
	for _, b := range bins {
		x0, x1 := c.x.at(float64(b.From))+0.6, c.x.at(float64(b.To))-0.6
		for _, side := range []struct {
			class string
			n     int
			sign  float64
		}{{"attack", b.Attacks, 1}, {"benign", b.Benign, -1}} {
			if side.n == 0 {
				continue
			}
			y0, y1 := c.y.at(0), c.y.at(side.sign*height(side.n))
			c.put(`<rect class="bar %s" x="%s" y="%s" width="%s" height="%s"><title>%s of %d with a score from %s to %s</title></rect>`, side.class,
				num(x0), num(min(y0, y1)), num(max(x1-x0, 0.5)), num(math.Abs(y1-y0)), side.class, side.n, evaluate.Short(b.From), evaluate.Short(b.To))
		}
	}
	if t := float64(r.Threshold); t >= low && t <= high {
		x := num(c.x.at(t))
		c.put(`<path class="line limit" d="M%s %sV%s"><title>threshold %s</title></path>`, x, num(c.y.from), num(c.y.to), evaluate.Short(r.Threshold))
	}
	return c.done()
}

// count writes a round number of flows shortly.
func count(n int) string {
	switch {
	case n >= 1_000_000:
		return fmt.Sprintf("%d M", n/1_000_000)
	case n >= 1000:
		return fmt.Sprintf("%d k", n/1000)
	}
	return fmt.Sprint(n)
}

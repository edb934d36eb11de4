package evaluate

import (
	"math"

	"threatdetect/features"
)

// fitPlatt fits Platt's function to the margins of levels, with the targets in place of 0 and 1. It returns nil if all margins are the same.
func fitPlatt(levels []level, objective string, benign, attacks int) (a, b *features.Float17) {
	one := features.Float17(-1)
	k, err := (&features.Calibration{A: &one, B: new(features.Float17)}).Calibrator(objective)
	if err != nil {
		return nil, nil
	}
	f := plattFit{levels: levels, benign: benign, attacks: attacks}
	var mean, deviation float64
	for _, l := range levels {
		f.x = append(f.x, k.Margin(l.low))
		mean += float64(float64(l.flows) / float64(benign+attacks) * f.x[len(f.x)-1])
	}
	for i, l := range levels {
		f.x[i] -= mean
		deviation += float64(float64(l.flows) / float64(benign+attacks) * float64(f.x[i]*f.x[i]))
	}
	if deviation = math.Sqrt(deviation); !(deviation > 0) {
		return nil, nil
	}
	low, high := targets(benign, attacks)
	for i, l := range levels {
		f.x[i] /= deviation
		f.sum = append(f.sum, float64(float64(l.attacks)*high)+float64(float64(l.flows-l.attacks)*low))
	}
	slope, shift := f.minimise()
	slope /= deviation
	a, b = new(features.Float17), new(features.Float17)
	*a, *b = features.Float17(slope), features.Float17(shift-float64(slope*mean))
	return a, b
}

// plattFit is what Platt's function is fitted to.
type plattFit struct {
	levels          []level
	x               []float64 // margins of levels, standardised
	sum             []float64 // of the targets of their flows
	benign, attacks int
}

// minimise finds the a and b of 1/(1+exp(a*x+b)) with the least loss, by Newton's method with a line search (Lin, Lin and Weng, 2007).
func (f *plattFit) minimise() (a, b float64) {
	a, b = 0, math.Log(float64(f.benign+1)/float64(f.attacks+1))
	loss := f.loss(a, b)
	for range 100 {
		var ga, gb, haa, hab, hbb float64 // gradient, and second derivatives
		for i, l := range f.levels {
			n, x := float64(l.flows), f.x[i]
			p := 1 / (1 + math.Exp(float64(a*x)+b))
			d, h := f.sum[i]-float64(n*p), n*p*(1-p)
			ga, gb = ga+float64(x*d), gb+d
			haa, hab, hbb = haa+float64(x*x*h), hab+float64(x*h), hbb+h
		}
		if max(math.Abs(ga), math.Abs(gb)) < 1e-10*float64(f.benign+f.attacks) {
			return a, b
		}
		haa, hbb = haa+1e-12, hbb+1e-12
		det := float64(haa*hbb) - float64(hab*hab)
		da, db := -(float64(hbb*ga)-float64(hab*gb))/det, -(float64(haa*gb)-float64(hab*ga))/det
		descent := 1e-4 * (float64(ga*da) + float64(gb*db))
		step := 1.0
		for ; step > 1e-10; step /= 2 {
			nextA, nextB := a+float64(step*da), b+float64(step*db)
			if next := f.loss(nextA, nextB); next < loss+float64(step*descent) {
				a, b, loss = nextA, nextB, next
				break
			}
		}
		if step <= 1e-10 { // numbers tell no better place
			return a, b
		}
	}
	return a, b
}

// loss is the cross entropy of targets and probabilities.
func (f *plattFit) loss(a, b float64) (sum float64) {
	for i, l := range f.levels {
		z := float64(a*f.x[i]) + b // the log-odds against an attack
		sum += float64(f.sum[i]*z) + float64(float64(l.flows)*(max(-z, 0)+math.Log1p(math.Exp(-math.Abs(z)))))
	}
	return sum
}

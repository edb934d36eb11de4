package evaluate

import (
	"math"
)

// CurvePoint is what a threshold gives.
type CurvePoint struct {
	Threshold         Number `json:"threshold"`
	Recall            Number `json:"recall"`
	FalsePositiveRate Number `json:"false_positive_rate"`
	Precision         Number `json:"precision"`
}

// maxCurve is how many points a curve has at most.
const maxCurve = 400

// curve returns points of the curves, the highest threshold first: all steps, or of more than maxCurve those that lie
// evenly along the curve, with many at low false positive rates, which are the ones that matter.
func (v *view) curve() []CurvePoint {
	benign, attacks := v.classes()
	if benign == 0 || attacks == 0 {
		return []CurvePoint{}
	}
	var all []CurvePoint
	var tp, fp int
	for start := 0; start < len(v.order); {
		score := v.s.scores[v.order[start]]
		for ; start < len(v.order) && v.s.scores[v.order[start]] == score; start++ {
			if v.s.attack[v.order[start]] {
				tp++
			} else {
				fp++
			}
		}
		all = append(all, CurvePoint{Number(score), ratio(tp, attacks), ratio(fp, benign), ratio(tp, tp+fp)})
	}
	// The way from one point to the next: in recall, in the false positive rate, and in its logarithm.
	length := func(a, b CurvePoint) float64 {
		log := func(p CurvePoint) float64 {
			return math.Log10(max(float64(p.FalsePositiveRate), 0.5/float64(benign)))
		}
		return math.Abs(float64(b.Recall-a.Recall)) + math.Abs(float64(b.FalsePositiveRate-a.FalsePositiveRate)) + (log(b)-log(a))/4 +
			math.Abs(float64(b.Precision-a.Precision))
	}
	total := 0.0
	for i := 1; i < len(all); i++ {
		total += length(all[i-1], all[i])
	}
	kept := all[:1:1]
	way := 0.0
	for i := 1; i < len(all); i++ {
		way += length(all[i-1], all[i])
		if i == len(all)-1 || len(all) <= maxCurve || way >= total/(maxCurve-2) {
			kept = append(kept, all[i])
			way = 0
		}
	}
	return kept
}

// Bin is a range of scores.
type Bin struct {
	From    Number `json:"from"`
	To      Number `json:"to"`
	Benign  int    `json:"benign"`
	Attacks int    `json:"attacks"`
	// Score is the mean score in it, and Share that of attacks; NaN if it is empty.
	Score    Number   `json:"score"`
	Share    Number   `json:"share"`
	Interval Interval `json:"interval"` // of Share
}

// calibration returns ten bins over probabilities.
func (v *view) calibration() []Bin { return v.bins(10, 0, 1) }

// bins sorts the scores into n ranges of equal width.
func (v *view) bins(n int, low, high float64) []Bin {
	bins := make([]Bin, n)
	for i := range bins {
		bins[i].From = Number(low + (high-low)*float64(i)/float64(n))
		bins[i].To = Number(low + (high-low)*float64(i+1)/float64(n))
	}
	for _, i := range v.order {
		score := float64(v.s.scores[i])
		k := min(max(int(float64(n)*(score-low)/(high-low)), 0), n-1)
		b := &bins[k]
		b.Score += Number(score)
		if v.s.attack[i] {
			b.Attacks++
		} else {
			b.Benign++
		}
	}
	for i := range bins {
		b := &bins[i]
		b.Score /= Number(b.Benign + b.Attacks)
		b.Share = ratio(b.Attacks, b.Benign+b.Attacks)
		b.Interval = Wilson(b.Attacks, b.Benign+b.Attacks)
	}
	return bins
}

// calibrationError is the expected calibration error over bins.
func calibrationError(bins []Bin) Number {
	sum, n := 0.0, 0
	for _, b := range bins {
		if count := b.Benign + b.Attacks; count > 0 {
			sum += float64(count) * math.Abs(float64(b.Score-b.Share))
			n += count
		}
	}
	return ratio(sum, float64(n))
}

// histogram returns 40 bins over the scores: over 0 to 1 if they are probabilities, else over their range.
func (v *view) histogram() []Bin {
	if len(v.order) == 0 {
		return []Bin{}
	}
	high, low := float64(v.s.scores[v.order[0]]), float64(v.s.scores[v.order[len(v.order)-1]])
	if low >= 0 && high <= 1 {
		low, high = 0, 1
	}
	low, high = max(low, -math.MaxFloat32), min(high, math.MaxFloat32)
	if low == high {
		high = low + 1
	}
	return v.bins(40, low, high)
}

// Package evaluate measures how well scores separate attacks from benign flows.
package evaluate

import (
	"errors"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/integrate"
	"gonum.org/v1/gonum/stat"
)

// Report is what the scores of labelled flows are worth. Rates are shares in [0, 1], and NaN where nothing was counted.
type Report struct {
	Attacks, Benign int // labelled flows

	TruePositive, FalsePositive int // at the threshold
	TrueNegative, FalseNegative int

	Accuracy, Precision, Recall, F1, FalsePositiveRate float64

	AUC              float64 // area under the ROC curve
	AveragePrecision float64 // area under the precision-recall curve, as a step function
	Brier            float64 // mean squared distance of score and label

	// RecallAt holds the recall at the largest threshold-free operating point whose false positive rate is not above
	// the key: 0.01, 0.001.
	RecallAt map[float64]float64
}

// falsePositiveRates are the operating points of Report.RecallAt.
var falsePositiveRates = []float64{0.01, 0.001}

// Binary evaluates scores, of which scores[i] belongs to a flow that is an attack if attack[i]. A flow is judged a
// threat if its score is at least threshold. Both slices have the same length and are not changed.
func Binary(scores []float32, attack []bool, threshold float32) (*Report, error) {
	if len(scores) != len(attack) {
		return nil, errors.New("evaluate: as many labels as scores are wanted")
	}
	r := &Report{RecallAt: make(map[float64]float64)}
	for i, s := range scores {
		if s != s {
			return nil, errors.New("evaluate: a score is not a number")
		}
		y := 0.0
		switch threat := s >= threshold; {
		case attack[i] && threat:
			r.TruePositive++
		case attack[i]:
			r.FalseNegative++
		case threat:
			r.FalsePositive++
		default:
			r.TrueNegative++
		}
		if attack[i] {
			y = 1
		}
		r.Brier += float64((float64(s) - y) * (float64(s) - y))
	}
	r.Attacks, r.Benign = r.TruePositive+r.FalseNegative, r.FalsePositive+r.TrueNegative
	share := func(a, b int) float64 { return float64(a) / float64(b) }
	r.Accuracy = share(r.TruePositive+r.TrueNegative, len(scores))
	r.Precision = share(r.TruePositive, r.TruePositive+r.FalsePositive)
	r.Recall = share(r.TruePositive, r.Attacks)
	r.FalsePositiveRate = share(r.FalsePositive, r.Benign)
	r.F1 = share(2*r.TruePositive, 2*r.TruePositive+r.FalsePositive+r.FalseNegative)
	r.Brier /= float64(len(scores))
	r.curves(scores, attack)
	return r, nil
}

// curves fills what depends on the order of the scores alone. Without flows of both kinds there is no curve.
func (r *Report) curves(scores []float32, attack []bool) {
	r.AUC, r.AveragePrecision = math.NaN(), math.NaN()
	if r.Attacks == 0 || r.Benign == 0 {
		return
	}
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return scores[order[a]] < scores[order[b]] })
	sorted := make([]float64, len(scores))
	labels := make([]bool, len(scores))
	for k, i := range order {
		sorted[k], labels[k] = float64(scores[i]), attack[i]
	}
	tpr, fpr, _ := stat.ROC(nil, sorted, labels, nil)
	r.AUC = integrate.Trapezoidal(fpr, tpr)
	for _, limit := range falsePositiveRates {
		best := 0.0
		for i, f := range fpr {
			if f <= limit {
				best = max(best, tpr[i])
			}
		}
		r.RecallAt[limit] = best
	}
	r.AveragePrecision = averagePrecision(sorted, labels, r.Attacks)
}

// averagePrecision sums precision over the steps of recall, from the highest score down; equal scores are one step.
func averagePrecision(sorted []float64, labels []bool, attacks int) float64 {
	sum, found, taken := 0.0, 0, 0
	for end := len(sorted); end > 0; {
		start := end - 1
		for start > 0 && sorted[start-1] == sorted[end-1] {
			start--
		}
		step := 0
		for _, l := range labels[start:end] {
			if l {
				step++
			}
		}
		found, taken = found+step, taken+end-start
		sum += float64(step) / float64(attacks) * (float64(found) / float64(taken))
		end = start
	}
	return sum
}

// Distinct returns the indices of the rows that are not equal to an earlier one, nor to one of the rows in not (which
// may be nil). Rows are equal if their bits are. Rows are of width values each, one behind the other.
func Distinct(rows []float32, width int, not []float32) []int {
	seen := make(map[string]bool)
	key := make([]byte, 0, 4*width)
	keyOf := func(row []float32) string {
		key = key[:0]
		for _, v := range row {
			b := math.Float32bits(v)
			key = append(key, byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
		}
		return string(key)
	}
	for row := range slices.Chunk(not, width) {
		seen[keyOf(row)] = true
	}
	var kept []int
	i := 0
	for row := range slices.Chunk(rows, width) {
		if k := keyOf(row); !seen[k] {
			seen[k] = true
			kept = append(kept, i)
		}
		i++
	}
	return kept
}

package evaluate

import (
	"math"
)

// FalsePositiveRates are the operating points at which recall is told: one false alarm in a hundred, a thousand and ten
// thousand benign flows.
var FalsePositiveRates = [3]float64{0.01, 0.001, 0.0001}

// Measures is what scores are worth on some flows. An interval is that of the figure before it.
type Measures struct {
	Flows   int `json:"flows"`
	Attacks int `json:"attacks"`
	Benign  int `json:"benign"`

	// At the threshold.
	TruePositive      int    `json:"true_positive"`
	FalsePositive     int    `json:"false_positive"`
	TrueNegative      int    `json:"true_negative"`
	FalseNegative     int    `json:"false_negative"`
	Accuracy          Number `json:"accuracy"`
	Precision         Number `json:"precision"`
	Recall            Number `json:"recall"`
	F1                Number `json:"f1"`
	MacroF1           Number `json:"macro_f1"` // mean of the F1 of both classes
	FalsePositiveRate Number `json:"false_positive_rate"`

	// Of the order of the scores alone.
	AUC                 Number   `json:"auc"` // area under the ROC curve
	AUCInterval         Interval `json:"auc_interval"`
	AP                  Number   `json:"average_precision"` // area under the precision-recall curve, as a step function
	APInterval          Interval `json:"average_precision_interval"`
	RecallAt            []Point  `json:"recall_at"` // at FalsePositiveRates
	FalsePositiveRate90 Number   `json:"false_positive_rate_at_recall_0.9"`

	// Of the scores as probabilities; NaN if they are none.
	Brier            Number `json:"brier"`             // mean squared distance of score and label
	CalibrationError Number `json:"calibration_error"` // mean distance of score and share of attacks, over ten bins
}

// Point is an operating point.
type Point struct {
	FalsePositiveRate float64  `json:"false_positive_rate"` // that is not exceeded
	Threshold         Number   `json:"threshold"`
	Recall            Number   `json:"recall"`
	Interval          Interval `json:"interval"`
}

// Binary measures scores, of which scores[i] belongs to an attack if attack[i]. It is for callers that have no flows; the
// intervals are unknown. Both slices have the same length and are not changed. It fails with ErrSample if a score is not
// a number.
func Binary(scores []float32, attack []bool, threshold float32) (*Measures, error) {
	if len(scores) != len(attack) {
		return nil, ErrSample
	}
	for _, v := range scores {
		if v != v {
			return nil, ErrSample
		}
	}
	return (&Sample{scores: scores, attack: attack}).view(nil).measure(threshold), nil
}

// measure fills everything but the intervals.
func (v *view) measure(threshold float32) *Measures {
	m := &Measures{Flows: len(v.order)}
	m.Benign, m.Attacks = v.classes()
	brier, probabilities := 0.0, true
	for _, i := range v.order {
		score, y := float64(v.s.scores[i]), 0.0
		threat := v.s.scores[i] >= threshold
		switch {
		case v.s.attack[i] && threat:
			m.TruePositive++
		case v.s.attack[i]:
			m.FalseNegative++
		case threat:
			m.FalsePositive++
		default:
			m.TrueNegative++
		}
		if v.s.attack[i] {
			y = 1
		}
		brier += float64((score - y) * (score - y))
		probabilities = probabilities && score >= 0 && score <= 1
	}
	m.Accuracy = ratio(m.TruePositive+m.TrueNegative, m.Flows)
	m.Precision = ratio(m.TruePositive, m.TruePositive+m.FalsePositive)
	m.Recall = ratio(m.TruePositive, m.Attacks)
	m.FalsePositiveRate = ratio(m.FalsePositive, m.Benign)
	wrong := m.FalsePositive + m.FalseNegative
	m.F1 = ratio(2*m.TruePositive, 2*m.TruePositive+wrong)
	m.MacroF1 = (m.F1 + ratio(2*m.TrueNegative, 2*m.TrueNegative+wrong)) / 2
	m.Brier, m.CalibrationError = Number(math.NaN()), Number(math.NaN())
	if probabilities {
		m.Brier = Number(brier / float64(m.Flows))
		m.CalibrationError = calibrationError(v.calibration())
	}
	a := v.areas(nil)
	m.AUC, m.AP, m.FalsePositiveRate90 = Number(a.auc), Number(a.ap), Number(a.fpr90)
	m.AUCInterval, m.APInterval = unknown, unknown
	for k, rate := range FalsePositiveRates {
		m.RecallAt = append(m.RecallAt, Point{rate, Number(a.threshold[k]), Number(a.recall[k]), unknown})
	}
	return m
}

// areas is what the order of scores is worth.
type areas struct {
	auc, ap, fpr90    float64
	recall, threshold [len(FalsePositiveRates)]float64
}

// areas sweeps the threshold from above the highest score down; equal scores are one step. weight says how often flow i
// counts; nil is once. Without flows of both kinds nothing is known.
func (v *view) areas(weight func(i int32) float64) areas {
	nan := math.NaN()
	a := areas{auc: nan, ap: nan, fpr90: nan}
	var benign, attacks float64
	for k, i := range v.order {
		w := 1.0
		if weight != nil {
			w = weight(i)
		}
		if v.attack[k] {
			attacks += w
		} else {
			benign += w
		}
	}
	for k := range a.recall {
		a.recall[k], a.threshold[k] = nan, nan
	}
	if benign == 0 || attacks == 0 {
		return a
	}
	a.auc, a.ap, a.recall = 0, 0, [len(a.recall)]float64{}
	var tp, fp float64
	for start := 0; start < len(v.order); {
		end, score := start, v.scores[start]
		var found, alarms float64
		for ; end < len(v.scores) && v.scores[end] == score; end++ {
			w := 1.0
			if weight != nil {
				w = weight(v.order[end])
			}
			if v.attack[end] {
				found += w
			} else {
				alarms += w
			}
		}
		start = end
		a.auc += float64(alarms * (tp + found/2))
		tp, fp = tp+found, fp+alarms
		if tp+fp > 0 {
			a.ap += float64(found * (tp / (tp + fp)))
		}
		for k, rate := range FalsePositiveRates {
			if fp <= rate*benign {
				a.recall[k], a.threshold[k] = tp/attacks, float64(score)
			}
		}
		if a.fpr90 != a.fpr90 && tp >= 0.9*attacks {
			a.fpr90 = fp / benign
		}
	}
	a.auc /= benign * attacks
	a.ap /= attacks
	return a
}

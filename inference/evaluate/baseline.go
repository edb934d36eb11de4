package evaluate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/optimize"
	"gonum.org/v1/gonum/stat"
)

// Baseline is what something much simpler is worth on the same flows.
type Baseline struct {
	Name     string `json:"name"`
	Text     string `json:"text"`
	Accuracy Number `json:"accuracy"` // NaN where there is no threshold
	AUC      Number `json:"auc"`
	AP       Number `json:"average_precision"`
	// Missing is why there are no figures; empty if there are.
	Missing string `json:"missing"`
}

// About says what the baseline is, or why it has no figures.
func (b *Baseline) About() string {
	if b.Missing != "" {
		return "none: " + b.Missing
	}
	return b.Text
}

// names of the baselines, in the order in which every report has them.
const (
	baseMajority = "majority"
	baseColumn   = "best single column"
	baseLogistic = "logistic regression"
	baseSeed     = "unscaled seed model"
)

// seedSet is the set of the columns that the project's origin trained on, unscaled.
const seedSet = "seed/1"

const textHalves = "trained on half of (a sample of) these flows, measured on the other half"

// baselines measures what calls everything the same, the best single column, logistic regression, and trees on the columns of the project's
// origin: always these four.
func (s *Sample) baselines(m *Measures, names []string) []Baseline {
	nan := Number(math.NaN())
	list := []Baseline{
		{Name: baseMajority, Text: "calls every flow what most of them are", Accuracy: ratio(max(m.Attacks, m.Benign), m.Flows), AUC: 0.5, AP: ratio(m.Attacks, m.Flows)},
		{Name: baseColumn, Text: "chosen on these flows"},
		{Name: baseLogistic, Text: textHalves},
		{Name: baseSeed, Text: "trees on the columns of the project's origin, " + textHalves},
	}
	attack := make([]bool, len(s.picked))
	attacks := 0
	for k, i := range s.picked {
		if attack[k] = s.attack[i]; attack[k] {
			attacks++
		}
	}
	one := attacks == 0 || attacks == len(attack)
	if m.Attacks == 0 || m.Benign == 0 {
		list[0].AUC, list[0].AP = nan, nan
	}
	both, reason := s.halve(attack)
	for i := range list[1:] {
		b := &list[i+1]
		b.Accuracy, b.AUC, b.AP = nan, nan, nan
		switch {
		case b.Name == baseSeed && s.origin() == nil:
			b.Missing = "the columns of the origin's model exist in UNSW-NB15 only"
		case one:
			b.Missing = "all flows are of one class"
		case b.Name == baseColumn && s.width == 0 || b.Name == baseLogistic && s.width == 0:
			b.Missing = "the rows have no columns"
		case b.Name == baseColumn:
			s.bestColumn(b, attack, names)
		case reason != "":
			b.Missing = reason
		case b.Name == baseLogistic:
			s.logistic(b, both, attack)
		default:
			s.seed(b, both, attack)
		}
	}
	return list
}

// bestColumn measures the column whose values order the flows best.
func (s *Sample) bestColumn(b *Baseline, attack []bool, names []string) {
	column := -1
	scores := make([]float32, len(s.picked))
	for c := range s.width {
		for _, sign := range []float32{1, -1} {
			for k := range s.picked {
				scores[k] = sign * s.row(k)[c]
				if v := scores[k]; v != v {
					scores[k] = float32(math.Inf(-1))
				}
			}
			a := (&Sample{scores: scores, attack: attack}).view(nil).areas(nil)
			if column < 0 || a.auc > float64(b.AUC) {
				b.AUC, b.AP, column = Number(a.auc), Number(a.ap), c
			}
		}
	}
	name := fmt.Sprintf("column %d", column+1)
	if len(names) == s.width {
		name = names[column]
	}
	b.Text = name + ", " + b.Text
}

// leastTraining is how many flows of each class the halves have at least.
const leastTraining = 20

// halves are the numbers of kept rows: those to train on, and those to measure on.
type halves struct{ train, test []int }

// halve parts the kept rows. Rows that are equal stay in one half. reason says why that is of no use.
func (s *Sample) halve(attack []bool) (h halves, reason string) {
	var parts [2][]int
	var counts [2][2]int
	for k := range s.picked {
		p := hash(s.row(k)) >> 40 & 1
		parts[p] = append(parts[p], k)
		class := 0
		if attack[k] {
			class = 1
		}
		counts[p][class]++
	}
	for _, n := range counts {
		if n[0] < leastTraining || n[1] < leastTraining {
			return h, fmt.Sprintf("half of the flows that differ has fewer than %d of a class", leastTraining)
		}
	}
	return halves{parts[0], parts[1]}, ""
}

// learn returns the rows to train on, drawn if there are more than limit.
func (h halves) learn(limit int) []int {
	train := h.train
	if len(train) > limit {
		train = slices.Clone(train)
		rand.New(rand.NewPCG(1, 1)).Shuffle(len(train), func(i, j int) { train[i], train[j] = train[j], train[i] })
		train = train[:limit]
	}
	return train
}

// measure fills the figures of b by the scores of the rows to measure on.
func (h halves) measure(b *Baseline, attack []bool, score func(k int) float32) {
	test := &Sample{}
	for _, k := range h.test {
		test.scores = append(test.scores, score(k))
		test.attack = append(test.attack, attack[k])
	}
	m := test.view(nil).measure(0.5)
	b.Accuracy, b.AUC, b.AP = m.Accuracy, m.AUC, m.AP
}

// logistic trains and measures logistic regression. Columns are standardised, a missing value is the mean, and the weights are kept small.
func (s *Sample) logistic(b *Baseline, h halves, attack []bool) {
	train := h.learn(maxLogistic / s.width)
	scale := s.standardise(train)
	weights, ok := fitLogistic(s, scale, train, attack)
	if !ok {
		b.Missing = "no weights were found"
		return
	}
	x := make([]float64, s.width+1)
	h.measure(b, attack, func(k int) float32 {
		scale.apply(x, s.row(k))
		return float32(1 / (1 + math.Exp(-dot(weights, x))))
	})
}

// maxLogistic bounds the values that logistic regression is trained on: it takes a second or two.
const maxLogistic = 400_000

// standard standardises rows.
type standard struct{ mean, deviation []float64 }

func (s *Sample) standardise(rows []int) standard {
	st := standard{make([]float64, s.width), make([]float64, s.width)}
	var values []float64
	for c := range s.width {
		values = values[:0]
		for _, k := range rows {
			if v := compress(s.row(k)[c]); v == v {
				values = append(values, v)
			}
		}
		if len(values) > 1 {
			st.mean[c], st.deviation[c] = stat.MeanStdDev(values, nil)
		}
		if st.deviation[c] == 0 {
			st.deviation[c] = 1
		}
	}
	return st
}

// compress takes the logarithm of the size of a value: columns such as bytes range over many powers of ten.
func compress(v float32) float64 {
	return math.Copysign(math.Log1p(math.Abs(float64(v))), float64(v))
}

func (st standard) apply(dst []float64, row []float32) {
	for c, v := range row {
		if x := compress(v); x == x {
			dst[c] = (x - st.mean[c]) / st.deviation[c]
		} else {
			dst[c] = 0
		}
	}
	dst[len(row)] = 1
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += float64(a[i] * b[i])
	}
	return sum
}

func fitLogistic(s *Sample, scale standard, rows []int, attack []bool) (weights []float64, ok bool) {
	width := s.width + 1
	data := make([]float64, len(rows)*width)
	for i, k := range rows {
		scale.apply(data[i*width:(i+1)*width], s.row(k))
	}
	const ridge = 1e-3
	n := float64(len(rows))
	problem := optimize.Problem{
		Func: func(w []float64) float64 {
			loss := 0.0
			for i, k := range rows {
				z := dot(w, data[i*width:(i+1)*width])
				if attack[k] {
					z = -z
				}
				loss += max(z, 0) + math.Log1p(math.Exp(-math.Abs(z)))
			}
			return loss/n + float64(ridge/2*dot(w, w))
		},
		Grad: func(grad, w []float64) {
			for j := range grad {
				grad[j] = ridge * w[j]
			}
			for i, k := range rows {
				x := data[i*width : (i+1)*width]
				g := 1 / (1 + math.Exp(-dot(w, x)))
				if attack[k] {
					g--
				}
				for j, v := range x {
					grad[j] += float64(g * v / n)
				}
			}
		},
	}
	result, err := optimize.Minimize(problem, make([]float64, width), &optimize.Settings{MajorIterations: 100, GradientThreshold: 1e-5}, &optimize.LBFGS{})
	if result == nil || err != nil && result.Status != optimize.IterationLimit {
		return nil, false
	}
	return result.X, true
}

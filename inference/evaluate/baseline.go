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
}

// names of the baselines.
const (
	baseMajority = "majority"
	baseColumn   = "best single column"
	baseLogistic = "logistic regression"
)

// baselines measures what calls everything the same, the best single column, and logistic regression.
func (s *Sample) baselines(m *Measures, names []string) []Baseline {
	nan := Number(math.NaN())
	list := []Baseline{{baseMajority, "calls every flow what most of them are", ratio(max(m.Attacks, m.Benign), m.Flows), 0.5, ratio(m.Attacks, m.Flows)}}
	if m.Attacks == 0 || m.Benign == 0 {
		list[0].AUC, list[0].AP = nan, nan
		return list
	}
	attack := make([]bool, len(s.picked))
	attacks := 0
	for k, i := range s.picked {
		if attack[k] = s.attack[i]; attack[k] {
			attacks++
		}
	}
	if attacks == 0 || attacks == len(attack) || s.width == 0 {
		return list
	}
	best, column := Baseline{AUC: nan}, -1
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
			if column < 0 || a.auc > float64(best.AUC) {
				best, column = Baseline{baseColumn, "", nan, Number(a.auc), Number(a.ap)}, c
			}
		}
	}
	best.Text = fmt.Sprintf("column %d", column+1)
	if len(names) == s.width {
		best.Text = names[column]
	}
	best.Text += ", chosen on these flows"
	list = append(list, best)
	if l, ok := s.logistic(attack); ok {
		list = append(list, l)
	}
	return list
}

// leastTraining is how many flows of each class logistic regression is trained on at least.
const leastTraining = 20

// logistic trains logistic regression on half of the kept rows, and measures it on the other half. Rows that are equal
// stay in one half. Columns are standardised, a missing value is the mean, and the weights are kept small.
func (s *Sample) logistic(attack []bool) (Baseline, bool) {
	var halves [2][]int
	for k := range s.picked {
		h := hash(s.row(k)) >> 40 & 1
		halves[h] = append(halves[h], k)
	}
	count := func(half []int) (n [2]int) {
		for _, k := range half {
			if attack[k] {
				n[1]++
			} else {
				n[0]++
			}
		}
		return n
	}
	for _, half := range halves {
		if n := count(half); n[0] < leastTraining || n[1] < leastTraining {
			return Baseline{}, false
		}
	}
	train := halves[0]
	if limit := maxLogistic / max(s.width, 1); len(train) > limit {
		train = slices.Clone(train)
		rand.New(rand.NewPCG(1, 1)).Shuffle(len(train), func(i, j int) { train[i], train[j] = train[j], train[i] })
		train = train[:limit]
	}
	scale := s.standardise(train)
	weights, ok := fitLogistic(s, scale, train, attack)
	if !ok {
		return Baseline{}, false
	}
	test := &Sample{}
	x := make([]float64, s.width+1)
	for _, k := range halves[1] {
		scale.apply(x, s.row(k))
		test.scores = append(test.scores, float32(1/(1+math.Exp(-dot(weights, x)))))
		test.attack = append(test.attack, attack[k])
	}
	m := test.view(nil).measure(0.5)
	return Baseline{baseLogistic, "trained on half of (a sample of) these flows, measured on the other half", m.Accuracy, m.AUC, m.AP}, true
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

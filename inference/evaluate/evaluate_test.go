package evaluate_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/inference/evaluate"
)

func number(t *testing.T, want float64, got evaluate.Number) {
	t.Helper()
	require.InDelta(t, want, float64(got), 1e-12)
}

func TestBinaryCountsByHand(t *testing.T) {
	m, err := evaluate.Binary([]float32{0.1, 0.4, 0.35, 0.8, 0.5}, []bool{false, false, true, true, false}, 0.5)
	require.NoError(t, err)
	require.Equal(t, [4]int{1, 1, 2, 1}, [4]int{m.TruePositive, m.FalsePositive, m.TrueNegative, m.FalseNegative}, "0.5 is at the threshold")
	number(t, 0.6, m.Accuracy)
	number(t, 0.5, m.Precision)
	number(t, 0.5, m.F1)
	number(t, (0.5+2./3)/2, m.MacroF1)
	number(t, 1./3, m.FalsePositiveRate)
	// Of the 6 pairs of an attack and a benign flow 4 are in order: 0.8 beats three, 0.35 beats one.
	number(t, 4./6, m.AUC)
	number(t, 0.5*1+0.5*2./4, m.AP)
	number(t, 0.5, m.RecallAt[0].Recall)
	number(t, float64(float32(0.8)), m.RecallAt[0].Threshold)
	number(t, 2./3, m.FalsePositiveRate90)
	require.False(t, m.AUCInterval.Low.Known())
}

func TestBinaryTies(t *testing.T) {
	m, err := evaluate.Binary([]float32{0.5, 0.5, 0.5, 0.5}, []bool{true, false, true, false}, 0.6)
	require.NoError(t, err)
	number(t, 0.5, m.AUC)
	number(t, 0.5, m.AP)
	require.False(t, m.Precision.Known(), "nothing was judged a threat")
}

func TestBinaryRefuses(t *testing.T) {
	_, err := evaluate.Binary([]float32{0.5}, nil, 0.5)
	require.ErrorIs(t, err, evaluate.ErrSample)
	_, err = evaluate.Binary([]float32{float32(math.NaN())}, []bool{true}, 0.5)
	require.ErrorIs(t, err, evaluate.ErrSample)
}

// The area under the curve is the share of pairs in order, counted pair by pair.
func TestAUCAgainstPairs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var scores []float32
		var attack []bool
		for range 2 + random.IntN(60) {
			scores, attack = append(scores, float32(random.IntN(12))/11), append(attack, random.IntN(3) == 0)
		}
		pairs, order := 0.0, 0.0
		for i := range scores {
			for k := range scores {
				if attack[i] && !attack[k] {
					pairs++
					switch {
					case scores[i] > scores[k]:
						order++
					case scores[i] == scores[k]:
						order += 0.5
					}
				}
			}
		}
		m, err := evaluate.Binary(scores, attack, 0.5)
		require.NoError(t, err)
		if pairs == 0 {
			require.False(t, m.AUC.Known())
		} else {
			number(t, order/pairs, m.AUC)
		}
	}
}

func TestWilson(t *testing.T) {
	i := evaluate.Wilson(8, 10) // as in Brown, Cai and DasGupta's tables
	require.InDelta(t, 0.4902, float64(i.Low), 5e-5)
	require.InDelta(t, 0.9433, float64(i.High), 5e-5)
	i = evaluate.Wilson(0, 20)
	require.Zero(t, i.Low)
	require.InDelta(t, 0.1611, float64(i.High), 5e-5)
	require.False(t, evaluate.Wilson(0, 0).Low.Known())
}

func TestPSI(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	normal := func(mean float64, n int) (v []float64) {
		for range n {
			v = append(v, random.NormFloat64()+mean)
		}
		return v
	}
	a := normal(0, 20000)
	require.Less(t, float64(evaluate.PSI(a, normal(0, 20000))), 0.01)
	// Two normal distributions one standard deviation apart have a symmetric divergence of 1; tenths see a little less.
	require.InDelta(t, 0.95, float64(evaluate.PSI(a, normal(1, 20000))), 0.1)
	require.Zero(t, evaluate.PSI(a, a))
	flags := func(ones, n int) []float64 { v := make([]float64, n); copy(v, slicesOf(1, ones)); return v }
	require.InDelta(t, 0.4*math.Log(0.5/0.1)-0.4*math.Log(0.5/0.9), float64(evaluate.PSI(flags(500, 1000), flags(100, 1000))), 0.01)
	nan := math.NaN()
	require.Greater(t, float64(evaluate.PSI([]float64{1, 1, 1, 1}, []float64{nan, nan, nan, nan})), evaluate.DriftAlarm)
	require.Zero(t, evaluate.PSI([]float64{nan, nan}, []float64{nan, nan}))
	require.False(t, evaluate.PSI(nil, a).Known())
}

func slicesOf(v float64, n int) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// flow is flow i of a simple site with ten flows a minute; score and row are what a model made of it.
func add(t *testing.T, s *evaluate.Sample, i int, attack bool, score float32, row ...float32) {
	t.Helper()
	f := &features.Flow{Start: int64(i) * 6e9, Src: netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 20)}), Known: features.FieldStart | features.FieldAddrs, Label: features.Benign}
	kind := ""
	if attack {
		f.Label, kind = features.Attack, []string{"scan", "flood"}[i/20%2]
	}
	require.NoError(t, s.Add(f, []byte(kind), row, score))
}

// site is a day of flows whose scores tell something; the second column is the label with noise, the first only noise.
func site(t *testing.T, n int, good float64) *evaluate.Sample {
	s := new(evaluate.Sample)
	random := rand.New(rand.NewPCG(9, 9))
	for i := range n {
		attack := random.IntN(5) == 0
		x := random.NormFloat64()
		if attack {
			x += good
		}
		add(t, s, i, attack, float32(1/(1+math.Exp(-(x-1)*2))), float32(random.NormFloat64()), float32(x))
	}
	return s
}

func baselineNames(r *evaluate.Report) (names []string) {
	for _, b := range r.Baselines {
		names = append(names, b.Name)
	}
	return names
}

func TestReport(t *testing.T) {
	s := site(t, 14400, 2)
	s.Unlabelled = 7
	r, err := evaluate.New(s, &evaluate.Options{Threshold: 0.5, Prevalence: 0.02, Columns: []string{"noise", "signal"}})
	require.NoError(t, err)
	// Normal distributions two standard deviations apart.
	require.InDelta(t, 0.921, float64(r.All.AUC), 0.01)
	require.Less(t, float64(r.All.AUCInterval.Low), 0.921)
	require.Greater(t, float64(r.All.AUCInterval.High), 0.921)
	require.Less(t, float64(r.All.AUCInterval.High-r.All.AUCInterval.Low), 0.03)
	require.Equal(t, "hosts", r.Resampled.By)
	require.InDelta(t, 1, float64(r.Data.Days), 1e-3)
	require.Equal(t, 20, r.Data.Hosts)
	require.Equal(t, r.All.Attacks, r.Kinds[0].Flows+r.Kinds[1].Flows)
	require.Equal(t, r.All.TruePositive, r.Kinds[0].Found+r.Kinds[1].Found)

	b := r.Budget
	require.LessOrEqual(t, b.FalseAlarms, 20)
	require.Greater(t, b.FalseAlarms, 15, "the lowest threshold that keeps the budget")
	require.Positive(t, b.HostHours)
	require.LessOrEqual(t, b.HostHours, b.Alerts)

	require.Equal(t, 0.02, r.Precision[0].Prevalence)
	recall, fpr := float64(r.All.Recall), float64(r.All.FalsePositiveRate)
	number(t, 0.02*recall/(0.02*recall+0.98*fpr), r.Precision[0].Precision)
	require.Len(t, r.Precision, 5)
	same, err := evaluate.New(s, &evaluate.Options{Threshold: 0.5, Prevalence: 0.001, Columns: []string{"noise", "signal"}})
	require.NoError(t, err)
	require.Len(t, same.Precision, 4, "0.001 is among them once")

	require.Equal(t, []string{"majority", "best single column", "logistic regression", "unscaled seed model"}, baselineNames(r))
	require.Equal(t, "signal, chosen on these flows", r.Baselines[1].Text)
	require.InDelta(t, float64(r.All.AUC), float64(r.Baselines[2].AUC), 0.02, "the best that there is is linear")
	require.Equal(t, "the columns of the origin's model exist in UNSW-NB15 only", r.Baselines[3].Missing)
	require.False(t, r.Baselines[3].AUC.Known())

	require.LessOrEqual(t, len(r.Curve), 400)
	last := r.Curve[len(r.Curve)-1]
	require.Equal(t, [2]evaluate.Number{1, 1}, [2]evaluate.Number{last.Recall, last.FalsePositiveRate})
	n := 0
	for _, bin := range r.Histogram {
		n += bin.Benign + bin.Attacks
	}
	require.Equal(t, 14400, n)
	require.Len(t, r.Calibration, 10)

	require.NoError(t, r.Explain(s, []string{"noise", "signal"}, func(dst, row []float32) error {
		dst[0], dst[1], dst[2] = 0.1, 2*row[1], -2
		return nil
	}))
	require.Equal(t, "signal", r.Contributions.Columns[0].Column)
	require.Len(t, r.Contributions.Columns[0].Swarm, 300)

	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	require.Contains(t, text.String(), "7 more without a label are left out")
}

// A budget that no threshold can be found for says why.
func TestBudgetInWords(t *testing.T) {
	for want, fill := range map[string]func(*evaluate.Sample){
		"All flows are of one moment": func(s *evaluate.Sample) { add(t, s, 1, false, 0.5); add(t, s, 1, true, 0.9) },
		"Not all flows have a time": func(s *evaluate.Sample) {
			add(t, s, 1, false, 0.5)
			require.NoError(t, s.Add(&features.Flow{Label: features.Attack}, nil, nil, 0.9))
		},
		"less than one false alarm, and the highest score is that of a benign flow": func(s *evaluate.Sample) { add(t, s, 1, false, 0.9); add(t, s, 2, true, 0.5) },
		"stands for less than one false alarm. The threshold is the one":            func(s *evaluate.Sample) { add(t, s, 1, false, 0.5); add(t, s, 2, true, 0.9) },
		"No score keeps the budget": func(s *evaluate.Sample) {
			for i := range 14_401 {
				add(t, s, i, i%2 == 0, 0.5)
			}
		},
	} {
		s := new(evaluate.Sample)
		fill(s)
		r, err := evaluate.New(s, nil)
		require.NoError(t, err)
		require.Contains(t, r.Budget.Text, want)
	}
}

// What the model looks at is told of the whole log, not of its beginning.
func TestExplainLooksEverywhere(t *testing.T) {
	for _, n := range []int{6000, 60_000} {
		s := new(evaluate.Sample)
		for i := range n {
			add(t, s, i, i%2 == 0, 0.5, float32(i)/float32(n))
		}
		r, err := evaluate.New(s, nil)
		require.NoError(t, err)
		require.NoError(t, r.Explain(s, []string{"when"}, func(dst, row []float32) error {
			dst[0] = row[0]
			return nil
		}))
		when := r.Contributions.Columns[0]
		require.InDelta(t, 0.5, float64(when.Mean), 0.03, n)
		sum := 0.0
		for _, d := range when.Swarm {
			sum += float64(d.Contribution)
		}
		require.InDelta(t, 0.5, sum/float64(len(when.Swarm)), 0.06, n)
	}
}

// Whatever there is to measure: no error without words, no NaN in JSON, and no panic.
func TestReportOfNearlyNothing(t *testing.T) {
	_, err := evaluate.New(new(evaluate.Sample), nil)
	require.ErrorIs(t, err, evaluate.ErrSample)
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, fill := range map[string]func(*evaluate.Sample){
		"one benign flow": func(s *evaluate.Sample) { add(t, s, 0, false, 0.1, 1) },
		"one attack":      func(s *evaluate.Sample) { add(t, s, 0, true, 0.1, nan) },
		"one of each":     func(s *evaluate.Sample) { add(t, s, 0, true, 0.9, nan); add(t, s, 1, false, 0.1, nan) },
		"attacks only": func(s *evaluate.Sample) {
			for i := range 500 {
				add(t, s, i, true, float32(i)/500, nan, inf)
			}
		},
		"margins": func(s *evaluate.Sample) {
			for i := range 500 {
				add(t, s, i, i%2 == 0, float32(i)-250, -inf, inf)
			}
		},
		"infinite scores": func(s *evaluate.Sample) {
			for i := range 500 {
				add(t, s, i, i%2 == 0, []float32{inf, -inf, 3}[i%3], 0)
			}
		},
		"all the same": func(s *evaluate.Sample) {
			for i := range 500 {
				add(t, s, 7, i%2 == 0, 0.5, 0, nan)
			}
		},
		"no columns": func(s *evaluate.Sample) {
			for i := range 500 {
				add(t, s, i, i%2 == 0, 0.5)
			}
		},
		"no times, no hosts": func(s *evaluate.Sample) {
			for i := range 500 {
				require.NoError(t, s.Add(&features.Flow{Label: features.Benign + features.Label(i%2)}, nil, []float32{nan}, 0.5))
			}
		},
	} {
		s := new(evaluate.Sample)
		s.Exclude([]float32{0})
		fill(s)
		r, err := evaluate.New(s, nil)
		require.NoError(t, err, name)
		names := []string{"a", "b"}[:min(2, strings.Count(name, "a"))]
		r.DriftFrom(s, s, names)
		require.NoError(t, r.CompareWith(s, s, 0.5))
		require.NoError(t, r.Explain(s, names, func(dst, _ []float32) error { dst[0] = nan; return nil }))
		require.Len(t, r.Baselines, 4, name)
		for _, b := range r.Baselines[1:] {
			require.NotEqual(t, b.Missing == "", !b.AUC.Known(), "%s: %s", name, b.Name)
		}
		text, err := json.Marshal(r)
		require.NoError(t, err, name)
		require.NotContains(t, string(text), "NaN")
		var back evaluate.Report
		require.NoError(t, json.Unmarshal(text, &back), name)
		require.Equal(t, r.All.Flows, back.All.Flows)
		require.NoError(t, r.WriteText(new(strings.Builder)))
	}
	s := new(evaluate.Sample)
	require.ErrorIs(t, s.Add(&features.Flow{Label: features.Attack}, nil, nil, nan), evaluate.ErrSample)
	require.NoError(t, s.Add(&features.Flow{}, nil, nil, nan), "nobody knows what it is")
	require.Equal(t, 1, s.Unlabelled)
}

func TestRepeatsAndTrainingRows(t *testing.T) {
	s := new(evaluate.Sample)
	s.Exclude([]float32{3, float32(math.NaN())})
	for i := range 10 {
		add(t, s, i, i%2 == 0, 0.5, float32(i%5), float32(math.NaN()))
	}
	r, err := evaluate.New(s, nil)
	require.NoError(t, err)
	require.Equal(t, [3]int{10, 5, 4}, [3]int{r.All.Flows, r.Distinct.Flows, r.Unseen.Flows})
	number(t, 0.5, r.Data.Repeated)
	number(t, 0.2, r.Data.Seen)
}

func TestCompare(t *testing.T) {
	good, poor := site(t, 4000, 2), site(t, 4000, 2)
	poorer := new(evaluate.Sample)
	random := rand.New(rand.NewPCG(9, 9))
	for i := range 4000 { // the same flows as those of site, with noise in the scores
		attack := random.IntN(5) == 0
		x := random.NormFloat64()
		if attack {
			x += 2
		}
		noise := random.NormFloat64()
		add(t, poorer, i, attack, float32(1/(1+math.Exp(-(x+noise-1)*2))), float32(noise), float32(x))
	}
	r, err := evaluate.New(good, &evaluate.Options{Threshold: 0.5})
	require.NoError(t, err)
	require.NoError(t, r.CompareWith(poor, good, 0.5))
	require.Zero(t, r.Compare.AUC.Value)
	require.Equal(t, 4000, r.Compare.Same)
	require.NoError(t, r.CompareWith(poorer, good, 0.5))
	require.Negative(t, float64(r.Compare.AUC.Interval.High), "the difference is no chance")
	require.Equal(t, 4000, r.Compare.Same+r.Compare.OnlyThis+r.Compare.OnlyOther)
	require.ErrorIs(t, r.CompareWith(site(t, 10, 2), good, 0.5), evaluate.ErrSample)
}

func TestDrift(t *testing.T) {
	before, after := site(t, 3000, 2), new(evaluate.Sample)
	random := rand.New(rand.NewPCG(8, 8))
	for i := range 3000 {
		add(t, after, i, i%5 == 0, 0.5, float32(random.NormFloat64()), float32(5+random.NormFloat64()))
	}
	r, err := evaluate.New(after, nil)
	require.NoError(t, err)
	r.DriftFrom(before, after, []string{"noise", "signal"})
	require.Equal(t, "signal", r.Drift.Columns[0].Column)
	require.Equal(t, 1, r.Drift.Drifted(evaluate.DriftAlarm))
	require.Greater(t, float64(r.Drift.Score), 1.0)
}

// What comes from logs is printable in the text, and there is no end of kinds that could fill memory.
func TestHostileKinds(t *testing.T) {
	s := new(evaluate.Sample)
	for i := range 5000 {
		f := &features.Flow{Label: features.Attack}
		require.NoError(t, s.Add(f, fmt.Appendf(nil, "\x1b[2J\u202e%d\xff\n%s", i, strings.Repeat("x", 1000)), nil, 0.5))
	}
	r, err := evaluate.New(s, nil)
	require.NoError(t, err)
	require.LessOrEqual(t, len(r.Kinds), 256)
	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	for _, bad := range []string{"\x1b", "\u202e", "\xff"} {
		require.NotContains(t, text.String(), bad)
	}
}

func TestDistinct(t *testing.T) {
	nan := float32(math.NaN())
	rows := []float32{1, 2, 1, 2, 3, nan, 3, nan, 4, 4}
	require.Equal(t, []int{0, 2, 4}, evaluate.Distinct(rows, 2, nil))
	require.Equal(t, []int{2}, evaluate.Distinct(rows, 2, []float32{4, 4, 1, 2}))
}

// The columns of the project's origin are in the records of UNSW-NB15, whatever the set of the model is: trees on them find what no line through
// the model's own columns can.
func TestSeedBaseline(t *testing.T) {
	fill := func(s *evaluate.Sample, records bool) {
		random := rand.New(rand.NewPCG(7, 7))
		for i := range 2000 {
			u := &features.UNSW{Proto: []string{"tcp", "udp"}[random.IntN(2)], Service: "-", State: "FIN"}
			u.Values[0], u.Values[3] = math.NaN(), float64(random.IntN(1000))
			f := &features.Flow{Label: features.Benign, UNSW: u}
			if (u.Proto == "tcp") == (u.Values[3] < 500) {
				f.Label = features.Attack
			}
			if !records && i == 1999 {
				f.UNSW = nil
			}
			require.NoError(t, s.Add(f, nil, []float32{float32(u.Values[3]), float32(i)}, 0.5))
		}
	}
	s := new(evaluate.Sample)
	fill(s, true)
	r, err := evaluate.New(s, nil)
	require.NoError(t, err)
	seed := r.Baselines[3]
	require.Empty(t, seed.Missing)
	require.Greater(t, float64(seed.AUC), 0.99)
	require.Greater(t, float64(seed.Accuracy), 0.97)
	require.Less(t, float64(r.Baselines[2].AUC), 0.6)
	require.Contains(t, seed.Text, "half")
	again, err := evaluate.New(s, nil)
	require.NoError(t, err)
	require.Equal(t, seed, again.Baselines[3])

	// A model of the set that is compared with takes its place.
	require.NoError(t, r.CompareWith(s, s, 0.5))
	r.CompareModel(evaluate.Model{Name: "other.tar.gz", Set: "unsw-42/1"})
	require.Equal(t, seed, r.Baselines[3])
	r.CompareModel(evaluate.Model{Name: "seed.tar.gz", Set: "seed/1"})
	require.Equal(t, evaluate.Baseline{Name: seed.Name, Text: "seed.tar.gz, set seed/1", Accuracy: r.All.Accuracy, AUC: r.All.AUC, AP: r.All.AP}, r.Baselines[3])

	foreign := new(evaluate.Sample)
	fill(foreign, false)
	r, err = evaluate.New(foreign, nil)
	require.NoError(t, err)
	require.Contains(t, r.Baselines[3].Missing, "UNSW-NB15 only", "one flow of another log is enough")
}

// What a model of several classes calls flows is counted by what they are.
func TestClasses(t *testing.T) {
	names := []string{"benign", "attack", "dos", "scan"}
	s := new(evaluate.Sample)
	for _, c := range []struct {
		kind   string // of an attack; "benign" of none
		called int
		times  int
	}{{"benign", 0, 5}, {"benign", 3, 1}, {"scan", 3, 4}, {"scan", 2, 2}, {"dos", 2, 3}, {"dos", 0, 1}, {"", 1, 2}, {"new", 3, 7}} {
		for range c.times {
			f := &features.Flow{Label: features.Attack}
			if c.kind == "benign" {
				f.Label = features.Benign
			}
			require.NoError(t, s.Add(f, []byte(c.kind), []float32{1}, float32(min(c.called, 1))))
			s.Called(c.called)
			require.NoError(t, s.Add(&features.Flow{}, nil, nil, 0), "nobody knows what it is")
			s.Called(2)
		}
	}
	r, err := evaluate.New(s, &evaluate.Options{Threshold: 0.5, Classes: names})
	require.NoError(t, err)
	c := r.Classes
	require.Equal(t, [][]int{{5, 0, 0, 1}, {0, 2, 0, 0}, {1, 0, 3, 0}, {0, 0, 2, 4}}, c.Confusion)
	require.Equal(t, 7, c.Others)
	number(t, 14.0/18, c.Accuracy)
	scan := c.Each[3]
	require.Equal(t, [3]int{6, 4, 5}, [3]int{scan.Flows, scan.Right, scan.Called})
	number(t, 4.0/6, scan.Recall)
	number(t, 4.0/5, scan.Precision)
	number(t, 8.0/11, scan.F1)
	number(t, (10.0/12+1+6.0/9+8.0/11)/4, c.MacroF1)
	require.Contains(t, strings.Join(r.Notes, "\n"), "All scores are 0 or 1")
	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	require.Regexp(t, `(?m)^scan +6 +5 +4 +0\.6667 \(.*\) +0\.8 +0\.7273$`, text.String())
	require.Contains(t, text.String(), "called what they are: 0.7778 of the flows; macro F1 of the classes 0.8068; 7 attacks are of none of these classes")

	r, err = evaluate.New(s, nil)
	require.NoError(t, err)
	require.Nil(t, r.Classes, "a model of one score")
}

// The flows of another model may have come in another order: put where they belong, they are compared as if they had not.
func TestArrange(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const n = 60
	places := make([]int32, n)
	for i, p := range random.Perm(n) {
		places[i] = int32(p)
	}
	var s, other, mixed evaluate.Sample
	add := func(to *evaluate.Sample, i int32, score float32) {
		f := &features.Flow{Label: features.Benign}
		if i%3 == 0 {
			f.Label = features.Attack
		}
		require.NoError(t, to.Add(f, []byte{'a' + byte(i%4)}, []float32{float32(i)}, score))
	}
	score := func(i int32) float32 { return float32(i*7919%n) / n }
	for i := range int32(n) {
		add(&s, i, score(i*31))
		add(&other, i, score(i))
		add(&mixed, places[i], score(places[i]))
	}
	compare := func(with *evaluate.Sample) string {
		r, err := evaluate.New(&s, &evaluate.Options{Threshold: 0.5})
		require.NoError(t, err)
		require.NoError(t, r.CompareWith(with, &s, 0.4))
		text, err := json.Marshal(r.Compare)
		require.NoError(t, err)
		return string(text)
	}
	want := compare(&other)
	require.NoError(t, mixed.Arrange(places))
	require.True(t, want == compare(&mixed))

	require.ErrorIs(t, mixed.Arrange(places[1:]), evaluate.ErrSample)
	places[0] = places[1]
	require.ErrorIs(t, mixed.Arrange(places), evaluate.ErrSample)
}

package evaluate

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
)

const logistic = "binary:logistic"

// TestAgainstScikitLearn compares with what testdata/calibration.py wrote.
func TestAgainstScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/calibration.json")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			Scores, Attack, At, Thresholds []int
			A, B                           float64
			Sigmoid, Isotonic, Values      []float64
		}
	}
	require.NoError(t, json.Unmarshal(text, &file))
	require.Len(t, file.Cases, 5)
	for _, c := range file.Cases {
		var scores []float32
		var attack []bool
		for i, n := range c.Scores {
			scores, attack = append(scores, float32(n)/1024), append(attack, c.Attack[i] == 1)
		}
		platt, err := fitCalibration(scores, attack, logistic, false)
		require.NoError(t, err)
		// Ours is the minimum; scikit-learn's search stops near it.
		require.InEpsilon(t, c.A, float64(*platt.A), 2e-3)
		require.InDelta(t, c.B, float64(*platt.B), 2e-3*max(1, math.Abs(c.B)))
		k, err := platt.Calibrator(logistic)
		require.NoError(t, err)
		for i, want := range c.Sigmoid {
			require.InDelta(t, want, float64(k.Probability(float32(c.At[i+1])/1024)), 5e-4)
		}

		levels, err := levelsOf(scores, attack)
		require.NoError(t, err)
		points := new(features.Calibration)
		for i, l := range poolAdjacent(levels) {
			p := float64(l.attacks) / float64(l.flows)
			points.Points = append(points.Points, features.CalibrationPoint{Score: l.low, Probability: p})
			if l.high != l.low {
				points.Points = append(points.Points, features.CalibrationPoint{Score: l.high, Probability: p})
			}
			require.True(t, i == 0 || p > points.Points[0].Probability)
		}
		require.Len(t, points.Points, len(c.Thresholds))
		for i, p := range points.Points {
			require.Equal(t, float32(c.Thresholds[i])/1024, p.Score)
			require.InDelta(t, c.Values[i], p.Probability, 1e-12)
		}
		k, err = points.Calibrator(logistic)
		require.NoError(t, err)
		for i, want := range c.Isotonic {
			require.InDelta(t, want, float64(k.Probability(float32(c.At[i])/1024)), 1e-6)
		}
	}
}

// flowsOf draws scores whose log-odds are those of attacks, times slope.
func flowsOf(random *rand.Rand, n int, share, slope float64) (scores []float32, attack []bool, truth []float64) {
	for range n {
		is := random.Float64() < share
		x := random.NormFloat64() // two normal distributions two apart: the log-odds are 2x - 2 and those of the share
		if is {
			x += 2
		}
		odds := float64(2*x) - 2 + math.Log(share/(1-share))
		scores = append(scores, float32(1/(1+math.Exp(-slope*odds))))
		attack = append(attack, is)
		truth = append(truth, 1/(1+math.Exp(-odds)))
	}
	return scores, attack, truth
}

// TestCalibrateFindsTheTruth: scores that are too sure, or not sure enough, become the probabilities that they were drawn by.
func TestCalibrateFindsTheTruth(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	for _, slope := range []float64{0.4, 1, 2.5} {
		for share, method := range map[float64]string{0.04: "platt", 0.3: "isotonic"} {
			scores, attack, truth := flowsOf(random, 20_000, share, slope)
			c, err := Calibrate(scores, attack, logistic)
			require.NoError(t, err)
			require.Equal(t, method, c.Method())
			require.InDelta(t, share, c.Prevalence, 0.01)
			k, err := c.Calibrator(logistic)
			require.NoError(t, err)
			distance, mean, attacks := 0.0, 0.0, 0.0
			for i, score := range scores {
				distance += math.Abs(float64(k.Probability(score))-truth[i]) / float64(len(scores))
				mean += float64(k.Probability(score)) / float64(len(scores))
				if attack[i] {
					attacks += 1 / float64(len(scores))
				}
			}
			require.Less(t, distance, 0.02, "%s, slope %v", method, slope)
			require.InDelta(t, attacks, mean, 1e-3, "the mean is the share of attacks")
			if method == "platt" {
				require.InDelta(t, -1/slope, float64(*c.A), 0.1/slope)
			}
		}
	}
}

// TestPoolAdjacent: levels rise, and hold the flows that there were; nothing that rises is nearer to the labels.
func TestPoolAdjacent(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	for range 300 {
		var scores []float32
		var attack []bool
		for range 1 + random.IntN(60) {
			scores, attack = append(scores, float32(random.IntN(20))), append(attack, random.IntN(2) == 0)
		}
		levels, err := levelsOf(scores, attack)
		require.NoError(t, err)
		pooled := poolAdjacent(levels)
		var sum, all level
		for i, l := range pooled {
			require.True(t, i == 0 || pooled[i-1].below(&l) && pooled[i-1].high < l.low)
			sum.flows, sum.attacks = sum.flows+l.flows, sum.attacks+l.attacks
		}
		for _, l := range levels {
			all.flows, all.attacks = all.flows+l.flows, all.attacks+l.attacks
		}
		require.Equal(t, all, sum)
		// A level that could be cut in two rising ones would have been.
		at := 0
		for _, p := range pooled {
			var head level
			for ; at < len(levels) && levels[at].high < p.high; at++ {
				head.flows, head.attacks = head.flows+levels[at].flows, head.attacks+levels[at].attacks
				require.False(t, head.below(&p), "the lower part of a level has no smaller share of attacks")
			}
			at++
		}
	}
}

// TestPointsAreBounded: however many steps there are, points stay as few as a contract takes, and none is surer than the flows allow.
func TestPointsAreBounded(t *testing.T) {
	var scores []float32
	var attack []bool
	for i := range 3000 { // 3,000 levels, each with a share of attacks of its own
		for k := range 60 {
			scores, attack = append(scores, float32(i)/3000), append(attack, k*3000 < i*60+k)
		}
	}
	levels := make([]level, 3000)
	for i := range levels {
		levels[i] = level{float32(i), float32(i) + 0.5, 3000, i}
	}
	points := pointsOf(levels, 10_000, 1000)
	require.LessOrEqual(t, len(points), features.MaxCalibrationPoints)
	require.Greater(t, len(points), features.MaxCalibrationPoints/4)
	c, err := Calibrate(scores, attack, logistic)
	require.NoError(t, err)
	require.Equal(t, "isotonic", c.Method())
	benign := len(attack) - int(math.Round(c.Prevalence*float64(len(attack))))
	require.GreaterOrEqual(t, c.Points[0].Probability, 1/float64(benign+2))
	require.Less(t, c.Points[len(c.Points)-1].Probability, 1.0)
}

func TestCalibrateRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for says, c := range map[string]struct {
		scores []float32
		attack []bool
	}{
		"1 scores of 0 flows":        {[]float32{1}, nil},
		"these are all of one class": {nil, nil},
		"all of one class":           {[]float32{0.5, 0.6}, []bool{true, true}},
		"one is NaN":                 {[]float32{nan, 0.6}, []bool{false, true}},
		"one is +Inf":                {[]float32{0.6, inf}, []bool{false, true}},
		"higher for attacks":         {[]float32{0.9, 0.1, 0.2}, []bool{false, true, true}},
		"and these are not":          {[]float32{0.5, 0.5}, []bool{false, true}},
	} {
		_, err := Calibrate(c.scores, c.attack, logistic)
		require.ErrorIs(t, err, ErrSample)
		require.ErrorContains(t, err, says)
		_, err = fitCalibration(c.scores, c.attack, logistic, true)
		require.ErrorIs(t, err, ErrSample)
	}
	// What is hard for Newton's method: classes that nothing overlaps, huge margins, a single attack.
	for _, scores := range [][]float32{{0, 0, 1, 1}, {-1e38, 0, 1e38, 1e38}, {1e-45, 1e-45, 1e-45, 1}, {0.1, 0.2, 0.3, 0.30000001}} {
		for _, objective := range []string{logistic, "binary:logitraw"} {
			c, err := Calibrate(scores, []bool{false, false, false, true}, objective)
			require.NoError(t, err)
			k, err := c.Calibrator(objective)
			require.NoError(t, err)
			require.LessOrEqual(t, k.Probability(scores[0]), k.Probability(scores[3]))
		}
	}
}

// sampleOf has flows a second apart.
func sampleOf(t *testing.T, scores []float32, attack []bool) *Sample {
	t.Helper()
	s := new(Sample)
	for i, score := range scores {
		f := &features.Flow{Start: int64(i) * 1e9, Src: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), Known: features.FieldStart | features.FieldAddrs, Label: features.Benign}
		if attack[i] {
			f.Label = features.Attack
		}
		require.NoError(t, s.Add(f, nil, []float32{score}, score))
	}
	return s
}

func TestReportOfACalibration(t *testing.T) {
	scores, attack, _ := flowsOf(rand.New(rand.NewPCG(5, 5)), 4000, 0.2, 3)
	s := sampleOf(t, scores, attack)
	r, err := New(s, &Options{Threshold: 0.5, Objective: logistic})
	require.NoError(t, err)
	require.Nil(t, r.Calibrated)
	r, err = New(s, &Options{Threshold: 0.5, Objective: logistic, Calibrate: true})
	require.NoError(t, err)
	c := r.Calibrated
	require.Equal(t, "platt", c.Method)
	require.True(t, c.Fitted && c.HeldOut)
	require.Equal(t, r.All.Attacks, c.Attacks)
	require.Equal(t, (r.All.Attacks+1)/2, c.After.Attacks, "measured on the later half of the attacks")
	require.Less(t, c.After.Flows, 2200)
	require.Less(t, float64(c.After.Brier), 0.9*float64(c.Before.Brier))
	require.Less(t, float64(c.After.CalibrationError), 0.5*float64(c.Before.CalibrationError))
	require.False(t, c.Expected.Known())
	require.Contains(t, c.Calibration.Fitted, "platt on 4000 flows, ")
	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	require.Contains(t, text.String(), "calibration: Platt's, a -0.")

	// What the contract has is measured on all flows, and moved to the share that is expected; without --prevalence to its own.
	again, err := New(s, &Options{Threshold: 0.5, Objective: logistic, Calibration: c.Calibration, Prevalence: 0.01})
	require.NoError(t, err)
	require.False(t, again.Calibrated.Fitted)
	require.Equal(t, 4000, again.Calibrated.After.Flows)
	require.Equal(t, Number(0.01), again.Calibrated.Expected)
	require.Zero(t, c.Calibration.Expected, "that of the contract is not changed")
	require.Less(t, float64(again.Calibrated.After.CalibrationError), 0.005)
	bare := *c.Calibration
	bare.Prevalence = 0
	again, err = New(s, &Options{Objective: logistic, Calibration: &bare, Prevalence: 0.01})
	require.NoError(t, err)
	require.False(t, again.Calibrated.Expected.Known())
	require.Contains(t, again.Calibrated.Text, "It cannot be moved")
	out, err := json.Marshal(again)
	require.NoError(t, err)
	require.NotContains(t, string(out), "NaN")
}

// TestReliabilityAsIfRarer: counting an attack as weight flows is the same as drawing so many fewer attacks.
func TestReliabilityAsIfRarer(t *testing.T) {
	scores, attack, _ := flowsOf(rand.New(rand.NewPCG(6, 6)), 2000, 0.5, 1)
	many := reliability(scores, attack, 1, 3)
	for i := range slices.Clone(scores) { // each attack thrice
		if attack[i] {
			scores, attack = append(scores, scores[i], scores[i]), append(attack, true, true)
		}
	}
	want := reliability(scores, attack, 1, 1)
	require.InDelta(t, float64(want.Brier), float64(many.Brier), 1e-9)
	require.InDelta(t, float64(want.CalibrationError), float64(many.CalibrationError), 1e-9)
	for i, b := range want.Bins {
		require.InDelta(t, float64(b.Share), float64(many.Bins[i].Share), 1e-9)
		require.InDelta(t, float64(b.Score), float64(many.Bins[i].Score), 1e-9)
	}
	// And one weight is what the rest of the report measures.
	m, err := Binary(scores, attack, 0.5)
	require.NoError(t, err)
	require.InDelta(t, float64(m.Brier), float64(want.Brier), 1e-12)
	require.InDelta(t, float64(m.CalibrationError), float64(want.CalibrationError), 1e-12)
}

// TestCalibrationWithoutALaterHalf is measured on a random half or, if there is not enough for that, on what it was fitted on, and says so.
func TestCalibrationWithoutALaterHalf(t *testing.T) {
	scores, attack, _ := flowsOf(rand.New(rand.NewPCG(7, 7)), 400, 0.2, 1)
	for reason, change := range map[string]func(s *Sample){
		"not all flows have a time": func(s *Sample) { s.timed-- },
		"no half of the attacks is earlier": func(s *Sample) {
			for i := range s.start {
				if s.attack[i] {
					s.start[i] = 5e9
				}
			}
		},
		"has no benign flows beside it": func(s *Sample) {
			for i := range s.start {
				if !s.attack[i] {
					s.start[i] = 0
				}
			}
		},
	} {
		s := sampleOf(t, scores, attack)
		change(s)
		r, err := New(s, &Options{Objective: logistic, Calibrate: true})
		require.NoError(t, err)
		require.True(t, r.Calibrated.HeldOut)
		require.Empty(t, r.Calibrated.Since)
		require.Contains(t, r.Calibrated.Text, "the halves were drawn")
		require.Contains(t, r.Calibrated.Text, reason)
		require.InDelta(t, 200, r.Calibrated.After.Flows, 40)
	}
	r, err := New(sampleOf(t, []float32{0.5, 0.2, 0.6}, []bool{false, false, true}), &Options{Objective: logistic, Calibrate: true})
	require.NoError(t, err)
	require.False(t, r.Calibrated.HeldOut)
	require.Equal(t, 3, r.Calibrated.After.Flows)
	notes := strings.Join(r.Notes, "\n")
	require.Contains(t, notes, "which flatters it")
	require.Contains(t, notes, "few flows of a class: 1 attacks, 2 benign")
	_, err = New(sampleOf(t, []float32{0.5, 0.6}, []bool{true, true}), &Options{Objective: logistic, Calibrate: true})
	require.ErrorIs(t, err, ErrSample)
}

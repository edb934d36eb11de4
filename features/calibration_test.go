package features

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func plattOf(a, b Float17) *Calibration { return &Calibration{A: &a, B: &b} }

// isotonicOf has points of pairs of a score and a probability.
func isotonicOf(pairs ...float64) *Calibration {
	c := &Calibration{}
	for pair := range slices.Chunk(pairs, 2) {
		c.Points = append(c.Points, CalibrationPoint{float32(pair[0]), pair[1]})
	}
	return c
}

func probability(t *testing.T, c *Calibration, objective string, score float32) float64 {
	t.Helper()
	k, err := c.Calibrator(objective)
	require.NoError(t, err)
	return float64(k.Probability(score))
}

// requireProbabilities: whatever passes the check gives probabilities that never fall as scores rise.
func requireProbabilities(t *testing.T, c *Calibration) {
	t.Helper()
	inf := float32(math.Inf(1))
	scores := []float32{-inf, -math.MaxFloat32, -1, -0.25, 0, math.SmallestNonzeroFloat32, 1e-30, 1e-6, 0.1, 0.25, 0.3, 0.5, 0.6, 0.75, 0.9, 0.99, 1 - 0x1p-24, 1, 3, 1e30, math.MaxFloat32, inf}
	for _, p := range c.Points {
		scores = append(scores, math.Nextafter32(p.Score, -inf), p.Score, math.Nextafter32(p.Score, inf))
	}
	slices.Sort(scores)
	for _, objective := range []string{"binary:logistic", "binary:logitraw"} {
		k, err := c.Calibrator(objective)
		require.NoError(t, err)
		last := float32(0)
		for _, score := range scores {
			p := k.Probability(score)
			require.True(t, p >= last && p <= 1, "%v: %v after %v", score, p, last)
			last = p
		}
		nan := k.Probability(float32(math.NaN()))
		require.True(t, nan != nan)
	}
}

func TestPlatt(t *testing.T) {
	c := plattOf(-1.5, 0.25)
	require.Equal(t, "platt", c.Method())
	for _, score := range []float32{1e-6, 0.1, 0.5, 0.9, 0.999} {
		margin := math.Log(float64(score) / (1 - float64(score)))
		require.InDelta(t, 1/(1+math.Exp(-1.5*margin+0.25)), probability(t, c, "binary:logistic", score), 1e-7)
		require.InDelta(t, 1/(1+math.Exp(-1.5*float64(score)+0.25)), probability(t, c, "reg:squarederror", score), 1e-7)
	}
	k, err := c.Calibrator("binary:logistic")
	require.NoError(t, err)
	require.InDelta(t, 25*math.Ln2, k.Margin(1), 1e-6)
	require.InDelta(t, -150*math.Ln2, k.Margin(0), 1e-6)
	requireProbabilities(t, c)
	requireProbabilities(t, plattOf(-1e300, 1e300))
}

func TestIsotonic(t *testing.T) {
	c := isotonicOf(0.25, 0.125, 0.5, 0.125, 0.75, 0.5, 0.875, 1)
	require.Equal(t, "isotonic", c.Method())
	for score, want := range map[float32]float64{0: 0.125, 0.25: 0.125, 0.375: 0.125, 0.5: 0.125, 0.625: 0.3125, 0.75: 0.5, 0.8125: 0.75, 0.875: 1, 1: 1} {
		require.Equal(t, want, probability(t, c, "binary:logistic", score), "%v", score)
	}
	requireProbabilities(t, c)
	requireProbabilities(t, isotonicOf(0.5, 0.25))
	requireProbabilities(t, isotonicOf(-math.MaxFloat32, 0, math.MaxFloat32, 1))
}

// TestPriorShift: the log-odds of every probability move by ln(e/(1-e)) - ln(p/(1-p)).
func TestPriorShift(t *testing.T) {
	logit := func(p float64) float64 { return math.Log(p / (1 - p)) }
	for _, c := range []*Calibration{plattOf(-1.5, 0.25), isotonicOf(0.1, 0.05, 0.9, 0.95)} {
		shifted := *c
		shifted.Prevalence, shifted.Expected = 0.2, 0.01
		for _, score := range []float32{0.1, 0.3, 0.5, 0.8} {
			before, after := probability(t, c, "binary:logistic", score), probability(t, &shifted, "binary:logistic", score)
			require.InDelta(t, logit(0.01)-logit(0.2), logit(after)-logit(before), 1e-5)
		}
		requireProbabilities(t, &shifted)
		shifted.Expected = 0.2
		require.InDelta(t, probability(t, c, "binary:logistic", 0.3), probability(t, &shifted, "binary:logistic", 0.3), 1e-7, "the same share moves nothing")
		shifted.Prevalence, shifted.Expected = 1e-12, 1-1e-12
		requireProbabilities(t, &shifted)
	}
}

func TestCalibrationInAContract(t *testing.T) {
	c := portableContract(t)
	text, err := c.Canonical()
	require.NoError(t, err)
	for name, calibration := range map[string]struct{ json, canonical string }{
		"none":     {`null`, `null`},
		"platt":    {`{"a":-1.5,"b":0}`, `{"a":-1.5000000000000000e+00,"b":0.0000000000000000e+00}`},
		"isotonic": {`{"points":[{"score":0.25,"probability":0.1},{"score":1,"probability":1}]}`, `{"points":[{"probability":0.1,"score":0.25},{"probability":1,"score":1}]}`},
		"shifted": {`{"b":1,"a":-1,"prevalence":0.2,"expected_prevalence":1e-6,"fitted":"x"}`,
			`{"a":-1.0000000000000000e+00,"b":1.0000000000000000e+00,"expected_prevalence":0.000001,"fitted":"x","prevalence":0.2}`},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := ParseContract([]byte(strings.Replace(string(text), `"calibration":null`, `"calibration":`+calibration.json, 1)))
			require.NoError(t, err)
			out, err := c.Canonical()
			require.NoError(t, err)
			require.Equal(t, strings.Replace(string(text), `"calibration":null`, `"calibration":`+calibration.canonical, 1), string(out))
		})
	}
	many := strings.Repeat(`{"score":0,"probability":0},`, MaxCalibrationPoints) + `{"score":0,"probability":0}`
	for _, bad := range []struct{ json, says string }{
		{`{}`, "output.calibration: want Platt's a and b, or points"},
		{`{"points":[]}`, "want Platt's a and b, or points"},
		{`{"a":-1}`, "want Platt's a and b, or points"},
		{`{"a":0,"b":0}`, "output.calibration.a is 0: want a number below 0"},
		{`{"a":1.5,"b":0}`, "a is 1.5: want a number below 0"},
		{`{"a":-1e999,"b":0}`, "a"},
		{`{"a":-1,"b":0,"c":1}`, `unknown field "c"`},
		{`{"a":-1,"points":[{"score":0,"probability":0}]}`, "want one of the two kinds"},
		{`{"points":[` + many + `]}`, "points: 1025 of them, want 1024 at most"},
		{`{"points":[{"score":0.5,"probability":0.1},{"score":0.5,"probability":0.2}]}`, "output.calibration.points[1]: score 0.5 after 0.5: want rising ones"},
		{`{"points":[{"score":0.5,"probability":0.2},{"score":0.6,"probability":0.1}]}`, "points[1]: probability 0.1 after 0.2: want ones that do not fall"},
		{`{"points":[{"score":0.5,"probability":1.5}]}`, "points[0]: probability 1.5: want one from 0 to 1"},
		{`{"points":[{"score":1e39,"probability":1}]}`, "1e39"},
		{`{"points":[0.5]}`, "points"},
		{`{"a":-1,"b":0,"prevalence":1}`, "output.calibration.prevalence is 1: want a share between 0 and 1"},
		{`{"a":-1,"b":0,"prevalence":0.5,"expected_prevalence":-0.5}`, "expected_prevalence is -0.5: want a share between 0 and 1"},
		{`{"a":-1,"b":0,"expected_prevalence":0.5}`, "there is no prevalence of the data"},
	} {
		_, err := ParseContract([]byte(strings.Replace(string(text), `"calibration":null`, `"calibration":`+bad.json, 1)))
		require.ErrorIs(t, err, ErrContract, bad.json)
		require.ErrorContains(t, err, bad.says)
	}
	nan := math.NaN()
	inf := Float17(math.Inf(-1))
	for _, c := range []*Calibration{plattOf(Float17(nan), 0), plattOf(-1, Float17(nan)), plattOf(inf, 0), plattOf(-1, inf), isotonicOf(nan, 0), isotonicOf(0, nan), {A: plattOf(-1, 0).A}} {
		_, err := c.Calibrator("")
		require.ErrorIs(t, err, ErrContract)
	}
}

func TestProbabilityDoesNotAllocate(t *testing.T) {
	for _, c := range []*Calibration{plattOf(-1, 0), isotonicOf(0.1, 0.1, 0.5, 0.5, 0.9, 0.9)} {
		k, err := c.Calibrator("binary:logistic")
		require.NoError(t, err)
		require.Zero(t, testing.AllocsPerRun(10, func() { k.Probability(0.3) }))
	}
}

package features

import (
	"fmt"
	"math"
	"strings"
)

// Calibration makes a probability of an attack out of a score: by Platt's function (A and B) or along points (isotonic), and if Expected
// is given for where attacks are rarer, or more frequent, than in the data that it was fitted on. See package evaluate for how it is fitted.
type Calibration struct {
	// A and B are Platt's: probability = 1 / (1 + exp(A * margin + B)), A below 0. The margin is the log-odds of the score where the
	// score is a probability already, and else the score; see [Calibration.Calibrator]. Nil with Points.
	A *Float17 `json:"a,omitempty"`
	B *Float17 `json:"b,omitempty"`
	// Points are at most MaxCalibrationPoints, of rising scores, with probabilities that do not fall. Between two of them the
	// probability lies on the line, and beyond the ends it is theirs.
	Points []CalibrationPoint `json:"points,omitempty"`

	// Prevalence is the share of attacks in the data that it was fitted on; 0 if that is not known. Expected is the share where the
	// model works; 0 takes that of the data. The log-odds of every probability move by ln(e/(1-e)) - ln(p/(1-p)).
	Prevalence float64 `json:"prevalence,omitempty"`
	Expected   float64 `json:"expected_prevalence,omitempty"`

	Fitted string `json:"fitted,omitempty"` // how and on what data, for readers
}

// CalibrationPoint is the probability of an attack at a score.
type CalibrationPoint struct {
	Score       float32 `json:"score"`
	Probability float64 `json:"probability"`
}

// MaxCalibrationPoints bounds the points of a calibration.
const MaxCalibrationPoints = 1024

// leastPrevalence is how far a share of attacks stays from 0 and from 1: their odds can then be divided.
const leastPrevalence = 1e-12

// Method names the kind of calibration: "platt" or "isotonic".
func (c *Calibration) Method() string {
	if len(c.Points) > 0 {
		return "isotonic"
	}
	return "platt"
}

// Check says what is wrong with a calibration. The error answers errors.Is for ErrContract.
func (c *Calibration) Check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: output.calibration%s", ErrContract, fmt.Sprintf(format, args...))
	}
	switch platt := c.A != nil && c.B != nil; {
	case len(c.Points) > MaxCalibrationPoints:
		return bad(".points: %d of them, want %d at most", len(c.Points), MaxCalibrationPoints)
	case len(c.Points) > 0 && (c.A != nil || c.B != nil):
		return bad(" has points and Platt's a or b: want one of the two kinds")
	case len(c.Points) == 0 && !platt:
		return bad(": want Platt's a and b, or points")
	case platt && !(*c.A < 0 && *c.A >= -math.MaxFloat64):
		return bad(".a is %v: want a number below 0, so that higher scores mean likelier attacks", float64(*c.A))
	case platt && *c.B-*c.B != 0:
		return bad(".b is %v: want a number", float64(*c.B))
	}
	for i, p := range c.Points {
		switch {
		case p.Score-p.Score != 0:
			return bad(".points[%d]: score %v: want a number", i, p.Score)
		case !(p.Probability >= 0 && p.Probability <= 1):
			return bad(".points[%d]: probability %v: want one from 0 to 1", i, p.Probability)
		case i > 0 && p.Score <= c.Points[i-1].Score:
			return bad(".points[%d]: score %v after %v: want rising ones", i, p.Score, c.Points[i-1].Score)
		case i > 0 && p.Probability < c.Points[i-1].Probability:
			return bad(".points[%d]: probability %v after %v: want ones that do not fall", i, p.Probability, c.Points[i-1].Probability)
		}
	}
	for i, p := range [...]float64{c.Prevalence, c.Expected} {
		if p != 0 && !(p >= leastPrevalence && p <= 1-leastPrevalence) {
			return bad(".%s is %v: want a share between 0 and 1", [...]string{"prevalence", "expected_prevalence"}[i], p)
		}
	}
	if c.Expected != 0 && c.Prevalence == 0 {
		return bad(".expected_prevalence is %v, but there is no prevalence of the data to come from", c.Expected)
	}
	return nil
}

// Calibrator is a calibration that is ready for use. It is immutable and safe for concurrent use.
type Calibrator struct {
	a, b    float64 // with the prior shift
	points  []CalibrationPoint
	ratio   float64 // of the odds of the prior shift
	logOdds bool
}

// Calibrator checks a calibration and returns it ready for the scores of a model with this objective. The margin is the log-odds of the
// scores of binary:logistic, reg:logistic, binary:hinge and multi:*, and the score itself for all other objectives. A score is a float32:
// 1 counts as 1 - 2^-25, half way to the one below, and 0 as 2^-150.
func (c *Calibration) Calibrator(objective string) (*Calibrator, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	k := &Calibrator{points: c.Points, ratio: 1}
	switch strings.TrimPrefix(objective, "gpu:") {
	case "binary:logistic", "reg:logistic", "binary:hinge", "multi:softprob", "multi:softmax":
		k.logOdds = true
	}
	if c.Expected != 0 {
		k.ratio = c.Expected / (1 - c.Expected) / (c.Prevalence / (1 - c.Prevalence))
	}
	if len(c.Points) == 0 {
		k.a, k.b = float64(*c.A), float64(*c.B)-math.Log(k.ratio)
	}
	return k, nil
}

// Margin is what Platt's function takes for a score.
func (k *Calibrator) Margin(score float32) float64 {
	if !k.logOdds {
		return float64(score)
	}
	x := min(max(float64(score), 0x1p-150), 1-0x1p-25)
	return math.Log(x) - math.Log1p(-x)
}

// Probability is that of an attack at a score, and NaN for NaN. It never falls as scores rise.
func (k *Calibrator) Probability(score float32) float32 {
	if score != score {
		return score
	}
	if len(k.points) == 0 {
		return float32(1 / (1 + math.Exp(float64(k.a*k.Margin(score))+k.b)))
	}
	p := k.along(score)
	odds := float64(p * k.ratio)
	return float32(odds / (odds + (1 - p)))
}

// along is the probability of the points at a score.
func (k *Calibrator) along(score float32) float64 {
	low, high := 0, len(k.points)-1 // the score is between the two, once they are next to each other
	switch {
	case score <= k.points[low].Score:
		return k.points[low].Probability
	case score >= k.points[high].Score:
		return k.points[high].Probability
	}
	for high-low > 1 {
		if mid := (low + high) / 2; k.points[mid].Score <= score {
			low = mid
		} else {
			high = mid
		}
	}
	a, b := k.points[low], k.points[high]
	t := (float64(score) - float64(a.Score)) / (float64(b.Score) - float64(a.Score))
	return min(a.Probability+float64(t*(b.Probability-a.Probability)), b.Probability)
}

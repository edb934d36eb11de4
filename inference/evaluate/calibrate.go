package evaluate

import (
	"cmp"
	"fmt"
	"slices"

	"threatdetect/features"
)

// LeastIsotonic is from how many attacks on a calibration is isotonic. With fewer its steps would follow single flows, and it is Platt's.
const LeastIsotonic = 1000

// Calibrate fits a calibration to scores, of which scores[i] belongs to an attack if attack[i], of a model with this objective: isotonic regression from
// [LeastIsotonic] attacks on, else Platt's function. The flows should be later ones than those of the training. No probability is nearer to 0 or 1 than
// Platt's targets, 1/(benign+2) and (attacks+1)/(attacks+2), as so many flows cannot tell more, and no prior shift could move a 0 or a 1. It fails with
// ErrSample if a score is not a finite number, if there are no flows of either class, or if attacks do not have higher scores.
func Calibrate(scores []float32, attack []bool, objective string) (*features.Calibration, error) {
	attacks := 0
	for _, a := range attack {
		if a {
			attacks++
		}
	}
	return fitCalibration(scores, attack, objective, attacks >= LeastIsotonic)
}

func fitCalibration(scores []float32, attack []bool, objective string, isotonic bool) (*features.Calibration, error) {
	levels, err := levelsOf(scores, attack)
	if err != nil {
		return nil, err
	}
	flows, attacks := 0, 0
	for _, l := range levels {
		flows, attacks = flows+l.flows, attacks+l.attacks
	}
	if attacks == 0 || attacks == flows {
		return nil, fmt.Errorf("%w: a calibration takes attacks and benign flows, and these are all of one class", ErrSample)
	}
	c := &features.Calibration{Prevalence: float64(attacks) / float64(flows)}
	if isotonic {
		c.Points = pointsOf(poolAdjacent(levels), flows-attacks, attacks)
	} else {
		c.A, c.B = fitPlatt(levels, objective, flows-attacks, attacks)
	}
	if len(c.Points) < 2 && (c.A == nil || !(*c.A < 0)) {
		return nil, fmt.Errorf("%w: a calibration takes scores that are higher for attacks, and these are not", ErrSample)
	}
	return c, c.Check()
}

// level is the flows of a score or, once pooled, of a range of scores.
type level struct {
	low, high      float32
	flows, attacks int
}

// levelsOf counts the flows of each score, the lowest first.
func levelsOf(scores []float32, attack []bool) ([]level, error) {
	if len(scores) != len(attack) {
		return nil, fmt.Errorf("%w: %d scores of %d flows", ErrSample, len(scores), len(attack))
	}
	order := make([]int32, len(scores))
	for i, v := range scores {
		if v-v != 0 {
			return nil, fmt.Errorf("%w: a calibration takes finite scores, and one is %v", ErrSample, v)
		}
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(scores[a], scores[b]) })
	var levels []level
	for _, i := range order {
		if n := len(levels); n == 0 || levels[n-1].high != scores[i] {
			levels = append(levels, level{low: scores[i], high: scores[i]})
		}
		l := &levels[len(levels)-1]
		l.flows++
		if attack[i] {
			l.attacks++
		}
	}
	return levels, nil
}

// poolAdjacent is isotonic regression by pooling adjacent violators: neighbours whose shares of attacks do not rise become one level.
func poolAdjacent(levels []level) []level {
	var pooled []level
	for _, l := range levels {
		pooled = append(pooled, l)
		for n := len(pooled); n > 1 && !pooled[n-2].below(&pooled[n-1]); n-- {
			pooled[n-2] = pooled[n-2].with(&pooled[n-1])
			pooled = pooled[:n-1]
		}
	}
	return pooled
}

// below compares shares of attacks. Both counts fit 27 bits.
func (l *level) below(m *level) bool {
	return int64(l.attacks)*int64(m.flows) < int64(m.attacks)*int64(l.flows)
}

func (l *level) with(m *level) level {
	return level{l.low, m.high, l.flows + m.flows, l.attacks + m.attacks}
}

// pointsOf makes points of levels: both ends of each. Of too many levels neighbours become one, which keeps the mean and the order.
func pointsOf(levels []level, benign, attacks int) []features.CalibrationPoint {
	for len(levels) > features.MaxCalibrationPoints/2 {
		half := make([]level, 0, len(levels)/2+1)
		for pair := range slices.Chunk(levels, 2) {
			l := pair[0]
			if len(pair) == 2 {
				l = l.with(&pair[1])
			}
			half = append(half, l)
		}
		levels = half
	}
	if len(levels) < 2 {
		return nil
	}
	low, high := targets(benign, attacks)
	var points []features.CalibrationPoint
	for _, l := range levels {
		p := min(max(float64(l.attacks)/float64(l.flows), low), high)
		points = append(points, features.CalibrationPoint{Score: l.low, Probability: p})
		if l.high != l.low {
			points = append(points, features.CalibrationPoint{Score: l.high, Probability: p})
		}
	}
	return points
}

// targets are the probabilities that Platt gives to benign flows and attacks that were seen.
func targets(benign, attacks int) (low, high float64) {
	return 1 / float64(benign+2), float64(attacks+1) / float64(attacks+2)
}

package evaluate

import (
	"fmt"
)

// Compare is another model on the same flows. Differences are the other one minus the one of the report.
type Compare struct {
	Model     Model     `json:"model"`
	Threshold Number    `json:"threshold"`
	All       *Measures `json:"all"`
	Distinct  *Measures `json:"distinct"`

	AUC      Difference `json:"auc"`
	AP       Difference `json:"average_precision"`
	RecallAt Difference `json:"recall_at_0.01"` // at a false positive rate of 1 %

	// At the thresholds: how many flows both models judge alike, and those that one of them alone judges rightly.
	Same      int `json:"same"`
	OnlyOther int `json:"only_other_right"`
	OnlyThis  int `json:"only_this_right"`

	Kinds []Kind       `json:"kinds"`
	Curve []CurvePoint `json:"curve"`
}

// Difference is between two models on the same flows; the interval comes from replicates that both were measured on.
type Difference struct {
	Value    Number   `json:"value"`
	Interval Interval `json:"interval"`
}

// CompareModel says what the model is that [Report.CompareWith] was given. One of the set seed/1 is the baseline "unscaled seed model",
// on all flows and at its threshold.
func (r *Report) CompareModel(m Model) {
	r.Compare.Model = m
	if m.Set != seedSet {
		return
	}
	for i := range r.Baselines {
		if b := &r.Baselines[i]; b.Name == baseSeed {
			all := r.Compare.All
			*b = Baseline{Name: baseSeed, Text: m.Name + ", set " + m.Set, Accuracy: all.Accuracy, AUC: all.AUC, AP: all.AP}
		}
	}
}

// Arrange puts the flows of s into another order: flow i, from 0, to places[i]. Flows of a set that remembers flows come out in order of time, and
// not in that of another sample which they are to be compared with. It fails with ErrSample if places does not hold every place once.
func (s *Sample) Arrange(places []int32) error {
	if len(places) != s.Len() {
		return fmt.Errorf("%w: %d places for %d flows", ErrSample, len(places), s.Len())
	}
	taken := make([]bool, s.Len())
	for _, p := range places {
		if p < 0 || int(p) >= len(taken) || taken[p] {
			return fmt.Errorf("%w: the two models were given different flows", ErrSample)
		}
		taken[p] = true
	}
	s.scores, s.attack, s.kind = arrange(s.scores, places), arrange(s.attack, places), arrange(s.kind, places)
	s.host, s.start, s.repeat, s.seen = arrange(s.host, places), arrange(s.start, places), arrange(s.repeat, places), arrange(s.seen, places)
	if len(s.called) == len(places) {
		s.called = arrange(s.called, places)
	}
	for k, i := range s.picked {
		s.picked[k] = int(places[i])
	}
	return nil
}

func arrange[T any](list []T, places []int32) []T {
	out := make([]T, len(list))
	for i, p := range places {
		out[p] = list[i]
	}
	return out
}

// CompareWith fills r.Compare. other holds the same flows as s in the same order ([Sample.Arrange]), scored by the other model, and threshold is
// that model's. It fails with ErrSample if they are not the same flows.
func (r *Report) CompareWith(other, s *Sample, threshold float32) error {
	if other.Len() != s.Len() {
		return fmt.Errorf("%w: the two models were given different flows", ErrSample)
	}
	for i := range s.attack {
		if s.attack[i] != other.attack[i] {
			return fmt.Errorf("%w: the two models were given different flows", ErrSample)
		}
	}
	v, w := s.view(nil), other.view(nil)
	c := &Compare{Threshold: Number(threshold), All: w.measure(threshold), Curve: w.curve(), Kinds: other.byKind(threshold)}
	// Which flows repeat is said by the rows of the report's model: both are measured on the same ones.
	c.Distinct = other.view(func(i int) bool { return !s.repeat[i] }).measure(threshold)
	w.bootstrap(c.All)
	for i, attack := range s.attack {
		a, b := s.scores[i] >= float32(r.Threshold), other.scores[i] >= threshold
		switch {
		case a == b:
			c.Same++
		case b == attack:
			c.OnlyOther++
		default:
			c.OnlyThis++
		}
	}
	c.AUC = Difference{c.All.AUC - r.All.AUC, unknown}
	c.AP = Difference{c.All.AP - r.All.AP, unknown}
	c.RecallAt = Difference{c.All.RecallAt[0].Recall - r.All.RecallAt[0].Recall, unknown}
	if r.Resampled.Replicates > 0 {
		var auc, ap, recall []float64
		v.resample(r.Resampled, func(weight func(int32) float64) {
			a, b := v.areas(weight), w.areas(weight)
			if a.auc == a.auc {
				auc, ap, recall = append(auc, b.auc-a.auc), append(ap, b.ap-a.ap), append(recall, b.recall[0]-a.recall[0])
			}
		})
		c.AUC.Interval, c.AP.Interval, c.RecallAt.Interval = interval(auc), interval(ap), interval(recall)
	}
	r.Compare = c
	return nil
}

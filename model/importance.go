package model

// Importance is what one feature contributes to a tree booster, in XGBoost's five measures (get_score). All but Weight are statistics of
// the training that the file holds; sums are made in float32 and in XGBoost's order, so that they have its bits.
type Importance struct {
	Feature int // the column
	Weight  int // the number of splits
	// The sums over the splits of the loss that they removed (loss_changes) and of their cover (sum_hessian).
	TotalGain, TotalCover float32
}

// Gain is the mean gain of a split.
func (i *Importance) Gain() float32 { return i.TotalGain / max(1, float32(i.Weight)) }

// Cover is the mean cover of a split.
func (i *Importance) Cover() float32 { return i.TotalCover / max(1, float32(i.Weight)) }

// Importances returns the importance of the features that a split looks at, in the order of their columns. A "gblinear" booster has none:
// its weights are in Linear. It is meant for boosters that pass [Booster.Validate].
func (b *Booster) Importances() []Importance {
	all := map[int32]*Importance{}
	var stack []int32
	for i := range b.Trees {
		t := &b.Trees[i]
		stack = append(stack[:0], 0)
		for len(stack) > 0 {
			n := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if t.IsLeaf(n) {
				continue
			}
			f := all[t.Feature[n]]
			if f == nil {
				f = &Importance{Feature: int(t.Feature[n])}
				all[t.Feature[n]] = f
			}
			f.Weight++
			if t.LossChange != nil {
				f.TotalGain += t.LossChange[n]
			}
			if t.SumHessian != nil {
				f.TotalCover += t.SumHessian[n]
			}
			stack = append(stack, t.Left[n], t.Right[n]) // the right one comes first, as in XGBoost
		}
	}
	out := make([]Importance, 0, len(all))
	for f := range int32(b.NumFeature) {
		if found := all[f]; found != nil {
			out = append(out, *found)
		}
	}
	return out
}

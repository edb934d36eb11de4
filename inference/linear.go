package inference

import (
	"fmt"
	"math"

	"threatdetect/model"
)

// kindLinear is XGBoost's name of boosters without trees.
const kindLinear = "gblinear"

// linear is a gblinear booster: a weight for each column and group, and a bias for each group.
type linear struct {
	numFeature, numGroup int
	weights              []float32 // column by column, the biases last; nil stands for zeros
}

func newLinear(b *model.Booster) (*linear, error) {
	if b.NumFeature < 1 || b.NumFeature > math.MaxInt32 {
		return nil, fmt.Errorf("%w: a model of %d columns", model.ErrFormat, b.NumFeature)
	}
	l := &linear{numFeature: b.NumFeature, numGroup: b.NumGroup()}
	if len(b.Linear) == 0 {
		return l, nil // never trained
	}
	if want := int64(b.NumFeature+1) * int64(l.numGroup); int64(len(b.Linear)) != want {
		return nil, fmt.Errorf("%w: %d weights instead of %d", model.ErrFormat, len(b.Linear), want)
	}
	l.weights = append(l.weights, b.Linear...)
	return l, nil
}

// weight is that of a column, or the bias if column is numFeature.
func (l *linear) weight(column, group int) float32 {
	if l.weights == nil {
		return 0
	}
	return l.weights[column*l.numGroup+group]
}

// margins adds, for each of some rows, to base the bias, and the products of all columns that are not missing in their order. base holds
// the base margins for all rows, or for each.
func (l *linear) margins(dst, base, rows []float32) {
	for ; len(rows) > 0; dst, rows = dst[l.numGroup:], rows[l.numFeature:] {
		for g := range l.numGroup {
			sum := l.weight(l.numFeature, g) + base[g]
			for column, x := range rows[:l.numFeature] {
				if x == x {
					sum += float32(x * l.weight(column, g))
				}
			}
			dst[g] = sum
		}
		if len(base) > l.numGroup {
			base = base[l.numGroup:]
		}
	}
}

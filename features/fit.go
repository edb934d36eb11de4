package features

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"time"
)

// Fit makes the contract of a set from training flows: vocabularies and, for seed-compat/1, means and scales. It ranges
// over flows up to three times, which must give the same flows each time; a [*RecordError] among them is passed over,
// any other error ends the fit. Give it the flows that train and no others: what it learns of a test set leaks.
//
// Means and variances are plain sums in the order of the flows, as scikit-learn's StandardScaler defines them (the
// population's variance; a column without any gets the scale 1), and values that are missing count in neither. Where a
// sum goes over float64 the contract makes rows as the arithmetic says, but has no JSON form.
func Fit(set *Set, flows iter.Seq2[*Flow, error], created time.Time) (*Contract, error) {
	if !set.NeedsFit {
		return NewContract(set, created)
	}
	c := newContract(set, created)
	fit := fitter{}
	for i := range fit.vocabulary {
		fit.vocabulary[i] = make(map[string]bool)
	}
	if err := fit.pass(set, flows, fit.first); err != nil {
		return nil, err
	}
	for i, field := range seedCategories {
		c.Encoders = append(c.Encoders, Encoder{Field: field, Vocabulary: slices.AppendSeq([]string{}, maps.Keys(fit.vocabulary[i])),
			Normalise: []string{"trim"}, Unknown: "zeros", Missing: "nan", MinFrequency: 1})
		slices.Sort(c.Encoders[i].Vocabulary)
	}
	if set.Name == "seed-compat/1" {
		for i := range fit.mean {
			fit.mean[i] = fit.sum[i] / float64(max(fit.n[i], 1))
		}
		if err := fit.pass(set, flows, fit.second); err != nil {
			return nil, err
		}
		for i, name := range UNSWColumns {
			scale := math.Sqrt(fit.squares[i] / float64(max(fit.n[i], 1)))
			if scale == 0 {
				scale = 1
			}
			c.Scaler = append(c.Scaler, Scale{name, Float17(fit.mean[i]), Float17(scale)})
		}
	}
	recipe, err := newSeed(c, len(c.Scaler) > 0)
	if err != nil {
		return nil, err
	}
	c.setColumns(&Schema{Set: set.Name, Columns: recipe.columns()})
	return c, nil
}

// maxVocabulary bounds the values of one categorical field: a field with more of them is no category, and every
// value is a column.
const maxVocabulary = 4096

type fitter struct {
	vocabulary         [len(seedCategories)]map[string]bool
	n                  [len(UNSWColumns)]int64
	sum, mean, squares [len(UNSWColumns)]float64
}

func (fit *fitter) pass(set *Set, flows iter.Seq2[*Flow, error], step func(*UNSW) error) error {
	for f, err := range flows {
		if record := (*RecordError)(nil); errors.As(err, &record) {
			continue
		}
		if err != nil {
			return err
		}
		if f.UNSW == nil {
			return fmt.Errorf("%w: set %s needs UNSW-NB15 records", ErrContract, set.Name)
		}
		if err := step(f.UNSW); err != nil {
			return err
		}
	}
	return nil
}

// first collects the vocabularies and the sums.
func (fit *fitter) first(u *UNSW) error {
	for i, field := range seedCategories {
		value := u.category(i)
		if value == "" || fit.vocabulary[i][value] {
			continue
		}
		if len(fit.vocabulary[i]) == maxVocabulary {
			return fmt.Errorf("features: column %q has more than %d different values", field, maxVocabulary)
		}
		fit.vocabulary[i][value] = true
	}
	for i, v := range u.Values {
		if v == v {
			fit.n[i]++
			fit.sum[i] += v
		}
	}
	return nil
}

// second sums the squares of the deviations.
func (fit *fitter) second(u *UNSW) error {
	for i, v := range u.Values {
		if v == v {
			d := v - fit.mean[i]
			fit.squares[i] += float64(d * d)
		}
	}
	return nil
}

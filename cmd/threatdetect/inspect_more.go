package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"

	"threatdetect/model"
)

// printTree writes one tree in the form that dump has.
func (a *app) printTree(dump func(int) (string, error), name string, tree int) error {
	text, err := dump(tree)
	if err != nil {
		return &exitError{code: exitUsage, what: "dump tree", where: name, err: err}
	}
	_, err = io.WriteString(a.stdout, text)
	return err
}

const mostImportances = 20 // lines for people

// printMore writes the warnings and the importances, greatest gain first.
func printMore(w io.Writer, b *model.Booster) error {
	for _, warning := range append(b.Warnings(), suspicions(b)...) {
		if _, err := fmt.Fprintf(w, "warning     %s\n", oneLine(warning)); err != nil {
			return err
		}
	}
	list := b.Importances()
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(x, y model.Importance) int { return cmp.Compare(y.TotalGain, x.TotalGain) })
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nweight\tgain\tcover\ttotal gain\ttotal cover\t  feature")
	for i := range list[:min(len(list), mostImportances)] {
		f := &list[i]
		name := "f" + strconv.Itoa(f.Feature)
		if b.FeatureNames != nil {
			name = oneLine(b.FeatureNames[f.Feature])
		}
		fmt.Fprintf(t, "%d\t%v\t%v\t%v\t%v\t  %s\n", f.Weight, f.Gain(), f.Cover(), f.TotalGain, f.TotalCover, name)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if more := len(list) - mostImportances; more > 0 {
		_, err := fmt.Fprintf(w, "and %d more features\n", more)
		return err
	}
	return nil
}

// suspicions are what makes people's numbers differ although the model is sound.
func suspicions(b *model.Booster) []string {
	var out []string
	if !b.KnowsObjective() {
		out = append(out, fmt.Sprintf("unknown objective %q: nothing here predicts with this model", b.Objective))
	}
	if b.FeatureNames == nil {
		out = append(out, "no feature names: columns are told by their place alone")
	}
	if zeroMissing(b) {
		out = append(out, "training seems to have met missing values and no zeros, as with LIBSVM data: dense rows may need --missing zero")
	}
	return out
}

// zeroMissing guesses that zeros were missing in training. Missing values were there if the default directions of the splits go both ways, as
// they all are the same without any. With zeros among the values some threshold would be at, or next to, or below 0; but a split at or just
// below 0 that sends only missing values to the left tells them from all others, and nothing about zeros.
func zeroMissing(b *model.Booster) bool {
	const next = 1e-5 // what XGBoost puts below the smallest value of a column
	left, right := false, false
	for i := range b.Trees {
		t := &b.Trees[i]
		if len(t.CategoryNodes) > 0 {
			return false
		}
		for n := range t.Left {
			if f := t.Feature[n]; t.IsLeaf(int32(n)) || f < 0 || int(f) >= b.NumFeature {
				continue
			}
			tellsMissing := t.DefaultLeft[n] && t.Value[n] <= 0 && t.Value[n] >= -2*next
			if t.Value[n] <= next && !tellsMissing {
				return false
			}
			if t.DefaultLeft[n] {
				left = true
			} else {
				right = true
			}
		}
	}
	return left && right
}

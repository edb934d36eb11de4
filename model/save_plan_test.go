package model

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// stump is a model of one split of feature 0 with these leaves.
func stump(objective string, version Version, left, right float32) *Booster {
	return &Booster{
		Version: version, Kind: "gbtree", Objective: objective, NumFeature: 1, NumTarget: 1, BaseScore: []float32{0.5},
		Attributes: map[string]string{}, TreeGroup: []int32{0}, NumParallelTree: 1, IterationStart: []int32{0, 1},
		Trees: []Tree{{
			Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1}, Feature: []int32{0, 0, 0}, Value: []float32{0, left, right},
			DefaultLeft: make([]bool, 3),
		}},
	}
}

// TestSavePlan asks for what releases cannot give alike: the plan has fewer releases, or a note, or there is none and the error says why.
func TestSavePlan(t *testing.T) {
	const clamp = "margins below -88 are possible"
	both := []Version{{1, 7}, {3, 4}}
	categorical := func(version Version, defaultLeft bool) *Booster {
		b := stump("reg:squarederror", version, 1, 2)
		b.Trees[0].CategoryNodes, b.Trees[0].CategoryStart, b.Trees[0].CategoryCodes = []int32{0}, []int32{0, 1}, []int32{3}
		b.Trees[0].DefaultLeft[0] = defaultLeft
		return b
	}
	twoBases := stump("multi:softprob", Version{3, 2}, 1, 2)
	twoBases.NumClass, twoBases.BaseScore = 2, []float32{0, 1}
	apart := stumpWithBase(Version{1, 0}, 0)
	apart.Trees[0].Left[0], apart.Trees[0].Right[0] = 2, 1
	quantiles := stump("reg:quantileerror", Version{3, 0}, 1, 2)
	quantiles.NumTarget, quantiles.Params = 2, map[string]string{"quantile_alpha": "[0.1,0.9]"}

	for _, c := range []struct {
		name     string
		b        *Booster
		opts     SaveOptions
		releases []Version // first and last; nil: refused
		says     string    // a part of the only note or of the refusal; empty: no note
	}{
		{"nothing to say", stumpWithBase(Version{0, 90}, 0), SaveOptions{}, both, ""},
		{"new logistic", stump("binary:logistic", Version{1, 6}, -1, 1), SaveOptions{}, both, ""},
		{"old logistic", stump("binary:logistic", Version{1, 5}, -1, 1), SaveOptions{}, both, clampNote},
		{"old logistic for old", stump("reg:logistic", Version{1, 3}, -1, 1), SaveOptions{Target: Version{1, 5}, Format: FormatJSON}, []Version{{1, 5}, {1, 5}}, ""},
		{"new logistic for old", stump("reg:logistic", Version{2, 0}, -1, 1), SaveOptions{Target: Version{1, 4}, Format: FormatJSON}, []Version{{1, 4}, {1, 4}}, clampNote},
		{"old logistic far down", stump("binary:logistic", Version{1, 5}, -100, 1), SaveOptions{}, nil, clamp},
		{"the same for old", stump("binary:logistic", Version{1, 5}, -100, 1), SaveOptions{Target: Version{1, 5}, Format: FormatJSON}, []Version{{1, 5}, {1, 5}}, ""},
		{"the same by force", stump("binary:logistic", Version{1, 5}, -100, 1), SaveOptions{AllowOtherBits: true}, both, clamp},
		{"new logistic far down for old", stump("binary:logistic", Version{1, 6}, -100, 1), SaveOptions{Target: Version{1, 5}, Format: FormatJSON}, nil, clamp},
		{"base scores of classes", twoBases, SaveOptions{}, []Version{{3, 1}, {3, 4}}, "base scores of each output"},
		{"base scores of classes for 1.7", twoBases, SaveOptions{Target: Version{1, 7}}, nil, "base scores of each output"},
		{"unknown categories, 1.6", categorical(Version{1, 6}, false), SaveOptions{}, nil, "unknown categories"},
		{"unknown categories, 1.6 for itself", categorical(Version{1, 6}, false), SaveOptions{Target: Version{1, 6}}, []Version{{1, 6}, {1, 6}}, ""},
		{"unknown categories, 2.0", categorical(Version{2, 0}, false), SaveOptions{}, both, ""},
		{"categories that 1.3 takes for numbers", categorical(Version{1, 3}, true), SaveOptions{}, nil, "take the categories of a split for numbers"},
		{"children apart", apart, SaveOptions{}, nil, "does not follow the left one"},
		{"quantiles of 3.0", quantiles, SaveOptions{}, []Version{{2, 0}, {3, 3}}, "quantileerror"},
		{"UBJSON for 1.5", stump("reg:squarederror", Version{1, 5}, 1, 2), SaveOptions{Target: Version{1, 5}}, nil, "UBJSON for XGBoost 1.5"},
		{"a release before JSON", stump("reg:squarederror", Version{1, 5}, 1, 2), SaveOptions{Target: Version{0, 90}, Format: FormatJSON}, nil, "XGBoost 0.90"},
		{"a release to come", stump("reg:squarederror", Version{1, 5}, 1, 2), SaveOptions{Target: Version{9, 0}}, nil, "XGBoost 9.0"},
		{"base margin after the leaves", stumpWithBase(Version{1, 2}, 0.25), SaveOptions{}, nil, "added after the leaves"},
		{"that as a tree", stumpWithBase(Version{1, 2}, 0.25), SaveOptions{BaseAsTree: true}, both, "a boosting round of its own"},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := PlanSave(c.b, &c.opts)
			if c.releases == nil {
				require.ErrorIs(t, err, ErrUnsupported)
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.releases, []Version{plan.First, plan.Last})
			if c.says == "" {
				require.Empty(t, plan.Notes)
				return
			}
			require.NotEmpty(t, plan.Notes)
			require.Contains(t, plan.Notes[len(plan.Notes)-1]+plan.Notes[0], c.says)
		})
	}
}

func stumpWithBase(version Version, base float32) *Booster {
	b := stump("reg:squarederror", version, 1, 2)
	b.BaseScore[0] = base
	return b
}

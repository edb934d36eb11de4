package model

import (
	"fmt"
	"slices"
)

// newest is the newest release whose files have been looked at.
var newest = Version{3, 4, 0}

// Warnings lists what is odd about a booster that passes [Booster.Validate] and yet is defined, one short text for each kind: a writer newer
// than any release that is known here, thresholds that are NaN, a last round that is not complete. It returns nil for usual models.
func (b *Booster) Warnings() []string {
	var out []string
	if !b.Version.Before(newest[0], newest[1]+1) {
		out = append(out, fmt.Sprintf("written by XGBoost %d.%d, newer than the newest known release %d.%d",
			b.Version[0], b.Version[1], newest[0], newest[1]))
	}
	thresholds := 0
	for i := range b.Trees {
		t := &b.Trees[i]
		for n, v := range t.Value {
			if v != v && !t.IsLeaf(int32(n)) {
				if _, categorical := slices.BinarySearch(t.CategoryNodes, int32(n)); !categorical {
					thresholds++
				}
			}
		}
	}
	if thresholds > 0 {
		out = append(out, fmt.Sprintf("%d thresholds are NaN: every value that is not missing goes right there", thresholds))
	}
	round := b.NumGroup() * b.NumParallelTree
	if len(b.Trees) > 0 && b.Trees[0].LeafSize > 1 {
		round = b.NumParallelTree // each tree adds to all outputs
	}
	if round > 0 && len(b.Trees)%round != 0 {
		out = append(out, fmt.Sprintf("%d trees do not make whole rounds of %d", len(b.Trees), round))
	}
	return out
}

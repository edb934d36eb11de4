package kernel

import (
	"math/bits"
	"slices"
)

// minShared is from how many thresholds in a tile on a rank that tiles share costs less than comparisons.
const minShared = 12

// shareRanks makes the tables of the rank columns of several tiles. A column that more than one tile ranks gets its ranks among the thresholds
// of all of them, once for a block, and a tile has a table of what they are among its own.
func (p *Plan) shareRanks(pause func()) {
	missesTable := func(r ranked) bool { return r.buckets == nil && r.tree == nil } // it was to be shared
	if len(p.tiles) < 2 && !slices.ContainsFunc(p.tiles, func(t tile) bool { return slices.ContainsFunc(t.ranked, missesTable) }) {
		return
	}
	byColumn := map[int][]float32{} // thresholds in all tiles
	tiles := map[int]int{}          // how many tiles rank a column
	for i := range p.tiles {
		last := -1
		for _, r := range p.tiles[i].ranked {
			pause()
			byColumn[r.slot] = union(byColumn[r.slot], r.thresholds)
			if r.slot != last {
				tiles[r.slot]++
				last = r.slot
			}
		}
	}
	places := map[int][]int{} // in p.shared, by column
	slots := make([]int, 0, len(tiles))
	for slot, n := range tiles {
		if n > 1 && p.kind.amd64() {
			slots = append(slots, slot)
		}
	}
	slices.Sort(slots)
	for _, slot := range slots {
		pause()
		places[slot] = p.shareColumn(slot, byColumn[slot])
	}
	for i := range p.tiles {
		t := &p.tiles[i]
		var ranked []ranked
		for _, r := range t.ranked {
			pause()
			switch {
			case places[r.slot] != nil:
				ranked = p.mapRanks(ranked, r, places[r.slot])
				continue
			case missesTable(r):
				own, ok := newRanked(p.kind, r.thresholds)
				if !ok {
					t.compare(&r)
					continue
				}
				own.slot, own.plane, own.missing, own.thresholds = r.slot, r.plane, r.missing, r.thresholds
				r = own
			}
			ranked = append(ranked, r)
		}
		t.ranked = ranked
	}
}

// dropThresholds forgets what only building needs.
func (p *Plan) dropThresholds() {
	for i := range p.shared {
		p.shared[i].thresholds = nil
	}
	for i := range p.tiles {
		t := &p.tiles[i]
		t.conds, t.splits = nil, nil
		for j := range t.ranked {
			r := &t.ranked[j]
			if r.tree != nil && r.buckets == nil {
				r.thresholds = slices.Clone(r.thresholds)
			} else {
				r.thresholds = nil
			}
		}
	}
}

// compare makes the planes of r by comparisons. These come after all ranks, and so do the missing values of the column then.
func (t *tile) compare(r *ranked) {
	t.direct = append(t.direct, direct{slot: r.slot, plane: r.plane, thresholds: slices.Clone(r.thresholds)})
	for i := range t.missing {
		if t.missing[i].slot == r.slot {
			t.missing[i].follows = false
		}
	}
}

// union returns what is in one of two ascending lists or in both, ascending.
func union(x, y []float32) []float32 {
	all := make([]float32, 0, len(x)+len(y))
	for len(x) > 0 && len(y) > 0 {
		least := min(x[0], y[0])
		all = append(all, least)
		if x[0] == least {
			x = x[1:]
		}
		if y[0] == least {
			y = y[1:]
		}
	}
	return append(append(all, x...), y...)
}

// shareColumn makes the ranks of a column among some thresholds, ascending and distinct, and returns their places in p.shared, or nil if that is no gain.
func (p *Plan) shareColumn(slot int, thresholds []float32) (places []int) {
	before := len(p.shared)
	for chunk := range slices.Chunk(thresholds, maxRanked) {
		r, ok := newRanked(p.kind, chunk)
		if !ok || r.buckets == nil {
			p.shared = p.shared[:before]
			return nil
		}
		r.slot, r.thresholds = slot, chunk
		places = append(places, len(p.shared))
		p.shared = append(p.shared, r)
	}
	return places
}

// mapRanks appends to a tile's rank columns what r is by shared ones: one or more, as its thresholds may belong to several of these.
func (p *Plan) mapRanks(to []ranked, r ranked, places []int) []ranked {
	rest := r.thresholds
	for _, place := range places {
		all := p.shared[place].thresholds
		n := len(rest)
		if last := all[len(all)-1]; n > 0 && rest[n-1] > last {
			n, _ = slices.BinarySearch(rest, last)
			if n < len(rest) && rest[n] == last {
				n++
			}
		}
		if n == 0 {
			continue
		}
		one := ranked{slot: r.slot, plane: r.plane + len(r.thresholds) - len(rest), n: n, bits: bits.Len(uint(n)), missing: -1, from: place}
		// A rank is up to len(all), or the last one of the tree, for what is not below +Inf.
		one.table = make([]byte, max((len(all)+16)/16*16, len(p.shared[place].tree)))
		below := 0
		for rank := range all {
			one.table[rank] = byte(below)
			if below < n && rest[below] == all[rank] {
				below++
			}
		}
		for rank := len(all); rank < len(one.table); rank++ {
			one.table[rank] = byte(below)
		}
		to = append(to, one)
		rest = rest[n:]
	}
	to[len(to)-1].missing = r.missing
	return to
}

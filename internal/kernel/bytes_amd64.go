//go:build !purego

package kernel

// smallVectors is the assembly for small blocks.
type smallVectors struct {
	vectors      // its transposition and ranks
	walking  int // the rows that walk
	count    func(ranks *byte, column, thresholds *float32, n uintptr)
	sides    func(bytes, ranks *byte, column *float32)
	rowRanks func(to *byte, stride uintptr, bytes *byte, n uintptr)
	tables   [MaxDepth + 1]func(bytes, program, leaves *byte, sums *float32, n uintptr, work *byte)
	values   [MaxDepth + 1]walkedTrees
	wide     [MaxDepth + 1]walkedTrees
}

// walkedTrees adds n trees that rows walk through below their upper levels; ranks and stride are of rowRanks.
type walkedTrees func(bytes, program *byte, leaves, sums *float32, n uintptr, ranks *byte, stride uintptr, work *byte)

var small64 = smallVectors{
	vectors:  vectors{rows: SmallRows, transpose: transpose64, rankLinear: rankLinear64, rankLog: rankLog64},
	walking:  SmallRows,
	count:    count64,
	sides:    sides64,
	rowRanks: rowRanks64,
	tables: [MaxDepth + 1]func(bytes, program, leaves *byte, sums *float32, n uintptr, work *byte){
		1: trees1x64, 2: trees2x64, 3: trees3x64, 4: trees4x64, 5: trees5x64, 6: trees6x64,
	},
	values: [MaxDepth + 1]walkedTrees{7: trees7x64, 8: trees8x64},
	wide:   [MaxDepth + 1]walkedTrees{7: wideTrees7x64, 8: wideTrees8x64},
}

var small32 = smallVectors{
	vectors:  vectors{rows: SmallestRows, transpose: transpose32, rankLinear: rankLinear32, rankLog: rankLog32},
	walking:  SmallestRows,
	count:    count32,
	sides:    sides32,
	rowRanks: rowRanks32,
	tables: [MaxDepth + 1]func(bytes, program, leaves *byte, sums *float32, n uintptr, work *byte){
		1: trees1x32, 2: trees2x32, 3: trees3x32, 4: trees4x32, 5: trees5x32, 6: trees6x32,
	},
	values: [MaxDepth + 1]walkedTrees{7: trees7x32, 8: trees8x32},
	wide:   [MaxDepth + 1]walkedTrees{7: wideTrees7x32, 8: wideTrees8x32},
}

// small16 is small32 for so few rows that the others need not walk.
var small16 = func() smallVectors {
	v := small32
	v.walking = FewRows
	v.values = [MaxDepth + 1]walkedTrees{7: trees7x16, 8: trees8x16}
	v.wide = [MaxDepth + 1]walkedTrees{7: wideTrees7x16, 8: wideTrees8x16}
	return v
}()

// sumSmall adds all trees for a small block, whose columns are given.
func (p *Plan) sumSmall(v *smallVectors, column func(slot int) *float32, s *Scratch) {
	for i := range p.small {
		c := &p.small[i]
		values := column(c.slot)
		if c.ranked != nil {
			v.rank(c.ranked, values, &s.ranks[0], s)
		} else {
			v.count(&s.ranks[0], values, &c.thresholds[0], uintptr(len(c.thresholds)))
		}
		v.sides(&s.bytes[i*sideBytes], &s.ranks[0], values)
	}
	if p.walks {
		for first := 0; first < len(p.small); first += maxRowRanks {
			v.rowRanks(&s.rowRanks[first*rowBytes], p.rowStride(), &s.bytes[first*sideBytes], uintptr(min(maxRowRanks, len(p.small)-first)))
		}
	}
	for i := range p.tiles {
		t := &p.tiles[i]
		for j := range t.runs {
			p.addSmallRun(v, t, &t.runs[j], s)
		}
	}
}

// rowStride is the bytes of all ranks of eight rows.
func (p *Plan) rowStride() uintptr { return uintptr(len(p.small) * rowBytes) }

// addSmallRun adds the trees of a run to the sums of a small block, not too many in a call.
func (p *Plan) addSmallRun(v *smallVectors, t *tile, r *run, s *Scratch) {
	sums := &s.sums[r.group*v.rows]
	for first, most := 0, p.smallCalls(r); first < r.trees; first += most {
		n := min(most, r.trees-first)
		program := &t.small[r.small+first*smallBytes(r.depth, p.wide)]
		if v.tables[r.depth] != nil {
			v.tables[r.depth](&s.bytes[0], program, &t.tables[r.tables+first*tableBytes(r.depth)], sums, uintptr(n), &s.work[0])
			continue
		}
		trees := v.values[r.depth]
		if p.wide {
			trees = v.wide[r.depth]
		}
		trees(&s.bytes[0], program, &t.values[r.values+first<<r.depth], sums, uintptr(n), &s.rowRanks[0], p.rowStride(), &s.work[0])
	}
}

// smallCalls is how many trees of a run one call adds to a small block. Where rows walk, what they ask for is in lines of its own if there are many columns, and else in few.
func (p *Plan) smallCalls(r *run) int {
	switch most := r.calls(); {
	case r.depth <= upperLevels:
		return most
	case p.wide:
		return (most + 1) / 2
	default:
		return 3 * most
	}
}

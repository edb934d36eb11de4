package kernel

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// Cond is a condition of the tile that is being built. The zero Cond is one whose answer does not matter.
type Cond uint16

// Builder makes a [Plan] tree by tree: first the conditions of a tree, then the tree. Before a tree, whoever builds checks that there
// is [Builder.Room], and begins another tile if not.
type Builder struct {
	Pause func() // called for every tile, and for columns in between, if it is not nil

	plan       Plan
	thresholds []Threshold // by number

	// Of the current tile:
	planes  int // upper bound, plane 0 included
	conds   []condition
	made    []madeOf // of those that are made of others
	asked   []asked  // by threshold
	missed  Table    // of columns
	missing []Cond   // of these: that a column is missing
	trees   []pending
	program []Cond
	values  []float32

	used  map[int32]bool // columns, in all tiles
	seen  []bool         // thresholds, in all tiles
	small bool           // there is a small plan, as no condition so far is made of others
	share bool           // ranks with other tiles: their tables are made at the end
}

// condition is what becomes of a Cond.
type condition struct {
	plane int32 // once the tile is complete
	made  int32 // its place in Builder.made, plus 1; 0 if it is a threshold's, or that a column is missing
}

// madeOf is how a condition is made of others.
type madeOf struct {
	op      derivedOp
	sources []Cond
	missing Cond
	left    bool
}

// Threshold is what conditions compare a column with.
type Threshold struct {
	Column int32
	Value  float32
}

func (t Threshold) compare(u Threshold) int {
	return cmp.Or(cmp.Compare(t.Column, u.Column), cmp.Compare(t.Value, u.Value))
}

// normal returns the one threshold that stands for all that give the same answers: nothing is below a NaN, and the zeros are equal.
func (t Threshold) normal() Threshold {
	switch {
	case t.Value != t.Value:
		t.Value = float32(math.Inf(-1))
	case t.Value == 0:
		t.Value = 0 // of either sign
	}
	return t
}

// asked is the conditions that compare with a threshold, by where a missing value goes; 0 if there is none.
type asked struct{ right, left Cond }

// threshold is one that some condition of a tile compares with.
type threshold struct {
	Threshold
	asked
}

// pending is a tree of the current tile.
type pending struct {
	group, depth    int
	program, values int
}

// NewBuilder returns a builder of plans for rows of numFeature values and numGroup sums. thresholds are all that conditions will compare with, and some
// more if need be. The builder keeps them, and numbers them in ascending order of columns and values, the different ones: as they are given, if
// they are given so.
func NewBuilder(kind Kind, numFeature, numGroup int, thresholds []Threshold) *Builder {
	ascending := true
	for i := range thresholds {
		thresholds[i] = thresholds[i].normal()
		ascending = ascending && (i == 0 || thresholds[i-1].compare(thresholds[i]) < 0)
	}
	if !ascending {
		slices.SortFunc(thresholds, Threshold.compare)
		thresholds = slices.Compact(thresholds)
	}
	b := &Builder{plan: Plan{kind: kind, numFeature: numFeature, numGroup: numGroup}, thresholds: thresholds,
		asked: make([]asked, len(thresholds)), seen: make([]bool, len(thresholds)), used: map[int32]bool{}, small: kind.amd64()}
	b.begin()
	return b
}

func (b *Builder) begin() {
	b.planes = 1
	b.conds, b.made = append(b.conds[:0], condition{}), b.made[:0]
	clear(b.asked)
	b.missed.Clear()
	b.missing = b.missing[:0]
	b.trees, b.program, b.values = b.trees[:0], b.program[:0], b.values[:0]
}

// Room is the number of planes that the current tile has left. A call of Less takes 2 at most, Set 2 more than it has
// edges, And and Not 1.
func (b *Builder) Room() int { return MaxPlanes - b.planes }

// Number returns the number of a threshold, which has to be one of those that the builder was made with.
func (b *Builder) Number(column int32, value float32) int {
	t := Threshold{column, value}.normal()
	i, found := slices.BinarySearchFunc(b.thresholds, t, Threshold.compare)
	if !found {
		panic("kernel: a threshold that the builder was not made with")
	}
	return i
}

// Less is the condition that a column is below one of the thresholds, by its number, or missing if missingLeft. Against a NaN nothing is below.
func (b *Builder) Less(threshold int, missingLeft bool) Cond {
	t := &b.asked[threshold]
	c := &t.right
	if missingLeft {
		if c = &t.left; *c == 0 {
			b.miss(b.thresholds[threshold].Column)
		}
	}
	if *c == 0 {
		*c = b.cond()
	}
	return *c
}

// Set is the condition that goes another way from each edge on, which are ascending; from the last one on it goes left if
// lastLeft. A missing value goes left if missingLeft.
func (b *Builder) Set(column int32, edges []float32, lastLeft, missingLeft bool) Cond {
	c := madeOf{op: opXor, missing: b.miss(column), left: missingLeft}
	if lastLeft {
		c.op = opXnor
	}
	b.used[column] = true
	for _, e := range edges {
		c.sources = append(c.sources, b.Less(b.Number(column, e), false))
	}
	return b.combine(c)
}

// And is the condition that x holds, and y if yHolds, else not y.
func (b *Builder) And(x, y Cond, yHolds bool) Cond {
	op := opAnd
	if !yHolds {
		op = opAndNot
	}
	return b.combine(madeOf{op: op, sources: []Cond{x, y}})
}

// Not is the condition that x does not hold.
func (b *Builder) Not(x Cond) Cond {
	return b.combine(madeOf{op: opXnor, sources: []Cond{x}})
}

// miss returns the condition that a column is missing.
func (b *Builder) miss(column int32) Cond {
	i, found := b.missed.Find(uint64(column))
	if !found {
		b.missing = append(b.missing, b.cond())
	}
	return b.missing[i]
}

func (b *Builder) cond() Cond {
	b.planes++
	b.conds = append(b.conds, condition{})
	return Cond(len(b.conds) - 1)
}

func (b *Builder) combine(of madeOf) Cond {
	b.made = append(b.made, of)
	c := b.cond()
	b.conds[c].made = int32(len(b.made))
	return c
}

// PostOrder is the place of a node among those of a perfect tree in post-order: of the one at a height, i from the left. Before it come its own
// sub-trees, those of the nodes to the left of it, and the nodes that have nothing but those below them.
func PostOrder(height, i int) int { return (i+1)<<height - 2 - bits.OnesCount(uint(i)) }

// Tree adds a tree of the given depth, at least 1, to a group. conds has 1<<depth - 1 conditions in post-order: those of the left
// sub-tree, those of the right one, the root's. leaves has 1<<depth values by code, in which bit h-1 is set if the node at height h
// sends a row left. Trees of one group add in the order of the calls. The slices are not kept.
func (b *Builder) Tree(group, depth int, conds []Cond, leaves []float32) {
	b.trees = append(b.trees, pending{group, depth, len(b.program), len(b.values)})
	b.program = append(b.program, conds...)
	b.values = append(b.values, leaves...)
}

// Grow makes room for trees with so many leaves in all, padded, so that they are added faster.
func (b *Builder) Grow(leaves int) {
	leaves = min(leaves, 1<<16) // more are in several tiles
	b.program, b.values = slices.Grow(b.program, leaves), slices.Grow(b.values, leaves)
	b.conds = slices.Grow(b.conds, min(leaves, MaxPlanes))
}

// EndTile completes the current tile and begins another one.
func (b *Builder) EndTile() { b.endTile(true) }

// endTile completes a tile, which is one of several or not.
func (b *Builder) endTile(several bool) {
	b.share = several && b.plan.kind.amd64()
	if len(b.trees) == 0 {
		b.begin()
		return
	}
	b.pause()
	t := tile{planes: 1}
	b.placeThresholds(&t)
	b.small = b.small && len(b.made) == 0
	for i := range b.conds {
		c := &b.conds[i]
		if c.made == 0 {
			continue
		}
		of := &b.made[c.made-1]
		c.plane = int32(t.plane(1))
		d := derived{op: of.op, plane: int(c.plane), left: of.left, missing: b.reference(of.missing)}
		for _, s := range of.sources {
			d.sources = append(d.sources, b.reference(s))
		}
		t.derived = append(t.derived, d)
	}
	b.placeTrees(&t)
	if b.small {
		b.addSplits(&t)
	}
	b.plan.maxPlanes = max(b.plan.maxPlanes, t.planes)
	b.plan.tiles = append(b.plan.tiles, t)
	b.begin()
}

func (b *Builder) pause() {
	if b.Pause != nil {
		b.Pause()
	}
}

// plane reserves n planes and returns the first.
func (t *tile) plane(n int) int {
	p := t.planes
	t.planes += n
	return p
}

func (b *Builder) reference(c Cond) uint16 { return reference(int(b.conds[c].plane)) }

// placeThresholds gives planes to all thresholds. Slots are numbers of columns still.
func (b *Builder) placeThresholds(t *tile) {
	all := b.sorted()
	order := b.missed.Order(b.pause)
	missed := make(map[int32]*missing, len(order))
	t.missing = make([]missing, len(order))
	for i, number := range order {
		column := int32(b.missed.Keys[number])
		t.missing[i] = missing{slot: int(column)}
		missed[column] = &t.missing[i]
	}
	values, columns := make([]float32, len(all)), 0 // of all, in one piece
	for i := range all {
		values[i] = all[i].Value
		columns += b2i(i == 0 || all[i].Column != all[i-1].Column)
	}
	t.ranked = make([]ranked, 0, columns+len(all)/maxRanked)
	var single []threshold
	for len(all) > 0 {
		column, n, lefts := all[0].Column, 0, 0
		for n < len(all) && all[n].Column == column {
			lefts += b2i(all[n].left != 0)
			n++
		}
		of, rest := all[:n], values
		all, values = all[n:], values[n:]
		b.used[column] = true
		if lefts > 0 {
			missed[column].pairs = make([]uint16, 0, 2*lefts)
		}
		// Infinite thresholds, at the ends, have no place in a table.
		begin, end := 0, n
		if math.IsInf(float64(of[0].Value), -1) {
			begin = 1
		}
		if begin < n && math.IsInf(float64(of[n-1].Value), 1) {
			end = n - 1
		}
		single = append(single[:0], of[:begin]...)
		rest = rest[begin:]
		for chunk := range slices.Chunk(of[begin:end], maxRanked) {
			if !b.placeRanked(t, chunk, rest[:len(chunk):len(chunk)], missed[column]) {
				single = append(single, chunk...)
			}
			rest = rest[len(chunk):]
		}
		single = append(single, of[end:]...)
		b.placeDirect(t, single)
	}
	// A plane of missing rows is made if something needs it.
	needed := map[Cond]bool{}
	for i := range b.made {
		needed[b.made[i].missing] = true
	}
	kept := t.missing[:0]
	for i, m := range t.missing {
		c := b.missing[order[i]]
		if len(m.pairs) == 0 && !needed[c] {
			continue
		}
		m.plane = t.plane(1)
		b.conds[c].plane = int32(m.plane)
		// The planes of a column are in the nearest cache when its last ranks are done.
		for j := len(t.ranked) - 1; j >= 0; j-- {
			if t.ranked[j].slot == m.slot {
				t.ranked[j].missing = len(kept)
				m.follows = true
				break
			}
		}
		kept = append(kept, m)
	}
	t.missing = kept
}

// sorted returns the thresholds of the tile by column and value.
func (b *Builder) sorted() []threshold {
	sorted := make([]threshold, 0, len(b.conds))
	for i, a := range b.asked {
		if a != (asked{}) {
			b.seen[i] = true
			sorted = append(sorted, threshold{b.thresholds[i], a})
		}
	}
	return sorted
}

// placeRanked makes a rank column of thresholds of one column, whose values it keeps, if that is worth it.
func (b *Builder) placeRanked(t *tile, of []threshold, values []float32, m *missing) bool {
	r, ok := ranked{n: len(values), bits: bits.Len(uint(len(values)))}, len(values) >= minShared
	if !b.share {
		r, ok = newRanked(b.plan.kind, values)
	}
	if !ok {
		return false
	}
	r.thresholds = values
	r.slot, r.plane, r.missing = int(of[0].Column), t.plane(len(of)), -1
	t.ranked = append(t.ranked, r)
	for i, x := range of {
		plane := r.plane + i
		if x.right != 0 {
			b.conds[x.right].plane = int32(plane)
		}
		if x.left != 0 {
			left := plane
			if x.right != 0 {
				left = t.plane(1)
			}
			b.conds[x.left].plane = int32(left)
			m.pairs = append(m.pairs, reference(plane), reference(left))
		}
	}
	return true
}

// placeDirect compares with each of some thresholds of one column.
func (b *Builder) placeDirect(t *tile, of []threshold) {
	for _, missingLeft := range []bool{false, true} {
		var d direct
		n := 0
		for _, x := range of {
			n += b2i(missingLeft && x.left != 0 || !missingLeft && x.right != 0)
		}
		if n == 0 {
			continue
		}
		d.thresholds = make([]float32, 0, n)
		for _, x := range of {
			c := x.right
			if missingLeft {
				c = x.left
			}
			if c == 0 {
				continue
			}
			b.conds[c].plane = int32(t.plane(1))
			d.thresholds = append(d.thresholds, x.Value)
		}
		d.slot, d.missingLeft = int(of[0].Column), missingLeft
		d.plane = t.planes - n
		t.direct = append(t.direct, d)
	}
}

// placeTrees orders the trees by group and makes their programs.
func (b *Builder) placeTrees(t *tile) {
	slices.SortStableFunc(b.trees, func(x, y pending) int { return cmp.Compare(x.group, y.group) })
	references := make([]uint16, len(b.conds))
	for c := range references {
		references[c] = b.reference(Cond(c))
	}
	values, tables := 0, 0
	for _, tree := range b.trees {
		if b.plan.kind.tables(tree.depth) {
			tables += tableBytes(tree.depth)
		}
		if b.plan.kind.numbers(tree.depth) {
			values += 1 << tree.depth
		}
	}
	t.values, t.tables = make([]float32, 0, values), make([]byte, 0, tables)
	t.program = make([]uint16, len(b.program)+1<<MaxDepth) // assembly looks at the program of the next tree
	if b.small {
		t.conds = make([]Cond, 0, len(b.program))
	}
	program := 0
	for i, tree := range b.trees {
		if i == 0 || tree.group != b.trees[i-1].group || tree.depth != b.trees[i-1].depth {
			t.runs = append(t.runs, run{depth: tree.depth, group: tree.group,
				program: program, values: len(t.values), tables: len(t.tables)})
		}
		t.runs[len(t.runs)-1].trees++
		conds := b.program[tree.program:][:1<<tree.depth-1]
		to := t.program[program:][:len(conds)]
		for j, c := range conds {
			to[j] = references[c]
		}
		program += len(conds)
		if b.small {
			t.conds = append(t.conds, conds...)
		}
		values := b.values[tree.values:][:1<<tree.depth]
		if b.plan.kind.tables(tree.depth) {
			t.tables = appendTables(t.tables, values)
		}
		if b.plan.kind.numbers(tree.depth) {
			t.values = append(t.values, values...)
		}
	}
}

// Plan completes the plan. The builder is of no use afterwards.
func (b *Builder) Plan() *Plan {
	b.endTile(len(b.plan.tiles) > 0)
	p := &b.plan
	answers := p.answers()
	slot, windowed := b.placeColumns(answers)
	for i := range p.tiles {
		t := &p.tiles[i]
		for j := range t.direct {
			t.direct[j].slot = slot[int32(t.direct[j].slot)]
		}
		for j := range t.ranked {
			t.ranked[j].slot = slot[int32(t.ranked[j].slot)]
		}
		for j := range t.missing {
			t.missing[j].slot = slot[int32(t.missing[j].slot)]
		}
	}
	p.shareRanks(b.pause)
	b.pause()
	p.placeWindows(windowed, answers)
	if b.small {
		b.placeSmall(slot)
	}
	b.pause()
	p.dropThresholds()
	p.countBytes()
	return p
}

// placeColumns chooses the groups of four columns that are read, first those that are read where there are windows. It returns the slot of each used column, and
// the columns that windows are for.
func (b *Builder) placeColumns(answers map[int32][]answer) (slot map[int32]int, windowed []int32) {
	p := &b.plan
	var whole, single []int32
	for c := range b.used {
		if answers[c] != nil {
			single = append(single, c)
		} else {
			whole = append(whole, c)
		}
	}
	slices.Sort(whole)
	slices.Sort(single)
	slot = make(map[int32]int, len(b.used))
	b.placeLoads(whole, slot)
	for _, c := range single { // what is read beside others
		i, _ := slices.BinarySearch(p.loads, uint32(c)+1)
		if i > 0 && uint32(c) < p.loads[i-1]+4 {
			slot[c] = 4*(i-1) + int(c) - int(p.loads[i-1])
		} else {
			windowed = append(windowed, c)
		}
	}
	p.whole = len(p.loads)
	b.placeLoads(windowed, slot)
	for _, s := range slot {
		p.slots = append(p.slots, uint32(s))
	}
	slices.Sort(p.slots)
	return slot, windowed
}

// placeLoads adds the groups of four columns that have some columns, which are ascending.
func (b *Builder) placeLoads(columns []int32, slot map[int32]int) {
	p := &b.plan
	last := int32(max(p.numFeature, 4) - 4) // no group begins beyond
	end := int32(-1)
	for _, c := range columns {
		if c >= end {
			p.loads = append(p.loads, uint32(min(c, last)))
			end = min(c, last) + 4
		}
		slot[c] = 4*(len(p.loads)-1) + int(c) - int(p.loads[len(p.loads)-1])
	}
}

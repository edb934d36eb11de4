package heapwalk

import "unsafe"

// PackTrees is the number of trees in a pack that assembly walks; it leaves smaller ones to Go.
const PackTrees = 10

// Node is a split of a heap, or a key of a row. The upper half of a split is a threshold, the lower half the slot of the key that is
// compared with it. The upper half of a key is a value in the order of the thresholds, and the lower half is all ones; see [Wide]
// and [Narrow]. A row goes right at a split if its key is greater.
type Node interface{ uint32 | uint64 }

// Wide makes a split of a threshold and a slot below 1<<32 - 1.
func Wide(threshold, slot uint32) uint64 { return uint64(threshold)<<32 | uint64(slot) }

// WideKey makes a key of a value.
func WideKey(value uint32) uint64 { return uint64(value)<<32 | (1<<32 - 1) }

// Narrow makes a split of a threshold and a slot below 1<<16 - 1.
func Narrow(threshold, slot uint16) uint32 { return uint32(threshold)<<16 | uint32(slot) }

// NarrowKey makes a key of a value.
func NarrowKey(value uint16) uint32 { return uint32(value)<<16 | (1<<16 - 1) }

// Packs is a run of packs: some trees each, all of them perfect and of one depth, in one heap. The root of tree k is at index
// Trees+k, and the children of the split at index j at 2j (left) and 2j+1 (right). After Depth steps an index is that of a leaf, plus
// Trees<<Depth.
//
// Every slot in Nodes has to be below the number of keys of a row: no kernel checks it.
type Packs[N Node] struct {
	Nodes  []N       // Trees<<Depth for each pack, of which the first Trees mean nothing
	Leaves []float32 // Trees<<Depth for each pack: those of the first tree from left to right, then those of the next
	Trees  int
	Depth  int
	Far    bool // the nearest cache does not hold them from one row to the next; makes no difference but to the time
}

// Size is the number of leaves, and of places for nodes, of one pack.
func (p *Packs[N]) Size() int { return p.Trees << p.Depth }

// Count is the number of packs.
func (p *Packs[N]) Count() int { return len(p.Nodes) / p.Size() }

// SumRow adds the leaves that a row ends in to sum, one after the other in the order of the trees.
func SumRow[N Node](sum float32, p *Packs[N], keys []N) float32 {
	if Assembly && p.Trees == PackTrees {
		return sumRowAssembly(sum, p, keys)
	}
	return sumRowGeneric(sum, p, keys)
}

const (
	// farRows is up to how many rows are walked one after the other through packs that are far: more make better use of a pack that is near.
	farRows = 3

	// lowLevels is how many levels the generator has sumRowFar walk through at the end.
	lowLevels = 3
)

// far tells whether sumRowFar takes the packs.
func (p *Packs[N]) far() bool { return hasFar && p.Far && p.Depth > lowLevels }

// SumRows is SumRow for len(sums) rows: keys holds as many for each.
func SumRows[N Node](sums []float32, p *Packs[N], keys []N) {
	if Assembly && p.Trees == PackTrees && len(sums) > 1 && !(len(sums) <= farRows && p.far()) {
		sumRowsAssembly(sums, p, keys)
		return
	}
	stride := len(keys) / max(len(sums), 1)
	for r := range sums {
		sums[r] = SumRow(sums[r], p, keys[r*stride:][:stride])
	}
}

// Find writes, for every tree of every pack, the place in the pack's leaves that a row ends in.
func Find[N Node](places []uint32, p *Packs[N], keys []N) {
	if Assembly && p.Trees == PackTrees {
		findAssembly(places, p, keys)
		return
	}
	findGeneric(places, p, keys)
}

func sumRowGeneric[N Node](sum float32, p *Packs[N], keys []N) float32 {
	size := p.Size()
	for nodes, leaves := p.Nodes, p.Leaves; len(nodes) > 0; nodes, leaves = nodes[size:], leaves[size:] {
		if p.Trees == PackTrees {
			sum = sum10(sum, nodes[:size], leaves[:size], keys, p.Depth)
			continue
		}
		var places [PackTrees]int
		descendAll(&places, nodes[:size], keys, p.Trees, p.Depth)
		of := leaves[:size]
		for _, j := range places[:p.Trees] {
			sum += of[j-size]
		}
	}
	return sum
}

func findGeneric[N Node](places []uint32, p *Packs[N], keys []N) {
	size := p.Size()
	for nodes := p.Nodes; len(nodes) > 0; nodes, places = nodes[size:], places[p.Trees:] {
		var j [PackTrees]int
		descendAll(&j, nodes[:size], keys, p.Trees, p.Depth)
		for k := range places[:p.Trees] {
			places[k] = uint32(j[k] - size)
		}
	}
}

// descendAll walks from all roots of a pack to leaves.
func descendAll[N Node](places *[PackTrees]int, nodes, keys []N, trees, depth int) {
	if trees == PackTrees {
		descend10(places, nodes, keys, depth)
		return
	}
	k := 0
	for ; k+4 <= trees; k += 4 {
		descend4((*[4]int)(places[k:]), nodes, keys, trees+k, depth)
	}
	for ; k < trees; k++ {
		j := trees + k
		for range depth {
			j = step(j, nodes, keys)
		}
		places[k] = j
	}
}

// step goes from a split to a child.
func step[N Node](j int, nodes, keys []N) int {
	split := nodes[j]
	slot := uint32(split)
	if unsafe.Sizeof(split) == 4 { // known when this is compiled
		slot = uint32(uint16(split))
	}
	right := 0 // the compiler makes a number of the comparison, without a branch, which would be mispredicted at every other split
	if split < keys[slot] {
		right = 1
	}
	return 2*j + right
}

// descend4 walks from the roots at j to j+3.
func descend4[N Node](places *[4]int, nodes, keys []N, j, depth int) {
	j0, j1, j2, j3 := j, j+1, j+2, j+3
	for range depth {
		j0 = step(j0, nodes, keys)
		j1 = step(j1, nodes, keys)
		j2 = step(j2, nodes, keys)
		j3 = step(j3, nodes, keys)
	}
	*places = [4]int{j0, j1, j2, j3}
}

// sum10 adds the leaves of a full pack. Not all of the indices fit in registers; it is faster than fewer at a time all the same.
func sum10[N Node](sum float32, nodes []N, leaves []float32, keys []N, depth int) float32 {
	j0, j1, j2, j3, j4, j5, j6, j7, j8, j9 := 10, 11, 12, 13, 14, 15, 16, 17, 18, 19
	for range depth {
		j0 = step(j0, nodes, keys)
		j1 = step(j1, nodes, keys)
		j2 = step(j2, nodes, keys)
		j3 = step(j3, nodes, keys)
		j4 = step(j4, nodes, keys)
		j5 = step(j5, nodes, keys)
		j6 = step(j6, nodes, keys)
		j7 = step(j7, nodes, keys)
		j8 = step(j8, nodes, keys)
		j9 = step(j9, nodes, keys)
	}
	size := len(leaves)
	sum += leaves[j0-size]
	sum += leaves[j1-size]
	sum += leaves[j2-size]
	sum += leaves[j3-size]
	sum += leaves[j4-size]
	sum += leaves[j5-size]
	sum += leaves[j6-size]
	sum += leaves[j7-size]
	sum += leaves[j8-size]
	sum += leaves[j9-size]
	return sum
}

// descend10 is sum10 without the leaves.
func descend10[N Node](places *[PackTrees]int, nodes, keys []N, depth int) {
	j0, j1, j2, j3, j4, j5, j6, j7, j8, j9 := 10, 11, 12, 13, 14, 15, 16, 17, 18, 19
	for range depth {
		j0 = step(j0, nodes, keys)
		j1 = step(j1, nodes, keys)
		j2 = step(j2, nodes, keys)
		j3 = step(j3, nodes, keys)
		j4 = step(j4, nodes, keys)
		j5 = step(j5, nodes, keys)
		j6 = step(j6, nodes, keys)
		j7 = step(j7, nodes, keys)
		j8 = step(j8, nodes, keys)
		j9 = step(j9, nodes, keys)
	}
	*places = [PackTrees]int{j0, j1, j2, j3, j4, j5, j6, j7, j8, j9}
}

package heapwalk

import (
	"math/bits"
	"unsafe"
)

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
}

// Size is the number of leaves, and of places for nodes, of one pack.
func (p *Packs[N]) Size() int { return p.Trees << p.Depth }

// Count is the number of packs.
func (p *Packs[N]) Count() int { return len(p.Nodes) / p.Size() }

// maxSteps is the most steps that one call of assembly takes: 20 microseconds if all comes from the nearest cache, less than 50 if
// it does not. A goroutine cannot be stopped in assembly, and a garbage collection has to wait for it.
const maxSteps = 1 << 15

// SumRow adds the leaves that a row ends in to sum, one after the other in the order of the trees.
func SumRow[N Node](sum float32, p *Packs[N], keys []N) float32 {
	if hasAssembly && p.Trees == PackTrees {
		return sumRowAssembly(sum, p, keys)
	}
	return sumRowGeneric(sum, p, keys)
}

// SumRows is SumRow for len(sums) rows: keys holds as many for each.
func SumRows[N Node](sums []float32, p *Packs[N], keys []N) {
	if hasAssembly && p.Trees == PackTrees && len(sums) > 1 {
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
	if hasAssembly && p.Trees == PackTrees {
		findAssembly(places, p, keys)
		return
	}
	findGeneric(places, p, keys)
}

func sumRowGeneric[N Node](sum float32, p *Packs[N], keys []N) float32 {
	size := p.Size()
	for nodes, leaves := p.Nodes, p.Leaves; len(nodes) > 0; nodes, leaves = nodes[size:], leaves[size:] {
		pack, at := nodes[:size], leaves[:size]
		k := 0
		for ; k+5 <= p.Trees; k += 5 {
			j := descend5(pack, keys, p.Trees+k, p.Depth)
			sum += at[j[0]-size]
			sum += at[j[1]-size]
			sum += at[j[2]-size]
			sum += at[j[3]-size]
			sum += at[j[4]-size]
		}
		for ; k+2 <= p.Trees; k += 2 {
			a, b := descend2(pack, keys, p.Trees+k, p.Depth)
			sum += at[a-size]
			sum += at[b-size]
		}
		if k < p.Trees {
			sum += at[descend(pack, keys, p.Trees+k, p.Depth)-size]
		}
	}
	return sum
}

func findGeneric[N Node](places []uint32, p *Packs[N], keys []N) {
	size := p.Size()
	for nodes := p.Nodes; len(nodes) > 0; nodes, places = nodes[size:], places[p.Trees:] {
		pack, to := nodes[:size], places[:p.Trees]
		k := 0
		for ; k+5 <= len(to); k += 5 {
			for i, j := range descend5(pack, keys, p.Trees+k, p.Depth) {
				to[k+i] = uint32(j - size)
			}
		}
		for ; k < len(to); k++ {
			to[k] = uint32(descend(pack, keys, p.Trees+k, p.Depth) - size)
		}
	}
}

// step is the way at a split, as a number: 0 left, 1 right. It is the borrow of a difference, because a comparison becomes a branch in
// Go, which is mispredicted at every other split.
func step[N Node](node N, keys []N) int {
	slot := node & (^N(0) >> (4 * unsafe.Sizeof(node)))
	_, right := bits.Sub64(uint64(node), uint64(keys[slot]), 0)
	return int(right)
}

// descend walks from the root at index j to a leaf.
func descend[N Node](nodes, keys []N, j, depth int) int {
	for range depth {
		j = 2*j + step(nodes[j], keys)
	}
	return j
}

// descend2 walks from the roots at j and j+1.
func descend2[N Node](nodes, keys []N, j, depth int) (int, int) {
	j0, j1 := j, j+1
	for range depth {
		j0 = 2*j0 + step(nodes[j0], keys)
		j1 = 2*j1 + step(nodes[j1], keys)
	}
	return j0, j1
}

// descend5 walks from the roots at j to j+4.
func descend5[N Node](nodes, keys []N, j, depth int) [5]int {
	j0, j1, j2, j3, j4 := j, j+1, j+2, j+3, j+4
	for range depth {
		j0 = 2*j0 + step(nodes[j0], keys)
		j1 = 2*j1 + step(nodes[j1], keys)
		j2 = 2*j2 + step(nodes[j2], keys)
		j3 = 2*j3 + step(nodes[j3], keys)
		j4 = 2*j4 + step(nodes[j4], keys)
	}
	return [5]int{j0, j1, j2, j3, j4}
}

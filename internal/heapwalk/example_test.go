package heapwalk_test

import (
	"fmt"
	"math"

	"threatdetect/internal/heapwalk"
)

// Two trees of one split each, both on the first column: below 5, and below 2, where a missing value goes right.
func Example() {
	threshold := func(x float32) uint32 { return heapwalk.Order(math.Float32bits(x)) }
	const left, right = 0, 1 // the slots of the column, by where missing values go
	p := heapwalk.Packs[uint64]{
		Trees: 2, Depth: 1,
		Nodes:  []uint64{0, 0, heapwalk.Wide(threshold(5), left), heapwalk.Wide(threshold(2), right)},
		Leaves: []float32{1, 2, 10, 20},
	}
	keys := make([]uint64, 2*heapwalk.Quad)
	for _, x := range []float32{1, 2, 7, float32(math.NaN())} {
		heapwalk.Expand(keys, []float32{x, 0, 0, 0}, []uint32{0})
		fmt.Println(x, heapwalk.SumRow(0, &p, keys))
	}
	// Output:
	// 1 11
	// 2 21
	// 7 22
	// NaN 21
}

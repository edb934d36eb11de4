package kernel_test

import (
	"fmt"

	"threatdetect/internal/kernel"
)

func Example() {
	b := kernel.NewBuilder(kernel.Generic, 2, 1, []kernel.Threshold{{Column: 0, Value: 10}, {Column: 1, Value: 0}})
	small := b.Less(0, false)             // column 0 below 10
	unknown := b.Less(1, true)            // column 1 below 0, or missing
	other := b.And(small, unknown, false) // small, and not unknown
	// The root asks for small; its left child for unknown, its right one for nothing.
	b.Tree(0, 2, []kernel.Cond{unknown, 0, small}, []float32{1, 1, 2, 3})
	b.Tree(0, 1, []kernel.Cond{other}, []float32{0, 100})
	p := b.Plan()

	rows := []float32{
		50, 0, // not small
		5, 7, // small, known
		5, -1, // small, below 0
	}
	sums := make([]float32, 3)
	m := kernel.Matrix{Data: rows, RowStride: 2, ColumnStride: 1}
	p.Margins(sums, []float32{0.5}, m, 3, false, p.NewScratch())
	fmt.Println(sums)
	// Output: [1.5 102.5 3.5]
}

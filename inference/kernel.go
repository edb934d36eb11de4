package inference

import (
	"fmt"

	"threatdetect/internal/forest"
	"threatdetect/internal/kernel"
	"threatdetect/model"
)

// Kernel is a way to score rows with trees. All give the same bits; they differ in speed.
type Kernel uint8

const (
	KernelAuto    = Kernel(forest.Auto)    // by the shape of the model and the number of rows
	KernelWalk    = Kernel(forest.Walk)    // node by node: the reference that defines the others
	KernelHeap    = Kernel(forest.Heap)    // one row after the other, through padded trees
	KernelGeneric = Kernel(forest.Generic) // blocks of 64 rows, in Go
	KernelAVX2    = Kernel(forest.AVX2)    // blocks of 256 rows, on amd64 with AVX2
)

// check returns an error if k cannot run here. A model that blocks cannot do is scored by the heap walker whatever k is.
func (k Kernel) check() error {
	switch k {
	case KernelAuto, KernelWalk, KernelHeap, KernelGeneric:
		return nil
	case KernelAVX2:
		if !kernel.AVX2.Available() {
			return fmt.Errorf("inference: %w", &model.UnsupportedError{What: "kernel avx2 on this machine or in this build"})
		}
		return nil
	}
	return fmt.Errorf("inference: unknown kernel %d", k)
}

package inference

import (
	"fmt"

	"threatdetect/internal/forest"
	"threatdetect/model"
)

// Kernel is a way to score rows with trees. All give the same bits; they differ in speed.
type Kernel uint8

const (
	KernelAuto    = Kernel(forest.Auto)    // by the shape of the model and the number of rows
	KernelWalk    = Kernel(forest.Walk)    // node by node: the reference that defines the others
	KernelHeap    = Kernel(forest.Heap)    // one row after the other, through padded trees
	KernelGeneric = Kernel(forest.Generic) // blocks of 64 rows, in Go
	KernelAVX2    = Kernel(forest.AVX2)    // blocks of 256 rows, or less for the rest, on amd64 with AVX2
	KernelAVX512  = Kernel(forest.AVX512)  // blocks of 512 rows, or less for the rest, on amd64 with AVX-512 F, BW and VBMI
	KernelNEON    = Kernel(forest.NEON)    // blocks of 128 rows, on arm64
)

// check returns an error if k cannot run here. A model that blocks cannot do is scored by the heap walker whatever k is.
func (k Kernel) check() error {
	switch k {
	case KernelAuto, KernelWalk, KernelHeap:
		return nil
	}
	kind, ok := forest.Kernel(k).Kind()
	if !ok {
		return fmt.Errorf("inference: unknown kernel %d", k)
	}
	if !kind.Available() {
		return fmt.Errorf("inference: %w", &model.UnsupportedError{What: fmt.Sprintf("kernel %v on this machine or in this build", kind)})
	}
	return nil
}

package main

import (
	"fmt"

	"threatdetect/inference"
	"threatdetect/internal/forest"
	"threatdetect/model"
)

// forced are the kernels that batches are scored with, beside the one that is chosen for them.
var forced []inference.Kernel

// available are the kernels of this machine and this build.
func available() []inference.Kernel {
	all := []inference.Kernel{inference.KernelWalk, inference.KernelHeap}
	for k := inference.KernelGeneric; ; k++ {
		kind, ok := forest.Kernel(k).Kind()
		if !ok {
			return all
		}
		if kind.Available() {
			all = append(all, k)
		}
	}
}

// askKernels scores rows with each of forced, which must give what is given.
func askKernels(b *model.Booster, opts *inference.Options, rows, given []float32) error {
	for _, k := range forced {
		with := *opts
		with.Kernel = k
		p, err := inference.New(b, &with)
		if err != nil {
			return err
		}
		got := make([]float32, len(given))
		if err := p.PredictBatch(got, rows); err != nil {
			return err
		}
		for i, x := range got {
			if !same(x, given[i]) {
				return fmt.Errorf("number %d is %v with kernel %d, else %v", i, x, k, given[i])
			}
		}
	}
	return nil
}

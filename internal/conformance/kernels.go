package main

import (
	"errors"
	"fmt"

	"threatdetect/inference"
	"threatdetect/model"
)

// forced are the kernels that batches are scored with, beside the one that is chosen for them.
var forced []inference.Kernel

// everyKernel are all that there are, on any machine.
var everyKernel = []inference.Kernel{inference.KernelWalk, inference.KernelHeap, inference.KernelGeneric, inference.KernelAVX2, inference.KernelAVX512, inference.KernelNEON}

// askKernels scores rows with each of forced that this machine has, which must give what is given.
func askKernels(b *model.Booster, opts *inference.Options, rows, given []float32) error {
	for _, k := range forced {
		with := *opts
		with.Kernel = k
		p, err := inference.New(b, &with)
		if errors.Is(err, model.ErrUnsupported) { // by this machine or build, as the model is not refused
			continue
		}
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

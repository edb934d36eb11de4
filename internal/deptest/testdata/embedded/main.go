// A program that scores rows and does nothing else: how much of the module does it carry?
package main

import (
	"fmt"
	"os"

	"threatdetect/inference"
)

func main() {
	p, err := inference.Open(os.Args[1], nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	values := make([]float32, p.NumOutput())
	if err := p.Predict(values, make([]float32, p.NumFeature())); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(values)
}

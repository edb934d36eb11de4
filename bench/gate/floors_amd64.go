//go:build amd64 && !purego

package main

import "threatdetect/inference"

var gates = []gate{
	{"heap, one row", inference.KernelHeap, 1},
	{"Go blocks", inference.KernelGeneric, 1024},
	{"AVX2 blocks", inference.KernelAVX2, 1024},
}

// Floors are less than half of what an AMD EPYC of 2021 with other work on it measured.
var shapes = []shape{
	{100, 5, 1, map[string]float64{"heap, one row": 7, "Go blocks": 4, "AVX2 blocks": 30}},
	{500, 6, 1, map[string]float64{"heap, one row": 7, "Go blocks": 12, "AVX2 blocks": 55}},
	{300, 8, 1, map[string]float64{"heap, one row": 6, "Go blocks": 8, "AVX2 blocks": 35}},
	{500, 6, 5, map[string]float64{"heap, one row": 6, "Go blocks": 12, "AVX2 blocks": 55}},
}

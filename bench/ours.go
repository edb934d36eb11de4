package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"

	"threatdetect/inference"
	"threatdetect/model"
)

// serveOurs is the worker of our engine: a single row by Predict, more by PredictBatch, one goroutine.
func serveOurs(modelPath, rowsPath string, kernel inference.Kernel) error {
	p, err := inference.Open(modelPath, &inference.Options{Output: inference.Margin, Workers: 1, Kernel: kernel})
	if err != nil {
		return err
	}
	rows, err := readFloats(rowsPath)
	if err != nil {
		return err
	}
	width, n := p.NumFeature(), len(rows)/p.NumFeature()
	out := make([]float32, n*p.NumOutput())
	return answer(os.Stdin, os.Stdout, ourKernels(p), n, func(begin, count int) []float32 {
		dst, part := out[:count*p.NumOutput()], rows[begin*width:][:count*width]
		var err error
		if count == 1 {
			err = p.Predict(dst, part)
		} else {
			err = p.PredictBatch(dst, part)
		}
		if err != nil {
			panic(err)
		}
		return dst
	})
}

// servePacked is serveOurs for rows whose one-hot columns are packed before.
func servePacked(modelPath, rowsPath string) error {
	p, err := inference.Open(modelPath, &inference.Options{Output: inference.Margin, Workers: 1})
	if err != nil {
		return err
	}
	rows, err := readFloats(rowsPath)
	if err != nil {
		return err
	}
	width, n := p.NumFeature(), len(rows)/p.NumFeature()
	packing, err := p.NewPacking(twoValued(rows, width), 0, 1)
	if err != nil {
		return err
	}
	dense, bits := make([]float32, n*packing.NumDense()), make([]byte, n*packing.NumBytes())
	if err := packing.Pack(dense, bits, rows); err != nil {
		return err
	}
	rows = nil
	out := make([]float32, n*p.NumOutput())
	return answer(os.Stdin, os.Stdout, ourKernels(p), n, func(begin, count int) []float32 {
		dst := out[:count*p.NumOutput()]
		err := p.PredictPacked(dst, inference.Packed{
			Packing: packing,
			Dense:   dense[begin*packing.NumDense():][:count*packing.NumDense()],
			Bits:    bits[begin*packing.NumBytes():][:count*packing.NumBytes()],
		})
		if err != nil {
			panic(err)
		}
		return dst
	})
}

// twoValued returns the columns that are 0 or 1 in all rows.
func twoValued(rows []float32, width int) (columns []int) {
	for c := range width {
		only := true
		for i := c; i < len(rows) && only; i += width {
			only = rows[i] == 0 || rows[i] == 1
		}
		if only {
			columns = append(columns, c)
		}
	}
	return columns
}

// ourKernels says what scores single rows and small batches, and what large ones.
func ourKernels(p *inference.Predictor) string {
	s := p.Stats()
	if s.Kernel == "" {
		return s.Engine
	}
	return fmt.Sprintf("%s; %s from %d rows on", s.Engine, s.Kernel, s.BlockRows)
}

// ownFigures are what only our engine is asked for.
type ownFigures struct {
	Engine          string
	Bytes           int64
	LoadNS          float64         // processor time of reading the UBJSON file into a booster, checks included
	CompileNS       float64         // processor time of making a predictor of it
	CompileOverLoad float64         // median of the ratio in each round
	Allocs          map[int]float64 // allocations per call once warm, by batch size
	two
}

// measureOurs prints the figures of one model as JSON. It must not be pinned to a core.
func measureOurs(out io.Writer, modelPath, rowsPath string, rounds int) error {
	file, err := os.ReadFile(modelPath)
	if err != nil {
		return err
	}
	rows, err := readFloats(rowsPath)
	if err != nil {
		return err
	}
	var f ownFigures
	var loads, compiles, ratios []float64
	var p *inference.Predictor
	opts := &inference.Options{Output: inference.Margin, Workers: 1}
	for range 2*rounds + 1 {
		began := processTime()
		b, err := model.Load(bytes.NewReader(file), nil)
		if err != nil {
			return err
		}
		loaded := processTime()
		if p, err = inference.New(b, opts); err != nil {
			return err
		}
		done := processTime()
		loads = append(loads, float64(loaded-began))
		compiles = append(compiles, float64(done-loaded))
		ratios = append(ratios, float64(done-loaded)/float64(loaded-began))
	}
	f.Engine, f.Bytes = ourKernels(p), p.Stats().Bytes
	f.LoadNS, f.CompileNS, f.CompileOverLoad = median(loads), median(compiles), median(ratios)

	n := len(rows) / p.NumFeature()
	dst := make([]float32, n*p.NumOutput())
	f.Allocs = map[int]float64{}
	for _, batch := range []int{1, 16, 256, 1000, 4096} {
		f.Allocs[batch] = testing.AllocsPerRun(20, func() {
			dst, rows := dst[:batch*p.NumOutput()], rows[:batch*p.NumFeature()]
			if batch == 1 {
				err = p.Predict(dst, rows)
			} else {
				err = p.PredictBatch(dst, rows)
			}
			if err != nil {
				panic(err)
			}
		})
	}

	opts.Workers = 2
	both, err := inference.Open(modelPath, opts)
	if err != nil {
		return err
	}
	if f.two, err = measureTwo(p, both, dst, rows, rounds); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(f)
}

// median returns the middle of x, which it sorts, or 0 if there is none.
func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	slices.Sort(x)
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}

// own runs measureOurs in a process of its own.
func (r *run) own(m *modelFiles) (*ownFigures, error) {
	out, err := command(r.self, "own", m.file("model.ubj"), m.rows, fmt.Sprint(r.rounds)).Output()
	if err != nil {
		return nil, fmt.Errorf("our figures of %s: %w", m.Name, err)
	}
	f := &ownFigures{}
	return f, json.Unmarshal(out, f)
}

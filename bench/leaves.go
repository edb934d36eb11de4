package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"math"
	"os"

	"github.com/dmitryikh/leaves"

	"threatdetect/model"
)

// serveLeaves is the worker of the Go library leaves, reads only XGBoost's binary form of releases up to 0.90, so the model is
// written in it; with thresholds one step lower, since leaves sends rows left that are equal to the threshold, and XGBoost does not.
func serveLeaves(modelPath, rowsPath string) error {
	b, err := model.Open(modelPath, nil)
	if err != nil {
		return err
	}
	rows, err := readFloats(rowsPath)
	if err != nil {
		return err
	}
	predict, n, err := leavesPredictor(b, rows)
	if err != nil {
		return err
	}
	return answer(os.Stdin, os.Stdout, "", n, predict)
}

// leavesPredictor returns what leaves makes of a booster, and the number of rows.
func leavesPredictor(b *model.Booster, rows []float32) (predict predictor, n int, err error) {
	e, err := leaves.XGEnsembleFromReader(bufio.NewReader(bytes.NewReader(legacyForm(b))), false)
	if err != nil {
		return nil, 0, err
	}
	wide := make([]float64, len(rows))
	for i, x := range rows {
		wide[i] = float64(x)
	}
	n, groups := len(rows)/b.NumFeature, b.NumGroup()
	wideOut, out := make([]float64, n*groups), make([]float32, n*groups)
	return func(begin, count int) []float32 {
		part, dst := wide[begin*b.NumFeature:][:count*b.NumFeature], wideOut[:count*groups]
		var err error
		switch {
		case count == 1 && groups == 1:
			dst[0] = e.PredictSingle(part, 0)
		case count == 1:
			err = e.Predict(part, 0, dst)
		default:
			err = e.PredictDense(part, count, b.NumFeature, dst, 0, 1)
		}
		if err != nil {
			panic(err)
		}
		for i, x := range dst {
			out[i] = float32(x)
		}
		return out[:len(dst)]
	}, n, nil
}

// legacyForm returns b as XGBoost 0.90 wrote models, for leaves. Its base score is a margin.
func legacyForm(b *model.Booster) []byte {
	var out bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			if err := binary.Write(&out, binary.LittleEndian, v); err != nil {
				panic(err) // of a type that has no fixed size
			}
		}
	}
	base := b.BaseScore[0]
	if b.Objective == "binary:logistic" && !b.BaseIsMargin {
		base = float32(-math.Log(1/float64(base) - 1))
	}
	put(base, uint32(b.NumFeature), int32(b.NumClass), [31]int32{})
	for _, name := range []string{b.Objective, "gbtree"} {
		put(uint64(len(name)), []byte(name))
	}
	put(int32(len(b.Trees)), int32(1), int32(b.NumFeature), int32(0), int64(0), int32(b.NumGroup()), int32(0), [32]int32{})
	for i := range b.Trees {
		t := &b.Trees[i]
		n := len(t.Left)
		put(int32(1), int32(n), int32(t.NumDeleted), int32(0), int32(b.NumFeature), int32(0), [31]int32{})
		parents := make([]uint32, n)
		parents[0] = math.MaxUint32
		for node, left := range t.Left {
			if left != -1 {
				parents[left], parents[t.Right[node]] = uint32(node)|1<<31, uint32(node)
			}
		}
		for node, left := range t.Left {
			split, right, value := uint32(t.Feature[node]), t.Right[node], t.Value[node]
			if t.DefaultLeft[node] {
				split |= 1 << 31
			}
			if left == -1 {
				right = -1
			} else {
				value = math.Nextafter32(value, float32(math.Inf(-1)))
			}
			put(parents[node], left, right, split, value)
		}
		put(make([]byte, 16*n)) // training statistics
	}
	put(b.TreeGroup)
	return out.Bytes()
}

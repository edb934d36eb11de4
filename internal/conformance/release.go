package main

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"threatdetect/model"
)

// release is the directory of one XGBoost release: its models, and what it predicts with them.
type release struct {
	XGBoost, Python, Numpy, Libc, Machine string
	Seed                                  int64
	Cases                                 []modelCase

	dir     string
	numbers []byte    // of all arrays
	refused []refusal // by the release itself
}

// modelCase is a training, and the files that it was saved to.
type modelCase struct {
	Name, Booster, Objective string
	Models                   []savedModel
}

// savedModel is a file and what is known about it.
type savedModel struct {
	Format, File string
	Checks       []check
}

// check is a question to a model, and the answer.
type check struct {
	Output string
	Rows   array
	Want   array
	Base   *array `json:"base_margin"`
	Rounds *[2]int
	Limit  int // ntree_limit, 0 for none

	Container bool     // with the rounds that SageMaker's container takes
	Best      bool     // with the rounds that early stopping found
	Missing   *float32 // is missing, too
}

// array is a part of numbers.bin: float32, little-endian, row-major.
type array struct {
	Offset int64
	Shape  [2]int
}

// refusal is what a release would not do.
type refusal struct{ Case, What, Message string }

func openRelease(dir string) (*release, error) {
	r := &release{dir: dir}
	if err := readJSON(filepath.Join(dir, "manifest.json"), r); err != nil {
		return nil, err
	}
	if err := readJSON(filepath.Join(dir, "refused.json"), &r.refused); err != nil {
		return nil, err
	}
	var err error
	if r.numbers, err = os.ReadFile(filepath.Join(dir, "numbers.bin")); err != nil {
		return nil, err
	}
	if len(r.Cases) == 0 {
		return nil, fmt.Errorf("%s: no cases", dir)
	}
	return r, nil
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// floats returns the numbers of a. A manifest that points outside is a defect of its maker, and panics.
func (r *release) floats(a array) []float32 {
	x := make([]float32, a.Shape[0]*a.Shape[1])
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(r.numbers[a.Offset+4*int64(i):]))
	}
	return x
}

// version is the release as package model has it.
func (r *release) version() (v model.Version) {
	for i, part := range strings.SplitN(r.XGBoost, ".", len(v)) {
		v[i], _ = strconv.Atoi(part)
	}
	return v
}

// since reports whether the release is major.minor or later.
func (r *release) since(major, minor int) bool {
	return !r.version().Before(major, minor)
}

// compareReleases orders release numbers.
func compareReleases(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		nx, _ := strconv.Atoi(x)
		ny, _ := strconv.Atoi(y)
		return cmp.Compare(nx, ny)
	})
}

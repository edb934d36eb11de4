package testkit

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// Releases are the XGBoost releases that golden files are made with.
var Releases = []string{"0.72.1", "0.90", "1.0.2", "1.3.3", "1.7.6", "2.1.4", "3.0.5", "3.2.0", "3.4.1"}

// Case is a model and what the XGBoost release that wrote it predicts. All slices are row-major.
type Case struct {
	Release string // of XGBoost
	Name    string
	Params  map[string]any // of the training
	Paths   []string       // the same model in every format that the release writes, each gzip-compressed

	NumRow, NumFeature, NumGroup, NumValue, NumTree int

	Rows    []float32 // NumRow x NumFeature; NaN is missing
	Margins []float32 // NumRow x NumGroup
	Values  []float32 // NumRow x NumValue
	Leaves  []float32 // NumRow x NumTree, whole numbers

	// Base holds base margins of the rows, NumRow x NumGroup, and BaseMargins and BaseValues what starts from them; nil in
	// most cases.
	Base, BaseMargins, BaseValues []float32

	Ranges  []Range  // ranges of rounds that were asked for
	Refused [][2]int // ranges that the release refuses

	// What the columns and the bias, of which there are NumFeature+1, add to the margins of the first NumExplained rows.
	NumExplained       int
	Exact, Approximate []float32 // NumExplained x NumGroup x NumFeature+1
	Interactions       []float32 // NumExplained x NumGroup x NumFeature+1 x NumFeature+1
}

// Range is a range of boosting rounds and the margins that it gives, NumRow x NumGroup.
type Range struct {
	Begin, End int
	Margins    []float32
}

// Golden returns the cases of every release in dir, which testdata/golden/make.py has written. Everything that is missing or
// damaged fails t.
func Golden(t testing.TB, dir string) []*Case {
	t.Helper()
	var cases []*Case
	for _, release := range Releases {
		c, err := goldenRelease(filepath.Join(dir, release))
		if err != nil {
			t.Fatalf("golden files of XGBoost %s: %v", release, err)
		}
		cases = append(cases, c...)
	}
	return cases
}

// Fresh returns the cases of whatever releases are in dir.
func Fresh(t testing.TB, dir string) []*Case {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var cases []*Case
	for _, e := range entries {
		c, err := goldenRelease(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatalf("fresh files of XGBoost %s: %v", e.Name(), err)
		}
		cases = append(cases, c...)
	}
	return cases
}

func goldenRelease(dir string) ([]*Case, error) {
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return nil, err
	}
	var manifest struct {
		XGBoost string
		Cases   []struct {
			Name                                             string
			Params                                           map[string]any
			Formats                                          []string
			Rows, Features, Groups, Values, Trees, Explained int
			Base                                             bool
			Ranges, Refused                                  [][2]int
		}
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, err
	}
	if manifest.XGBoost != filepath.Base(dir) || len(manifest.Cases) == 0 {
		return nil, fmt.Errorf("manifest of release %q with %d cases", manifest.XGBoost, len(manifest.Cases))
	}
	var cases []*Case
	for _, m := range manifest.Cases {
		c := &Case{
			Release: manifest.XGBoost, Name: m.Name, Params: m.Params,
			NumRow: m.Rows, NumFeature: m.Features, NumGroup: m.Groups, NumValue: m.Values, NumTree: m.Trees,
			NumExplained: m.Explained,
			Refused:      m.Refused,
		}
		for _, r := range m.Ranges {
			c.Ranges = append(c.Ranges, Range{Begin: r[0], End: r[1]})
		}
		for _, format := range m.Formats {
			path := filepath.Join(dir, fmt.Sprintf("%s.%s.gz", m.Name, format))
			if _, err := os.Stat(path); err != nil {
				return nil, err
			}
			c.Paths = append(c.Paths, path)
		}
		if len(c.Paths) == 0 {
			return nil, fmt.Errorf("case %s has no model", m.Name)
		}
		if err := c.readExpected(filepath.Join(dir, m.Name+".expect.gz"), m.Base); err != nil {
			return nil, err
		}
		if c.NumExplained > 0 {
			if err := c.readExplained(filepath.Join(dir, m.Name+".explain.gz")); err != nil {
				return nil, err
			}
		}
		cases = append(cases, c)
	}
	return cases, nil
}

func (c *Case) readExpected(path string, base bool) error {
	data, err := ReadGzip(path)
	if err != nil {
		return err
	}
	c.Rows, c.Margins = floats(take(&data, c.NumRow*c.NumFeature)), floats(take(&data, c.NumRow*c.NumGroup))
	c.Values = floats(take(&data, c.NumRow*c.NumValue))
	for _, id := range take(&data, c.NumRow*c.NumTree) {
		c.Leaves = append(c.Leaves, float32(int32(id)))
	}
	whole := len(c.Leaves) == c.NumRow*c.NumTree
	if base {
		c.Base, c.BaseMargins, c.BaseValues = floats(take(&data, c.NumRow*c.NumGroup)), floats(take(&data, c.NumRow*c.NumGroup)), floats(take(&data, c.NumRow*c.NumValue))
		whole = len(c.BaseValues) == c.NumRow*c.NumValue
	}
	for i := range c.Ranges {
		c.Ranges[i].Margins = floats(take(&data, c.NumRow*c.NumGroup))
		whole = len(c.Ranges[i].Margins) == c.NumRow*c.NumGroup
	}
	if !whole || len(data) != 0 {
		return fmt.Errorf("%s has another size than the manifest says", path)
	}
	return nil
}

func (c *Case) readExplained(path string) error {
	data, err := ReadGzip(path)
	if err != nil {
		return err
	}
	width := c.NumFeature + 1
	n := c.NumExplained * c.NumGroup * width
	c.Exact, c.Approximate, c.Interactions = floats(take(&data, n)), floats(take(&data, n)), floats(take(&data, n*width))
	interactions := n * width
	if c.Params["booster"] == "gblinear" { // for which XGBoost gives none
		interactions = 0
	}
	if len(c.Approximate) != n || len(c.Interactions) != interactions || len(data) != 0 {
		return fmt.Errorf("%s has another size than the manifest says", path)
	}
	return nil
}

// take cuts up to n little-endian words off data.
func take(data *[]byte, n int) []uint32 {
	words := make([]uint32, min(n, len(*data)/4))
	for i := range words {
		words[i] = binary.LittleEndian.Uint32((*data)[4*i:])
	}
	*data = (*data)[4*len(words):]
	return words
}

func floats(words []uint32) []float32 {
	x := make([]float32, len(words))
	for i, w := range words {
		x[i] = math.Float32frombits(w)
	}
	return x
}

// ReadGzip returns the decompressed content of a file.
func ReadGzip(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	data, err = io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// Root returns the directory of the module's go.mod.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = parent
	}
}

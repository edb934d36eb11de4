package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
)

// TestCompare runs over a release made from golden files: one number is spoilt, and one model is none.
func TestCompare(t *testing.T) {
	golden := filepath.Join(testkit.Root(t), "testdata", "golden")
	var c *testkit.Case
	for _, each := range testkit.Golden(t, golden) {
		if each.Release == "3.2.0" && each.Name == "softprob" {
			c = each
		}
	}
	require.NotNil(t, c)

	dir := filepath.Join(t.TempDir(), c.Release)
	require.NoError(t, os.Mkdir(dir, 0o777))
	var numbers bytes.Buffer
	add := func(x []float32, columns int) array {
		a := array{int64(numbers.Len()), [2]int{len(x) / columns, columns}}
		require.NoError(t, binary.Write(&numbers, binary.LittleEndian, x))
		return a
	}
	rows := add(c.Rows, c.NumFeature)
	spoilt := append([]float32(nil), c.Margins...)
	spoilt[4] = math.Nextafter32(spoilt[4], 100)
	checks := []check{
		{Output: "value", Rows: rows, Want: add(c.Values, c.NumValue)},
		{Output: "margin", Rows: rows, Want: add(spoilt, c.NumGroup)},
		{Output: "leaf", Rows: rows, Want: add(c.Leaves, c.NumTree)},
	}
	text, err := testkit.ReadGzip(c.Paths[0])
	require.NoError(t, err)
	write := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o666))
	}
	write("softprob.json", text)
	write("broken.json", text[:len(text)/2])
	write("numbers.bin", numbers.Bytes())
	manifest, err := json.Marshal(release{XGBoost: c.Release, Cases: []modelCase{{
		Name: "softprob", Booster: "gbtree", Objective: "multi:softprob",
		Models: []savedModel{{"JSON", "softprob.json", checks}, {"JSON", "broken.json", checks[:1]}},
	}}})
	require.NoError(t, err)
	write("manifest.json", manifest)
	write("refused.json", []byte(`[{"case": "vector-x", "what": "save as legacy", "message": "no"}]`))

	r, err := openRelease(dir)
	require.NoError(t, err)
	got := compare(r)
	require.Equal(t, counts{
		models: 2, numbers: len(c.Values) + len(c.Margins) + len(c.Leaves), differing: 1, refused: 1,
	}, got.total())
	require.Len(t, got.findings, 2)
	require.Contains(t, got.findings[0].String(), "softprob.json: margin: 1 of")
	require.Contains(t, got.findings[0].String(), "row 1, number 1")
	require.Contains(t, got.findings[1].String(), "broken.json: refused: ")

	page := markdown([]*report{got}, time.Unix(0, 0).UTC())
	require.Contains(t, page, "| 3.2.0 | JSON | gbtree | 2 | 144, 1 refused | 144, **1 differ** |")
	require.Contains(t, page, "| save as legacy of vector-… | 1 | 3.2.0 |")
	require.NotContains(t, page, dir, "a place on this machine")
}

func TestBound(t *testing.T) {
	q := &check{Output: "contributions", Rows: array{Shape: [2]int{1, 2}}}
	want := []float32{1, -2, 0.5, 0, 0, 0} // two groups
	got := []float32{1, -2.00003, 0.5, 0, 0, 1e-30}
	var c counts
	n, _ := differences(&c, got, want, q, true, 1)
	require.Equal(t, 1, n, "nothing may be away from a sum of 0")
	require.InDelta(t, 3e-5/3.5, c.farthest, 1e-7)
	n, _ = differences(&counts{}, got, want, q, false, 1)
	require.Equal(t, 2, n)
	got[1] = -2.00004
	n, _ = differences(&c, got, want, q, true, 1)
	require.Equal(t, 2, n)
}

func TestCompareReleases(t *testing.T) {
	require.Negative(t, compareReleases("0.72.1", "0.82"))
	require.Negative(t, compareReleases("0.90", "1.0.2"))
	require.Positive(t, compareReleases("3.4.1", "3.4"))
	require.True(t, (&release{XGBoost: "3.3.0"}).since(3, 3))
	require.False(t, (&release{XGBoost: "3.2.0"}).since(3, 3))
}

func TestThousands(t *testing.T) {
	require.Equal(t, "0", thousands(0))
	require.Equal(t, "999", thousands(999))
	require.Equal(t, "1,000", thousands(1000))
	require.Equal(t, "12,345,678", thousands(12345678))
}

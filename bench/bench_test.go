package main

import (
	"bytes"
	"compress/gzip"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/inference"
	"threatdetect/model"
)

// TestAnswer speaks both ends of the protocol.
func TestAnswer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.f32")
	called := map[int]bool{}
	predict := func(begin, count int) []float32 {
		called[count] = true
		out := make([]float32, count)
		for i := range out {
			out[i] = float32(begin + i)
		}
		return out
	}
	var out bytes.Buffer
	err := answer(strings.NewReader("check 2500 "+path+"\ntime 7 0.001\nnonsense\n"), &out, "1.2.3", 2500, predict)
	require.ErrorContains(t, err, "nonsense")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 3)
	require.Equal(t, []string{"ready 1.2.3", "ok"}, lines[:2])
	require.Regexp(t, `^[0-9]+\.[0-9]{3} [0-9]+$`, lines[2])
	require.Equal(t, map[int]bool{1000: true, 500: true, 7: true}, called)
	got, err := readFloats(path)
	require.NoError(t, err)
	require.Len(t, got, 2500)
	require.Equal(t, float32(2499), got[2499])
}

// TestCompare has right outputs, such that are a little off, and such that must not be timed.
func TestCompare(t *testing.T) {
	m := &modelFiles{modelSpec{Outputs: 2}, t.TempDir(), ""}
	margin, value := []float32{1, 2, 3, 4}, []float32{.1, .2, .3, .4}
	require.NoError(t, writeFloats(m.file("margin.f32"), margin))
	require.NoError(t, writeFloats(m.file("value.f32"), value))
	peer, ours, own := &engine{}, &engine{Ours: true}, &engine{Name: "own", Own: true}

	d, err := compare(m, ours, margin[:2])
	require.NoError(t, err)
	require.Equal(t, &difference{Of: "margins", Rows: 1}, d)
	d, err = compare(m, ours, margin)
	require.NoError(t, err)
	require.Equal(t, &difference{Of: "margins", Rows: 2}, d)
	off := []float32{1, math.Nextafter32(2, 3), 3, 4}
	d, err = compare(m, peer, off)
	require.NoError(t, err)
	require.Equal(t, "50 %, ≤ 2.4e-07", d.String())
	_, err = compare(m, ours, off)
	require.ErrorContains(t, err, "our results differ")
	d, err = compare(m, peer, value)
	require.NoError(t, err)
	require.Equal(t, "probabilities", d.Of)
	for _, bad := range [][]float32{{1, 2, 3}, {1, 2, 3, 4, 5, 6}, {0, 0, 0, 0}, {1, 2, 3, float32(math.NaN())}, {1, 2, 3, 4.5}} {
		_, err = compare(m, peer, bad)
		require.Error(t, err, "%v", bad)
	}

	_, err = compare(m, own, []float32{7, 8, 9, 9})
	require.NoError(t, err)
	require.NoError(t, writeFloats(m.file("own.want"), margin))
	_, err = compare(m, own, []float32{7, 8, 9, 9})
	require.ErrorContains(t, err, "its own model")
}

// TestLeaves: the form that leaves reads has the same trees, and the same base score.
func TestLeaves(t *testing.T) {
	for _, name := range []string{"logistic-base-0.1", "logistic-base-0.5", "softprob"} {
		f, err := os.Open("../testdata/golden/1.7.6/" + name + ".ubj.gz")
		require.NoError(t, err)
		defer f.Close()
		plain, err := gzip.NewReader(f)
		require.NoError(t, err)
		b, err := model.Load(plain, nil)
		require.NoError(t, err)
		rows := make([]float32, 200*b.NumFeature)
		for i := range rows {
			rows[i] = float32(i%17)*0.4 - 3
		}
		p, err := inference.New(b, &inference.Options{Output: inference.Margin})
		require.NoError(t, err)
		want := make([]float32, 200*p.NumOutput())
		require.NoError(t, p.PredictBatch(want, rows))
		predict, n, err := leavesPredictor(b, rows)
		require.NoError(t, err)
		require.Equal(t, 200, n)
		for _, count := range []int{1, 10} {
			for at := 0; at < n; at += count {
				require.InDeltaSlice(t, want[at*p.NumOutput():][:count*p.NumOutput()], predict(at, count), 1e-4, "%s, row %d", name, at)
			}
		}
	}
}

// TestPublish writes the page of a made-up run.
func TestPublish(t *testing.T) {
	res := &results{Machine: describeMachine(), Began: time.Now(), Rounds: 2, Models: []string{"a"},
		By: map[string]map[string]*result{"a": {}}, Own: map[string]*ownFigures{"a": {CompileOverLoad: 0.5, two: two{TwoOverOne: 1.93}}}}
	for i, e := range engines {
		res.Engines = append(res.Engines, e.Name)
		ns := map[int][]float64{}
		for _, n := range batchSizes {
			ns[n] = []float64{float64(100 * (i + 1)), float64(120 * (i + 1))}
		}
		res.By["a"][e.Name] = &result{Version: "9.9", NS: ns, Call: []float64{float64(10 * i), float64(10 * i)}, Difference: &difference{Of: "margins", Rows: 5}}
	}
	res.By["a"]["ydf"] = &result{Failed: "no such wheel"}
	dir := t.TempDir()
	require.NoError(t, res.publish(dir))
	page, err := os.ReadFile(filepath.Join(dir, "benchmarks.md"))
	require.NoError(t, err)
	for _, part := range []string{
		"| batch of 1000 with AVX2, over XGBoost 3.2: a | 18/20/30 | 4 (4–4) | no |",
		"under loading and memory): a | 1.8/1.9/1.97 | 1.93 | aim |",
		"| time to compile a model over the time to load it from UBJSON: a | 2/1/0.3 | 0.5 | aim |",
		"| YDF † | not run: no such wheel |",
		"| **threatdetect** | **110** |",
		"| XGBoost 3.2.0, C API | 880 (8.00) |",
	} {
		require.Contains(t, string(page), part)
	}
	plot, err := os.ReadFile(filepath.Join(dir, "benchmarks-a.svg"))
	require.NoError(t, err)
	require.Contains(t, string(plot), "</svg>")
}

func TestChoose(t *testing.T) {
	all, err := chooseEngines("")
	require.NoError(t, err)
	require.Len(t, all, len(engines))
	some, err := chooseEngines("leaves")
	require.NoError(t, err)
	require.Len(t, some, 2, "ours is always there")
	_, err = chooseEngines("leafs")
	require.Error(t, err)
	_, err = chooseModels("z")
	require.Error(t, err)
}

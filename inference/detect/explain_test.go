package detect

import (
	"bytes"
	"math"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/zeek"
	"threatdetect/inference"
	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// explained makes a detector of three classes with random trees, and its booster.
func explained(t *testing.T, count int) (*Detector, *model.Booster) {
	t.Helper()
	set, err := features.LookupSet("flow-portable/1")
	require.NoError(t, err)
	contract, err := features.NewContract(set, time.Unix(0, 0))
	require.NoError(t, err)
	contract.Output.Classes = []string{"benign", "dos", "scan"}
	r := testkit.Rand(t)
	b := testkit.RandomBooster(r, testkit.BoosterShape{
		Features: len(contract.Columns), Groups: 3, Trees: 60, Depth: 5, Fill: 0.9, Thresholds: 4,
	})
	testkit.AddCovers(r, b, false)
	d, err := New(b, contract, &Options{Explain: count})
	require.NoError(t, err)
	return d, b
}

func TestExplain(t *testing.T) {
	all, _ := explained(t, 1000)
	v, err := all.Stream().Judge(fullFlow())
	require.NoError(t, err)
	names := all.pipeline.Schema().Names()
	require.Len(t, v.Top, len(names))
	seen := map[string]bool{}
	sum := 0.0
	for i, r := range v.Top {
		seen[r.Feature] = true
		sum += float64(r.Contribution)
		if i > 0 {
			require.LessOrEqual(t, math.Abs(float64(r.Contribution)), math.Abs(float64(v.Top[i-1].Contribution)))
		}
	}
	require.Len(t, seen, len(names))

	// With the bias they add up to a margin for each class, and margins differ as the logarithms of the scores do.
	of := all.Stream()
	v, err = of.Judge(fullFlow())
	require.NoError(t, err)
	width := len(names) + 1
	margins := make([]float64, 3)
	for class := range margins {
		for _, c := range of.why.contributions[class*width:][:width] {
			margins[class] += float64(c)
		}
	}
	require.InDelta(t, margins[v.Class]-float64(of.why.contributions[v.Class*width+width-1]), sum, 1e-3)
	for class, score := range v.Classes {
		require.InDelta(t, margins[class]-margins[v.Class], math.Log(float64(score)/float64(v.Classes[v.Class])), 1e-2)
	}
}

func TestExplainOnlyOnRequest(t *testing.T) {
	d, b := explained(t, 0)
	v, err := d.Stream().Judge(fullFlow())
	require.NoError(t, err)
	require.Nil(t, v.Top)
	require.NotContains(t, record(t, NDJSON, d.about(), v), "top")

	for i := range b.Trees {
		b.Trees[i].SumHessian = nil
	}
	_, err = New(b, d.contract, &Options{Explain: 1})
	require.ErrorIs(t, err, model.ErrUnsupported)
}

// TestExplainOrder has features of equal contributions: they come in the order of the columns, in every call.
func TestExplainOrder(t *testing.T) {
	d, b := explained(t, 4)
	for i := range b.Trees {
		b.Trees[i] = model.Tree{Left: []int32{-1}, Right: []int32{-1}, Feature: []int32{0}, Value: []float32{1}, DefaultLeft: []bool{false}}
	}
	d, err := New(b, d.contract, &Options{Explain: 4})
	require.NoError(t, err)
	s := d.Stream()
	for range 2 {
		v, err := s.Judge(fullFlow())
		require.NoError(t, err)
		require.Len(t, v.Top, 4)
		for i, r := range v.Top {
			require.Equal(t, d.pipeline.Schema().Names()[i], r.Feature)
			require.Zero(t, r.Contribution)
		}
	}
}

func TestWriteTop(t *testing.T) {
	a := binaryAbout()
	a.top = 2
	nan := float32(math.NaN())
	v := &Verdict{Flow: &features.Flow{Src: netip.Addr{}}, Score: 0.75, Threat: true, Top: []Reason{
		{"dur", 1.5, -0.25}, {"a,b", nan, 0.125},
	}}
	list := `"top":[{"feature":"dur","value":1.5,"contribution":-0.25},{"feature":"a,b","value":null,"contribution":0.125}]}`
	for _, format := range jsonFormats {
		require.Contains(t, record(t, format, a, v), list, format)
	}
	require.True(t, strings.HasSuffix(record(t, NDJSON, a, v), `"set":"flow-portable/1",`+list))
	require.True(t, strings.HasSuffix(written(t, CSV, a, v), ",model,set,top_1,top_1_value,top_1_contribution,top_2,top_2_value,top_2_contribution\n"+
		record(t, CSV, a, v)+"\n"))
	require.True(t, strings.HasSuffix(record(t, CSV, a, v), `,flow-portable/1,dur,1.5,-0.25,"a,b",,0.125`), record(t, CSV, a, v))
	log := written(t, Zeek, a, v)
	require.Contains(t, log, "\tset\ttop\ttop_value\ttop_contribution\n")
	require.Contains(t, log, "\tstring\tvector[string]\tvector[double]\tvector[double]\n")
	require.Contains(t, log, "\tflow-portable/1\tdur,a\\x2cb\t1.5,-\t-0.25,0.125\n")

	v.Top = nil
	require.Contains(t, record(t, NDJSON, a, v), `"top":[]}`)
	require.True(t, strings.HasSuffix(record(t, CSV, a, v), ",flow-portable/1,,,,,,"))
	require.Contains(t, written(t, Zeek, a, v), "\t(empty)\t(empty)\t(empty)\n")
}

func TestWriteTopAllocates(t *testing.T) {
	d, _ := explained(t, 5)
	s := d.Stream()
	v, err := s.Judge(fullFlow())
	require.NoError(t, err)
	for _, format := range OutputFormats() {
		w, err := NewWriter(discard{}, format, d)
		require.NoError(t, err)
		require.NoError(t, w.Write(v))
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = w.Write(v) }), format)
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// Contributions of a row are those of the reasons of its verdict; with several classes, the benign one's, turned round.
func TestContributions(t *testing.T) {
	shown, err := Open("../../testdata/demo/model.tar.gz", &Options{Explain: 1000})
	require.NoError(t, err)
	silent, err := Open("../../testdata/demo/model.tar.gz", &Options{Contributions: true})
	require.NoError(t, err)
	log, err := os.ReadFile("../../testdata/demo/conn.log")
	require.NoError(t, err)
	names := silent.Columns()
	got := make([]float32, len(names)+1)
	for v, err := range shown.Stream().Verdicts(zeek.Read(bytes.NewReader(log), nil)) {
		require.NoError(t, err)
		require.NoError(t, silent.Contributions(got, v.Row))
		for _, reason := range v.Top {
			require.Equal(t, reason.Contribution, got[slices.Index(names, reason.Feature)])
		}
	}
	require.ErrorIs(t, shown.Contributions(got, make([]float32, len(names))), model.ErrUnsupported)

	d, b := explained(t, 1)
	classes, err := New(b, d.Contract(), &Options{Contributions: true})
	require.NoError(t, err)
	all, err := inference.New(b, &inference.Options{Output: inference.Contribution})
	require.NoError(t, err)
	want := make([]float32, all.NumOutput())
	row := make([]float32, len(names))
	require.NoError(t, all.Predict(want, row))
	require.NoError(t, classes.Contributions(got, row))
	for i, v := range got {
		require.Equal(t, want[i], -v)
	}
}

package train_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/inference"
	"threatdetect/inference/diagnose"
	"threatdetect/model"
	"threatdetect/train"
)

// elsewhere is an endpoint that serves a booster, but reads rows and answers in its own way.
func elsewhere(t *testing.T, b *model.Booster, opts *inference.Options, read func(string) float32, print func(float32) string) train.Scorer {
	p, err := inference.New(b, opts)
	require.NoError(t, err)
	return func(_ context.Context, body []byte, contentType, accept string) (*train.Answer, error) {
		require.Equal(t, "text/csv", contentType)
		var out strings.Builder
		for line := range strings.SplitSeq(strings.TrimSuffix(string(body), "\n"), "\n") {
			row := make([]float32, 0, p.NumFeature())
			for field := range strings.SplitSeq(line, ",") {
				row = append(row, read(field))
			}
			dst := make([]float32, p.NumOutput())
			require.NoError(t, p.Predict(dst, row))
			out.WriteString(print(dst[0]) + "\n")
		}
		text := out.String()
		if accept == "application/json" {
			text = `{"predictions": [{"score": ` + strings.Join(strings.Fields(text), `}, {"score": `) + `}]}`
		}
		return &train.Answer{Body: []byte(text), ContentType: accept}, nil
	}
}

func missingIsNaN(field string) float32 {
	v, err := strconv.ParseFloat(field, 32)
	if err != nil {
		return float32(math.NaN())
	}
	return float32(v)
}

func missingIsZero(field string) float32 {
	if v := missingIsNaN(field); v == v {
		return v
	}
	return 0
}

func asPython(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 64) }

func demoModel(t *testing.T) *model.Booster {
	b, err := model.Open("../testdata/demo/model.tar.gz", nil)
	require.NoError(t, err)
	return b
}

// demoRows have values near the thresholds of a booster, so that every change shows, and a fifth of them is missing.
func demoRows(b *model.Booster, n int) *diagnose.Data {
	r := rand.New(rand.NewPCG(1, 2))
	var thresholds []float32
	for i := range b.Trees {
		thresholds = append(thresholds, b.Trees[i].Value...)
	}
	d := &diagnose.Data{Width: b.NumFeature}
	for range n * d.Width {
		v := float64(thresholds[r.IntN(len(thresholds))]) + r.NormFloat64()
		if r.IntN(5) == 0 {
			v = math.NaN()
		}
		d.Values = append(d.Values, float64(float32(v)))
	}
	return d
}

func TestCompareSame(t *testing.T) {
	b := demoModel(t)
	d := demoRows(b, 500)
	for _, accept := range []string{"text/csv", "application/json"} {
		told := 0
		p, err := train.Compare(t.Context(), elsewhere(t, b, nil, missingIsNaN, asPython), b, d, &train.CompareOptions{Accept: accept, Rows: 120, Progress: func(n int) { told = n }})
		require.NoError(t, err)
		require.True(t, p.Within)
		require.Equal(t, 500, p.Equal)
		require.Equal(t, 5, p.Requests)
		require.Equal(t, 500, told)
		require.Empty(t, p.Differing)
		require.Zero(t, p.Largest)
	}
}

func TestCompareExplainsEveryDifference(t *testing.T) {
	b := demoModel(t)
	d := demoRows(b, 300)
	half := &inference.Options{Rounds: inference.Rounds{End: b.NumRound() / 2}}
	for _, c := range []struct {
		name     string
		endpoint train.Scorer
		why      string
	}{
		{"missing is zero there", elsewhere(t, b, nil, missingIsZero, asPython), "missing"},
		{"half the rounds", elsewhere(t, b, half, missingIsNaN, asPython), fmt.Sprintf("only the first %d of %d rounds count", b.NumRound()/2, b.NumRound())},
		{"margins", elsewhere(t, b, &inference.Options{Output: inference.Margin}, missingIsNaN, asPython), "margin"},
		{"another model", elsewhere(t, otherModel(t, b), nil, missingIsNaN, asPython), "another model"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := train.Compare(t.Context(), c.endpoint, b, d, nil)
			require.NoError(t, err)
			require.False(t, p.Within)
			require.Equal(t, p.Rows-p.Equal, len(p.Differing))
			require.NotEmpty(t, p.Differing)
			for i, diff := range p.Differing {
				require.Contains(t, diff.Why, c.why)
				require.Equal(t, diff.Difference, math.Abs(float64(diff.Local)-float64(diff.Endpoint)))
				if i > 0 {
					require.LessOrEqual(t, diff.Difference, p.Differing[i-1].Difference)
				}
			}
			require.Equal(t, p.Differing[0].Difference, p.Largest)
			require.NotNil(t, p.Differing[0].Suspect)
			require.GreaterOrEqual(t, p.Largest, p.P99)
			require.GreaterOrEqual(t, p.P99, p.Mean)
		})
	}
}

// otherModel has other leaves, which no way of reading gives.
func otherModel(t *testing.T, b *model.Booster) *model.Booster {
	other := demoModel(t)
	for i := range other.Trees {
		for n := range other.Trees[i].NumNode() {
			if other.Trees[i].IsLeaf(int32(n)) {
				other.Trees[i].Value[n] *= 1.1 + float32(n)/100
			}
		}
	}
	require.NoError(t, other.Validate())
	return other
}

func TestCompareLastDigits(t *testing.T) {
	b := demoModel(t)
	d := demoRows(b, 300)
	rounded := func(v float32) string { return strconv.FormatFloat(float64(v), 'f', 7, 64) }
	p, err := train.Compare(t.Context(), elsewhere(t, b, nil, missingIsNaN, rounded), b, d, nil)
	require.NoError(t, err)
	require.True(t, p.Within)
	require.Less(t, p.Equal, p.Rows)
	require.Contains(t, p.Differing[0].Why, "last digits")
}

func TestCompareRefusesAnswersThatAreNone(t *testing.T) {
	b := demoModel(t)
	d := demoRows(b, 10)
	for _, body := range []string{"", "0.1\n", strings.Repeat("0.1\n", 11), "0.1\n0.2\nhello\n" + strings.Repeat("0.1\n", 7), `{"predictions": [{"score": 0.1}]}`, `{"predictions": [`} {
		_, err := train.Compare(t.Context(), func(context.Context, []byte, string, string) (*train.Answer, error) {
			return &train.Answer{Body: []byte(body), ContentType: "application/json"}, nil
		}, b, d, nil)
		require.ErrorIs(t, err, train.ErrIntegrity, body)
		require.ErrorContains(t, err, "rows 1 to 10")
	}
	_, err := train.Compare(t.Context(), nil, b, &diagnose.Data{Width: b.NumFeature + 1, Values: make([]float64, b.NumFeature+1)}, nil)
	require.ErrorIs(t, err, train.ErrInput)
}

package page_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/inference/evaluate"
	"threatdetect/inference/evaluate/page"
)

// site is what a model made of n flows.
func site(t *testing.T, n int, kind string, score func(r *rand.Rand, attack bool) float32) *evaluate.Sample {
	t.Helper()
	s := new(evaluate.Sample)
	r := rand.New(rand.NewPCG(9, 9))
	for i := range n {
		f := &features.Flow{Start: int64(i) * 60e9, Src: netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 20)}), Known: features.FieldStart | features.FieldAddrs, Label: features.Benign}
		if r.IntN(4) == 0 {
			f.Label = features.Attack
		}
		x := float32(r.NormFloat64())
		require.NoError(t, s.Add(f, []byte(kind), []float32{x, float32(i % 2), float32(math.NaN())}, score(r, f.Label == features.Attack)))
		s.Called(i % 2)
	}
	return s
}

func good(r *rand.Rand, attack bool) float32 {
	x := r.NormFloat64()
	if attack {
		x += 2
	}
	return float32(1 / (1 + math.Exp(-x)))
}

var names = []string{"a", "b<i>", "c"}

// full is a report with everything in it; text is whatever a stranger could have put there.
func full(t *testing.T, s *evaluate.Sample, text string) *evaluate.Report {
	t.Helper()
	s.Exclude([]float32{1, 2, 3})
	opts := &evaluate.Options{Threshold: 0.5, Columns: []string{text, "b", "c"}, Classes: []string{"benign", text}, Calibrate: true, Prevalence: 0.01, Objective: "binary:logistic"}
	r, err := evaluate.New(s, opts)
	if opts.Calibrate = false; err != nil { // there are scores of which no calibration can be made
		r, err = evaluate.New(s, opts)
	}
	require.NoError(t, err)
	r.Title, r.Model, r.Data.Files = text, evaluate.Model{Name: text, Digest: text, Set: text, Objective: text, Split: text}, []string{text}
	require.NoError(t, r.Explain(s, append([]string{text}, names[1:]...), func(dst, row []float32) error {
		for i := range row {
			dst[i] = row[i] * 2
		}
		dst[2] = 0.5
		return nil
	}))
	r.DriftFrom(s, s, append([]string{text}, names[1:]...))
	if r.Drift != nil {
		r.Drift.Reference = []string{text}
	}
	require.NoError(t, r.CompareWith(s, s, 0.4))
	r.Compare.Model.Name = text
	return r
}

func render(t *testing.T, r *evaluate.Report) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, page.Write(&b, r))
	return b.String()
}

// requireSound checks what must hold of every page: it is well-formed, runs and fetches nothing, and says no NaN.
func requireSound(t *testing.T, text string) {
	t.Helper()
	for _, bad := range []string{"<script", "javascript:", "http://", "https://", "//cdn", "@import", "url(", "ZgotmplZ", "NaN", "%!", "onload", "onerror="} {
		require.False(t, strings.Contains(strings.ToLower(text), strings.ToLower(bad)), bad)
	}
	requireHas(t, text, `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"/>`)
	d := xml.NewDecoder(strings.NewReader(strings.Replace(text, "<!doctype html>", "", 1)))
	d.Entity = xml.HTMLEntity
	ids, wanted := map[string]bool{}, []string{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			switch a.Name.Local {
			case "id":
				require.False(t, ids[a.Value], "two of id %s", a.Value)
				ids[a.Value] = true
			case "aria-labelledby":
				wanted = append(wanted, strings.Fields(a.Value)...)
			}
		}
	}
	for _, id := range wanted {
		require.True(t, ids[id], "no %s", id)
	}
	require.Less(t, len(text), 1<<20)
}

// requireHas is require.Contains, which would print the whole page.
func requireHas(t *testing.T, text, want string) {
	t.Helper()
	require.True(t, strings.Contains(text, want), want)
}

func TestPage(t *testing.T) {
	text := render(t, full(t, site(t, 3000, "scan", good), "model"))
	requireSound(t, text)
	for _, want := range []string{"<title>model</title>", "Kinds of attack", "ROC curve", "Precision and recall", "Calibration", "Before and after", "as if 1.0 % of them were attacks", "Drift", "What the model looks at", "Compared with", "without repeats", "scan"} {
		requireHas(t, text, want)
	}
	require.Equal(t, strings.Count(text, `role="img" aria-labelledby`), strings.Count(text, "<desc"), "every plot says what it shows")
	require.False(t, regexp.MustCompile(`="-?\d+\.\d{2,}"`).MatchString(text), "no long numbers in plots")
}

// Nothing that comes from a log, a bundle or the command line leaves its place in the text.
func TestHostileText(t *testing.T) {
	for _, text := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</style><script>`, `{{.}}`, "\x1b[2J\u202eevil\x00\xff", `'--><svg/onload=x>`, `&lt;`, strings.Repeat("x", 5000), "a\nb",
	} {
		got := render(t, full(t, site(t, 500, text, good), text))
		requireStill(t, got)
		require.False(t, strings.Contains(got, "\x1b"))
		require.False(t, strings.Contains(got, "\u202e"))
		require.False(t, strings.Contains(got, "<img"))
		require.Equal(t, 1, strings.Count(got, "</style>"))
	}
}

// requireStill is requireSound for pages that show hostile text: what it says may be there, but only as text.
func requireStill(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(strings.Replace(text, "<!doctype html>", "", 1)))
	d.Entity = xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		if start, ok := token.(xml.StartElement); ok {
			require.NotContains(t, []string{"script", "img", "iframe", "a", "form", "object"}, start.Name.Local)
			for _, a := range start.Attr {
				require.False(t, strings.HasPrefix(a.Name.Local, "on"), a.Name.Local)
			}
		}
	}
}

func TestPageOfNearlyNothing(t *testing.T) {
	for name, score := range map[string]func(*rand.Rand, bool) float32{
		"constant": func(*rand.Rand, bool) float32 { return 0.5 },
		"margins":  func(r *rand.Rand, _ bool) float32 { return float32(r.NormFloat64() * 1e6) },
		"infinite": func(r *rand.Rand, _ bool) float32 { return float32(math.Inf(1 - 2*r.IntN(2))) },
		"perfect": func(_ *rand.Rand, attack bool) float32 {
			if attack {
				return 1
			}
			return 0
		},
	} {
		for _, n := range []int{1, 2, 5, 300} {
			t.Run(fmt.Sprint(name, n), func(t *testing.T) {
				requireSound(t, render(t, full(t, site(t, n, "", score), "model")))
			})
		}
	}
	s := new(evaluate.Sample)
	require.NoError(t, s.Add(&features.Flow{Label: features.Attack}, nil, nil, 0.3))
	r, err := evaluate.New(s, nil)
	require.NoError(t, err)
	requireSound(t, render(t, r))
}

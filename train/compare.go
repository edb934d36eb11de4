package train

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"threatdetect/inference"
	"threatdetect/inference/diagnose"
	"threatdetect/model"
)

// CompareOptions say how an endpoint and this program are compared.
type CompareOptions struct {
	ContentType string  // of the requests: text/csv, or text/libsvm, where missing values are left out; "": text/csv
	Accept      string  // of the answers: text/csv or application/json; "": text/csv
	Threshold   float64 // of a threat; 0 is 0.5
	Tolerance   float64 // for the largest difference; 0 is 1e-6, within which sums of another order lie
	Rows        int     // in a request; 0 is as many as fit, at most 5000
	// Progress, unless nil, is told how many rows were asked for.
	Progress func(rows int)
}

// Parity is how far the scores of the endpoint and of this program are from each other.
type Parity struct {
	Rows     int     // that were scored by both
	Width    int     // scores of a row
	Equal    int     // rows with every bit the same
	Largest  float64 // difference of all scores; infinite where one alone is no number
	Mean     float64 // difference
	P99      float64 // difference
	Flips    int     // rows that are a threat for one alone
	Within   bool    // Largest is within the tolerance, and nothing flips
	Requests int
	// Differing are all rows that differ, the largest difference first.
	Differing []RowDifference
	// Reasons are ways of reading model and rows that give what the endpoint gives.
	Reasons *diagnose.Findings
}

// RowDifference is a row with different scores.
type RowDifference struct {
	Row             int // from 1
	Column          int // of the largest difference, from 1
	Local, Endpoint float32
	Difference      float64
	ULP             uint32
	Flips           bool
	// Why is the reading that gives this row's scores, or what arithmetic explains; never empty.
	Why string
	// Suspect is the tree that may have gone another way; nil where none can be told.
	Suspect *diagnose.Suspect
}

// Scorer answers requests for scores, as an endpoint does: [AWS.Invoke] is one.
type Scorer func(ctx context.Context, body []byte, contentType, accept string) (*Answer, error)

// Compare scores rows with the endpoint and here, and explains every difference.
func Compare(ctx context.Context, ask Scorer, b *model.Booster, d *diagnose.Data, opts *CompareOptions) (*Parity, error) {
	o := opts.filled()
	p, x, err := compile(b, d)
	if err != nil {
		return nil, err
	}
	local := make([]float32, d.NumRow()*p.NumOutput())
	if err := p.PredictBatch(local, x); err != nil {
		return nil, err
	}
	remote, requests, err := askAll(ctx, ask, x, p.NumFeature(), p.NumOutput(), &o)
	if err != nil {
		return nil, err
	}
	parity := compareScores(local, remote, p.NumOutput(), &o)
	parity.Requests = requests
	return parity, parity.explain(b, d, x, p, remote)
}

// CompareRequests asks what [Compare] asks, and does not look at the answers: it is for dry runs, in which there are none.
func CompareRequests(ctx context.Context, ask Scorer, b *model.Booster, d *diagnose.Data, opts *CompareOptions) error {
	o := opts.filled()
	p, x, err := compile(b, d)
	if err != nil {
		return err
	}
	_, _, err = askAll(ctx, func(ctx context.Context, body []byte, contentType, accept string) (*Answer, error) {
		_, err := ask(ctx, body, contentType, accept)
		return &Answer{Body: bytes.Repeat([]byte("0\n"), bytes.Count(body, []byte("\n"))*p.NumOutput())}, err
	}, x, p.NumFeature(), p.NumOutput(), &o)
	return err
}

func (o *CompareOptions) filled() CompareOptions {
	full := CompareOptions{}
	if o != nil {
		full = *o
	}
	full.ContentType, full.Accept = cmp.Or(full.ContentType, "text/csv"), cmp.Or(full.Accept, "text/csv")
	full.Threshold, full.Tolerance, full.Rows = cmp.Or(full.Threshold, 0.5), cmp.Or(full.Tolerance, 1e-6), cmp.Or(full.Rows, 5000)
	return full
}

// compile makes a predictor, and the rows as it takes them.
func compile(b *model.Booster, d *diagnose.Data) (*inference.Predictor, []float32, error) {
	p, err := inference.New(b, nil)
	if err != nil {
		return nil, nil, err
	}
	if p.NumFeature() == 0 || d.Width > p.NumFeature() && d.Names == nil {
		return nil, nil, fmt.Errorf("%w: rows of %d columns, the model has %d features", ErrInput, d.Width, p.NumFeature())
	}
	return p, fitRows(d, b, p.NumFeature()), nil
}

// fitRows puts rows into the order of the model's columns; what it has and the rows have not is missing.
func fitRows(d *diagnose.Data, b *model.Booster, width int) []float32 {
	from := make([]int, width)
	for i := range from {
		from[i] = i
	}
	if named := b.FeatureNames; d.Names != nil && len(named) == width && !slices.ContainsFunc(named, func(n string) bool { return !slices.Contains(d.Names, n) }) {
		for i, name := range named {
			from[i] = slices.Index(d.Names, name)
		}
	}
	nan := float32(math.NaN())
	x := make([]float32, 0, d.NumRow()*width)
	for r := range d.NumRow() {
		for _, c := range from {
			v := nan
			if c >= 0 && c < d.Width {
				v = float32(d.Values[r*d.Width+c])
			}
			x = append(x, v)
		}
	}
	return x
}

// maxCompareBody leaves room below the limit of the smallest kind of endpoint.
const maxCompareBody = 3 << 20

// askAll asks for the scores of all rows, in parts.
func askAll(ctx context.Context, ask Scorer, x []float32, features, width int, o *CompareOptions) (scores []float32, requests int, err error) {
	write := writeCSVRow
	if strings.Contains(o.ContentType, "libsvm") {
		write = writeLibsvmRow
	}
	n := len(x) / features
	var body []byte
	asked := 0
	send := func(rows int) error {
		if rows == 0 {
			return nil
		}
		answer, err := ask(ctx, body, o.ContentType, o.Accept)
		if err != nil {
			return fmt.Errorf("rows %d to %d: %w", asked+1, asked+rows, err)
		}
		part, err := parseScores(answer, rows, width)
		if err != nil {
			return fmt.Errorf("rows %d to %d: %w", asked+1, asked+rows, err)
		}
		scores, asked, body = append(scores, part...), asked+rows, body[:0]
		requests++
		if o.Progress != nil {
			o.Progress(asked)
		}
		return nil
	}
	rows := 0
	for r := range n {
		before := len(body)
		body = append(write(body, x[r*features:(r+1)*features]), '\n')
		if rows++; len(body) > maxCompareBody && rows > 1 {
			last := slices.Clone(body[before:])
			body = body[:before]
			if err := send(rows - 1); err != nil {
				return nil, requests, err
			}
			body, rows = append(body, last...), 1
		}
		if rows == o.Rows {
			if err := send(rows); err != nil {
				return nil, requests, err
			}
			rows = 0
		}
	}
	return scores, requests, send(rows)
}

func writeCSVRow(b []byte, row []float32) []byte {
	for i, v := range row {
		if i > 0 {
			b = append(b, ',')
		}
		if v == v {
			b = strconv.AppendFloat(b, float64(v), 'g', -1, 32)
		}
	}
	return b
}

func writeLibsvmRow(b []byte, row []float32) []byte {
	b = append(b, '0') // a label, which the container ignores; a row of missing values needs some text
	for i, v := range row {
		if v == v {
			b = append(b, ' ')
			b = strconv.AppendInt(b, int64(i), 10)
			b = append(b, ':')
			b = strconv.AppendFloat(b, float64(v), 'g', -1, 32)
		}
	}
	return b
}

// parseScores reads an answer in CSV or JSON: rows of width numbers.
func parseScores(answer *Answer, rows, width int) ([]float32, error) {
	text := strings.TrimSpace(string(answer.Body))
	var numbers []string
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") && strings.Contains(answer.ContentType, "json") {
		var err error
		if numbers, err = jsonScores([]byte(text)); err != nil {
			return nil, fmt.Errorf("%w: the endpoint's answer: %w", ErrIntegrity, err)
		}
	} else {
		numbers = strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",\n\r[] ", r) })
	}
	if len(numbers) != rows*width {
		return nil, fmt.Errorf("%w: the endpoint answered %d numbers for %d rows, want %d: %.100q", ErrIntegrity, len(numbers), rows, rows*width, text)
	}
	scores := make([]float32, len(numbers))
	for i, n := range numbers {
		v, err := strconv.ParseFloat(n, 64) // a float32, printed with the digits of its float64
		if err != nil && !math.IsInf(v, 0) {
			return nil, fmt.Errorf("%w: the endpoint's answer has %.40q where a number should be", ErrIntegrity, n)
		}
		scores[i] = float32(v)
	}
	return scores, nil
}

func jsonScores(text []byte) ([]string, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	var list []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case json.Number:
			list = append(list, v.String())
		case nil:
			list = append(list, "nan")
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any: // {"predictions": [{"score": 0.1}, …]}
			for _, key := range []string{"predictions", "score"} {
				if item, ok := v[key]; ok {
					walk(item)
				}
			}
		}
	}
	walk(v)
	return list, nil
}

// compareScores counts; reasons come later.
func compareScores(local, remote []float32, width int, o *CompareOptions) *Parity {
	p := &Parity{Rows: len(remote) / width, Width: width}
	differences := make([]float64, 0, len(remote))
	sum := 0.0
	for r := range p.Rows {
		worst := RowDifference{Row: r + 1}
		equal := true
		for c := range width {
			a, b := local[r*width+c], remote[r*width+c]
			delta := math.Abs(float64(a) - float64(b))
			switch {
			case diagnose.Same(a, b):
				delta = 0
			case a != a || b != b || delta != delta:
				delta = math.Inf(1)
			}
			differences = append(differences, delta)
			sum += delta
			if diagnose.Same(a, b) {
				continue
			}
			if equal || delta > worst.Difference {
				worst.Column, worst.Local, worst.Endpoint, worst.Difference, worst.ULP = c+1, a, b, delta, diagnose.ULP(a, b)
			}
			equal = false
			if isThreat(a, o.Threshold) != isThreat(b, o.Threshold) {
				worst.Flips = true
			}
		}
		if equal {
			p.Equal++
			continue
		}
		if worst.Flips {
			p.Flips++
		}
		p.Differing = append(p.Differing, worst)
	}
	slices.Sort(differences)
	if n := len(differences); n > 0 {
		p.Largest, p.Mean = differences[n-1], sum/float64(n)
		p.P99 = differences[min(n-1, int(math.Ceil(0.99*float64(n)))-1)]
	}
	p.Within = p.Largest <= o.Tolerance && p.Flips == 0
	slices.SortStableFunc(p.Differing, func(a, b RowDifference) int { return cmp.Compare(b.Difference, a.Difference) })
	return p
}

func isThreat(v float32, threshold float64) bool { return float64(v) >= threshold }

// explain finds out why rows differ.
func (p *Parity) explain(b *model.Booster, d *diagnose.Data, x []float32, predictor *inference.Predictor, remote []float32) error {
	if len(p.Differing) == 0 {
		return nil
	}
	var err error
	if p.Reasons, err = diagnose.Find(b, d, remote, p.Width, nil); err != nil {
		return err
	}
	locator, err := diagnose.NewLocator(b, nil)
	if err != nil {
		return err
	}
	width := predictor.NumFeature()
	for i := range p.Differing {
		diff := &p.Differing[i]
		diff.Why = p.why(diff)
		row := x[(diff.Row-1)*width : diff.Row*width]
		if diff.Suspect, err = locator.Locate(row, diff.Column-1, diff.Endpoint); err != nil {
			return err
		}
	}
	return nil
}

// why says what is known of a row.
func (p *Parity) why(d *RowDifference) string {
	f := p.Reasons
	switch {
	case len(f.Matches) > 0:
		text := strings.Join(f.Matches[0].Changes, ", and ")
		if n := len(f.Matches) - 1; n > 0 {
			text += fmt.Sprintf(" (or %d other ways, which these rows do not tell apart)", n)
		}
		return text
	case math.IsInf(d.Difference, 0):
		return "one of both is no number"
	case d.Difference <= 1e-6:
		return "last digits only: another order of sums, or printing"
	case f.Nearest != nil:
		return fmt.Sprintf("perhaps %s, which gives %d of %d rows; another model otherwise", strings.Join(f.Nearest.Changes, ", and "), f.Nearest.Close, f.Rows)
	}
	return "no known way of reading model and rows gives this: the endpoint serves another model, or other columns"
}

package serve

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"iter"
	"math"
	"net/http"
	"slices"
	"strings"

	"threatdetect/inference/rows"
	"threatdetect/internal/decimal"
)

// batchRows is how many rows are scored before it is looked whether the client is still there, and batchNumbers how many numbers they and their scores are
// at most, unless one row has more.
const (
	batchRows    = 1024
	batchNumbers = 1 << 16
)

// rowFormats are the media types of rows.
var rowFormats = map[string]rows.Format{
	typeCSV: rows.CSV, "csv": rows.CSV,
	"text/libsvm": rows.Libsvm, "text/x-libsvm": rows.Libsvm, "libsvm": rows.Libsvm,
	typeRecordIO: rows.RecordIO, "recordio-protobuf": rows.RecordIO,
	typeJSONLines: rows.NDJSON, "application/x-ndjson": rows.NDJSON, "application/x-jsonlines": rows.NDJSON,
}

// rowFormat tells how the rows of a request are written.
func (x *exchange) rowFormat() (rows.Format, *failure) {
	kind, _ := parseHeader(strings.ToLower(x.r.Header.Get("Content-Type")))
	f, ok := rowFormats[kind]
	if !ok {
		return "", &failure{code: http.StatusUnsupportedMediaType,
			text: "want rows as text/csv, text/libsvm, application/jsonlines or application/x-recordio-protobuf"}
	}
	return f, nil
}

// rowAccept tells what rows are answered in.
func (x *exchange) rowAccept() (string, *failure) {
	kind, _ := parseHeader(strings.ToLower(x.r.Header.Get("Accept")))
	switch kind {
	case "", "*/*", "text/*":
		return typeCSV, nil
	case "application/*":
		return typeJSON, nil
	case typeCSV, typeJSON, typeJSONLines, typeRecordIO:
		return kind, nil
	}
	return "", &failure{code: http.StatusNotAcceptable, text: "answers are " + strings.Join(accepts, ", ")}
}

// invocations scores numeric rows.
func (x *exchange) invocations() *failure {
	m, f := x.model()
	if f != nil {
		return f
	}
	format, f := x.rowFormat()
	if f != nil {
		return f
	}
	kind, f := x.rowAccept()
	if f != nil {
		return f
	}
	body, f := x.body()
	if f != nil {
		return f
	}
	form := csvRows
	switch kind {
	case typeCSV:
		kind = typeCSVText
	case typeJSON:
		form = strictScores
	case typeJSONLines:
		form = strictLines
	case typeRecordIO:
		form = recordScores
	}
	h, out := holding(len(body)), m.scorer.NumOutput()
	text := func(again bool, add func([]byte)) *failure {
		lines := newWriting(form, out)
		defer lines.end()
		var values []float32
		for batch, f := range x.batches(m, body, format) {
			if f != nil {
				return f
			}
			n := len(batch) / m.scorer.NumFeature() * out
			values = slices.Grow(values[:0], n)[:n]
			if f := x.predict(m, values, batch, again); f != nil {
				return f
			}
			lines.add(values, add)
		}
		x.rows = lines.rows
		return nil
	}
	if f := text(false, h.add); f != nil {
		return f
	}
	h.send(x.w, kind, []byte(form.begin), []byte(form.end), func(add func([]byte)) error { return text(true, add).asError() })
	return nil
}

// asError is for who wants to know only whether there is one.
func (f *failure) asError() error {
	if f == nil {
		return nil
	}
	return errors.New(f.text)
}

// batches reads the rows of a body, some at a time. The slice is valid until the next step.
func (x *exchange) batches(m *Model, body []byte, format rows.Format) iter.Seq2[[]float32, *failure] {
	width := m.scorer.NumFeature()
	size, most := batchSize(body, format, width+rowValues(m.scorer.NumOutput(), max(len(m.Bundle.Members), 1))), mostRows(x.api.MaxRows, width)
	return func(yield func([]float32, *failure) bool) {
		scratch := takeBatch(size * width)
		defer batches.Put(scratch)
		batch, total, j := (*scratch)[:0], 0, jobOf(x.r.Context())
		for row, err := range m.rows(body, format) {
			if err != nil {
				yield(nil, rowFailure(err))
				return
			}
			if total++; total > most {
				yield(nil, &failure{code: http.StatusRequestEntityTooLarge, text: "too many rows for one request"})
				return
			}
			if total%pauseRows == 0 {
				j.pause()
			}
			if batch = append(batch, row...); len(batch) == size*width {
				if !yield(batch, nil) {
					return
				}
				batch = batch[:0]
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}

// rows reads the rows of a body. A first line of CSV that is no row may name the columns, but of those that the model or its contract
// has names for: a row with a mistake in it must not pass for names, and be lost.
func (m *Model) rows(body []byte, format rows.Format) iter.Seq2[[]float32, error] {
	opts := rows.Options{NumFeature: m.scorer.NumFeature(), Names: m.names(), Missing: m.Bundle.Booster.MissingValue()}
	if format != rows.CSV {
		return rows.Read(bytes.NewBuffer(body), format, &opts)
	}
	plain, named := opts, opts
	plain.Names, plain.Header, named.Header = nil, rows.HeaderNo, rows.HeaderYes
	return func(yield func([]float32, error) bool) {
		first := true
		for row, err := range rows.Read(bytes.NewBuffer(body), format, &plain) {
			if err == nil || !first || named.Names == nil {
				first = false
				if !yield(row, err) {
					return
				}
				continue
			}
			for row, err2 := range rows.Read(bytes.NewBuffer(body), format, &named) {
				if e, ok := errors.AsType[*rows.Error](err2); ok && errors.Is(e, rows.ErrShape) && first {
					err2 = err // those are no names
				}
				first = false
				if !yield(row, err2) {
					return
				}
			}
		}
	}
}

// names are what the columns are called; nil if nobody knows.
func (m *Model) names() []string {
	if names := m.Bundle.Booster.FeatureNames; names != nil || m.detector == nil {
		return names
	}
	return m.columns
}

// rowFailure tells where a body is wrong.
func rowFailure(err error) *failure {
	f := &failure{code: http.StatusBadRequest, text: "the rows cannot be read", err: err}
	if e, ok := errors.AsType[*rows.Error](err); ok {
		f.row, f.column = max(e.Line, e.Record), int64(e.Column)
		f.text = "not a row of the announced form"
		if errors.Is(err, rows.ErrShape) {
			f.text = "the columns are not those of the model"
		}
	}
	return f
}

// predict scores whole rows, with the shadow as well if there is one. The first are scored whatever the client does: one that has closed
// its side of the connection looks like one that is gone.
func (x *exchange) predict(m *Model, dst, batch []float32, again bool) *failure {
	if x.batch++; x.batch > 1 {
		if f := x.givenUp(); f != nil {
			return f
		}
	}
	if err := m.scorer.PredictBatch(dst, batch); err != nil {
		return &failure{code: http.StatusInternalServerError, text: "the rows could not be scored", err: err}
	}
	if !again { // the shadow has seen them
		x.shadowRows(m, dst, batch)
	}
	return nil
}

// givenUp tells that the client is gone, or that the request took too long.
func (x *exchange) givenUp() *failure {
	err := x.r.Context().Err()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled): // nobody hears it
		return &failure{code: http.StatusBadRequest, text: "the client is gone", err: err}
	}
	return &failure{code: http.StatusServiceUnavailable, text: "the request took too long", err: err}
}

// tooManyReasons is the answer to who wants more than maxTold.
var tooManyReasons = &failure{code: http.StatusRequestEntityTooLarge, text: "too many rows for one request that wants so many reasons of each"}

// shadowRows compares what the second model says of the rows.
func (x *exchange) shadowRows(m *Model, values, batch []float32) {
	s := x.api.Live.Shadow()
	if s == nil {
		return
	}
	if s.scorer.NumFeature() != m.scorer.NumFeature() || s.scorer.NumOutput() != m.scorer.NumOutput() {
		x.api.Metrics.shadowed("shape", len(batch)/m.scorer.NumFeature())
		return
	}
	other := make([]float32, len(values))
	if err := s.scorer.PredictBatch(other, batch); err != nil {
		return
	}
	differ, width := 0, m.scorer.NumOutput()
	for i := 0; i < len(values); i += width {
		if !slices.Equal(judged(m, values[i:i+width]), judged(s, other[i:i+width])) {
			differ++
		}
	}
	x.disagree(differ, len(values)/width)
}

// judged is what counts of a score when two models are compared: on which side of the threshold it is, or the class.
func judged(m *Model, values []float32) []float32 {
	if len(values) > 1 {
		return []float32{float32(slices.Index(values, slices.Max(values)))}
	}
	threshold := float32(0.5)
	if m.detector != nil {
		threshold = m.detector.Threshold()
	}
	if strings.HasPrefix(m.Bundle.Booster.Objective, "binary:") || m.detector != nil {
		return []float32{float32(truth(values[0] >= threshold))}
	}
	return values
}

// disagree counts, and logs, rows that two models judge differently.
func (x *exchange) disagree(differ, all int) {
	x.api.Metrics.shadowed("no", differ)
	x.api.Metrics.shadowed("yes", all-differ)
	if differ > 0 && x.api.Log != nil {
		x.api.Log.Info("the shadow model disagrees", "request_id", x.id, "rows", all, "disagreements", differ)
	}
}

// reason is a feature that adds to a score.
type reason struct {
	Feature      string   `json:"feature"`
	Value        *float32 `json:"value"` // null if it is missing
	Contribution *float32 `json:"contribution"`
}

func finite(v float32) *float32 {
	if v-v != 0 {
		return nil
	}
	return &v
}

// scoredRow is a numeric row in the answer of /v1/score.
type scoredRow struct {
	Score  *float32   `json:"score,omitempty"`
	Scores []*float32 `json:"scores,omitempty"` // of several classes or targets
	// Probability is there if the model has a contract with a calibration.
	Probability *float32 `json:"probability,omitempty"`
	Top         []reason `json:"top,omitempty"`
}

// explainedRows scores numeric rows, and tells the count largest contributions to each. It gives each row to each, until that wants no more; again tells that they were scored before.
func (x *exchange) explainedRows(m *Model, body []byte, format rows.Format, count int, again bool, each func(*scoredRow) bool) *failure {
	if count > 0 {
		if err := m.explain(nil); err != nil {
			return &failure{code: http.StatusUnprocessableEntity, text: errNoReasons.Error(), err: err}
		}
	}
	all := 0
	j := jobOf(x.r.Context())
	width, out := m.scorer.NumFeature(), m.scorer.NumOutput()
	var values []float32
	for batch, f := range x.batches(m, body, format) {
		if f != nil {
			return f
		}
		n := len(batch) / width
		if (all+n)*count > maxTold {
			return tooManyReasons
		}
		values = slices.Grow(values[:0], n*out)[:n*out]
		if f := x.predict(m, values, batch, again); f != nil {
			return f
		}
		for i := range n {
			row := scoredRow{}
			if v := values[i*out:][:out]; out == 1 {
				row.Score = finite(v[0])
			} else {
				for _, s := range v {
					row.Scores = append(row.Scores, finite(s))
				}
			}
			if d := m.detector; d != nil && d.Calibrated() {
				row.Probability = finite(d.Probability(values[i*out:][:out]))
			}
			if count > 0 {
				if f := x.givenUp(); f != nil && all >= explainedAtLeast {
					return f
				}
				row.Top = m.reasons(batch[i*width:][:width], values[i*out:][:out], count)
				j.pause()
			}
			all++
			if !each(&row) {
				return nil
			}
		}
	}
	x.rows = all
	return nil
}

// reasons returns the count largest contributions to the margin of a row, or of its likeliest class.
func (m *Model) reasons(row, values []float32, count int) []reason {
	width := len(row) + 1
	all := make([]float32, m.explainer.NumOutput())
	if m.explainer.Predict(all, row) != nil {
		return nil
	}
	class := 0
	if groups := len(all) / width; groups > 1 && len(values) == groups {
		class = slices.Index(values, slices.Max(values))
	}
	of := all[class*width:][:len(row)]
	order := make([]int, len(row))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(math.Abs(float64(of[b])), math.Abs(float64(of[a]))), cmp.Compare(a, b))
	})
	top := make([]reason, 0, min(count, len(order)))
	for _, i := range order[:min(count, len(order))] {
		top = append(top, reason{m.column(i), finite(row[i]), finite(of[i])})
	}
	return top
}

// column is the name of a column.
func (m *Model) column(i int) string {
	if names := m.names(); names != nil {
		return names[i]
	}
	return "f" + string(decimal.AppendFloat32(nil, float32(i)))
}

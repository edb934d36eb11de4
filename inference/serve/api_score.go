package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/inference/detect"
)

// maxSkipped is how many skipped records an answer tells of one by one.
const maxSkipped = 100

// scoreQuery is what the query of /v1/score may say. Another name is an error: who asks for a threshold, say, would otherwise get an
// answer that is not what was asked.
var scoreQuery = []string{"input", "from", "explain", "threats"}

// score answers /v1/score. Its query: input=log or rows (log where the model has a contract), from=FORMAT of a log, explain=N,
// threats=1 for threats alone.
func (x *exchange) score() *failure {
	m, f := x.model()
	if f != nil {
		return f
	}
	query := x.r.URL.Query()
	for name := range query {
		if !slices.Contains(scoreQuery, name) {
			return &failure{code: http.StatusBadRequest, text: "the query has another name than " + strings.Join(scoreQuery, ", ")}
		}
	}
	threats := query.Get("threats")
	if threats != "" && threats != "0" && threats != "1" {
		return &failure{code: http.StatusBadRequest, text: "threats is neither 0 nor 1"}
	}
	count, f := countOf(query.Get("explain"))
	if f != nil {
		return f
	}
	input := query.Get("input")
	if input == "" {
		if input = "rows"; m.detector != nil {
			input = "log"
		}
	}
	switch input {
	case "log":
		return x.scoreLog(m, query.Get("from"), count, threats == "1")
	case "rows":
		return x.scoreRows(m, count)
	}
	return &failure{code: http.StatusBadRequest, text: "input is neither log nor rows"}
}

// countOf reads the number of reasons that are wanted.
func countOf(text string) (int, *failure) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxReasons {
		return 0, &failure{code: http.StatusBadRequest, text: "explain is not a number from 0 to " + strconv.Itoa(maxReasons)}
	}
	return n, nil
}

func (x *exchange) scoreRows(m *Model, count int) *failure {
	format, f := x.rowFormat()
	if f != nil {
		return f
	}
	body, f := x.body()
	if f != nil {
		return f
	}
	h := holding(len(body))
	text := func(again bool, add func([]byte)) *failure {
		var line []byte
		first := true
		return x.explainedRows(m, body, format, count, again, func(row *scoredRow) bool {
			text, _ := json.Marshal(row) // which has finite numbers and names
			if line = line[:0]; !first {
				line = append(line, ',')
			}
			first = false
			add(append(line, text...))
			return true
		})
	}
	if f := text(false, h.add); f != nil {
		return f
	}
	h.send(x.w, typeJSON, []byte(`{"model":"sha256:`+m.Digest()+`","rows":[`), []byte("]}\n"), func(add func([]byte)) error { return text(true, add).asError() })
	return nil
}

// judgedLog is the answer for a log.
type judgedLog struct {
	Model     string            `json:"model"`
	Set       string            `json:"set"`
	Threshold *float32          `json:"threshold"`
	Format    string            `json:"format"`
	Records   int64             `json:"records"`
	Flows     int64             `json:"flows"`
	Rows      int64             `json:"rows"`
	Threats   int64             `json:"threats"`
	Skipped   map[string]int64  `json:"skipped"`
	Faults    []fault           `json:"faults,omitempty"` // of the first skipped records
	Verdicts  []json.RawMessage `json:"verdicts"`         // as the command line's score writes them
}

// fault is a record that gave no verdict.
type fault struct {
	Line   int64  `json:"line"`
	Reason string `json:"reason"`
	Field  string `json:"field,omitempty"`
}

func (x *exchange) scoreLog(m *Model, from string, count int, threats bool) *failure {
	body, f := x.body()
	if f != nil {
		return f
	}
	log, f := x.openLog(m, body, from)
	if f != nil {
		return f
	}
	defer log.close()
	kind, _ := parseHeader(strings.ToLower(x.r.Header.Get("Accept")))
	lines := kind == "application/x-ndjson" || kind == typeJSONLines
	h := holding(len(body))
	var answer *judgedLog
	text := func(again bool, add func([]byte)) (f *failure) {
		var line []byte
		first := true
		answer, f = x.judge(log, count, threats, again, func(verdict []byte) bool {
			if lines {
				add(verdict)
				return true
			}
			text, _ := json.Marshal(json.RawMessage(verdict)) // which is JSON
			if line = line[:0]; !first {
				line = append(line, ',')
			}
			first = false
			add(append(line, text...))
			return true
		})
		return f
	}
	if f := text(false, h.add); f != nil {
		return f
	}
	var before, behind []byte
	if lines { // nothing but verdicts, and who reads them wants to know what is missing
		answer.Faults = nil // which may be long
	}
	whole, err := json.Marshal(answer)
	if err != nil {
		return &failure{code: http.StatusInternalServerError, text: "the answer cannot be written", err: err}
	}
	if lines {
		x.w.Header().Set("X-Account", string(bytes.TrimSuffix(whole, []byte(`,"verdicts":[]}`)))+"}")
	} else {
		kind = typeJSON
		before, behind = bytes.TrimSuffix(whole, []byte("]}")), []byte("]}\n")
	}
	w := x.w
	if h.kept == h.length {
		log.close()
	} else if log.space != nil {
		hurry := hurried(w)
		defer hurry.renew()
		w = hurry
	}
	h.send(w, kind, before, behind, func(add func([]byte)) error { return text(true, add).asError() })
	return nil
}

// postedLog is a log that is to be judged.
type postedLog struct {
	model  *Model
	text   []byte
	format auto.Format
	space  *workspace // nil if the log needs none
}

// openLog has a log ready to be judged; from is the format that it is said to have.
func (x *exchange) openLog(m *Model, text []byte, from string) (*postedLog, *failure) {
	if m.detector == nil {
		return nil, &failure{code: http.StatusUnprocessableEntity, text: "the model has no contract, so it can score numeric rows only"}
	}
	if auto.Packed(text) {
		return nil, &failure{code: http.StatusUnsupportedMediaType, text: "the log is compressed; send it as it is"}
	}
	format, ok := auto.ParseFormat(from)
	if !ok {
		return nil, &failure{code: http.StatusBadRequest, text: "from is no format of a log"}
	}
	log := &postedLog{model: m, text: text, format: format}
	var f *failure
	if needsWorkspace(m.set, format, text) {
		log.space, f = x.workspace(m)
	}
	return log, f
}

// close gives the workspace back. It may be called again.
func (l *postedLog) close() {
	if l.space != nil {
		l.model.put(l.space)
		l.space = nil
	}
}

// flows are those of the log, from its beginning, read by r.
func (l *postedLog) flows(r io.Reader, opts *auto.Options) iter.Seq2[*features.Flow, error] {
	if l.space == nil {
		return auto.Read(r, opts)
	}
	l.space.parts.Reset()
	opts.Parts = &l.space.parts
	return func(yield func(*features.Flow, error) bool) {
		for _, flows := range [...]iter.Seq2[*features.Flow, error]{auto.Read(r, opts), opts.Parts.Flush()} {
			for f, err := range flows {
				if !yield(f, err) {
					return
				}
			}
		}
	}
}

// stream is a run of a detector of the model over the log.
func (l *postedLog) stream(d *detect.Detector) *detect.Stream {
	if l.space == nil {
		return d.Stream()
	}
	l.space.stream = d.Reuse(l.space.stream)
	return l.space.stream
}

// judge scores the flows of a log, and gives each verdict, a line of JSON, to each, which does not keep it, until that wants no more; again tells that they were judged
// before. What it returns has no verdicts.
func (x *exchange) judge(log *postedLog, count int, threats, again bool, each func(verdict []byte) bool) (*judgedLog, *failure) {
	m := log.model
	d := m.detector
	if count > 0 {
		if err := m.explain(nil); err != nil {
			return nil, &failure{code: http.StatusUnprocessableEntity, text: errNoReasons.Error(), err: err}
		}
		d = m.explaining
	}
	t := d.Threshold()
	answer := &judgedLog{Model: d.Model(), Set: d.Set(), Threshold: finite(t), Skipped: map[string]int64{}, Verdicts: []json.RawMessage{}}
	var unfit error
	opts := &auto.Options{Format: log.format, OnFormat: func(f auto.Format, _ string) {
		answer.Format = string(f)
		unfit = m.set.CheckFormat(string(f))
	}}
	if m.set.Joins {
		opts.Join = auto.NewJoiner()
		defer opts.Join.Close()
	}
	var line bytes.Buffer
	w, err := detect.NewWriter(&line, detect.NDJSON, d)
	if err != nil {
		return nil, &failure{code: http.StatusInternalServerError, text: "verdicts cannot be written", err: err}
	}
	var account features.Account
	most := int64(mostRows(x.api.MaxRows, m.scorer.NumFeature()))
	shadow, j := &shadowStream{}, jobOf(x.r.Context())
	if !again {
		shadow = x.shadowStream(m)
	}
	text := &logReader{x: x, log: log.text, job: j}
	for v, err := range log.stream(d).Verdicts(log.flows(text, opts)) {
		var flow *features.Flow
		if v != nil {
			flow = v.Flow
		}
		if unfit != nil {
			return nil, logFailure(fmt.Errorf("%w: %w", features.ErrContract, unfit))
		}
		if err := account.Add(flow, err); err != nil {
			if text.over != nil {
				return nil, text.over
			}
			return nil, logFailure(err)
		}
		if err != nil {
			if e, ok := errors.AsType[*features.RecordError](err); ok && len(answer.Faults) < maxSkipped && !e.Reason.Lossless() {
				answer.Faults = append(answer.Faults, fault{e.Line, string(e.Reason), e.Field})
			}
			continue
		}
		if account.Rows++; account.Rows > most {
			return nil, &failure{code: http.StatusRequestEntityTooLarge, text: "too many records for one request"}
		}
		if account.Rows*int64(count) > maxTold {
			return nil, tooManyReasons
		}
		if count > 0 && account.Rows > explainedAtLeast || account.Rows%batchRows == 0 {
			if f := x.givenUp(); f != nil {
				return nil, f
			}
		}
		if count > 0 || account.Rows%pauseRows == 0 {
			j.pause()
		}
		if v.Threat {
			account.Threats++
		}
		shadow.judge(v)
		if threats && !v.Threat {
			continue
		}
		v.Top = v.Top[:min(count, len(v.Top))]
		if err := w.Write(v); err != nil {
			return nil, &failure{code: http.StatusInternalServerError, text: "verdicts cannot be written", err: err}
		}
		if err := w.Flush(); err != nil {
			return nil, &failure{code: http.StatusInternalServerError, text: "verdicts cannot be written", err: err}
		}
		if !each(line.Bytes()) {
			return answer, nil
		}
		line.Reset()
	}
	if unfit != nil { // and there was no record
		return nil, logFailure(fmt.Errorf("%w: %w", features.ErrContract, unfit))
	}
	if account.Unreadable() {
		return nil, &failure{code: http.StatusBadRequest, text: "no record of the log can be read as its format"}
	}
	answer.Records, answer.Flows, answer.Rows, answer.Threats = account.Records, account.Flows, account.Rows, account.Threats
	for reason, n := range account.Skipped {
		answer.Skipped[string(reason)] = n
	}
	x.rows = int(account.Rows)
	if again {
		return answer, nil
	}
	shadow.end(x)
	for reason, n := range account.Skipped {
		x.api.Metrics.lost(string(reason), n)
	}
	x.api.Metrics.threatened(account.Threats)
	return answer, nil
}

func logFailure(err error) *failure {
	f := &failure{code: http.StatusBadRequest, text: "the log cannot be read", err: err}
	switch {
	case errors.Is(err, features.ErrContract):
		f.text = "the feature set cannot be computed from logs of this format"
	case errors.Is(err, features.ErrFormat):
		f.text = "the format of the log is not known, or not the one that was named"
	}
	if e, ok := errors.AsType[*features.InputError](err); ok {
		f.row = e.Line
	}
	return f
}

// shadowStream judges what the model in use has judged, for comparison. The zero value has no shadow.
type shadowStream struct {
	model       *Model
	out         []float32
	all, differ int
	misfit      bool
}

// shadowStream compares rows where the shadow makes the same ones of a flow.
func (x *exchange) shadowStream(m *Model) *shadowStream {
	s := x.api.Live.Shadow()
	if s == nil {
		return &shadowStream{}
	}
	if s.detector == nil || s.detector.Set() != m.detector.Set() || s.scorer.NumFeature() != m.scorer.NumFeature() {
		return &shadowStream{model: s, misfit: true}
	}
	return &shadowStream{model: s, out: make([]float32, s.scorer.NumOutput())}
}

func (s *shadowStream) judge(v *detect.Verdict) {
	if s.model == nil {
		return
	}
	s.all++
	if s.misfit || s.model.scorer.Predict(s.out, v.Row) != nil {
		return
	}
	threat := s.out[0] >= s.model.detector.Threshold()
	if len(s.out) > 1 {
		threat = 1-s.out[0] >= s.model.detector.Threshold()
	}
	if threat != v.Threat {
		s.differ++
	}
}

func (s *shadowStream) end(x *exchange) {
	switch {
	case s.model == nil || s.all == 0:
	case s.misfit:
		x.api.Metrics.shadowed("shape", s.all)
	default:
		x.disagree(s.differ, s.all)
	}
}

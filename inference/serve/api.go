package serve

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"threatdetect/model"
)

// Limits of one request to an [API].
const (
	// maxTold is how many reasons are told in one answer, in which each takes many times as many bytes as a row may have in the request.
	maxTold = 100_000
	// explainedAtLeast is how many rows are explained whatever the client does, as batchRows are scored.
	explainedAtLeast = 64
)

// API answers everybody but SageMaker: numeric rows at /invocations, logs and rows with reasons at /v1/score, health at /healthz and
// /readyz, and a page for people at /. Its errors are JSON with a code, a fixed text, a number by which the log knows the request
// and, where there is one, the place in the body; they never repeat what was sent. It is safe for concurrent use.
type API struct {
	Live    *Live
	Metrics *Metrics     // nil counts nothing
	Log     *slog.Logger // a line for each request that fails, see LimitLog; nil logs nothing
	Page    bool         // whether there is a page at /
	MaxRows int          // of a request, or records of a log; 0 is DefaultMaxRows, see Settings.MaxRows

	rate rate
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := a.exchange(w, r)
	switch r.URL.Path {
	case "/healthz":
		if x.allow(http.MethodGet, http.MethodHead) {
			x.text(http.StatusOK, "alive\n")
		}
	case "/readyz", "/ping":
		if x.allow(http.MethodGet, http.MethodHead) {
			x.ready()
		}
	case "/execution-parameters":
		if x.allow(http.MethodGet, http.MethodHead) {
			x.json(http.StatusOK, map[string]any{"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": DefaultMaxContentLength >> 20})
		}
	case "/invocations":
		if x.allow(http.MethodPost) {
			x.answered(x.invocations())
		}
	case "/v1/score":
		if x.allow(http.MethodPost) {
			x.answered(x.score())
		}
	case "/v1/status":
		if x.allow(http.MethodGet, http.MethodHead) {
			x.json(http.StatusOK, a.status())
		}
	case "/", "/page.css", "/page.js":
		if !a.Page {
			x.fail(&failure{code: http.StatusNotFound, text: "there is nothing here"})
			return
		}
		if r.URL.Path != "/" {
			if x.allow(http.MethodGet, http.MethodHead) {
				x.asset()
			}
		} else if x.allow(http.MethodGet, http.MethodHead, http.MethodPost) {
			x.answered(x.page())
		}
	default:
		x.fail(&failure{code: http.StatusNotFound, text: "there is nothing here"})
	}
}

func (a *API) exchange(w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{api: a, w: w, r: r, id: rand.Text(), start: time.Now()}
	w.Header().Set("X-Request-Id", x.id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	return x
}

// refuse answers what the server does not let through.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, code int, text string) {
	a.exchange(w, r).fail(&failure{code: code, text: text})
}

// failure is an answer that is not 200. Its text is fixed: nothing of a request is in it.
type failure struct {
	code        int
	text        string
	row, column int64 // from 1; 0 where the fault has no place
	err         error // for the log
}

// exchange is one request and its answer.
type exchange struct {
	api   *API
	w     http.ResponseWriter
	r     *http.Request
	id    string
	start time.Time
	rows  int
	batch int // of rows that are being scored, from 1
}

// answered ends an exchange that was scored, or was to be.
func (x *exchange) answered(f *failure) {
	if f != nil {
		x.fail(f)
		return
	}
	x.api.rate.add(x.rows, time.Since(x.start))
	x.api.Metrics.scored(x.rows)
}

func (x *exchange) fail(f *failure) {
	body := struct {
		Code    int    `json:"code"`
		Error   string `json:"error"`
		Request string `json:"request_id"`
		Row     int64  `json:"row,omitempty"`
		Column  int64  `json:"column,omitempty"`
	}{f.code, f.text, x.id, f.row, f.column}
	if x.api.Log != nil {
		// Errors quote what was sent, which is nobody's business here; only the server's own faults are told whole.
		text := f.text
		if f.err != nil && f.code >= http.StatusInternalServerError {
			text = f.err.Error()
		}
		x.api.Log.Info("request failed", "request_id", x.id, "code", f.code, "error", text, "row", f.row, "column", f.column)
	}
	if f.code == http.StatusServiceUnavailable {
		x.w.Header().Set("Retry-After", "1")
	}
	x.json(f.code, body)
}

func (x *exchange) json(code int, v any) {
	text, err := json.Marshal(v)
	if err != nil { // nothing that is answered can do this
		code, text = http.StatusInternalServerError, []byte(`{"code":500,"error":"the answer cannot be written"}`)
	}
	x.send(code, typeJSON, append(text, '\n'))
}

func (x *exchange) text(code int, text string) {
	x.send(code, "text/plain; charset=utf-8", []byte(text))
}

func (x *exchange) send(code int, contentType string, body []byte) {
	reply(x.w, code, contentType, body)
}

// allow tells whether the method is one of methods; if not, it answers.
func (x *exchange) allow(methods ...string) bool {
	for _, m := range methods {
		if x.r.Method == m {
			return true
		}
	}
	x.w.Header().Set("Allow", strings.Join(methods, ", "))
	x.fail(&failure{code: http.StatusMethodNotAllowed, text: "the method is not one of " + strings.Join(methods, ", ")})
	return false
}

func (x *exchange) ready() {
	m := x.api.Live.Model()
	if m == nil || !m.health.ok() {
		x.text(http.StatusServiceUnavailable, "no model\n")
		return
	}
	x.text(http.StatusOK, "ready\n")
}

// model returns the model that answers this request.
func (x *exchange) model() (*Model, *failure) {
	m := x.api.Live.Model()
	if m == nil {
		return nil, &failure{code: http.StatusServiceUnavailable, text: "there is no model yet"}
	}
	return m, nil
}

// body reads the request; what it returns is valid until the handler returns.
func (x *exchange) body() ([]byte, *failure) {
	if e := x.r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, &failure{code: http.StatusUnsupportedMediaType, text: "the body has a Content-Encoding; send it as it is"}
	}
	if whole, ok := x.r.Body.(*received); ok && len(whole.body) <= DefaultMaxContentLength {
		return whole.body, nil
	}
	var b bytes.Buffer
	_, err := io.Copy(&b, io.LimitReader(x.r.Body, DefaultMaxContentLength+1))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, &failure{code: http.StatusRequestEntityTooLarge, text: "the body is too long", err: err}
	case err != nil:
		return nil, &failure{code: http.StatusBadRequest, text: "the request ended early", err: err}
	case b.Len() > DefaultMaxContentLength:
		return nil, &failure{code: http.StatusRequestEntityTooLarge, text: fmt.Sprintf("the body has more than %d bytes", DefaultMaxContentLength)}
	}
	return b.Bytes(), nil
}

// rowSize is about how many bytes of an answer a row takes at most.
func (a *API) rowSize(*http.Request) int {
	if m := a.Live.Model(); m != nil {
		return scoreSize(m.scorer)
	}
	return 0
}

// status is what the page and programs are told of the server.
type status struct {
	Model     string   `json:"model"`
	Objective string   `json:"objective"`
	Features  int      `json:"features"`
	Set       string   `json:"set,omitempty"`
	Threshold *float32 `json:"threshold,omitempty"`
	Loaded    string   `json:"loaded"`
	Shadow    string   `json:"shadow,omitempty"`

	RowsPerSecond float64 `json:"rows_per_second"` // over the last ten seconds
	MeanSeconds   float64 `json:"mean_seconds"`    // of the requests of that time
	Rows          int64   `json:"rows"`            // since the start
}

func (a *API) status() status {
	var s status
	if m := a.Live.Model(); m != nil {
		s.Model, s.Objective, s.Features = "sha256:"+m.Digest(), m.Bundle.Booster.Objective, m.Bundle.Booster.NumFeature
		s.Loaded = m.Loaded.UTC().Format(time.RFC3339)
		if m.detector != nil {
			t := m.detector.Threshold()
			s.Set, s.Threshold = m.detector.Set(), &t
		}
	}
	if m := a.Live.Shadow(); m != nil {
		s.Shadow = "sha256:" + m.Digest()
	}
	s.RowsPerSecond, s.MeanSeconds, s.Rows = a.rate.now()
	return s
}

// format names the form of a model for people.
func format(b *model.Booster) string {
	switch v := b.Version; {
	case !v.Known():
		return string(b.Format)
	case v[2] == 0: // most files do not tell it
		return fmt.Sprintf("%s, written by XGBoost %d.%d", b.Format, v[0], v[1])
	default:
		return fmt.Sprintf("%s, written by XGBoost %d.%d.%d", b.Format, v[0], v[1], v[2])
	}
}

package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"threatdetect/inference/rows"
)

// Limits of the multi-model mode.
const (
	maxModels     = 10_000
	maxModelQuery = 64 << 10 // bytes of a request to load a model
	defaultPage   = 100      // models in one listing
)

// MultiModel answers as the multi-model mode of SageMaker's container does: models are loaded from paths on this machine, and
// forgotten, by requests. It is safe for concurrent use. A model that is being unloaded still answers what it was asked before.
//
// Whoever can reach it can make it read any file that the process can: SageMaker alone should.
type MultiModel struct {
	settings Settings

	mu     sync.RWMutex
	models map[string]*loaded
}

// loaded is a registered model. SageMaker's front end registers one that cannot be read as well: its requests fail.
type loaded struct {
	url      string
	artifact *artifact // nil if it could not be read
}

// NewMultiModel returns a server without models.
func NewMultiModel(s *Settings) *MultiModel {
	m := &MultiModel{settings: *s, models: map[string]*loaded{}}
	m.settings.Output = nil // which this mode does not know
	m.settings.MaxContentLength = m.settings.limit()
	return m
}

// Limit is how many bytes a request may have.
func (m *MultiModel) Limit() int64 { return m.settings.limit() }

// ServeHTTP answers one request.
func (m *MultiModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.URL.Path == "/ping":
		m.ping(w)
	case r.URL.Path == "/execution-parameters":
		m.parameters(w, r)
	case r.URL.Path == "/" && r.Method == http.MethodOptions:
		reply(w, http.StatusOK, typeJSON, []byte(multiModelAPI))
	case r.URL.Path == "/":
		m.notAllowed(w)
	case r.URL.Path == "/models":
		m.collection(w, r)
	case r.URL.Path == "/invocations":
		m.fail(w, http.StatusBadRequest, "BadRequestException", "Parameter model_name is required.")
	case parts[0] == "models" && len(parts) == 2:
		m.one(w, r, parts[1])
	case parts[0] == "models" && len(parts) == 3 && parts[2] == "invoke", parts[0] == "predictions" && len(parts) == 2:
		m.invoke(w, r, parts[1])
	default:
		m.fail(w, http.StatusNotFound, "ResourceNotFoundException", "Requested resource is not found, please refer to API document.")
	}
}

// ping tells whether any of the models works, if there are some that could be read: a bad one must not have the others ended.
func (m *MultiModel) ping(w http.ResponseWriter) {
	m.mu.RLock()
	var all []*health
	for _, model := range m.models {
		if model.artifact != nil {
			all = append(all, model.artifact.health)
		}
	}
	m.mu.RUnlock()
	if len(all) > 0 && !slices.ContainsFunc(all, (*health).ok) {
		m.status(w, http.StatusServiceUnavailable, "Unhealthy")
		return
	}
	m.status(w, http.StatusOK, "Healthy")
}

// multiModelAPI is what a client that asks for the API gets.
const multiModelAPI = `{
  "openapi": "3.0.1",
  "info": {
    "title": "Model Server APIs",
    "description": "Models of XGBoost behind SageMaker's multi-model API",
    "version": "1.0.0"
  },
  "paths": {}
}
`

func (m *MultiModel) parameters(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		m.fail(w, http.StatusBadRequest, "BadRequestException", "Requested method is not allowed, please refer to API document.")
		return
	}
	w.Header()["Content-Type"] = nil // the front end tells none
	w.WriteHeader(http.StatusOK)
	fmt.Fprintf(w, "{\n  \"MaxConcurrentTransforms\": 1,\n  \"BatchStrategy\": \"MULTI_RECORD\",\n  \"MaxPayloadInMB\": %d\n}", m.settings.limit()>>20)
}

// collection lists models, or loads one.
func (m *MultiModel) collection(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		m.list(w, r)
	case http.MethodPost:
		m.load(w, r)
	default:
		m.notAllowed(w)
	}
}

// named is a model as a listing has it.
type named struct {
	Name string `json:"modelName"`
	URL  string `json:"modelUrl"`
}

func (m *MultiModel) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit, begin := defaultPage, 0
	for name, dst := range map[string]*int{"limit": &limit, "next_page_token": &begin} {
		if text := query.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				m.fail(w, http.StatusBadRequest, "BadRequestException", "Parameter "+name+" is not a number of models.")
				return
			}
			*dst = n
		}
	}
	m.mu.RLock()
	names := slices.Sorted(maps.Keys(m.models))
	page := struct {
		Next   string  `json:"nextPageToken,omitempty"`
		Models []named `json:"models"`
	}{Models: []named{}}
	begin = min(begin, len(names))
	end := min(begin+max(min(limit, defaultPage), 1), len(names))
	for _, name := range names[begin:end] {
		page.Models = append(page.Models, named{name, m.models[name].url})
	}
	m.mu.RUnlock()
	if end < len(names) {
		page.Next = strconv.Itoa(end)
	}
	m.json(w, http.StatusOK, page)
}

func (m *MultiModel) load(w http.ResponseWriter, r *http.Request) {
	var want struct {
		Name string `json:"model_name"`
		URL  string `json:"url"`
	}
	if query := r.URL.Query(); query.Has("url") || query.Has("model_name") {
		want.Name, want.URL = query.Get("model_name"), query.Get("url")
	} else {
		body, err := readBody(w, r, maxModelQuery)
		if err != nil || json.Unmarshal(body, &want) != nil {
			m.fail(w, http.StatusBadRequest, "BadRequestException", "The request is not a JSON object with model_name and url.")
			return
		}
	}
	switch {
	case want.URL == "":
		m.fail(w, http.StatusBadRequest, "BadRequestException", "Parameter url is required.")
		return
	case want.Name == "":
		m.fail(w, http.StatusBadRequest, "InvalidModelException", "Model name is not defined.")
		return
	}
	if p := m.room(want.Name); p != nil {
		m.fail(w, p.status, p.exception, p.text)
		return
	}
	if _, err := os.Stat(want.URL); errors.Is(err, fs.ErrNotExist) {
		m.fail(w, http.StatusNotFound, "ModelNotFoundException", "Model not found in model store: "+want.URL)
		return
	}
	model := &loaded{url: want.URL}
	pauser := newHaste() // other models are asked meanwhile
	defer pauser.breath.close()
	if a, err := openArtifact(want.URL, &m.settings, pauser); err == nil {
		model.artifact = a.averaged()
	}
	m.mu.Lock()
	_, twice := m.models[want.Name]
	if !twice {
		m.models[want.Name] = model
	}
	m.mu.Unlock()
	if twice { // while this one was read
		m.conflict(w, want.Name)
		return
	}
	m.status(w, http.StatusOK, "Workers scaled")
}

// refusal is why a model is not loaded.
type refusal struct {
	status          int
	exception, text string
}

// room tells why there can be no model of that name, if there cannot.
func (m *MultiModel) room(name string) *refusal {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if _, ok := m.models[name]; ok {
		return &refusal{http.StatusConflict, "ConflictStatusException", "Model " + name + " is already registered."}
	}
	if len(m.models) >= maxModels {
		return &refusal{http.StatusInsufficientStorage, "InsufficientStorageException", fmt.Sprintf("There are %d models already.", maxModels)}
	}
	return nil
}

func (m *MultiModel) conflict(w http.ResponseWriter, name string) {
	m.fail(w, http.StatusConflict, "ConflictStatusException", "Model "+name+" is already registered.")
}

// one tells of a model, or forgets it.
func (m *MultiModel) one(w http.ResponseWriter, r *http.Request, name string) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
	default:
		m.notAllowed(w)
		return
	}
	m.mu.Lock()
	model := m.models[name]
	if r.Method == http.MethodDelete {
		delete(m.models, name)
	}
	m.mu.Unlock()
	switch {
	case model == nil:
		m.fail(w, http.StatusNotFound, "ModelNotFoundException", "Model not found: "+name)
	case r.Method == http.MethodDelete:
		m.status(w, http.StatusOK, fmt.Sprintf("Model %q unregistered", name))
	case r.Method == http.MethodPut:
		m.status(w, http.StatusAccepted, "Processing worker updates...") // there are none: every request has its own goroutine
	default:
		m.json(w, http.StatusOK, struct {
			named
			Workers []struct{} `json:"workers"`
		}{named{name, model.url}, []struct{}{}})
	}
}

func (m *MultiModel) invoke(w http.ResponseWriter, r *http.Request, name string) {
	m.mu.RLock()
	model := m.models[name]
	m.mu.RUnlock()
	if model == nil {
		m.fail(w, http.StatusNotFound, "ModelNotFoundException", "Model not found: "+name)
		return
	}
	body, err := readBody(w, r, m.settings.limit())
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		m.tooLarge(w)
		return
	case err != nil:
		m.fail(w, http.StatusBadRequest, "BadRequestException", "The request ended early.")
		return
	case len(body) == 0:
		w.Header()["Content-Type"] = nil
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if p := m.answer(w, r, body, model); p != nil {
		m.fail(w, p.status, "InvalidRequestException", p.text)
	}
}

// answer scores the rows of a body. Where the container says 503 to everything that is wrong, it tells what is.
func (m *MultiModel) answer(w http.ResponseWriter, r *http.Request, body []byte, model *loaded) *problem {
	a := model.artifact
	if a == nil {
		return problemf(http.StatusInternalServerError, "The model cannot be read.")
	}
	if len(r.Header["Content-Type"]) == 0 {
		return problemf(http.StatusUnsupportedMediaType, "The request has no Content-Type.")
	}
	format, name, p := requestFormat(r.Header)
	if p != nil {
		return p
	}
	form, kind := m.form(r.Header)
	h, most, out := holding(len(body)), mostRows(m.settings.MaxRows, a.scorer.NumFeature()), a.scorer.NumOutput()
	text := func(add func([]byte)) error {
		lines := newWriting(form, out)
		defer lines.end()
		return a.score(r.Context(), body, format, most, func(values []float32) { lines.add(values, add) })
	}
	err := text(h.add)
	if p := ended(err); p != nil {
		p.text = "The request was given up."
		return p
	}
	if errors.Is(err, rows.ErrTooMany) {
		m.tooLarge(w)
		return nil
	}
	if err != nil {
		return scoreProblem(name, err)
	}
	if form == nil {
		return problemf(http.StatusNotAcceptable, "Accept type %s is not supported, want %s or %s.", kind, typeJSON, typeCSV)
	}
	h.send(w, kind, form.head(0, out), []byte(form.end), text)
	return nil
}

// form tells how a request is answered, nil if in no form that there is.
func (m *MultiModel) form(h http.Header) (f *form, kind string) {
	kind = strings.Join(h["Accept"], ",")
	if kind == "" || kind == "*/*" {
		kind = typeJSON
		if m.settings.DefaultAccept != nil {
			kind = *m.settings.DefaultAccept
		}
	}
	switch strings.ToLower(kind) {
	case "csv", typeCSV:
		if m.settings.Batch {
			return batchLines, kind
		}
		return joinedLine, kind
	case typeJSON:
		return joinedJSON, kind
	}
	return nil, kind
}

// tooLarge answers to who sends too much.
func (m *MultiModel) tooLarge(w http.ResponseWriter) {
	w.Header()["Content-Type"] = nil
	w.WriteHeader(http.StatusRequestEntityTooLarge)
}

// rowSize is about how many bytes of an answer a row takes at most.
func (m *MultiModel) rowSize(r *http.Request) int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if parts := strings.Split(r.URL.Path, "/"); len(parts) > 2 {
		if model := m.models[parts[2]]; model != nil && model.artifact != nil {
			return model.artifact.rowSize()
		}
	}
	return 0
}

func (m *MultiModel) status(w http.ResponseWriter, status int, text string) {
	m.json(w, status, struct {
		Status string `json:"status"`
	}{text})
}

func (m *MultiModel) notAllowed(w http.ResponseWriter) {
	m.fail(w, http.StatusMethodNotAllowed, "MethodNotAllowedException", "Requested method is not allowed, please refer to API document.")
}

func (m *MultiModel) fail(w http.ResponseWriter, status int, exception, message string) {
	m.json(w, status, struct {
		Code    int    `json:"code"`
		Type    string `json:"type"`
		Message string `json:"message"`
	}{status, exception, message})
}

// json answers as the front end prints JSON.
func (m *MultiModel) json(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	e.Encode(v) // of what is made here, which can be written
	reply(w, status, typeJSON, b.Bytes())
}

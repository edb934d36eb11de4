package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	pathpkg "path"
	"runtime"
	"strconv"
	"strings"

	"threatdetect/inference/rows"
)

// Container answers as SageMaker's container with one artifact does. It is immutable and safe for concurrent use.
type Container struct {
	settings   Settings
	generation generation
	artifact   *artifact
	selected   *selection // nil if the whole value is told
}

// OpenContainer loads the artifact at path, a directory such as /opt/ml/model or a model.tar.gz, by the container's rules: every
// file at the top whose name does not begin with a dot is a model, several are an ensemble, and one that cannot be read is an
// error.
func OpenContainer(path string, s *Settings) (*Container, error) {
	a, err := openArtifact(path, s, nil)
	if err != nil {
		return nil, err
	}
	c := &Container{settings: *s, generation: generationOf(s.Image), artifact: a}
	if s.Output != nil && !c.generation.whole {
		c.selected = &selection{artifact: a, keys: selectableOutput(*s.Output), valid: a.selectableKeys()}
	}
	return c, nil
}

// Digest is the SHA-256 of the artifact.
func (c *Container) Digest() string { return c.artifact.digest }

// Limit is how many bytes a request may have.
func (c *Container) Limit() int64 { return c.settings.limit() }

// ServeHTTP answers one request.
func (c *Container) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodTrace {
		pageOf(w, http.StatusMethodNotAllowed, typePage) // by the proxy before it
		return
	}
	switch path := mergeSlashes(r.URL.Path); path {
	case "/ping":
		if c.allow(w, r, http.MethodGet, http.MethodHead) {
			status := http.StatusOK
			if !c.artifact.health.ok() {
				status = http.StatusServiceUnavailable
			}
			reply(w, status, typeText, nil)
		}
	case "/execution-parameters":
		if c.allow(w, r, http.MethodGet, http.MethodHead) {
			reply(w, http.StatusOK, typeJSON, fmt.Appendf(nil, `{"MaxConcurrentTransforms": %d, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": %d}`,
				runtime.NumCPU(), c.settings.told()>>20))
		}
	case "/invocations":
		if c.allow(w, r, http.MethodPost) {
			c.invoke(w, r)
		}
	default:
		// The proxy looks at what is meant, the container at what is asked.
		meant := pathpkg.Clean(path)
		for _, served := range []string{"/ping", "/execution-parameters", "/invocations"} {
			if strings.HasPrefix(meant, served) {
				c.page(w, http.StatusNotFound)
				return
			}
		}
		// The proxy before the container answers what the container is not asked.
		reply(w, http.StatusNotFound, typeOfName(path), []byte("{}"))
	}
}

func (c *Container) invoke(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r, c.settings.limit())
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		c.page(w, http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		c.page(w, http.StatusBadRequest)
		return
	case c.generation.takenAsForm(r.Header) && c.generation.framework3 && len(body) > maxForm:
		c.page(w, http.StatusRequestEntityTooLarge)
		return
	case len(body) == 0 || c.generation.takenAsForm(r.Header):
		reply(w, http.StatusNoContent, typeText, nil)
		return
	}
	if p := c.answer(w, r, body); p != nil {
		if p.text == "" {
			c.page(w, p.status)
		} else {
			reply(w, p.status, typeText, []byte(p.text))
		}
	}
}

// answer scores the rows of a body and sends the scores as the headers ask for.
func (c *Container) answer(w http.ResponseWriter, r *http.Request, body []byte) *problem {
	format, name, p := requestFormat(r.Header)
	if p != nil {
		return p
	}
	form, kind, p := c.form(r.Header) // of which the rows are told first what is wrong with them
	h, most := holding(len(body)), mostRows(c.settings.MaxRows, c.artifact.scorer.NumFeature())
	out := c.artifact.scorer.NumOutput()
	count := 0
	text := func(add func([]byte)) error {
		lines := newWriting(form, out)
		defer func() { count = lines.end() }()
		return c.artifact.score(r.Context(), body, format, most, func(values []float32) { lines.add(values, add) })
	}
	err := text(h.add)
	if p := ended(err); p != nil {
		return p
	}
	if errors.Is(err, rows.ErrTooMany) {
		return &problem{status: http.StatusRequestEntityTooLarge}
	}
	if err != nil {
		return scoreProblem(name, err)
	}
	if p != nil {
		return p
	}
	h.send(w, kind, form.head(count, out), []byte(form.end), text)
	return nil
}

// form tells how a request is answered.
func (c *Container) form(h http.Header) (f *form, contentType string, p *problem) {
	if c.generation.joined && c.selected == nil {
		if c.settings.Batch {
			return batchLines, typeCSVText, nil
		}
		return joinedLine, typeCSVText, nil
	}
	kind, p := c.settings.answerType(h)
	if p != nil {
		return nil, "", p
	}
	contentType = kind
	if strings.HasPrefix(kind, "text/") {
		contentType += "; charset=utf-8"
	}
	switch {
	case c.selected != nil && c.selected.valid == nil:
		return nil, "", problemf(http.StatusInternalServerError, "Objective `%s` unsupported for selectable inference predictions.", c.artifact.objective)
	case c.selected != nil:
		if f = c.selected.form(kind, c.settings.Batch); f == nil {
			p = problemf(http.StatusInternalServerError, "Cannot encode selected predictions into accept type '%s'.", kind)
		}
		return f, contentType, p
	case c.settings.Batch:
		return batchLines, contentType, nil
	}
	switch kind {
	case typeCSV:
		return csvLines, contentType, nil
	case typeJSON:
		return jsonScores, contentType, nil
	case typeJSONLines:
		return jsonLines, contentType, nil
	case typeRecordIO:
		return recordScores, contentType, nil
	case typeNumPy:
		return numPy, contentType, nil
	}
	// Out of the environment; the container has no encoder for it.
	return nil, "", &problem{status: http.StatusInternalServerError}
}

// rowSize is about how many bytes of an answer a row takes at most.
func (c *Container) rowSize(*http.Request) int {
	if c.selected != nil {
		return c.selected.rowSize()
	}
	return c.artifact.rowSize()
}

// ended tells that the work on a request was given up: nobody hears it if the client is gone.
func ended(err error) *problem {
	switch {
	case errors.Is(err, context.Canceled):
		return &problem{status: http.StatusBadRequest}
	case errors.Is(err, context.DeadlineExceeded):
		return &problem{status: http.StatusServiceUnavailable}
	}
	return nil
}

// scoreProblem says why a body could not be scored, in the container's words as far as they are its own.
func scoreProblem(name string, err error) *problem {
	if columns, ok := errors.AsType[*rows.ColumnsError](err); ok {
		how := "not consistent with"
		if name == "libsvm" {
			how = "larger than"
		}
		return problemf(http.StatusBadRequest, "Unable to evaluate payload provided: Feature size of %s inference data %d is %s feature size of trained model %d.",
			name, columns.Got, how, columns.Want)
	}
	if errors.Is(err, rows.ErrShape) {
		return problemf(http.StatusBadRequest, "Unable to evaluate payload provided: %v", err)
	}
	gap := "\n"
	if name == "recordio-protobuf" {
		gap = ""
	}
	return problemf(http.StatusUnsupportedMediaType, "Loading %s data failed with Exception, please ensure data is in %s format:%s <class 'ValueError'>%s %v",
		name, name, gap, gap, err)
}

// readBody reads a request of at most limit bytes, which are valid until the handler returns.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	if whole, ok := r.Body.(*received); ok {
		return whole.body, nil
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
}

// allow tells whether the method is one of methods; if not, it answers.
func (c *Container) allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	for _, m := range methods {
		if r.Method == m {
			return true
		}
	}
	w.Header().Set("Allow", strings.Join(append(methods, http.MethodOptions), ", "))
	if r.Method == http.MethodOptions {
		reply(w, http.StatusOK, typeText, nil)
	} else {
		c.page(w, http.StatusMethodNotAllowed)
	}
	return false
}

func reply(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header()["Content-Type"] = []string{contentType}
	if len(body) > 0 { // or what is long would go in chunks
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	w.Write(body) // a client that is gone needs no answer
}

// page answers where the container's web framework does, with a page instead of a text of the container's own.
func (c *Container) page(w http.ResponseWriter, status int) {
	if c.generation.framework3 {
		pageOf(w, status, typeText)
	} else {
		pageOf(w, status, typePage)
	}
}

func pageOf(w http.ResponseWriter, status int, contentType string) {
	reply(w, status, contentType, fmt.Appendf(nil, "<!doctype html>\n<title>%d %s</title>\n<h1>%[2]s</h1>\n", status, http.StatusText(status)))
}

// mergeSlashes makes one slash out of several that follow each other.
func mergeSlashes(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

// typeOfName is what the proxy tells of a path by the end of its name.
func typeOfName(path string) string {
	name := path[strings.LastIndexByte(path, '/')+1:]
	dot := strings.LastIndexByte(name, '.')
	if dot < 1 {
		return typeBytes
	}
	if kind, ok := typesOfNames[strings.ToLower(name[dot+1:])]; ok {
		return kind
	}
	return typeBytes
}

var typesOfNames = map[string]string{
	"css": "text/css", "htm": typePage, "html": typePage, "txt": "text/plain", "xml": "text/xml",
	"js": "application/javascript", "json": typeJSON, "pdf": "application/pdf", "zip": "application/zip", "woff": "font/woff",
	"gif": "image/gif", "ico": "image/x-icon", "jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "svg": "image/svg+xml",
}

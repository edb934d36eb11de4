package serve

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"threatdetect/inference/rows"
)

// Media types of answers.
const (
	typeCSV       = "text/csv"
	typeCSVText   = "text/csv; charset=utf-8" // as the framework completes it
	typeJSON      = "application/json"
	typeJSONLines = "application/jsonlines"
	typeRecordIO  = "application/x-recordio-protobuf"
	typeNumPy     = "application/x-npy"
	typeText      = "text/html; charset=utf-8" // of the container's messages
	typePage      = "text/html"                // of its web framework's pages
	typeBytes     = "application/octet-stream"
)

// accepts lists what the container answers in, as it prints it.
var accepts = []string{typeJSON, typeJSONLines, typeRecordIO, typeCSV}

// problem is an answer that is not 200.
type problem struct {
	status int
	text   string
}

func problemf(status int, format string, args ...any) *problem {
	return &problem{status, fmt.Sprintf(format, args...)}
}

// parseHeader splits a header as Python's cgi.parse_header does: the value, and parameters with names in lower case.
func parseHeader(text string) (value string, params map[string]string) {
	value, rest := cutParam(text)
	for rest != "" {
		var part string
		part, rest = cutParam(rest[1:])
		name, v, ok := strings.Cut(part, "=")
		if !ok {
			continue
		}
		v = strings.TrimSpace(v)
		if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
			v = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(v[1 : len(v)-1])
		}
		if params == nil {
			params = map[string]string{}
		}
		params[strings.ToLower(strings.TrimSpace(name))] = v
	}
	return value, params
}

// cutParam cuts text before the first semicolon that is not in quotes.
func cutParam(text string) (part, rest string) {
	end := 0
	for {
		i := strings.IndexByte(text[end:], ';')
		if i < 0 {
			return strings.TrimSpace(text), ""
		}
		end += i
		quotes := strings.Count(text[:end], `"`) - strings.Count(text[:end], `\"`)
		if quotes%2 == 0 {
			return strings.TrimSpace(text[:end]), text[end:]
		}
		end++
	}
}

// latin1 is a header as Python has it, which takes every byte for a character.
func latin1(text string) string {
	if all(text, func(c byte) bool { return c < utf8.RuneSelf }) {
		return text
	}
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// requestFormat tells how a request is written. Names are those of the container's messages.
func requestFormat(h http.Header) (format rows.Format, name string, p *problem) {
	values, present := h["Content-Type"]
	if !present {
		return rows.Libsvm, "libsvm", nil
	}
	sent := latin1(values[len(values)-1])
	kind, params := parseHeader(strings.ToLower(sent))
	switch kind {
	case "csv", typeCSV:
		if size, ok := params["label_size"]; ok && size != "1" {
			return "", "", problemf(http.StatusUnsupportedMediaType,
				"%s is not an accepted csv ContentType. Optional parameter label_size must be equal to 1", sent)
		}
		return rows.CSV, "csv", nil
	case "libsvm", "text/libsvm", "text/x-libsvm":
		return rows.Libsvm, "libsvm", nil
	case "recordio-protobuf", typeRecordIO:
		return rows.RecordIO, "recordio-protobuf", nil
	case "parquet", "application/x-parquet":
		return "", "", problemf(http.StatusUnsupportedMediaType, "Content-type %s is not supported.", sent)
	}
	return "", "", problemf(http.StatusUnsupportedMediaType, "%s is not an accepted ContentType: csv, libsvm, parquet, recordio-protobuf, "+
		"text/csv, text/libsvm, text/x-libsvm, application/x-parquet, application/x-recordio-protobuf.", sent)
}

// maxForm is the most bytes of a form that today's framework takes.
const maxForm = 500_000

// takenAsForm tells whether the container's web framework takes the body away as a form, before the container's own code sees it.
func (g generation) takenAsForm(h http.Header) bool {
	values := h["Content-Type"]
	if len(values) == 0 {
		return false
	}
	sent := latin1(values[len(values)-1])
	if g.framework3 {
		kind, params := parseHeader(strings.ToLower(sent))
		return kind == "application/x-www-form-urlencoded" || kind == "multipart/form-data" && params["boundary"] != ""
	}
	kind := strings.TrimLeft(sent, " \t")
	if end := strings.IndexAny(kind, ";, \t"); end >= 0 {
		kind = kind[:end]
	}
	return kind == "application/x-www-form-urlencoded" || kind == "application/x-url-encoded" || kind == "multipart/form-data"
}

// answerType tells what a request is answered in. known is false if it comes out of the environment and is none of accepts.
func (s *Settings) answerType(h http.Header) (kind string, p *problem) {
	kind, _ = parseHeader(latin1(strings.Join(h["Accept"], ",")))
	if kind == "" || kind == "*/*" {
		if s.DefaultAccept != nil {
			return *s.DefaultAccept, nil
		}
		return typeCSV, nil
	}
	if !slices.Contains(accepts, strings.ToLower(kind)) {
		return "", problemf(http.StatusNotAcceptable, "Accept type %s is not supported. Please use supported accept types: ['%s'].", kind, strings.Join(accepts, "', '"))
	}
	return strings.ToLower(kind), nil
}

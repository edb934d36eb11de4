package serve

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"threatdetect/inference/rows"
	"threatdetect/internal/decimal"
)

//go:embed web
var web embed.FS

// pageTemplate is parsed when the page is asked for, which most servers never see.
var pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.ParseFS(web, "web/page.html")) })

const (
	pageRows    = 50 // verdicts that the page shows
	pageReasons = 8  // and reasons for each
)

// security keeps the page from asking anyone but this server for anything.
const security = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// asset answers with a file of the page.
func (x *exchange) asset() {
	name := strings.TrimPrefix(x.r.URL.Path, "/")
	data, err := web.ReadFile("web/" + name)
	if err != nil {
		x.fail(&failure{code: http.StatusNotFound, text: "there is nothing here"})
		return
	}
	kind := mime.TypeByExtension(name[strings.LastIndexByte(name, '.'):])
	x.send(http.StatusOK, kind, data)
}

// view is what the page shows.
type view struct {
	Status       status
	Milliseconds float64
	Form         string
	Contract     string
	Card         string
	Most         int

	Input   string // of the form
	Mark    string // where the text of the form belongs, which would take several times its size as a part of the page
	text    []byte
	Failure string
	Summary string
	Scored  []scoredView
}

type scoredView struct {
	What, Score    string
	Probability    string // of a calibrated model
	Judged, Threat bool
	Why            []reasonView
}

type reasonView struct {
	Feature, Value, Contribution string
	Up                           bool
	X, Width                     string // of a bar, on an axis from 0 to 200 with its middle at 100
}

// page answers with the page, and with scores on it if something was sent. A fault of what was sent is told on the page.
func (x *exchange) page() *failure {
	v := &view{Status: x.api.status(), Most: pageRows, Input: "rows", Mark: rand.Text()}
	v.Milliseconds = v.Status.MeanSeconds * 1000
	m := x.api.Live.Model()
	if m != nil {
		v.Form = format(m.Bundle.Booster)
		v.Card = string(m.Bundle.Card)
		var b bytes.Buffer
		if m.Bundle.Contract != nil && json.Indent(&b, m.Bundle.Contract, "", "  ") == nil {
			v.Contract = b.String()
		}
		if m.detector != nil {
			v.Input = "log"
		}
	}
	code := http.StatusOK
	if x.r.Method == http.MethodPost {
		f := x.pageScores(m, v)
		if f != nil {
			code, v.Failure = f.code, sentence(f)
		}
	}
	var b bytes.Buffer
	if err := pageTemplate().Execute(&b, v); err != nil {
		return &failure{code: http.StatusInternalServerError, text: "the page cannot be made", err: err}
	}
	h := x.w.Header()
	h.Set("Content-Security-Policy", security)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	before, behind, _ := bytes.Cut(b.Bytes(), []byte(v.Mark))
	var length counter
	escape(&length, v.text)
	h["Content-Type"] = []string{"text/html; charset=utf-8"}
	h["Content-Length"] = []string{strconv.Itoa(len(before) + int(length) + len(behind))}
	x.w.WriteHeader(code)
	x.w.Write(before)
	escape(x.w, v.text)
	x.w.Write(behind)
	return nil
}

// escape writes text to a page.
func escape(w io.Writer, text []byte) {
	b := bufio.NewWriter(w)
	for part := range slices.Chunk(text, pieceSize) {
		template.HTMLEscape(b, part)
	}
	b.Flush()
}

// counter counts what is written to it.
type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// sentence tells a failure to people.
func sentence(f *failure) string {
	text := strings.ToUpper(f.text[:1]) + f.text[1:]
	switch {
	case f.row > 0 && f.column > 0:
		text += fmt.Sprintf(" (line %d, column %d)", f.row, f.column)
	case f.row > 0:
		text += fmt.Sprintf(" (line %d)", f.row)
	}
	return text + "."
}

// pageScores scores what was pasted.
func (x *exchange) pageScores(m *Model, v *view) *failure {
	if m == nil {
		return &failure{code: http.StatusServiceUnavailable, text: "there is no model yet"}
	}
	body, f := x.body()
	if f != nil {
		return f
	}
	form := url.Values{}
	if kind, _ := parseHeader(strings.ToLower(x.r.Header.Get("Content-Type"))); kind == "application/x-www-form-urlencoded" {
		var err error
		if form, err = url.ParseQuery(string(body)); err != nil {
			return &failure{code: http.StatusBadRequest, text: "the form cannot be read", err: err}
		}
	}
	// A form sends CRLF for every line end, whatever was typed.
	v.text = bytes.ReplaceAll([]byte(form.Get("text")), []byte("\r\n"), []byte("\n"))
	if input := form.Get("input"); input == "log" && m.detector != nil || input == "rows" {
		v.Input = input
	}
	if len(bytes.TrimSpace(v.text)) == 0 {
		return &failure{code: http.StatusBadRequest, text: "there is nothing to score"}
	}
	reasons := pageReasons
	if m.explain(nil) != nil {
		reasons = 0
	}
	if v.Input == "rows" {
		return x.pageOfRows(m, v, reasons)
	}
	return x.pageOfLog(m, v, reasons)
}

// pageOfRows scores all rows, and then those that are shown once more, with reasons: the others need none.
func (x *exchange) pageOfRows(m *Model, v *view, reasons int) *failure {
	if f := x.explainedRows(m, v.text, rows.CSV, 0, false, func(*scoredRow) bool { return true }); f != nil {
		return f
	}
	v.Summary = fmt.Sprintf("%d rows.", x.rows)
	return x.explainedRows(m, v.text, rows.CSV, reasons, true, func(row *scoredRow) bool {
		s := scoredView{What: "Row " + strconv.Itoa(len(v.Scored)+1), Score: decimalOf(row.Score)}
		if row.Scores != nil {
			var parts []string
			for _, score := range row.Scores {
				parts = append(parts, decimalOf(score))
			}
			s.Score = strings.Join(parts, " ")
		}
		s.Probability = probabilityOf(row.Probability)
		if m.detector != nil && row.Score != nil {
			s.Judged, s.Threat = true, *row.Score >= m.detector.Threshold()
		}
		s.Why = reasonViews(row.Top)
		v.Scored = append(v.Scored, s)
		return len(v.Scored) < pageRows
	})
}

// pageOfLog judges all flows, and then those that are shown once more, with reasons.
func (x *exchange) pageOfLog(m *Model, v *view, reasons int) *failure {
	log, f := x.openLog(m, v.text, "")
	if f != nil {
		return f
	}
	defer log.close()
	answer, f := x.judge(log, 0, false, false, func([]byte) bool { return true })
	if f != nil {
		return f
	}
	var shown [][]byte
	if _, f := x.judge(log, reasons, false, true, func(verdict []byte) bool {
		shown = append(shown, bytes.Clone(verdict))
		return len(shown) < pageRows
	}); f != nil {
		return f
	}
	v.Summary = fmt.Sprintf("%s: %d records, %d flows, %d threats.", answer.Format, answer.Records, answer.Flows, answer.Threats)
	for _, reason := range slices.Sorted(maps.Keys(answer.Skipped)) {
		v.Summary += fmt.Sprintf(" Skipped as %s: %d.", reason, answer.Skipped[reason])
	}
	for _, line := range shown {
		var verdict struct {
			Src     string   `json:"src"`
			SrcPort *int     `json:"src_port"`
			Dst     string   `json:"dst"`
			DstPort *int     `json:"dst_port"`
			Proto   string   `json:"proto"`
			Score   *float32 `json:"score"`
			Chance  *float32 `json:"probability"`
			Threat  bool     `json:"threat"`
			Top     []reason `json:"top"`
		}
		if err := json.Unmarshal(line, &verdict); err != nil {
			return &failure{code: http.StatusInternalServerError, text: "a verdict cannot be shown", err: err}
		}
		what := strings.TrimSpace(endpoint(verdict.Src, verdict.SrcPort) + " → " + endpoint(verdict.Dst, verdict.DstPort) + " " + verdict.Proto)
		v.Scored = append(v.Scored, scoredView{What: what, Score: decimalOf(verdict.Score), Probability: probabilityOf(verdict.Chance), Judged: true, Threat: verdict.Threat, Why: reasonViews(verdict.Top)})
	}
	return nil
}

func endpoint(address string, port *int) string {
	switch {
	case address == "":
		return "?"
	case port == nil:
		return address
	case strings.Contains(address, ":"):
		return fmt.Sprintf("[%s]:%d", address, *port)
	}
	return fmt.Sprintf("%s:%d", address, *port)
}

func decimalOf(v *float32) string {
	if v == nil {
		return "–"
	}
	return string(decimal.AppendFloat32(nil, *v))
}

// probabilityOf is empty for a model without a calibration.
func probabilityOf(v *float32) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(100*float64(*v), 'g', 3, 64) + " %"
}

// reasonViews draws contributions as bars, the largest of which fills its side.
func reasonViews(top []reason) []reasonView {
	largest := 0.0
	for _, r := range top {
		if r.Contribution != nil {
			largest = max(largest, math.Abs(float64(*r.Contribution)))
		}
	}
	var all []reasonView
	for _, r := range top {
		v := reasonView{Feature: r.Feature, Value: decimalOf(r.Value), Contribution: "–", X: "100", Width: "0"}
		if r.Value == nil {
			v.Value = "missing"
		}
		if r.Contribution != nil && largest > 0 {
			c := float64(*r.Contribution)
			v.Contribution = fmt.Sprintf("%+.3f", c)
			width := 100 * math.Abs(c) / largest
			v.Up, v.Width = c > 0, fmt.Sprintf("%.1f", width)
			if c < 0 {
				v.X = fmt.Sprintf("%.1f", 100-width)
			}
		}
		all = append(all, v)
	}
	return all
}

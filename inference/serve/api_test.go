package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

func demo(t testing.TB, name string) string {
	return filepath.Join(testkit.Root(t), "testdata", "demo", name)
}

// newAPI serves the demo bundle. What it logs goes to the buffer.
func newAPI(t testing.TB) (*API, *bytes.Buffer) {
	m, err := OpenModel(demo(t, "model.tar.gz"), nil)
	require.NoError(t, err)
	live := &Live{}
	live.Swap(m)
	log := &bytes.Buffer{}
	return &API{Live: live, Metrics: NewMetrics(), Log: slog.New(slog.NewTextHandler(log, nil)), Page: true}, log
}

func conn(t testing.TB, lines int) string {
	text, err := os.ReadFile(demo(t, "conn.log"))
	require.NoError(t, err)
	return strings.Join(strings.SplitAfter(string(text), "\n")[:lines], "")
}

func TestScoreLog(t *testing.T) {
	api, _ := newAPI(t)
	w := post(api, "/v1/score?explain=3", "text/plain", "", conn(t, 60))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	var answer judgedLog
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	require.Equal(t, "zeek", answer.Format)
	require.EqualValues(t, len(answer.Verdicts), answer.Rows)
	require.Equal(t, answer.Records, answer.Flows)
	require.Positive(t, answer.Threats)
	threats := int64(0)
	for _, line := range answer.Verdicts {
		var v struct {
			Threat bool
			Top    []reason
		}
		require.NoError(t, json.Unmarshal(line, &v))
		require.Len(t, v.Top, 3)
		if v.Threat {
			threats++
		}
	}
	require.Equal(t, answer.Threats, threats)

	lines := post(api, "/v1/score?threats=1", "text/plain", "application/x-ndjson", conn(t, 60))
	require.EqualValues(t, threats, strings.Count(lines.Body.String(), "\n"))
	var account judgedLog
	require.NoError(t, json.Unmarshal([]byte(lines.Header().Get("X-Account")), &account))
	answer.Verdicts, answer.Faults = nil, nil
	require.Equal(t, answer, account)
}

// A record that is no good costs one record, and the answer says which.
func TestScoreLogTellsFaults(t *testing.T) {
	api, _ := newAPI(t)
	w := post(api, "/v1/score", "text/plain", "", conn(t, 20)+"not\ta\trecord\n")
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	var answer judgedLog
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	require.Equal(t, answer.Records, answer.Flows+1)
	require.Equal(t, map[string]int64{"fields": 1}, answer.Skipped)
	require.Equal(t, []fault{{Line: 21, Reason: "fields"}}, answer.Faults)
}

// A model with a calibration tells probabilities, of flows and of rows, and on the page; one without has no such member (TestScoreLog).
func TestScoreCalibrated(t *testing.T) {
	b, err := model.OpenBundle(demo(t, "model.tar.gz"), nil)
	require.NoError(t, err)
	b.Contract = bytes.Replace(b.Contract, []byte(`"calibration":null`), []byte(`"calibration":{"points":[{"probability":0.25,"score":0}]}`), 1)
	var archive bytes.Buffer
	require.NoError(t, model.WriteBundle(&archive, b))
	name := filepath.Join(t.TempDir(), "model.tar.gz")
	require.NoError(t, os.WriteFile(name, archive.Bytes(), 0o600))
	m, err := OpenModel(name, nil)
	require.NoError(t, err)
	api, _ := newAPI(t)
	row := strings.Repeat("1,", 69) + "\n"
	require.NotContains(t, post(api, "/v1/score?input=rows", "text/csv", "", row).Body.String(), "probability")
	require.NotContains(t, post(api, "/v1/score", "text/plain", "", conn(t, 60)).Body.String(), "probability")
	api.Live.Swap(m)
	require.Contains(t, post(api, "/v1/score?input=rows", "text/csv", "", row).Body.String(), `,"probability":0.25`)
	require.Contains(t, post(api, "/v1/score", "text/plain", "", conn(t, 60)).Body.String(), `,"probability":0.25,"threat":`)
	form := url.Values{"input": {"log"}, "text": {conn(t, 60)}}
	require.Contains(t, post(api, "/", "application/x-www-form-urlencoded", "", form.Encode()).Body.String(), "probability 25 %")
}

func TestScoreRows(t *testing.T) {
	api, _ := newAPI(t)
	row := strings.Repeat("1,", 69) + "\n"
	plain := post(api, "/invocations", "text/csv", "", row+row)
	require.Equal(t, http.StatusOK, plain.Code, plain.Body)
	require.Equal(t, 2, strings.Count(plain.Body.String(), "\n"))
	w := post(api, "/v1/score?input=rows&explain=5", "text/csv", "", row)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	var answer struct{ Rows []scoredRow }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	require.Len(t, answer.Rows, 1)
	require.Len(t, answer.Rows[0].Top, 5)
	require.NotEqual(t, "f0", answer.Rows[0].Top[0].Feature, "the contract has names")

	for accept, want := range map[string]string{"application/json": `{"predictions": [{"score": `, "application/jsonlines": `{"score": `, "application/x-recordio-protobuf": "\n#\xd7\xce"} {
		got := post(api, "/invocations", "text/csv", accept, row).Body.String()
		require.True(t, strings.HasPrefix(got, want), "%s: %q", accept, got)
	}
}

// What clients send wrong is told by code and place, never repeated, and never a fault of the server.
func TestAPIFaults(t *testing.T) {
	const secret = "<script>secret"
	api, log := newAPI(t)
	row := strings.Repeat("1,", 69)
	for _, test := range []struct {
		name, path, contentType, accept, body string
		code                                  int
		row, column                           int64
	}{
		{"no type", "/invocations", "", "", row, 415, 0, 0},
		{"json", "/invocations", "application/json", "", "[1]", 415, 0, 0},
		{"accept", "/invocations", "text/csv", "image/png", row, 406, 0, 0},
		{"number", "/invocations", "text/csv", "", row + "\n" + strings.Repeat("1,", 68) + secret + ",1\n", 400, 2, 69},
		{"columns", "/invocations", "text/csv", "", row + "1,2\n", 400, 1, 0},
		{"libsvm", "/invocations", "text/libsvm", "", "0:1 90:" + secret, 400, 1, 2},
		{"log", "/v1/score", "text/plain", "", secret, 400, 1, 0},
		{"explain", "/v1/score?explain=65", "text/plain", "", "x", 400, 0, 0},
		{"explain text", "/v1/score?explain=" + "many", "text/plain", "", "x", 400, 0, 0},
		{"input", "/v1/score?input=x", "text/plain", "", "x", 400, 0, 0},
		{"threats", "/v1/score?threats=all", "text/plain", "", "x", 400, 0, 0},
		{"another name", "/v1/score?threshold=0.9", "text/plain", "", "x", 400, 0, 0},
		{"from", "/v1/score?from=x", "text/plain", "", "x", 400, 0, 0},
		{"no first row", "/invocations", "text/csv", "", "x," + row[2:] + "\n" + row + "1\n", 400, 1, 1},
		{"a set of other logs", "/v1/score", "text/plain", "", "0,tcp,ftp_data,SF,491" + strings.Repeat(",0", 36) + ",normal,20\n", 400, 0, 0},
		{"a set of other logs, without a record", "/v1/score?from=nslkdd", "text/plain", "", "", 400, 0, 0},
		{"reasons", "/v1/score?input=rows&explain=64", "text/libsvm", "", strings.Repeat("0:1\n", maxTold/64+1), 413, 0, 0},
		{"reasons of a log", "/v1/score?explain=64", "text/plain", "", strings.Repeat(conn(t, 1000), maxTold/64/900+1), 413, 0, 0},
		{"other format", "/v1/score?from=unsw", "text/plain", "", conn(t, 20), 400, 0, 0},
		{"path", "/nope", "text/plain", "", "x", 404, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := post(api, test.path, test.contentType, test.accept, test.body)
			require.Equal(t, test.code, w.Code, w.Body)
			var f struct {
				Code        int
				Error       string
				RequestID   string `json:"request_id"`
				Row, Column int64
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &f))
			require.Equal(t, test.code, f.Code)
			require.NotEmpty(t, f.Error)
			require.Equal(t, w.Header().Get("X-Request-Id"), f.RequestID)
			if test.row > 0 {
				require.Equal(t, [2]int64{test.row, test.column}, [2]int64{f.Row, f.Column})
			}
			require.NotContains(t, w.Body.String(), "secret")
		})
	}
	require.NotContains(t, log.String(), "secret", "the log holds nothing of bodies")
	r := httptest.NewRequest(http.MethodGet, "/invocations", nil)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
	require.Equal(t, "POST", w.Header().Get("Allow"))
	require.Equal(t, http.StatusMethodNotAllowed, post(api, "/page.css", "text/css", "", "x").Code)
	gz := httptest.NewRequest(http.MethodPost, "/invocations", strings.NewReader(row))
	gz.Header.Set("Content-Type", "text/csv")
	gz.Header.Set("Content-Encoding", "gzip")
	w = httptest.NewRecorder()
	api.ServeHTTP(w, gz)
	require.Equal(t, http.StatusUnsupportedMediaType, w.Code)
}

// The first line of CSV may name the columns, in any order, as the contract does.
func TestNamedColumns(t *testing.T) {
	api, _ := newAPI(t)
	names := api.Live.Model().names()
	var head, turned, values, back strings.Builder
	for i := range names {
		fmt.Fprintf(&head, "%s,", names[i])
		fmt.Fprintf(&turned, "%s,", names[len(names)-1-i])
		fmt.Fprintf(&values, "%d,", i)
		fmt.Fprintf(&back, "%d,", len(names)-1-i)
	}
	line := func(b *strings.Builder) string { return strings.TrimSuffix(b.String(), ",") + "\n" }
	ask := func(body string) string {
		w := post(api, "/invocations", "text/csv", "", body)
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		return w.Body.String()
	}
	want := ask(line(&values))
	require.Equal(t, want, ask(line(&head)+line(&values)))
	require.Equal(t, want+want, ask(line(&turned)+line(&back)+line(&back)))
	require.NotEqual(t, want, ask(line(&back)))
}

// Who is gone is not worked for: rows are not explained beyond the first ones, nor scored beyond the first batch.
func TestClientGone(t *testing.T) {
	api, _ := newAPI(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	batch := batchNumbers / (70 + rowValues(1, 1))
	for path, most := range map[string]int{"/invocations": batch, "/v1/score?input=rows": batch, "/v1/score?input=rows&explain=3": explainedAtLeast} {
		for rows, want := range map[int]int{most: http.StatusOK, most + 1: http.StatusBadRequest} {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(strings.Repeat("0:1\n", rows))).WithContext(ctx)
			r.Header.Set("Content-Type", "text/libsvm")
			w := httptest.NewRecorder()
			api.ServeHTTP(w, r)
			require.Equal(t, want, w.Code, "%s: %d rows: %s", path, rows, w.Body)
		}
	}
}

func TestNotReady(t *testing.T) {
	api := &API{Live: &Live{}}
	for _, path := range []string{"/ping", "/readyz"} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
	}
	require.Equal(t, http.StatusServiceUnavailable, post(api, "/invocations", "text/csv", "", "1").Code)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	require.Equal(t, http.StatusOK, w.Code)
}

// The shadow is asked about the same rows, and what it says is counted only.
func TestShadow(t *testing.T) {
	api, log := newAPI(t)
	before := post(api, "/v1/score", "text/plain", "", conn(t, 200)).Body.String()
	other, err := OpenModel(filepath.Join(testkit.Root(t), "testdata", "bundles", "iot23-ctu.tar.gz"), nil)
	require.NoError(t, err)
	api.Live.SetShadow(other)
	require.Equal(t, before, post(api, "/v1/score", "text/plain", "", conn(t, 200)).Body.String(), "no answer tells of the shadow")
	require.Contains(t, log.String(), "the shadow model disagrees")
	w := httptest.NewRecorder()
	api.Metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, w.Body.String(), `threatdetect_shadow_rows_total{agree="no"}`)
	require.Contains(t, w.Body.String(), `threatdetect_shadow_rows_total{agree="yes"}`)
}

func TestPage(t *testing.T) {
	api, _ := newAPI(t)
	get := httptest.NewRecorder()
	api.ServeHTTP(get, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Equal(t, http.StatusOK, get.Code)
	require.Contains(t, get.Body.String(), api.Live.Model().Digest())
	require.Contains(t, get.Body.String(), "flow-portable/1")
	require.Contains(t, get.Header().Get("Content-Security-Policy"), "default-src 'none'")

	form := "input=log&text=" + strings.NewReplacer("%", "%25", "\t", "%09", "\n", "%0D%0A", "#", "%23", "&", "%26", "+", "%2B").Replace(conn(t, 30))
	w := post(api, "/", "application/x-www-form-urlencoded", "", form)
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "zeek: 22 records, 22 flows")
	require.Contains(t, w.Body.String(), `<rect class="up"`)

	none := post(api, "/", "application/x-www-form-urlencoded", "", "input=log&text=%7B%22_path%22:%22dns%22%7D")
	require.Equal(t, http.StatusOK, none.Code)
	require.Contains(t, none.Body.String(), "zeek: 1 records, 0 flows, 0 threats. Skipped as other: 1.")

	lines := strings.SplitAfter(conn(t, 1000), "\n")
	long := strings.Join(lines[:8], "") + strings.Repeat(strings.Join(lines[8:], ""), maxTold/pageReasons/990+1)
	w = post(api, "/", "application/x-www-form-urlencoded", "", url.Values{"input": {"log"}, "text": {long}}.Encode())
	require.Equal(t, http.StatusOK, w.Code, "reasons are told of what is shown alone")
	require.Contains(t, w.Body.String(), fmt.Sprintf("%d flows, ", strings.Count(long, "\n")-8))
	require.Equal(t, pageRows, strings.Count(w.Body.String(), "<article>"))
	w = post(api, "/", "application/x-www-form-urlencoded", "", "input=rows&text="+strings.Repeat(strings.Repeat("1,", 69)+"1%0A", maxTold/pageReasons+1))
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), fmt.Sprintf("%d rows.", maxTold/pageReasons+1))

	hostile := post(api, "/", "application/x-www-form-urlencoded", "", "input=rows&text="+strings.Repeat("1,", 69)+"1%0A"+strings.Repeat("1,", 69)+"%3Cscript%3Ealert(1)%3C/script%3E")
	require.Equal(t, http.StatusBadRequest, hostile.Code)
	require.NotContains(t, hostile.Body.String(), "<script>alert")
	require.Contains(t, hostile.Body.String(), "&lt;script&gt;alert")
	for _, path := range []string{"/page.css", "/page.js"} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		require.Equal(t, http.StatusOK, w.Code)
	}
	api.Page = false
	w = httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Equal(t, http.StatusNotFound, w.Code)
}

package serve

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/inference"
	"threatdetect/inference/rows"
	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// watch looks at the live heap whenever a handler looks at its context or writes.
type watch struct {
	context.Context
	header http.Header
	status int
	length int64 // of the answer
	base   int64
	peak   int64
	looks  int
	next   int // look that counts
}

func (w *watch) look() {
	if w.looks++; w.looks < w.next {
		return
	}
	w.next = w.looks + 1 + w.looks/2
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	w.peak = max(w.peak, int64(m.HeapAlloc)-w.base)
}

func (w *watch) Err() error                  { w.look(); return nil }
func (w *watch) Header() http.Header         { return w.header }
func (w *watch) WriteHeader(status int)      { w.status, w.next = status, 0; w.look() } // most is held now
func (w *watch) Write(b []byte) (int, error) { w.look(); w.length += int64(len(b)); return len(b), nil }

// taken is what a request takes beyond its body: bytes that live at the same time, as far as somebody looks, and all that were allocated. What a model keeps for each
// processor that it works on, which rows have it make, counts as the model's.
func taken(h http.Handler, models []*inference.Predictor, path, contentType, accept string, body []byte) (w *watch, all int64) {
	w = &watch{Context: context.Background(), header: http.Header{}}
	r := httptest.NewRequest(http.MethodPost, path, nil).WithContext(w)
	r.Header.Set("Content-Type", contentType)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	r.ContentLength, r.Body = int64(len(body)), &received{bytes.NewReader(body), body}
	runtime.GC()
	runtime.GC() // what is kept for another time is forgotten with the second
	for _, m := range models {
		n := min(batchRows, batchNumbers/m.NumFeature())
		if m.PredictBatch(make([]float32, n*m.NumOutput()), make([]float32, n*m.NumFeature())) != nil {
			panic("no score")
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w.base = int64(before.HeapAlloc)
	h.ServeHTTP(w, r)
	runtime.ReadMemStats(&after)
	return w, int64(after.TotalAlloc - before.TotalAlloc)
}

// tensorOf is a record of RecordIO with one tensor.
func tensorOf(kind int, tensor ...[]byte) []byte {
	field := func(number int, b []byte) []byte { return append(appendLength(nil, number, len(b)), b...) }
	entry := append(field(1, []byte("values")), field(2, field(kind, slices.Concat(tensor...)))...)
	record := field(1, entry)
	dst := binary.LittleEndian.AppendUint32(nil, recordMagic)
	dst = append(binary.LittleEndian.AppendUint32(dst, uint32(len(record))), record...)
	for len(dst)%4 != 0 {
		dst = append(dst, 0)
	}
	return dst
}

// packed is a packed field of a tensor.
func packed(number int, b []byte) []byte { return append(appendLength(nil, number, len(b)), b...) }

// TestMemoryOfScoring has requests at the bounds take no more than five times as much as their bodies, and a MiB, in every mode and form (HTTP-6).
func TestMemoryOfScoring(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	count, size := DefaultMaxRows, MaxContentLength
	if !*long {
		count, size = count/10, size/10
	}
	one := binary.LittleEndian.AppendUint32(nil, math.Float32bits(1))
	lines := func(line string, n int) []byte { return bytes.Repeat([]byte(line), min(n, size/len(line))) }
	type body struct {
		name, contentType string
		text              []byte
		ok                bool // it can be scored
	}
	narrow := []body{
		{"csv", "text/csv", lines("1\n", count), true},
		{"libsvm", "text/libsvm", lines("0:1\n", count), true},
		{"records", typeRecordIO, lines(string(tensorOf(2, packed(1, one))), count), true},
		{"records of bytes", typeRecordIO, lines(string(tensorOf(7, packed(1, []byte{1}))), count), true},
		{"one more row than may be", "text/csv", lines("1\n", DefaultMaxRows+1), false},
		{"one item again and again", "text/libsvm", lines("0:1 ", size), true},
		{"one field", "text/csv", lines("1", size), false},
		{"fields", "text/csv", lines("1,", size), false},
		{"blanks", "text/libsvm", lines(" ", size), false},
		{"values of a byte", typeRecordIO, tensorOf(7, packed(1, lines("\x01", size-100))), false},
		{"keys of a byte", typeRecordIO, tensorOf(7, packed(1, lines("\x01", size/2-100)), packed(2, lines("\x00", size/2-100)), packed(3, []byte{1})), true},
		{"a shape", typeRecordIO, tensorOf(7, packed(1, []byte{1}), packed(3, lines("\x01", size-100))), false},
	}
	wide := []body{
		{"csv", "text/csv", lines(strings.Repeat("1,", 99)+"1\n", count), true},
		{"libsvm", "text/libsvm", lines("99:1\n", count), true},
	}
	widest := []body{
		{"libsvm", "text/libsvm", lines("9999:1\n", count/100), true},
		{"csv", "text/csv", lines("1\n", count/100), true},
	}
	draw := rand.New(rand.NewPCG(5, 6))
	booster := func(features, groups int) *model.Booster {
		b := testkit.RandomBooster(draw, testkit.BoosterShape{Features: features, Groups: groups, Trees: groups, Depth: 2, Fill: 1, Thresholds: 4})
		if groups == 1 {
			b.Objective = "binary:logistic"
		}
		return b
	}
	for _, m := range []struct {
		name                      string
		features, groups, members int
		bodies                    []body
	}{
		{"one column", 1, 1, 1, narrow},
		{"one column, fifty classes", 1, 50, 1, narrow[:3]},
		{"ensemble", 1, 4, 20, narrow[:3]},
		{"a hundred columns", 100, 1, 1, wide},
		{"ten thousand columns", 10_000, 1, 1, widest},
	} {
		b := booster(m.features, m.groups)
		a := &artifact{objective: b.Objective, numGroup: b.NumGroup()}
		loadedModel := &Model{Bundle: &model.Bundle{Booster: b, Members: make([]model.Member, m.members)}}
		var models []*inference.Predictor
		var err error
		if m.members > 1 {
			all := slices.Repeat([]*model.Booster{b}, m.members)
			a.ensemble, err = inference.NewEnsemble(all, nil)
			a.scorer, loadedModel.ensemble = a.ensemble, true
			for i := range m.members {
				models = append(models, a.ensemble.Member(i))
			}
		} else {
			var p *inference.Predictor
			p, err = inference.New(b, nil)
			a.scorer, models = p, append(models, p)
		}
		require.NoError(t, err)
		loadedModel.scorer = a.scorer
		live := &Live{}
		live.Swap(loadedModel)
		for _, tag := range []string{"1.7-1", "3.2-0"} {
			image, err := rows.LookupImage(tag)
			require.NoError(t, err)
			a := *a
			a.image = *image
			c := &Container{settings: *SettingsFromEnv(image, lookupIn(nil)), generation: generationOf(image), artifact: &a}
			c.settings.MaxContentLength = MaxContentLength
			selecting := *c
			selecting.selected = &selection{artifact: &a, keys: a.selectableKeys(), valid: a.selectableKeys()}
			several := NewMultiModel(&c.settings)
			several.models["m"] = &loaded{artifact: &a}
			for _, h := range []struct {
				name, path string
				handler    http.Handler
				accepts    []string
			}{
				{"container", "/invocations", c, []string{typeCSV, typeJSON, typeJSONLines, typeRecordIO}},
				{"selecting", "/invocations", &selecting, []string{typeJSON, typeCSV, typeRecordIO, typeJSONLines}},
				{"multi-model", "/models/m/invoke", several, []string{typeJSON, typeCSV}},
				{"plain", "/invocations", &API{Live: live}, []string{typeJSON, typeCSV, typeJSONLines, typeRecordIO}},
				{"with reasons", "/v1/score?input=rows&explain=1", &API{Live: live}, []string{typeJSON}},
				{"/v1/score", "/v1/score?input=rows", &API{Live: live}, []string{typeJSON}},
			} {
				plain := strings.HasPrefix(h.path, "/v1") || h.name == "plain"
				if h.name != "container" && tag != "1.7-1" || m.members > 1 && h.name == "with reasons" {
					continue
				}
				for i, accept := range h.accepts {
					for _, body := range m.bodies {
						if i > 0 && (testing.Short() || tag != "1.7-1" || body.name != m.bodies[0].name) { // one form is enough for what is read
							continue
						}
						name := fmt.Sprintf("%s, %s, %s, %s, %s", m.name, h.name, tag, accept, body.name)
						text := body.text
						if plain && len(text) > DefaultMaxContentLength {
							text = text[:DefaultMaxContentLength]
						}
						w, all := taken(h.handler, models, h.path, body.contentType, accept, text)
						bound := int64(5*len(text) + 1<<20)
						t.Logf("%s: %d, %d bytes, answer %d: %.1f live (%d looks), %.1f in all, of %.1f MiB", name, w.status, len(text), w.length,
							float64(w.peak)/(1<<20), w.looks, float64(all)/(1<<20), float64(bound)/(1<<20))
						if w.peak > bound || w.looks < 3 && all > bound {
							t.Errorf("%s: beyond", name)
						}
						if body.ok && tag == "1.7-1" && !plain && w.status != http.StatusOK {
							t.Errorf("%s: %d", name, w.status)
						}
					}
				}
			}
		}
	}
}

// TestMemoryOfLogs has logs take no more than that either, whose answers are several times as long, and told the same way when they are not held as a whole.
func TestMemoryOfLogs(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	size := DefaultMaxContentLength
	if !*long {
		size /= 10
	}
	api, _ := newAPI(t)
	lines := strings.SplitAfter(conn(t, 400), "\n")
	text, flows := strings.Join(lines[:8], ""), strings.Join(lines[8:], "")
	for len(text)+len(flows) < size {
		text += flows
	}
	small := text[:strings.LastIndex(text[:len(text)/20], "\n")+1]
	for _, path := range []string{"/v1/score", "/v1/score?explain=1"} {
		for _, accept := range []string{typeJSON, "application/x-ndjson"} {
			require.Equal(t, http.StatusOK, post(api, path, "text/plain", accept, small).Code) // what is made once is the model's
			w, all := taken(api, nil, path, "text/plain", accept, []byte(text))
			bound := int64(5*len(text) + 1<<20)
			t.Logf("%s, %s: %d, %d bytes, answer %d: %.1f live (%d looks), %.1f in all, of %.1f MiB", path, accept, w.status, len(text), w.length,
				float64(w.peak)/(1<<20), w.looks, float64(all)/(1<<20), float64(bound)/(1<<20))
			require.Equal(t, http.StatusOK, w.status)
			require.LessOrEqual(t, w.peak, bound)
		}
	}
}

// TestMemoryOfPage has the page tell what was pasted once more, which as HTML may be five times as long.
func TestMemoryOfPage(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	api, _ := newAPI(t)
	quotes := strings.Repeat(`"`, 1<<20)
	for _, form := range []string{"input=rows&text=" + quotes, "input=log&text=" + quotes, "input=rows&text=" + strings.Repeat(strings.Repeat("1,", 69)+"1%0D%0A", 5000)} {
		require.Equal(t, http.StatusBadRequest, post(api, "/", "application/x-www-form-urlencoded", "", "input=rows&text=x").Code) // what is made once is the model's
		w, all := taken(api, nil, "/", "application/x-www-form-urlencoded", "", []byte(form))
		t.Logf("%d bytes: %d, %d bytes, %.1f live (%d looks), %.1f in all", len(form), w.status, w.length, float64(w.peak)/(1<<20), w.looks, float64(all)/(1<<20))
		require.LessOrEqual(t, w.peak, int64(5*len(form)+1<<20))
	}
	w := post(api, "/", "application/x-www-form-urlencoded", "", "input=rows&text="+quotes)
	require.Equal(t, fmt.Sprint(w.Body.Len()), w.Header().Get("Content-Length"))
	require.True(t, strings.Contains(w.Body.String(), ">"+strings.Repeat("&#34;", 1<<20)+"</textarea>"))
}

// TestLongAnswers has answers that are too long to be held be those of the parts of the request.
func TestLongAnswers(t *testing.T) {
	const parts, each = 20, 1000
	c := container(t, nil, "1.7-1", "1.7-1-column.tar.gz")
	selecting := container(t, map[string]string{"SAGEMAKER_INFERENCE_OUTPUT": "predicted_score"}, "1.7-1", "1.7-1-column.tar.gz")
	api, _ := newAPI(t)
	column, err := OpenModel(filepath.Join(testkit.Root(t), "testdata", "container", "1.7-1-column.tar.gz"), nil)
	require.NoError(t, err)
	live := &Live{}
	live.Swap(column)
	row := func(i int) string { return fmt.Sprintf("%d\n", i*i%10) }
	flow := func(i int) string {
		return fmt.Sprintf("2 1 e 1.1.%d.%d 2.2.2.2 1 2 6 1 1 %d %d ACCEPT OK\n", i/250, i%250, i, i)
	}
	for _, test := range []struct {
		name, path, contentType, accept string
		handler                         http.Handler
		row                             func(int) string
	}{
		{"container", "/invocations", "text/csv", typeCSV, c, row},
		{"container", "/invocations", "text/csv", typeJSONLines, c, row},
		{"container", "/invocations", "text/csv", typeRecordIO, c, row},
		{"selecting", "/invocations", "text/csv", typeJSONLines, selecting, row},
		{"plain", "/invocations", "text/csv", typeRecordIO, &API{Live: live}, row},
		{"plain", "/invocations", "text/csv", typeJSONLines, &API{Live: live}, row},
		{"log", "/v1/score?from=vpcflow", "text/plain", "application/x-ndjson", api, flow},
	} {
		var whole, want strings.Builder
		for part := range parts {
			var text strings.Builder
			for i := range each {
				text.WriteString(test.row(part*each + i))
			}
			whole.WriteString(text.String())
			w := post(test.handler, test.path, test.contentType, test.accept, text.String())
			require.Equal(t, http.StatusOK, w.Code, "%s: %s", test.name, w.Body)
			want.Write(w.Body.Bytes())
		}
		require.Greater(t, want.Len(), holding(whole.Len()).room, test.name)
		got := post(test.handler, test.path, test.contentType, test.accept, whole.String())
		require.Equal(t, http.StatusOK, got.Code)
		require.True(t, want.String() == got.Body.String(), "%s, %s", test.name, test.accept)
		require.Equal(t, fmt.Sprint(got.Body.Len()), got.Header().Get("Content-Length"))
	}
}

// TestLongAnswersOfJSON has the objects of answers that are too long to be held be whole.
func TestLongAnswersOfJSON(t *testing.T) {
	api, _ := newAPI(t)
	lines := strings.SplitAfter(conn(t, 400), "\n")
	text := strings.Join(lines[:8], "") + strings.Repeat(strings.Join(lines[8:], ""), 3)
	w := post(api, "/v1/score?explain=8", "text/plain", "application/x-ndjson", text)
	require.Equal(t, http.StatusOK, w.Code)
	want := strings.ReplaceAll(strings.TrimSuffix(w.Body.String(), "\n"), "\n", ",")
	require.Greater(t, len(want), holding(len(text)).room)
	w = post(api, "/v1/score?explain=8", "text/plain", typeJSON, text)
	_, verdicts, _ := strings.Cut(w.Body.String(), `"verdicts":`)
	require.True(t, "["+want+"]}\n" == verdicts)
	require.Equal(t, fmt.Sprint(w.Body.Len()), w.Header().Get("Content-Length"))

	rows := strings.Repeat("1"+strings.Repeat(",", 69)+"\n", 200)
	w = post(api, "/v1/score?input=rows&explain=20", "text/csv", typeJSON, rows)
	one := post(api, "/v1/score?input=rows&explain=20", "text/csv", typeJSON, rows[:71])
	row := one.Body.String()[strings.Index(one.Body.String(), "[")+1 : one.Body.Len()-3]
	_, all, _ := strings.Cut(w.Body.String(), `"rows":`)
	require.Greater(t, len(all), holding(len(rows)).room)
	require.True(t, "["+strings.TrimSuffix(strings.Repeat(row+",", 200), ",")+"]}\n" == all)
}

// TestAnswerInTwoGoes has an answer that is held, and the same that is not as a whole.
func TestAnswerInTwoGoes(t *testing.T) {
	for _, room := range []int{0, 1, 5, pieceSize, pieceSize + 1, 3 * pieceSize, 1 << 30} {
		for _, size := range []int{0, 1, 100, pieceSize, 2*pieceSize + 7} {
			made := 0
			text := func(add func([]byte)) error {
				made++
				part := bytes.Repeat([]byte{'a'}, 1000)
				for left := size; left > 0; left -= len(part) {
					part = part[:min(len(part), left)]
					for i := range part {
						part[i] = byte('a' + (left-i)%26)
					}
					add(part)
				}
				return nil
			}
			var want bytes.Buffer
			text(func(b []byte) { want.Write(b) })
			h := &held{room: room}
			require.NoError(t, text(h.add))
			w := httptest.NewRecorder()
			h.send(w, typeText, []byte("<"), []byte(">"), text)
			require.Equal(t, "<"+want.String()+">", w.Body.String())
			require.Equal(t, fmt.Sprint(size+2), w.Header().Get("Content-Length"))
			require.Equal(t, size > room, made == 3)
			require.LessOrEqual(t, h.kept, room)
		}
	}
	h := &held{}
	h.add([]byte("ab"))
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		h.send(httptest.NewRecorder(), typeText, nil, nil, func(func([]byte)) error { return errTest })
	}, "nobody takes a part for the whole")
}

var errTest = fmt.Errorf("gone")

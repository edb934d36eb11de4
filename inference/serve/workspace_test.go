package serve

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/inference/detect"
	"threatdetect/internal/testkit"
	"threatdetect/internal/testkit/logs"
	"threatdetect/internal/trafficgen"
	"threatdetect/model"
)

// modelOf is a model of random trees over a set.
func modelOf(t testing.TB, name string) *Model {
	set, err := features.LookupSet(name)
	require.NoError(t, err)
	contract, err := features.NewContract(set, time.Unix(0, 0))
	require.NoError(t, err)
	text, err := contract.Canonical()
	require.NoError(t, err)
	b := testkit.RandomBooster(testkit.RandFrom(1), testkit.BoosterShape{Features: len(contract.Columns), Groups: 1, Trees: 30, Depth: 5, Fill: 0.9, Thresholds: 4})
	testkit.AddCovers(testkit.RandFrom(2), b, false)
	b.Objective = "binary:logistic"
	m, err := newModel(&model.Bundle{Booster: b, Members: make([]model.Member, 1), Contract: text}, nil)
	require.NoError(t, err)
	return m
}

func apiOf(t testing.TB, name string) *API {
	live := &Live{}
	live.Swap(modelOf(t, name))
	return &API{Live: live, Metrics: NewMetrics()}
}

// logOf is a log of lines that are as short as they may be, each of another flow.
func logOf(size int, head string, line func(i int) string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := 0; b.Len() < size-250 && i < DefaultMaxRows-1; i++ {
		b.WriteString(line(i))
	}
	return b.String()
}

func addressOf(i int) string { return fmt.Sprintf("%d.%d.%d.%d", 1+i>>18, i>>12&63, i>>6&63, i&63) }

const zeekHead = "#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\tconn_state\n"

func zeekLine(i int) string {
	return fmt.Sprintf("1\t%s\t%d\t%s\t2\ttcp\t1\tSF\n", addressOf(i), i%60000, addressOf(i+1<<20))
}

func vpcLine(i int) string {
	return fmt.Sprintf("2 1 e %s %s 1 2 6 1 1 1 2 ACCEPT OK\n", addressOf(i), addressOf(i+1<<20))
}

const eveTime = `"timestamp":"2020-01-01T00:00:00.1+0000"`

func eveFlow(i int) string {
	return fmt.Sprintf(`{"event_type":"flow",%s,"flow_id":%d,"src_ip":"%s","dest_ip":"%s","src_port":1,"dest_port":2,"proto":"TCP","flow":{"start":"2020-01-01T00:00:00.1+0000"}}`+"\n", eveTime, i, addressOf(i), addressOf(i+1<<20))
}

// hostileLogs have what makes a reader or a set remember most.
func hostileLogs(size int) map[string]string {
	return map[string]string{
		"zeek":    logOf(size, zeekHead, zeekLine),
		"eve":     logOf(size, "", eveFlow),
		"vpcflow": logOf(size, "", vpcLine),
		"netflow": logOf(size, "ts,te,td,sa,da,sp,dp,pr,ipkt,ibyt\n", func(i int) string {
			return fmt.Sprintf("2020-01-01 00:00:00,2020-01-01 00:00:00,0,%s,%s,1,2,TCP,1,1\n", addressOf(i), addressOf(i+1<<20))
		}),
		"eve of names": logOf(size, eveFlow(0), func(i int) string { // that wait for their flow
			return fmt.Sprintf(`{"event_type":"dns",%s,"flow_id":%d,"dns":{"type":"query","rrname":"a","rrtype":"A"}}`+"\n", eveTime, i)
		}),
		"eve of requests": logOf(size, eveFlow(0), func(i int) string { // of one flow
			return fmt.Sprintf(`{"event_type":"http",%s,"flow_id":1,"http":{"hostname":"a"}}`+"\n", eveTime)
		}),
		"bad lines": zeekHead + strings.Repeat("x\n", (size-len(zeekHead))/2),
	}
}

// TestMemoryOfEveryLog is TestMemoryOfLogs for all sets, and logs that are written to have a reader, or a set, remember much: what they remember is the model's, which
// keeps it, and the rest is within the bounds.
func TestMemoryOfEveryLog(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	size := DefaultMaxContentLength
	if !*long {
		size /= 20
	}
	for _, set := range features.Sets() {
		if set.NeedsFit {
			continue
		}
		for name, text := range hostileLogs(size) {
			format, _, _ := strings.Cut(name, " ")
			if format != "bad" && !slices.Contains(set.Formats, format) {
				continue
			}
			api := apiOf(t, set.Name)
			want := post(api, "/v1/score", "text/plain", "", text) // what is made once is the model's
			if want.Code != http.StatusOK && format != "bad" && !(*long && want.Code == http.StatusRequestEntityTooLarge) {
				t.Errorf("%s, %s: %d: %.200s", set.Name, name, want.Code, want.Body)
			}
			w, all := taken(api, nil, "/v1/score", "text/plain", "", []byte(text))
			bound := int64(5*len(text) + 1<<20)
			t.Logf("%s, %s: %d, %d bytes, answer %d: %.1f live (%d looks), %.1f in all, of %.1f MiB", set.Name, name, w.status, len(text), w.length,
				float64(w.peak)/(1<<20), w.looks, float64(all)/(1<<20), float64(bound)/(1<<20))
			if w.peak > bound || w.looks < 3 && all > bound {
				t.Errorf("%s, %s: beyond", set.Name, name)
			}
		}
	}
}

// simulated is a log of a site.
func simulated(t testing.TB, format trafficgen.Format, seed uint64, records int64) string {
	return string(logs.Simulate(t, trafficgen.Config{Seed: seed, Records: records, AttackShare: 0.2, Start: time.Unix(1700000000, 0)}, &trafficgen.WriterOptions{Format: format}))
}

// judgedBy is what the command line's score writes.
func judgedBy(t *testing.T, m *Model, log string) string {
	var b bytes.Buffer
	w, err := detect.NewWriter(&b, detect.NDJSON, m.detector)
	require.NoError(t, err)
	opts := &auto.Options{}
	if m.set.Joins {
		opts.Join = auto.NewJoiner()
		defer opts.Join.Close()
	}
	for v, err := range m.detector.Stream().Verdicts(auto.Read(strings.NewReader(log), opts)) {
		if err == nil {
			require.NoError(t, w.Write(v))
		} else {
			require.ErrorAs(t, err, new(*features.RecordError))
		}
	}
	require.NoError(t, w.Flush())
	return b.String()
}

// Whatever was asked before, with reasons or without, to its end or not, the verdicts on a log are those of the command line.
func TestWorkspacesForget(t *testing.T) {
	logs := []string{simulated(t, trafficgen.TSV, 1, 700), simulated(t, trafficgen.EVE, 2, 700), logOf(20_000, "", vpcLine), logOf(20_000, zeekHead, zeekLine)}
	logs = append(logs, logs[1]+`{"event_type":"dns","timestamp":"2023-11-14T22:13:20.1+0000","flow_id":7,"dns":{"type":"query","rrname":"www.example.com","rrtype":"TXT"}}`+"\n"+strings.ReplaceAll(eveFlow(7), "2020-01-01", "2023-11-15"))
	for _, set := range []string{"flow-portable/1", "flow-context/1", "flow-context/2", "host/1", "beacon/1", "name/1", "dns/1", "tls/1"} {
		api := apiOf(t, set)
		m := api.Live.Model()
		draw := rand.New(rand.NewPCG(5, 5))
		var want []string
		for _, log := range logs {
			want = append(want, "")
			if format, _ := auto.Detect([]byte(log)); m.set.CheckFormat(string(format)) == nil {
				want[len(want)-1] = judgedBy(t, m, log)
			}
		}
		for range 12 {
			i := draw.IntN(len(logs))
			switch draw.IntN(3) {
			case 0: // with a client that goes
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				r := httptest.NewRequest(http.MethodPost, "/v1/score", strings.NewReader(logs[i])).WithContext(ctx)
				api.ServeHTTP(httptest.NewRecorder(), r)
			case 1:
				post(api, "/v1/score?explain=2", "text/plain", "", logs[i])
			}
			got := post(api, "/v1/score", "text/plain", "application/x-ndjson", logs[i])
			if want[i] == "" {
				require.Equal(t, http.StatusBadRequest, got.Code)
				continue
			}
			require.Equal(t, http.StatusOK, got.Code, got.Body)
			require.True(t, want[i] == got.Body.String(), "%s, log %d", set, i)
		}
		require.Len(t, m.spaces, cap(m.spaces), "none is lost")
	}
}

// A model that comes after another judges in the same memory, also while the other is still asked, and each as if it were alone.
func TestInheritedWorkspaces(t *testing.T) {
	log := simulated(t, trafficgen.TSV, 1, 700)
	for _, set := range []string{"host/1", "flow-context/2"} {
		first, second := apiOf(t, set), apiOf(t, set)
		b := *second.Live.Model().Bundle
		b.Booster = testkit.RandomBooster(testkit.RandFrom(3), testkit.BoosterShape{Features: b.Booster.NumFeature, Groups: 1, Trees: 20, Depth: 4, Fill: 0.9, Thresholds: 4})
		b.Booster.Objective = "binary:logistic"
		other, err := newModel(&b, nil)
		require.NoError(t, err)
		other.inherit(first.Live.Model())
		second.Live.Swap(other)
		wants := []string{judgedBy(t, first.Live.Model(), log), judgedBy(t, other, log)}
		require.NotEqual(t, wants[0], wants[1])
		for i := range 6 {
			api := []*API{first, second}[i%2]
			require.True(t, wants[i%2] == post(api, "/v1/score", "text/plain", "application/x-ndjson", log).Body.String(), "%s, %d", set, i)
		}
		space := <-other.spaces
		require.Empty(t, first.Live.Model().spaces, "both have one")
		other.put(space)
	}
	m := modelOf(t, "host/1")
	own := m.spaces
	m.inherit(nil)
	m.inherit(modelOf(t, "beacon/1"))
	require.Equal(t, own, m.spaces)
}

// An answer that is longer than what is held of it, and so made twice, is as one that is made once.
func TestScoreMadeTwice(t *testing.T) {
	log := logOf(200_000, zeekHead, zeekLine)
	for _, set := range []string{"flow-portable/1", "host/1"} { // without a workspace, and with one
		api := apiOf(t, set)
		want := judgedBy(t, api.Live.Model(), log)
		require.Greater(t, len(want), heldTimes*len(log)+heldMore)
		lines := post(api, "/v1/score", "text/plain", "application/x-ndjson", log)
		require.True(t, want == lines.Body.String(), set)
		w := post(api, "/v1/score", "text/plain", "", log)
		require.Equal(t, w.Header().Get("Content-Length"), strconv.Itoa(w.Body.Len()), set)
		var answer judgedLog
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer), set)
		var got strings.Builder
		for _, v := range answer.Verdicts {
			got.Write(v)
			got.WriteByte('\n')
		}
		require.True(t, want == got.String(), set)
	}
}

// EVE tells of a connection's names in events of their own, which a set of names needs.
func TestScoreJoinsEvents(t *testing.T) {
	api := apiOf(t, "dns/1")
	event := fmt.Sprintf(`{"event_type":"dns",%s,"flow_id":5,"src_ip":"10.0.0.1","dest_ip":"10.0.0.2","dns":{"type":"query","rrname":"www.example.com","rrtype":"TXT"}}`+"\n", eveTime)
	want := judgedBy(t, api.Live.Model(), event+eveFlow(5))
	require.NotEqual(t, want, judgedBy(t, api.Live.Model(), eveFlow(5)), "the name matters")
	require.Equal(t, want, post(api, "/v1/score", "text/plain", "application/x-ndjson", event+eveFlow(5)).Body.String())
}

// A compressed log could be any number of times as long as the request.
func TestScoreTakesNoPackedLog(t *testing.T) {
	api, _ := newAPI(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, conn(t, 60))
	require.NoError(t, z.Close())
	for _, log := range []string{packed.String(), "\x28\xb5\x2f\xfd rest", "\x50\x2a\x4d\x18\x04\x00\x00\x00"} {
		w := post(api, "/v1/score", "text/plain", "", log)
		require.Equal(t, http.StatusUnsupportedMediaType, w.Code)
		require.Contains(t, w.Body.String(), "compressed")
	}
}

// tired is a context that ends when it was asked some times.
type tired struct {
	context.Context
	asked, most int
}

func (c *tired) Err() error {
	if c.asked++; c.asked > c.most {
		return context.Canceled
	}
	return nil
}

// Work on a log ends soon after the client has gone, even where no flow comes out of it (HTTP-8).
func TestScoreEndsWithTheClient(t *testing.T) {
	api := apiOf(t, "flow-portable/1")
	for name, log := range hostileLogs(1 << 20) {
		ctx := &tired{Context: t.Context(), most: 1}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/score", strings.NewReader(log)).WithContext(ctx))
		require.Equal(t, http.StatusBadRequest, w.Code, name)
		require.Contains(t, w.Body.String(), "the client is gone", name)
		require.LessOrEqual(t, ctx.asked, 3, name)
	}
}

// Many ask for what there is one workspace for: everybody is answered as if he were alone, or told that there are too many, and answered when he asks again.
func TestWorkspaceIsShared(t *testing.T) {
	api := apiOf(t, "host/1")
	logs := []string{simulated(t, trafficgen.TSV, 1, 50), simulated(t, trafficgen.EVE, 2, 300), logOf(70_000, zeekHead, zeekLine)}
	var want []string
	for _, log := range logs {
		want = append(want, judgedBy(t, api.Live.Model(), log))
	}
	address, stop := running(t, api, Limits{})
	var refused atomic.Int64
	var wait sync.WaitGroup
	for k := range 8 {
		wait.Go(func() {
			for n := 0; n < 2*len(logs); {
				i := (k + n) % len(logs)
				r, _ := http.NewRequest(http.MethodPost, "http://"+address+"/v1/score", strings.NewReader(logs[i]))
				r.Header.Set("Accept", "application/x-ndjson")
				res, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				switch {
				case err != nil || res.StatusCode == http.StatusOK && string(body) != want[i]:
					t.Errorf("log %d: another answer (%v)", i, err)
					return
				case res.StatusCode == http.StatusOK:
					n++
				case res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "1":
					t.Errorf("log %d: %d", i, res.StatusCode)
					return
				default:
					refused.Add(1)
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	wait.Wait()
	require.NoError(t, stop())
	t.Logf("%d were refused at first", refused.Load())
	require.Len(t, api.Live.Model().spaces, 1)
}

// Who does not take his answer loses it, if others wait for what it takes to make it.
func TestSlowReaderHoldsNoWorkspace(t *testing.T) {
	api := apiOf(t, "host/1")
	address, _ := running(t, api, Limits{})
	log := logOf(4<<20, zeekHead, zeekLine) // whose answer is more than is held
	slow, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer slow.Close()
	slow.(*net.TCPConn).SetReadBuffer(4 << 10)
	_, err = fmt.Fprintf(slow, "POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(log), log)
	require.NoError(t, err)
	answer := bufio.NewReader(slow)
	line, err := answer.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "200")
	require.Empty(t, api.Live.Model().spaces, "it is needed for the rest of the answer")
	began := time.Now()
	for {
		res, err := http.Post("http://"+address+"/v1/score", "text/plain", strings.NewReader(zeekHead+zeekLine(1)))
		require.NoError(t, err)
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			break
		}
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		require.Equal(t, "1", res.Header.Get("Retry-After"))
		require.Less(t, time.Since(began), 30*time.Second)
	}
	t.Logf("free after %v", time.Since(began))
}

// timed is an answer to a client whose deadlines are told of.
type timed struct {
	*httptest.ResponseRecorder
	did string // w of a piece, d of a deadline
}

func (w *timed) Write(b []byte) (int, error) {
	if w.did += "w"; len(b) > pieceSize {
		w.did += "!"
	}
	return len(b), nil
}

func (w *timed) SetWriteDeadline(until time.Time) error {
	if w.did += "d"; time.Until(until) > hurryTime {
		w.did += "!"
	}
	return nil
}

// Each piece of an answer that others wait for has its time, and so has what the server still holds behind the last one, whatever was judged since.
func TestHurriedPieces(t *testing.T) {
	api := apiOf(t, "host/1")
	for log, want := range map[string]string{logOf(200_000, zeekHead, zeekLine): "^(dw)+d$", zeekHead + zeekLine(1): "^w+$"} {
		w := &timed{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest(http.MethodPost, "/v1/score", strings.NewReader(log))
		r.Header.Set("Accept", "application/x-ndjson")
		api.ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code)
		require.Regexp(t, want, strings.ReplaceAll(w.did, "ww", "w"))
	}
}

// The connection of a hurried answer is as any other one afterwards.
func TestHurriedConnectionGoesOn(t *testing.T) {
	if !*long {
		t.Skip("waits for longer than hurryTime; -long")
	}
	api := apiOf(t, "host/1")
	address, _ := running(t, api, Limits{})
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	answers := bufio.NewReader(conn)
	logs := []string{logOf(200_000, zeekHead, zeekLine), zeekHead + zeekLine(1)}
	for i := range 4 {
		_, err = fmt.Fprintf(conn, "POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(logs[i%2]), logs[i%2])
		require.NoError(t, err)
		res, err := http.ReadResponse(answers, nil)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.True(t, json.Valid(body))
		time.Sleep(hurryTime + 200*time.Millisecond)
	}
}

// What a model keeps for the next log has nothing of the request before, however that ended.
func TestWorkspaceKeepsNoRequest(t *testing.T) {
	late := zeekHead + zeekLine(1) + "9000" + zeekLine(2)[1:] + strings.Repeat("0"+zeekLine(3)[1:], batchRows) // which are late; the one before waits for more
	require.Less(t, len(late), bodyStep)
	for set, log := range map[string]string{"host/1": late, "flow-context/2": late, "flow-portable/1": logOf(200_000, "", vpcLine), "tls/1": logOf(200_000, eveFlow(0), eveFlow)} {
		api := apiOf(t, set)
		for most := range 3 { // looks at its context before it ends; the last one answers the whole
			ask := func() weak.Pointer[http.Request] {
				r := httptest.NewRequest(http.MethodPost, "/v1/score", strings.NewReader(log)).WithContext(&tired{Context: t.Context(), most: most + most/2*1000})
				api.ServeHTTP(httptest.NewRecorder(), r)
				return weak.Make(r)
			}
			asked := ask()
			collect()
			require.Nil(t, asked.Value(), "%s, %d", set, most)
			m := api.Live.Model()
			require.Len(t, m.spaces, cap(m.spaces))
			for range cap(m.spaces) {
				space := <-m.spaces
				if m.spaces <- space; space.stream != nil {
					require.Empty(t, space.stream.Waiting())
					require.Zero(t, space.stream.Stats())
				}
			}
		}
	}
}

// Whatever a log begins with, its reader has a workspace where it needs one.
func TestWorkspaceForWhatIsRead(t *testing.T) {
	m := modelOf(t, "flow-portable/1")
	long := strings.Repeat(" ", 5000)
	for log, want := range map[string]bool{
		zeekHead + zeekLine(1): false,
		eveFlow(1):             false,
		vpcLine(1):             true,
		"":                     true,
		"what is this?\n":      true,
		"{}\n" + `{"srcaddr":"10.0.0.1",` + long + `"event_type":"flow"}` + "\n": true,  // is told by less than the line
		"{}\n" + `{"event_type":"flow",` + long + `"ip_src":"10.0.0.1"}` + "\n":  false, // the same
		strings.Repeat("\n", 2*bodyStep) + vpcLine(1):                            true,
	} {
		read := auto.Unknown
		for range auto.Read(strings.NewReader(log), &auto.Options{OnFormat: func(f auto.Format, _ string) { read = f }}) {
		}
		require.Equal(t, read, auto.FormatOf([]byte(log)), "%.40q", log)
		require.Equal(t, want, needsWorkspace(m.set, auto.Unknown, []byte(log)), "%.40q", log)
	}
}

// Who does not take his answer keeps no processor from others, whether it is held or made twice.
func TestSlowReaderHoldsNoProcessor(t *testing.T) {
	const padded = "#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\tconn_state\tmore\n"
	line := func(i int) string {
		return strings.TrimSuffix(zeekLine(i), "\n") + "\t" + strings.Repeat("x", 150) + "\n" // which is not in the answer
	}
	for name, log := range map[string]string{"held": logOf(5<<20, padded, line), "made twice": logOf(4<<20, zeekHead, zeekLine)} {
		address, _ := running(t, apiOf(t, "flow-portable/1"), Limits{})
		for range runtime.GOMAXPROCS(0) {
			slow, err := net.Dial("tcp", address)
			require.NoError(t, err)
			defer slow.Close()
			slow.(*net.TCPConn).SetReadBuffer(4 << 10)
			_, err = fmt.Fprintf(slow, "POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(log), log)
			require.NoError(t, err)
			answer, err := bufio.NewReader(slow).ReadString('\n')
			require.NoError(t, err)
			require.Contains(t, answer, "200", name)
		}
		for tries := 0; ; tries++ { // the last one may not have come to its end yet
			res, err := http.Post("http://"+address+"/v1/score", "text/plain", strings.NewReader(logOf(200_000, zeekHead, zeekLine)))
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			require.NoError(t, err)
			if res.StatusCode == http.StatusOK {
				break
			}
			require.Less(t, tries, 20, name)
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// apart leaves the processor to who has what is waited for.
func TestApart(t *testing.T) {
	turns := newTurns(1, 8, 250*time.Millisecond, noLag, noShort)
	defer turns.breath.close()
	first, second := turns.admit(100*time.Millisecond, false), turns.admit(time.Millisecond, false)
	require.True(t, turns.begin(t.Context(), first, 0))
	got := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		require.True(t, turns.begin(t.Context(), second, 0)) // it is due first, and gets the processor with the next pause
		second.apart(func() { <-got })
		turns.end(second)
	})
	for !second.isReady() {
		runtime.Gosched()
	}
	time.Sleep(2 * pieceMost)
	first.pause() // comes back, as the other one waits apart
	close(got)
	turns.end(first)
	wait.Wait()
	require.Zero(t, turns.running)
	(*job)(nil).apart(func() {})
}

func (j *job) isReady() bool {
	j.turns.mu.Lock()
	defer j.turns.mu.Unlock()
	return j.ready
}

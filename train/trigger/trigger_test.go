package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var rule = Rule{Bucket: "td-bucket", Prefix: "raw/", Marker: "_SUCCESS"}

func event(t testing.TB, change ...string) json.RawMessage {
	b, err := os.ReadFile("testdata/event.json")
	require.NoError(t, err)
	s := strings.NewReplacer(change...).Replace(string(b))
	return json.RawMessage(s)
}

func TestPattern(t *testing.T) {
	require.JSONEq(t, `{"source":["aws.s3"],"detail-type":["Object Created"],
		"detail":{"bucket":{"name":["td-bucket"]},"object":{"key":[{"wildcard":"raw/*/_SUCCESS"}]}}}`, rule.Pattern())
	all := Rule{Bucket: "td-bucket", Prefix: "raw/"}
	require.Contains(t, all.Pattern(), `"key":[{"prefix":"raw/"}]`)
	odd := Rule{Bucket: "b", Prefix: `a*b\/`, Marker: "done"}
	require.Contains(t, odd.Pattern(), `{"wildcard":"a\\*b\\\\/*/done"}`)
}

func TestMatches(t *testing.T) {
	for key, want := range map[string]bool{
		"raw/2026-01-02/_SUCCESS": true, "raw/a/b/_SUCCESS": true, "raw/_SUCCESS": false, "raw//_SUCCESS": true,
		"raw/a/_SUCCESS.gz": false, "raw/a/conn.log": false, "runs/raw/a/_SUCCESS": false, "raw/a/X_SUCCESS": false,
	} {
		require.Equal(t, want, rule.Matches("td-bucket", key), key)
	}
	require.False(t, rule.Matches("other", "raw/a/_SUCCESS"))
}

func TestToken(t *testing.T) {
	parse := func(raw json.RawMessage) *Event {
		e, err := ParseEvent(raw)
		require.NoError(t, err)
		return e
	}
	first := parse(event(t)).Token()
	require.Regexp(t, "^[0-9a-f]{64}$", first)
	require.Equal(t, first, parse(event(t, "17793124-05d4-b198-2fde-7ededc63b103", "another-delivery")).Token())
	for _, change := range [][2]string{{"2026-01-02", "2026-01-03"}, {"IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", "x"}, {"00617F08299329D189", "00617F08299329D190"}} {
		require.NotEqual(t, first, parse(event(t, change[0], change[1])).Token(), change[0])
	}
}

func TestNoEvent(t *testing.T) {
	for _, raw := range []string{"", "[]", "{}", `{"source":"aws.s3","detail-type":"Object Deleted"}`, `{"source":"aws.s3","detail-type":"Object Created","detail":{}}`} {
		_, err := ParseEvent([]byte(raw))
		require.ErrorIs(t, err, ErrEvent, raw)
		_, err = (&Handler{Rule: rule}).Handle(t.Context(), []byte(raw))
		require.ErrorIs(t, err, ErrEvent, raw)
	}
}

// service is a pipeline whose runs the test ends, with a clock of its own. Runs are told apart by token, as the service does.
type service struct {
	now      time.Time
	runs     []Run
	byToken  map[string]string
	starts   []map[string]string
	deferred json.RawMessage
	at       time.Time
	err      error
}

func (s *service) Latest(context.Context) ([]Run, time.Time, error) { return s.runs, s.now, s.err }

func (s *service) Start(_ context.Context, token string, parameters map[string]string) (string, error) {
	if s.err != nil {
		return "", s.err
	}
	if arn, ok := s.byToken[token]; ok {
		return arn, nil
	}
	arn := "execution/" + string(rune('a'+len(s.runs)))
	s.byToken[token] = arn
	s.starts = append(s.starts, parameters)
	s.runs = append([]Run{{ARN: arn, Active: true, Started: s.now}}, s.runs...)
	return arn, nil
}

func (s *service) Defer(_ context.Context, at time.Time, event json.RawMessage) error {
	s.at, s.deferred = at, event
	return s.err
}

func newHandler(debounce time.Duration) (*Handler, *service) {
	s := &service{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), byToken: map[string]string{}}
	return &Handler{Rule: rule, Service: s, Debounce: debounce}, s
}

// An event that is delivered twice starts one run; another marker starts another.
func TestOnce(t *testing.T) {
	h, s := newHandler(0)
	for range 3 {
		r, err := h.Handle(t.Context(), event(t))
		require.NoError(t, err)
		require.Equal(t, &Result{Action: Started, Key: "raw/2026-01-02/_SUCCESS", Token: r.Token, Execution: "execution/a"}, r)
	}
	r, err := h.Handle(t.Context(), event(t, "2026-01-02/", "2026-01-03/"))
	require.NoError(t, err)
	require.Equal(t, "execution/b", r.Execution)
	require.Equal(t, []map[string]string{
		{"TriggerKey": "raw/2026-01-02/_SUCCESS"}, {"TriggerKey": "raw/2026-01-03/_SUCCESS"}}, s.starts)
}

func TestIgnored(t *testing.T) {
	h, s := newHandler(time.Minute)
	r, err := h.Handle(t.Context(), event(t, "_SUCCESS", "conn.log"))
	require.NoError(t, err)
	require.Equal(t, Ignored, r.Action)
	require.Empty(t, s.starts)
}

// A burst of markers is one run for the first and one for all others, which is put off until the first has ended.
func TestDebounce(t *testing.T) {
	h, s := newHandler(10 * time.Minute)
	_, err := h.Handle(t.Context(), event(t))
	require.NoError(t, err)
	for day := range 5 {
		s.now = s.now.Add(time.Second)
		r, err := h.Handle(t.Context(), event(t, "2026-01-02/", "2026-02-0"+string(rune('1'+day))+"/"))
		require.NoError(t, err)
		require.Equal(t, Deferred, r.Action)
		require.Equal(t, s.now.Add(10*time.Minute), r.Until)
	}
	require.Len(t, s.starts, 1)

	s.now = s.at // the run is still under way: put off again
	r, err := h.Handle(t.Context(), s.deferred)
	require.NoError(t, err)
	require.Equal(t, Deferred, r.Action)

	s.runs[0].Active = false
	s.now = s.at
	r, err = h.Handle(t.Context(), s.deferred)
	require.NoError(t, err)
	require.Equal(t, Started, r.Action)
	require.Len(t, s.starts, 2)
	require.Equal(t, "raw/2026-02-05/_SUCCESS", s.starts[1]["TriggerKey"])

	s.runs[0].Active = false // a short run: the next begins no sooner than ten minutes after it
	s.now = s.now.Add(time.Minute)
	r, err = h.Handle(t.Context(), event(t, "2026-01-02/", "2026-03-01/"))
	require.NoError(t, err)
	require.Equal(t, Deferred, r.Action)
	require.Equal(t, s.runs[0].Started.Add(10*time.Minute), r.Until)
}

// A schedule has whole seconds. An event that came back a part of one too early would be put off to a time that has passed.
func TestPutOffToWholeSeconds(t *testing.T) {
	h, s := newHandler(10 * time.Minute)
	s.runs = []Run{{ARN: "execution/a", Started: s.now.Add(-10*time.Minute + 733*time.Millisecond)}}
	r, err := h.Handle(t.Context(), event(t))
	require.NoError(t, err)
	require.Equal(t, Deferred, r.Action)
	require.Equal(t, s.now.Add(time.Second), s.at)
	s.now = s.at
	r, err = h.Handle(t.Context(), s.deferred)
	require.NoError(t, err)
	require.Equal(t, Started, r.Action)
}

// Failures are errors, so that the event is delivered again.
func TestFailures(t *testing.T) {
	h, s := newHandler(time.Minute)
	s.err = errors.New("throttled")
	_, err := h.Handle(t.Context(), event(t))
	require.ErrorIs(t, err, s.err)
	h.Debounce = 0
	_, err = h.Handle(t.Context(), event(t))
	require.ErrorIs(t, err, s.err)
	h, s = newHandler(time.Minute)
	_, err = h.Handle(t.Context(), event(t))
	require.NoError(t, err)
	s.err = errors.New("no right to")
	_, err = h.Handle(t.Context(), event(t))
	require.ErrorIs(t, err, s.err)
}

package detect

import (
	"bytes"
	"errors"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/internal/testkit"
)

// contextDetector is a detector of random trees over a set that remembers flows.
func contextDetector(t testing.TB) *Detector {
	t.Helper()
	set, err := features.LookupSet("flow-context/1")
	require.NoError(t, err)
	contract, err := features.NewContract(set, time.Unix(0, 0))
	require.NoError(t, err)
	text, err := contract.Canonical()
	require.NoError(t, err)
	contract, err = features.ParseContract(text)
	require.NoError(t, err)
	b := testkit.RandomBooster(testkit.RandFrom(5), testkit.BoosterShape{
		Features: len(contract.Columns), Groups: 1, Trees: 60, Depth: 5, Fill: 0.9, Thresholds: 4,
	})
	d, err := New(b, contract, nil)
	require.NoError(t, err)
	return d
}

// streamFlows are connections whose ends go back and forth by up to a second.
func streamFlows(n int) []*features.Flow {
	flows := make([]*features.Flow, n)
	for i := range flows {
		f := fullFlow()
		f.UID = append(append([]byte(nil), f.UID...), byte(i), byte(i>>8))
		f.Start += int64(i)*1e8 + int64(i*7919%1000)*1e6
		f.DstPort = uint16(i % 7)
		flows[i] = f
	}
	return flows
}

func TestVerdictsOfAStatefulSetComeInOrderWithTheirFlows(t *testing.T) {
	d := contextDetector(t)
	x := d.pipeline.Extractor()
	broken, bad := errors.New("cable cut"), &features.RecordError{Line: 3, Reason: features.ReasonNumber}
	flows := streamFlows(300)
	read := func(yield func(*features.Flow, error) bool) {
		for i, f := range flows {
			g := f.Clone()
			if i == 100 && !yield(nil, bad) || !yield(g, nil) {
				return
			}
			*g = features.Flow{UID: []byte("reused")} // a reader yields the same flow again
		}
		yield(nil, broken)
	}
	var rows []features.Row
	for row, err := range x.Rows(read) {
		if err == nil {
			rows = append(rows, features.Row{Flow: row.Flow.Clone(), Values: append([]float32(nil), row.Values...)})
		}
	}
	require.Len(t, rows, len(flows))
	at, errs, end := 0, []error(nil), int64(math.MinInt64)
	for v, err := range d.Stream().Verdicts(read) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		want := make([]float32, 1)
		require.NoError(t, d.predictor.Predict(want, rows[at].Values))
		require.Equal(t, want[0], v.Score)
		require.Equal(t, rows[at].Flow.UID, v.Flow.UID)
		require.GreaterOrEqual(t, v.Flow.End(), end)
		end = v.Flow.End()
		at++
	}
	require.Equal(t, len(flows), at)
	require.Equal(t, []error{bad, broken}, errs)
	_, err := d.Stream().Judge(fullFlow())
	require.ErrorIs(t, err, features.ErrOrder)
}

func TestAStatefulContractNamesItsState(t *testing.T) {
	d := contextDetector(t)
	c := *d.Contract()
	c.State = nil
	_, err := c.Pipeline()
	require.ErrorIs(t, err, features.ErrContract)
	c.State = &features.StateSpec{ReorderSeconds: 5, ReorderRecords: 10_000, CountsCurrent: true}
	_, err = c.Pipeline()
	require.ErrorContains(t, err, "ReorderSeconds:2")
}

// A golden record of such a set is the last flow of its log.
func TestGoldenRecordsOfAStatefulSet(t *testing.T) {
	c := *contextDetector(t).Contract()
	head := "#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\tid.resp_h\tproto\n#types\ttime\taddr\taddr\tenum\n"
	c.Golden = []features.Golden{{Log: head + "1\t10.0.0.1\t10.0.0.2\tudp\n"}, {Log: head + "1\t10.0.0.1\t10.0.0.2\tudp\n1.5\t10.0.0.1\t10.0.0.2\tudp\n"}}
	rows, err := GoldenRows(&c)
	require.NoError(t, err)
	require.Len(t, rows, 2*96)
	require.EqualValues(t, 1, rows[70], "kdd2_count")
	require.EqualValues(t, 2, rows[96+70], "kdd2_count")
	c.Golden[0].Log = head
	_, err = GoldenRows(&c)
	require.ErrorIs(t, err, features.ErrContract)
}

func TestARestartDoesNotChangeVerdicts(t *testing.T) {
	d := contextDetector(t)
	var want []float32
	for v, err := range d.Stream().Verdicts(sequence(streamFlows(200))) {
		require.NoError(t, err)
		want = append(want, v.Score)
	}
	var got []float32
	s := d.Stream()
	take := func() {
		for v, ok, err := s.Next(); ok; v, ok, err = s.Next() {
			require.NoError(t, err)
			got = append(got, v.Score)
		}
	}
	for i, f := range streamFlows(200) {
		require.NoError(t, s.Push(f))
		take()
		if i%30 == 7 {
			var state bytes.Buffer
			require.NoError(t, s.Save(&state))
			var err error
			s, err = d.Restore(&state, nil)
			require.NoError(t, err)
		}
	}
	s.Finish()
	take()
	require.Equal(t, want, got)
	_, err := d.Restore(strings.NewReader("threatdetect state 2"), nil)
	require.ErrorIs(t, err, features.ErrState)
}

func sequence(flows []*features.Flow) iter.Seq2[*features.Flow, error] {
	return func(yield func(*features.Flow, error) bool) {
		for _, f := range flows {
			if !yield(f, nil) {
				return
			}
		}
	}
}

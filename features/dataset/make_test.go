package dataset_test

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/dataset"
	"threatdetect/features/unsw"
)

// day is what the flows of a simple site are on one day: flow i begins at second i and comes from one of ten hosts; every
// third is an attack, which sends more.
func day(n int) []*features.Flow {
	random := rand.New(rand.NewPCG(5, 6))
	var flows []*features.Flow
	for i := range n {
		f := &features.Flow{Start: int64(i) * 1e9, Src: netip.AddrFrom4([4]byte{10, 0, 0, byte(random.IntN(10))}), Dst: netip.MustParseAddr("192.0.2.1"),
			Proto: features.ProtoTCP, FwdPkts: uint64(5 + random.IntN(20)), FwdBytes: uint64(500 + random.IntN(500)), Label: features.Benign,
			Known: features.FieldStart | features.FieldAddrs | features.FieldProto | features.FieldFwdPkts | features.FieldFwdBytes}
		if i%3 == 0 {
			f.Label, f.FwdBytes, f.Kind = features.Attack, f.FwdBytes+200, []byte("flood")
		}
		flows = append(flows, f)
	}
	return flows
}

func source(flows []*features.Flow) func(dataset.Pass) iter.Seq2[*features.Flow, error] {
	return func(dataset.Pass) iter.Seq2[*features.Flow, error] {
		return func(yield func(*features.Flow, error) bool) {
			for _, f := range flows {
				if !yield(f.Clone(), nil) || !yield(nil, &features.RecordError{Reason: features.ReasonNumber}) {
					return
				}
			}
		}
	}
}

type made struct {
	report   *dataset.Report
	contract *features.Contract
	parts    map[string][]dataset.Part // of a key of the rows
	rows     int
}

func build(t *testing.T, flows []*features.Flow, opts *dataset.Options, key func(*dataset.Row) string) *made {
	t.Helper()
	if opts.Set == nil {
		opts.Set = set(t, "flow-min")
	}
	m := &made{parts: map[string][]dataset.Part{}}
	var err error
	n := int64(0)
	m.contract, m.report, err = dataset.Make(source(flows), opts, func(r *dataset.Row) error {
		m.rows++
		k := key(r)
		m.parts[k] = append(m.parts[k], r.Part)
		return nil
	})
	require.NoError(t, err)
	// The plan alone tells the parts again.
	total := map[dataset.Part]int64{}
	pipeline, err := m.contract.Pipeline()
	require.NoError(t, err)
	x := pipeline.Extractor()
	for _, f := range flows {
		if f.Label == features.Unlabelled {
			continue
		}
		n++
		row, err := x.AppendRow(nil, f)
		require.NoError(t, err)
		total[m.report.Split.Part(f, row, n)]++
	}
	for i, p := range m.report.Parts {
		require.Equal(t, p.Rows, total[dataset.Part(i)])
	}
	return m
}

func set(t *testing.T, name string) *features.Set {
	t.Helper()
	s, err := features.LookupSet(name)
	require.NoError(t, err)
	return s
}

func requireWhole(t *testing.T, parts map[string][]dataset.Part) {
	t.Helper()
	for key, of := range parts {
		for _, p := range of {
			require.Equal(t, of[0], p, key)
		}
	}
}

func TestSplitByTime(t *testing.T) {
	m := build(t, day(1000), &dataset.Options{}, func(r *dataset.Row) string { return fmt.Sprint(r.Flow.Start / 1e9) })
	require.Equal(t, dataset.Time, m.report.Split.By, "auto, as all flows have a time")
	require.Equal(t, [2]int64{700e9, 800e9}, m.report.Split.Cuts)
	require.Equal(t, dataset.Train, m.parts["699"][0])
	require.Equal(t, dataset.Validation, m.parts["700"][0])
	require.Equal(t, dataset.Test, m.parts["800"][0])
	require.Equal(t, []int64{700, 100, 200}, []int64{m.report.Parts[0].Rows, m.report.Parts[1].Rows, m.report.Parts[2].Rows})
	require.Equal(t, "1970-01-01T00:13:20Z", m.report.Parts[2].From)
	require.Equal(t, int64(334), m.report.Attacks)
	require.Equal(t, []dataset.KindReport{{Kind: "flood", Train: 234, Validation: 33, Test: 67}}, m.report.Kinds)
}

func TestSplitByHostKeepsHostsTogether(t *testing.T) {
	m := build(t, day(3000), &dataset.Options{By: dataset.Host}, func(r *dataset.Row) string { return r.Flow.Src.String() })
	require.Len(t, m.parts, 10)
	requireWhole(t, m.parts)
	for _, p := range m.report.Parts {
		require.Positive(t, p.Benign)
		require.Positive(t, p.Attacks)
	}
}

func TestSplitByGroupKeepsEqualRowsTogether(t *testing.T) {
	m := build(t, day(3000), &dataset.Options{By: dataset.Group, Seed: 3}, func(r *dataset.Row) string { return fmt.Sprint(r.Values) })
	require.Less(t, len(m.parts), 3000)
	requireWhole(t, m.parts)
	require.Zero(t, m.report.Duplicates.TestInTrain)
	require.InDelta(t, 0.7, float64(m.report.Parts[0].Rows)/3000, 0.05)
}

func TestRandomIsLabelledSo(t *testing.T) {
	m := build(t, day(3000), &dataset.Options{By: dataset.Random}, func(*dataset.Row) string { return "" })
	require.Contains(t, m.report.SplitWords, "at random")
	require.NotNil(t, find(m.report, dataset.FindRandom, ""))
}

// A flow that nobody judged is no benign flow.
func TestUnlabelledFlowsAreLeftOutAndCounted(t *testing.T) {
	flows := day(1000)
	for i := 0; i < 1000; i += 10 {
		flows[i].Label = features.Unlabelled
	}
	for _, by := range []dataset.By{dataset.Time, dataset.Host, dataset.Group, dataset.Random} {
		m := build(t, flows, &dataset.Options{By: by}, func(*dataset.Row) string { return "" })
		require.Equal(t, int64(100), m.report.Unlabelled)
		require.Equal(t, 900, m.rows)
	}
}

func TestMakeRefuses(t *testing.T) {
	flows := day(300)
	for _, c := range []struct {
		what   string
		change func(*features.Flow)
		opts   dataset.Options
	}{
		{"none of the 300 labelled flows is an attack", func(f *features.Flow) { f.Label = features.Benign }, dataset.Options{}},
		{"none of the 300 labelled flows is benign", func(f *features.Flow) { f.Label = features.Attack }, dataset.Options{By: dataset.Group}},
		{"no labelled flow", func(f *features.Flow) { f.Label = features.Unlabelled }, dataset.Options{By: dataset.Random}},
		{"300 of 300 labelled flows have no time", func(f *features.Flow) { f.Known &^= features.FieldStart }, dataset.Options{By: dataset.Time}},
		{"too few different times", func(f *features.Flow) { f.Start = 5 }, dataset.Options{By: dataset.Time}},
		{"300 of 300 labelled flows have no addresses", func(f *features.Flow) { f.Known &^= features.FieldAddrs }, dataset.Options{By: dataset.Host}},
		{"from 1 source hosts", func(f *features.Flow) { f.Src = f.Dst }, dataset.Options{By: dataset.Host}},
		{"no attack flow began before", func(f *features.Flow) { f.Label = features.Benign + features.Label(f.Start/280e9) }, dataset.Options{}},
		{"must add up to 1", func(*features.Flow) {}, dataset.Options{Shares: dataset.Shares{0.5, 0.1, 0.1}}},
		{"that of training must be above 0", func(*features.Flow) {}, dataset.Options{Shares: dataset.Shares{0, 0.5, 0.5}}},
	} {
		var changed []*features.Flow
		for _, f := range flows {
			f = f.Clone()
			c.change(f)
			changed = append(changed, f)
		}
		c.opts.Set = set(t, "flow-min")
		_, _, err := dataset.Make(source(changed), &c.opts, func(*dataset.Row) error { return nil })
		require.ErrorIs(t, err, dataset.ErrSplit)
		require.ErrorContains(t, err, c.what)
	}
	labels, err := dataset.ReadLabels(strings.NewReader("uid,label\nnobody,1\n"))
	require.NoError(t, err)
	_, _, err = dataset.Make(source(flows), &dataset.Options{Set: set(t, "flow-min"), Labels: labels}, nil)
	require.ErrorIs(t, err, dataset.ErrLabels)
	end := fmt.Errorf("strict: %w", &features.RecordError{Reason: features.ReasonNumber})
	_, _, err = dataset.Make(func(dataset.Pass) iter.Seq2[*features.Flow, error] {
		return func(yield func(*features.Flow, error) bool) { yield(nil, end) }
	}, &dataset.Options{Set: set(t, "flow-min")}, nil)
	require.Equal(t, end, err)
	stop := errors.New("full")
	_, _, err = dataset.Make(source(flows), &dataset.Options{Set: set(t, "flow-min")}, func(*dataset.Row) error { return stop })
	require.ErrorIs(t, err, stop)
}

// find returns the first finding of a kind about a column; about anything if that is "".
func find(r *dataset.Report, kind, column string) *dataset.Finding {
	for i, f := range r.Findings {
		if f.Kind != kind {
			continue
		}
		for _, c := range f.Columns {
			if c == column {
				return &r.Findings[i]
			}
		}
		if column == "" {
			return &r.Findings[i]
		}
	}
	return nil
}

func TestFindings(t *testing.T) {
	flows := day(2000)
	for i, f := range flows {
		f.Known |= features.FieldRevBytes | features.FieldDuration | features.FieldRevPkts
		f.RevBytes = uint64(1_000_000 + i*7) // a counter
		f.Duration = 5e9
		f.RevPkts = uint64(2 + i%7)
		if f.Label == features.Benign && i%2 == 0 {
			f.RevPkts = 77 // nobody else has it
		}
	}
	m := build(t, flows, &dataset.Options{}, func(*dataset.Row) string { return "" })
	r := m.report
	require.Equal(t, dataset.Alarm, find(r, dataset.FindSeparates, "rev_pkts").Severity)
	require.Contains(t, find(r, dataset.FindSeparates, "rev_pkts").Text, "the value 77 covers 50.0 % of the benign rows")
	require.NotNil(t, find(r, dataset.FindID, "rev_bytes"))
	require.NotNil(t, find(r, dataset.FindOrder, "rev_bytes"))
	require.NotNil(t, find(r, dataset.FindConstant, "duration_s"))
	require.NotNil(t, find(r, dataset.FindConstant, "proto=udp"))
	require.Nil(t, find(r, dataset.FindSeparates, "fwd_pkts"), "noise")
	require.Nil(t, find(r, dataset.FindID, "fwd_bytes"))
	for _, c := range r.Columns {
		if c.Name == "fwd_pkts" {
			require.InDelta(t, 0.5, *c.AUC, 0.1)
		}
		require.False(t, math.IsNaN(c.Settles))
	}
	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	require.Contains(t, text.String(), "rev_bytes")
}

// What comes from logs is printable in the report.
func TestReportIsPrintable(t *testing.T) {
	flows := day(500)
	for _, f := range flows {
		f.Kind = []byte("\x1b[2J\u202e\nalarm")
	}
	m := build(t, flows, &dataset.Options{}, func(*dataset.Row) string { return "" })
	var text strings.Builder
	require.NoError(t, m.report.WriteText(&text))
	require.NotContains(t, text.String(), "\x1b")
	require.NotContains(t, text.String(), "\u202e")
	require.Contains(t, text.String(), `"\x1b[2J\u202e\nalarm"`)
}

// TestUNSW finds what is known to be wrong with UNSW-NB15, and with the features of the project's origin.
func TestUNSW(t *testing.T) {
	const name = "../../../shared/data/unsw-nb15/UNSW_NB15_training-set.82332.csv.gz"
	if _, err := os.Stat(name); err != nil {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	flows := func(dataset.Pass) iter.Seq2[*features.Flow, error] {
		return func(yield func(*features.Flow, error) bool) {
			f, err := os.Open(name)
			require.NoError(t, err)
			defer f.Close()
			unsw.Read(f, nil)(yield)
		}
	}
	for _, s := range []string{"seed", "seed-compat"} {
		_, r, err := dataset.Make(flows, &dataset.Options{Set: set(t, s), Created: time.Unix(0, 0)}, func(*dataset.Row) error { return nil })
		require.NoError(t, err)
		require.Equal(t, dataset.Group, r.Split.By, "the file has no times")
		for _, column := range []string{"sttl", "dttl"} {
			require.NotNil(t, find(r, dataset.FindSeparates, column), column)
		}
		if s == "seed" {
			require.NotNil(t, find(r, dataset.FindCode, "ct_state_ttl"))
			for _, column := range []string{"stcpb", "dtcpb"} {
				require.NotNil(t, find(r, dataset.FindID, column))
			}
			require.Equal(t, [3]int64{82332, 53946, 6}, [3]int64{r.Duplicates.Rows, r.Duplicates.Distinct, r.Duplicates.BothLabels}, "as the specification counts them")
		}
		require.NotNil(t, find(r, dataset.FindKnown, "ct_state_ttl"))
		require.NotNil(t, find(r, dataset.FindConstant, "seed_is_common_port"), "dead in the origin's arithmetic, nearly so on raw values")
		require.Less(t, r.Duplicates.TestInTrain, 0.01, "different records may be equal once they are scaled and rounded")
		require.Equal(t, [2]int64{37000, 45332}, [2]int64{r.Benign, r.Attacks})
	}
	_, r, err := dataset.Make(flows, &dataset.Options{Set: set(t, "seed"), By: dataset.Random}, func(*dataset.Row) error { return nil })
	require.NoError(t, err)
	require.Greater(t, r.Duplicates.TestInTrain, 0.3)
	require.Equal(t, dataset.Alarm, find(r, dataset.FindDuplicates, "").Severity)
}

// With Kinds every kind of attack is a class of its own, numbered in the order of its bytes, whatever the split is.
func TestKinds(t *testing.T) {
	flows := day(900)
	for i, f := range flows {
		if f.Label == features.Attack {
			f.Kind = [][]byte{[]byte("scan"), []byte("DDoS"), nil}[i/3%3]
		}
	}
	classes := []string{"benign", "DDoS", "attack", "scan"}
	for _, by := range []dataset.By{dataset.Time, dataset.Host, dataset.Group, dataset.Random} {
		seen := map[string]int{}
		contract, report, err := dataset.Make(source(flows), &dataset.Options{Set: set(t, "flow-min"), By: by, Kinds: true}, func(r *dataset.Row) error {
			want := "benign"
			if r.Attack {
				want = string(r.Flow.Kind)
			}
			if want == "" {
				want = "attack"
			}
			require.Equal(t, want, classes[r.Class])
			require.Equal(t, fmt.Sprint(r.Class), string(dataset.CSV.Append(nil, r)[0]))
			seen[want]++
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, map[string]int{"benign": 600, "DDoS": 100, "attack": 100, "scan": 100}, seen)
		require.Equal(t, classes, contract.Output.Classes)
		require.Equal(t, classes, report.Classes)
		var text strings.Builder
		require.NoError(t, report.WriteText(&text))
		require.Regexp(t, `label +class\n0 +benign\n1 +DDoS\n2 +attack\n3 +scan\n`, text.String())
	}
	contract, report, err := dataset.Make(source(flows), &dataset.Options{Set: set(t, "flow-min")}, func(r *dataset.Row) error {
		require.Equal(t, r.Attack, r.Class == 1)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []string{"benign", "attack"}, contract.Output.Classes)
	require.Nil(t, report.Classes)

	many := day(900)
	for i, f := range many {
		f.Kind = fmt.Append(nil, i)
	}
	fail := func(flows []*features.Flow) error {
		_, _, err := dataset.Make(source(flows), &dataset.Options{Set: set(t, "flow-min"), Kinds: true}, func(*dataset.Row) error { return nil })
		return err
	}
	require.ErrorIs(t, fail(many), dataset.ErrLabels)
	require.ErrorContains(t, fail(many), "more than 255 kinds")
	many[0].Kind = []byte("benign")
	require.ErrorContains(t, fail(many[:9]), "a kind of attack is called benign")
}

package features

import (
	"errors"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var created = time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC)

func unswFlows(records ...*UNSW) iter.Seq2[*Flow, error] {
	return func(yield func(*Flow, error) bool) {
		for i, u := range records {
			if i == 1 && !yield(nil, &RecordError{Line: 2, Reason: ReasonNumber}) {
				return
			}
			if !yield(&Flow{UNSW: u}, nil) {
				return
			}
		}
	}
}

// unswRecords are three records with different categories; column 0 is 1, 2, 4 and column 1 is 5 where it is known.
func unswRecords() []*UNSW {
	a := &UNSW{Proto: "udp", Service: "-", State: "INT"}
	b := &UNSW{Proto: "tcp", Service: "http", State: "FIN"}
	c := &UNSW{Proto: "tcp", Service: "", State: "CON"}
	for i := range a.Values {
		a.Values[i], b.Values[i], c.Values[i] = 1, 2, 4
	}
	a.Values[1], b.Values[1], c.Values[1] = 5, math.NaN(), 5
	a.Values[unswDstSportLm] = 80
	return []*UNSW{a, b, c}
}

func fitSeed(t *testing.T, name string) *Contract {
	t.Helper()
	set, err := LookupSet(name)
	require.NoError(t, err)
	c, err := Fit(set, unswFlows(unswRecords()...), created)
	require.NoError(t, err)
	return c
}

func TestFitSeed(t *testing.T) {
	c := fitSeed(t, "seed")
	names := c.columnNames()
	require.Equal(t, []string{"proto_tcp", "proto_udp", "service_-", "service_http", "state_CON", "state_FIN", "state_INT",
		"byte_ratio", "seed_is_common_port", "flow_intensity"}, names[39:])
	p, err := c.Pipeline()
	require.NoError(t, err)
	records := unswRecords()
	row, err := p.Extractor().AppendRow(nil, &Flow{UNSW: records[0]})
	require.NoError(t, err)
	require.Equal(t, []float32{0, 1, 1, 0, 0, 0, 1, 0.5, 1, float32(6 / 1.000001)}, row[39:])
	row, err = p.Extractor().AppendRow(nil, &Flow{UNSW: records[2]})
	require.NoError(t, err)
	require.True(t, row[41] != row[41] && row[42] != row[42], "a missing category is missing in each of its columns")
	unseen := *records[1]
	unseen.Proto, unseen.Values[unswDstSportLm] = "sctp", math.NaN()
	row, err = p.Extractor().AppendRow(nil, &Flow{UNSW: &unseen})
	require.NoError(t, err)
	require.Equal(t, []float32{0, 0}, row[39:41], "an unknown category is zero in each of its columns")
	require.True(t, row[47] != row[47] && row[48] != row[48])
	_, err = p.Extractor().AppendRow(nil, tcpFlow())
	require.ErrorIs(t, err, ErrContract)
}

func TestFitSeedCompatStandardisesFirst(t *testing.T) {
	c := fitSeed(t, "seed-compat/1")
	require.Len(t, c.Scaler, 39)
	mean, sd := 7./3, math.Sqrt(((1-7./3)*(1-7./3)+(2-7./3)*(2-7./3)+(4-7./3)*(4-7./3))/3)
	require.InEpsilon(t, mean, float64(c.Scaler[0].Mean), 1e-15)
	require.InEpsilon(t, sd, float64(c.Scaler[0].Scale), 1e-15)
	require.Equal(t, Scale{"spkts", 5, 1}, c.Scaler[1], "two values known, no variance")
	p, err := c.Pipeline()
	require.NoError(t, err)
	row, err := p.Extractor().AppendRow(nil, &Flow{UNSW: unswRecords()[0]})
	require.NoError(t, err)
	z := func(x float64) float64 { return (x - float64(c.Scaler[0].Mean)) / float64(c.Scaler[0].Scale) }
	require.Equal(t, float32(z(1)), row[0])
	require.Equal(t, []float32{0, 1}, row[39:41], "one-hot columns are not scaled")
	require.Equal(t, float32(z(1)/(z(1)+1)), row[46], "ratios are of scaled columns, as the origin computed them")
	require.Equal(t, float32(0), row[47], "the count 80 is no 80 once it is scaled")
}

func TestContractRoundTrip(t *testing.T) {
	for _, name := range []string{"seed/1", "seed-compat/1"} {
		c := fitSeed(t, name)
		c.Output.Thresholds = []Threshold{{"default", 0.25, "here"}}
		text, err := c.Canonical()
		require.NoError(t, err)
		back, err := ParseContract(text)
		require.NoError(t, err)
		require.Equal(t, c, back)
		again, err := back.Canonical()
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
		d1, err := c.Digest()
		require.NoError(t, err)
		d2, err := back.Digest()
		require.NoError(t, err)
		require.Equal(t, d1, d2)
		require.Equal(t, float32(0.25), back.Threshold())
	}
}

func portableContract(t *testing.T) *Contract {
	t.Helper()
	set, err := LookupSet("flow-portable/1")
	require.NoError(t, err)
	c, err := NewContract(set, created)
	require.NoError(t, err)
	return c
}

func TestParseContractRefuses(t *testing.T) {
	text, err := portableContract(t).Canonical()
	require.NoError(t, err)
	good := string(text)
	replace := func(from, to string) string {
		require.Contains(t, good, from)
		return strings.Replace(good, from, to, 1)
	}
	for name, c := range map[string]struct{ text, says string }{
		"empty":            {"", "unexpected end"},
		"other version":    {replace(`"schema_version":1`, `"schema_version":2`), "this version reads 1"},
		"unknown key":      {replace(`"set":`, `"sett":1,"set":`), "sett"},
		"unknown set":      {replace(`"set":"flow-portable/1"`, `"set":"flow-portable/9"`), "there are flow-min/1"},
		"set of others":    {replace(`"set":"flow-portable/1"`, `"set":"flow-min/1"`), "70 columns where 20 are wanted"},
		"renamed column":   {replace(`"name":"byte_ratio"`, `"name":"byte_ration"`), `unknown: "byte_ration"; lacking: "byte_ratio"`},
		"column type":      {replace(`"type":"f32"`, `"type":"f64"`), "want index 0 and type f32"},
		"missing policy":   {replace(`"policy":"nan"`, `"policy":"none"`), `missing policy "none"`},
		"text behind":      {good + "{}", "after top-level value"},
		"golden too short": {replace(`"golden":[]`, `"golden":[{"log":"","margin":0,"row":[1],"score":0}]`), "1 values for 70 columns"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseContract([]byte(c.text))
			require.ErrorIs(t, err, ErrContract)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestMissingPolicies(t *testing.T) {
	c := portableContract(t)
	five := float32(5)
	for policy, want := range map[Missing]float32{{Policy: "nan"}: 0, {Policy: "zero"}: nan32, {Policy: "value", Value: &five}: 0} {
		c.Missing = policy
		p, err := c.Pipeline()
		require.NoError(t, err)
		f := tcpFlow()
		f.FwdPkts = 5
		row, err := p.Extractor().AppendRow(nil, f)
		require.NoError(t, err)
		udp := row[17]
		require.Equal(t, want != want, udp != udp, "%+v: proto=udp is %v", policy, udp)
		require.Equal(t, policy.Policy == "value", row[1] != row[1])
	}
}

func TestFitPassesErrorsOn(t *testing.T) {
	set, _ := LookupSet("seed/1")
	broken := errors.New("broken")
	_, err := Fit(set, func(yield func(*Flow, error) bool) { yield(nil, broken) }, created)
	require.ErrorIs(t, err, broken)
	_, err = Fit(set, func(yield func(*Flow, error) bool) { yield(tcpFlow(), nil) }, created)
	require.ErrorIs(t, err, ErrContract)
	_, err = NewPipeline(set)
	require.Error(t, err)
	_, err = LookupSet("flow-max")
	require.ErrorContains(t, err, "flow-portable/1")
	require.Error(t, set.CheckFormat("zeek"))
}

func TestAccount(t *testing.T) {
	var a Account
	require.NoError(t, a.Add(new(Flow), nil))
	require.NoError(t, a.Add(nil, &RecordError{Reason: ReasonOther}))
	require.NoError(t, a.Add(nil, &RecordError{Reason: ReasonNumber}))
	broken := errors.New("broken")
	require.ErrorIs(t, a.Add(nil, broken), broken)
	require.Equal(t, Account{Records: 3, Flows: 1, Skipped: map[Reason]int64{ReasonOther: 1, ReasonNumber: 1}}, a)
	require.EqualValues(t, 1, a.Lost())
	require.False(t, a.Unreadable())
	b := Account{}
	require.False(t, b.Unreadable(), "no records are no unreadable ones")
	require.NoError(t, b.Add(nil, &RecordError{Reason: ReasonMalformed}))
	require.NoError(t, b.Add(nil, &RecordError{Reason: ReasonTruncated}))
	require.True(t, b.Unreadable())
	require.Equal(t, []Reason{ReasonMalformed, ReasonTruncated}, b.Reasons())
}

func TestRowsPassesFaultsOn(t *testing.T) {
	c := fitSeed(t, "seed/1")
	p, err := c.Pipeline()
	require.NoError(t, err)
	var rows, faults int
	for row, err := range p.Extractor().Rows(unswFlows(unswRecords()...)) {
		if err != nil {
			faults++
			continue
		}
		rows++
		require.Len(t, row.Values, p.NumColumn())
		require.NotNil(t, row.Flow.UNSW)
	}
	require.Equal(t, 3, rows)
	require.Equal(t, 1, faults)
}

func TestCloneSharesNothing(t *testing.T) {
	f := &Flow{UID: []byte("C1"), History: []byte("Sh"), LabelText: []byte("x"), UNSW: &UNSW{Proto: "tcp"}}
	c := f.Clone()
	require.Equal(t, f, c)
	f.UID[0], f.History[0], f.LabelText[0], f.UNSW.Proto = 'x', 'x', 'y', "udp"
	require.Equal(t, "C1Shxtcp", string(c.UID)+string(c.History)+string(c.LabelText)+c.UNSW.Proto)
}

func FuzzParseContract(f *testing.F) {
	set, _ := LookupSet("flow-portable/1")
	portable, _ := NewContract(set, created)
	seed, _ := LookupSet("seed-compat/1")
	fitted, _ := Fit(seed, unswFlows(unswRecords()...), created)
	for _, c := range []*Contract{portable, fitted} {
		text, _ := c.Canonical()
		f.Add(text)
	}
	for _, calibration := range []*Calibration{plattOf(-1.5, 0.25), isotonicOf(0.25, 0.125, 0.75, 0.5)} {
		portable.Output.Calibration = calibration
		text, _ := portable.Canonical()
		f.Add(text)
	}
	f.Add([]byte(`{"schema_version":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseContract(text)
		if err != nil {
			require.ErrorIs(t, err, ErrContract)
			return
		}
		out, err := c.Canonical()
		require.NoError(t, err)
		back, err := ParseContract(out)
		require.NoError(t, err)
		again, err := back.Canonical()
		require.NoError(t, err)
		require.Equal(t, string(out), string(again))
		p, err := c.Pipeline()
		require.NoError(t, err)
		row, err := p.Extractor().AppendRow(nil, &Flow{UNSW: unswRecords()[0]})
		require.NoError(t, err)
		require.Len(t, row, len(c.Columns))
		if calibration := c.Output.Calibration; calibration != nil {
			requireProbabilities(t, calibration)
		}
	})
}

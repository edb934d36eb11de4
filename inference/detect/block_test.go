package detect

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/internal/testkit"
)

// portableDetector is a detector of random trees over flow-portable/1, with as many classes.
func portableDetector(t testing.TB, groups int, objective string) *Detector {
	t.Helper()
	set, err := features.LookupSet("flow-portable/1")
	require.NoError(t, err)
	contract, err := features.NewContract(set, time.Unix(0, 0))
	require.NoError(t, err)
	b := testkit.RandomBooster(testkit.RandFrom(7), testkit.BoosterShape{
		Features: len(contract.Columns), Groups: groups, Trees: 60 * groups, Depth: 5, Fill: 0.9, Thresholds: 40,
	})
	if groups > 1 {
		b.Objective = objective
		for i := range groups {
			contract.Output.Classes = append(contract.Output.Classes, fmt.Sprint("class", i))
		}
	}
	contract.Output.Objective = b.Objective
	text, err := contract.Canonical()
	require.NoError(t, err)
	contract, err = features.ParseContract(text)
	require.NoError(t, err)
	d, err := New(b, contract, nil)
	require.NoError(t, err)
	return d
}

// verdictText is all of a verdict, with the bits of its numbers.
func verdictText(v *Verdict) string {
	s := fmt.Sprintf("%d %s %v %x %v %d", v.Number, v.Flow.UID, v.Flow.End(), math.Float32bits(v.Score), v.Threat, v.Class)
	for _, values := range [][]float32{v.Classes, v.Row} {
		s += ";"
		for _, x := range values {
			s += fmt.Sprintf(" %x", math.Float32bits(x))
		}
	}
	for _, r := range v.Top {
		s += fmt.Sprintf("; %s %x %x", r.Feature, math.Float32bits(r.Value), math.Float32bits(r.Contribution))
	}
	return s
}

func TestABlockJudgesAsOneByOne(t *testing.T) {
	explains, err := Open("../../testdata/demo/model.tar.gz", &Options{Explain: 3})
	require.NoError(t, err)
	for name, d := range map[string]*Detector{
		"binary":   portableDetector(t, 1, ""),
		"softprob": portableDetector(t, 3, "multi:softprob"),
		"softmax":  portableDetector(t, 3, "multi:softmax"),
		"stateful": contextDetector(t),
		"explains": explains,
	} {
		flows := streamFlows(700)
		flows[400].Start += 1e12 // what waits for stragglers becomes due at once
		for i := range flows[401:] {
			flows[401+i].Start += 1e12
		}
		var want []string
		for v, err := range d.Stream().Verdicts(sequence(flows)) {
			require.NoError(t, err)
			want = append(want, verdictText(v))
		}
		require.Len(t, want, len(flows))
		for _, size := range []int{1, 2, 255, 0, 1000} {
			for _, flushEvery := range []int{0, 1, 100} {
				var got []string
				b := d.Stream().Block(size)
				take := func() {
					for v, ok, err := b.Next(); ok; v, ok, err = b.Next() {
						require.NoError(t, err)
						got = append(got, verdictText(v))
					}
				}
				for i, f := range flows {
					g := f.Clone()
					require.NoError(t, b.Push(g))
					g.UID[0], *g = 'x', features.Flow{} // a reader yields the same flow again
					take()
					if flushEvery > 0 && i%flushEvery == 0 {
						b.Flush()
						take()
					}
				}
				b.Finish()
				take()
				require.Equal(t, want, got, "%s, block of %d, flush %d", name, size, flushEvery)
			}
		}
	}
}

// TestNextThreat compares with Next: the same threats, and as many others counted between them.
func TestNextThreat(t *testing.T) {
	explains, err := Open("../../testdata/demo/model.tar.gz", &Options{Explain: 3})
	require.NoError(t, err)
	for name, d := range map[string]*Detector{
		"binary":   portableDetector(t, 1, ""),
		"softprob": portableDetector(t, 3, "multi:softprob"),
		"softmax":  portableDetector(t, 3, "multi:softmax"),
		"stateful": contextDetector(t),
		"explains": explains,
	} {
		flows := streamFlows(700)
		var scores []float32
		for v, err := range d.Stream().Verdicts(sequence(flows)) {
			require.NoError(t, err)
			scores = append(scores, v.Score)
		}
		for _, threshold := range []float32{0, 2, slices.Max(scores), slices.Sorted(slices.Values(scores))[len(scores)/2], float32(math.NaN())} {
			d.threshold = threshold
			var want, got []string
			passed := 0
			for v, err := range d.Stream().Verdicts(sequence(flows)) {
				require.NoError(t, err)
				if !v.Threat {
					passed++
					continue
				}
				want = append(want, fmt.Sprint(passed, verdictText(v)))
			}
			for _, size := range []int{1, 7, 0} {
				others := 0
				got = nil
				b := d.Stream().Block(size)
				take := func() {
					for {
						v, n, ok, err := b.NextThreat()
						require.NoError(t, err)
						others += n
						if !ok {
							return
						}
						got = append(got, fmt.Sprint(others, verdictText(v)))
					}
				}
				for i, f := range flows {
					require.NoError(t, b.Push(f))
					if take(); i%100 == 0 {
						b.Flush()
						take()
					}
				}
				b.Finish()
				take()
				require.Equal(t, want, got, "%s, block of %d, threshold %v", name, size, threshold)
				require.Equal(t, passed, others)
			}
		}
	}
}

func TestABlockTellsWhenItIsCalledOutOfTurn(t *testing.T) {
	b := portableDetector(t, 1, "").Stream().Block(2)
	flows := streamFlows(3)
	require.NoError(t, b.Push(flows[0]))
	_, ok, err := b.Next()
	require.NoError(t, err)
	require.False(t, ok, "the block is not full")
	require.ErrorIs(t, b.Save(new(bytes.Buffer)), features.ErrOrder)
	require.NoError(t, b.Push(flows[1]))
	require.ErrorIs(t, b.Push(flows[2]), features.ErrOrder, "the block is full")
	_, ok, err = b.Next()
	require.NoError(t, err)
	require.True(t, ok)
	require.ErrorIs(t, b.Push(flows[2]), features.ErrOrder)
	_, ok, _ = b.Next()
	require.True(t, ok)
	_, ok, _ = b.Next()
	require.False(t, ok)
	require.NoError(t, b.Save(new(bytes.Buffer)))
	require.NoError(t, b.Push(flows[2]))
}

func TestABlockGoesOnBehindARestart(t *testing.T) {
	d := contextDetector(t)
	flows := streamFlows(300)
	var want, got []string
	for v, err := range d.Stream().Verdicts(sequence(flows)) {
		require.NoError(t, err)
		require.Equal(t, flows[v.Number].UID, v.Flow.UID)
		v.Number = 0
		want = append(want, verdictText(v))
	}
	b := d.Stream().Block(0)
	var numbers []int // of flows as b counts them
	take := func() {
		for v, ok, err := b.Next(); ok; v, ok, err = b.Next() {
			require.NoError(t, err)
			require.Equal(t, flows[numbers[v.Number]].UID, v.Flow.UID)
			v.Number = 0
			got = append(got, verdictText(v))
		}
	}
	for i, f := range flows {
		numbers = append(numbers, i)
		require.NoError(t, b.Push(f))
		take()
		if i%70 == 33 {
			b.Flush()
			take()
			var state bytes.Buffer
			require.NoError(t, b.Save(&state))
			var held []int
			for _, n := range b.Waiting() {
				held = append(held, numbers[n])
			}
			numbers = held
			s, err := d.Restore(&state, nil)
			require.NoError(t, err)
			b = s.Block(0)
		}
	}
	b.Finish()
	take()
	require.Equal(t, want, got)
}

func TestABlockDoesNotAllocate(t *testing.T) {
	d := portableDetector(t, 1, "")
	b, flows := d.Stream().Block(64), streamFlows(256)
	judge := func() {
		for _, f := range flows {
			if b.Push(f) != nil {
				panic("Push")
			}
			for _, ok, _ := b.Next(); ok; _, ok, _ = b.Next() {
			}
		}
	}
	judge()
	require.Zero(t, testing.AllocsPerRun(5, judge))
}

// TestFlowsMadeInABlock makes every third flow where Slot says, and the others elsewhere.
func TestFlowsMadeInABlock(t *testing.T) {
	d, flows := portableDetector(t, 1, ""), streamFlows(300)
	var want []string
	for v, err := range d.Stream().Verdicts(sequence(flows)) {
		require.NoError(t, err)
		want = append(want, verdictText(v))
	}
	var got []string
	b := d.Stream().Block(64)
	take := func() {
		for v, ok, err := b.Next(); ok; v, ok, err = b.Next() {
			require.NoError(t, err)
			got = append(got, verdictText(v))
		}
	}
	for i := range flows {
		f := flows[i]
		if i%3 == 0 {
			slot := b.Slot()
			*slot = *f
			f = slot
		}
		require.NoError(t, b.Push(f))
		if full := b.Full(); full {
			require.Nil(t, b.Slot())
			take()
		}
	}
	b.Flush()
	take()
	require.Equal(t, want, got)
	require.Nil(t, contextDetector(t).Stream().Block(0).Slot())
}

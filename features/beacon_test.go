package features

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainCalls is what docs/features.md says of one key of beacon/1.
type plainCalls struct {
	seconds, sizes []int64
	added          int
	scorings       int
	scored         int64
	scores         []float64
}

func plainQuantile(values []float64, p float64) float64 {
	sort.Float64s(values)
	at := p * float64(len(values)-1)
	lo := math.Floor(at)
	hi := math.Min(lo+1, float64(len(values)-1))
	return values[int(lo)] + (values[int(hi)]-values[int(lo)])*(at-lo)
}

func plainRegular(values []float64, small float64) float64 {
	q1, q2, q3 := plainQuantile(values, 0.25), plainQuantile(values, 0.5), plainQuantile(values, 0.75)
	skew := 0.0
	if !(q3-q1 < 10) && q2 != q1 && q2 != q3 {
		skew = (q1 + q3 - 2*q2) / (q3 - q1)
	}
	var off []float64
	for _, v := range values {
		off = append(off, math.Abs(v-q2))
	}
	mad := small
	if q2 >= 1 {
		mad = math.Max(0, (q2-plainQuantile(off, 0.5))/q2)
	}
	return (1 - math.Abs(skew) + mad) / 2
}

func plainVariation(values []float64) float64 {
	sort.Float64s(values)
	var sum, squares float64
	for _, v := range values {
		sum += v
	}
	mean := sum / float64(len(values))
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares/float64(len(values))) / mean
}

func (p *plainCalls) score() []float64 {
	var seconds, sizes, intervals []float64
	for i := range p.seconds {
		seconds, sizes = append(seconds, float64(p.seconds[i])), append(sizes, float64(p.sizes[i]))
	}
	sort.Float64s(seconds)
	for i := 1; i < len(seconds); i++ {
		intervals = append(intervals, seconds[i]-seconds[i-1])
	}
	last := seconds[len(seconds)-1]
	hours := make([]int, 24)
	first := last
	for _, s := range seconds {
		if last-s < 86400 {
			hours[int(last-s)/3600]++
			first = math.Min(first, s)
		}
	}
	heights := map[int]int{}
	var total, used, longest int
	for i, n := range hours {
		total += n
		if n > 0 {
			used++
			heights[n]++
			run := 0
			for k := i; k < 24 && hours[k] > 0; k++ {
				run++
			}
			longest = max(longest, run)
		}
	}
	mean, squares := float64(total)/24, 0.0
	for _, n := range hours {
		squares += (float64(n) - mean) * (float64(n) - mean)
	}
	hist := math.Max(0, 1-math.Sqrt(squares/24)/mean)
	var common []int
	for _, n := range heights {
		common = append(common, n)
	}
	sort.Sort(sort.Reverse(sort.IntSlice(append(common, 0))))
	if used >= 11 {
		sort.Sort(sort.Reverse(sort.IntSlice(common)))
		two := common[0]
		if len(common) > 1 {
			two += common[1]
		}
		hist = math.Max(hist, float64(two)/float64(used))
	}
	dur := 0.0
	if used >= 6 {
		dur = math.Min(1, math.Max((last-first)/86400, float64(longest)/12))
	}
	near, median := 0, plainQuantile(intervals, 0.5)
	for _, x := range intervals {
		if math.Abs(x-median) <= median/20 {
			near++
		}
	}
	ts, ds := plainRegular(intervals, 1), plainRegular(sizes, 0)
	return []float64{(ts + ds + hist + dur) / 4, ts, ds, hist, dur, plainQuantile(intervals, 0.5), plainVariation(intervals), plainVariation(sizes),
		seconds[len(seconds)-1] - seconds[0], float64(near) / float64(len(intervals))}
}

// plainBeacons knows the calls of every key.
type plainBeacons map[string]*plainCalls

func (p plainBeacons) row(key string, f *Flow, t int64) []float32 {
	c := p[key]
	answered := false
	switch f.State {
	case StateEstablished, StateClosed, StateHalfClosed, StateResetOrig, StateResetResp, StateRequestReply:
		answered = true
	}
	if t-f.End() <= 60e9 && answered {
		if c == nil {
			c = &plainCalls{}
			p[key] = c
		}
		c.call(f, t)
	}
	want := make([]float32, 11)
	missing(want)
	want[0] = 0
	if c != nil {
		want[0] = float32(len(c.seconds))
		for k, v := range c.scores {
			want[1+k] = round(v)
		}
	}
	return want
}

func (p *plainCalls) call(f *Flow, t int64) {
	second := floorDiv(f.Start, 1e9)
	if slices.Contains(p.seconds, second) {
		return
	}
	size := int64(0)
	if f.Has(FieldFwdBytes) {
		size = int64(min(f.FwdBytes, 1<<32-1))
	}
	p.seconds, p.sizes = append(p.seconds, second), append(p.sizes, size)
	if len(p.seconds) > 128 {
		p.seconds, p.sizes = p.seconds[1:], p.sizes[1:]
	}
	p.added++
	if p.added == 5 || p.added > 5 && (p.added&(p.added-1) == 0 || t-p.scored >= 600e9) {
		p.scores, p.scored = p.score(), t
		p.scorings++
	}
}

func TestBeaconsAgainstPlainScores(t *testing.T) {
	p := pipelineOf(t, "beacon/1")
	scored := 0
	for seed := range seeds(25) {
		r := rand.New(rand.NewPCG(seed, 8))
		flows := hostFlows(r, 1500, []int64{3e9, 6e10, 2e12}[r.IntN(3)], []int64{0, 5e9, 2e11}[r.IntN(3)])
		for _, f := range flows { // of fewer keys, and with sizes that come again
			f.Src, f.Dst = flows[0].Src, flows[r.IntN(3)].Dst
			f.DstPort = 443
			f.FwdBytes = []uint64{0, 100, 100, 100, 150, 1 << 40}[r.IntN(6)]
		}
		x := p.ExtractorWith(&StateOptions{Budget: 4 << 20})
		rows, _ := allRows(t, x, flows, true)
		calls := plainBeacons{}
		for i, o := range release(flows) {
			f := o.f
			_, _, src := plainKey(f, true)
			_, _, dst := plainKey(f, false)
			proto, port := f.Proto, -1
			if f.Has(FieldDstPort) {
				port = int(f.DstPort)
			}
			want := calls.row(fmt.Sprint(src, dst, proto, port), f, o.t)
			requireSameRow(t, want, rows[i][:len(beaconColumns)], beaconColumns, fmt.Sprintf("seed %d, row %d", seed, i))
		}
		for _, c := range calls {
			scored += c.scorings
		}
	}
	require.Greater(t, scored, 100)
}

// A call every minute is a beacon, calls at random times with random sizes are none.
func TestBeaconsAreToldFromChance(t *testing.T) {
	p := pipelineOf(t, "beacon/1")
	run := func(step func(r *rand.Rand) (int64, uint64)) []float32 {
		r := rand.New(rand.NewPCG(1, 5))
		x := p.ExtractorWith(&StateOptions{Budget: 4 << 20})
		at := int64(1e18)
		var flows []*Flow
		for range 128 {
			wait, size := step(r)
			at += wait
			f := tcpFlow()
			f.Start, f.FwdBytes = at, size
			flows = append(flows, f)
		}
		rows, _ := allRows(t, x, flows, true)
		return rows[127]
	}
	beacon := run(func(r *rand.Rand) (int64, uint64) { return 600e9 + r.Int64N(20e9), 500 })
	chance := run(func(r *rand.Rand) (int64, uint64) {
		return int64(r.ExpFloat64() * 600e9), 100 + uint64(r.ExpFloat64()*5000)
	})
	require.Greater(t, beacon[1], float32(0.9))
	require.Less(t, chance[1], float32(0.75))
	require.Greater(t, beacon[2], float32(0.95))
	require.Less(t, chance[2], float32(0.6))
}

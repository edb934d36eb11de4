package features

import (
	"math"
	"math/rand/v2"
	"slices"

	"threatdetect/internal/sketch"
)

// beacons is the memory of beacon/1: when a source reached one port of a destination, and with how many bytes.
type beacons struct{ callMemory }

// callMemory is what is remembered of calls, whatever they are told apart by.
type callMemory struct {
	calls    *store[callKey, callState]
	seed     [2]uint64 // of the table
	sketched sketch.Seed
	pressure pressure
	stats    *Stats
	none     callState
	site     site
	weights  BeaconWeights

	times, sizes, work []float64 // to score with
}

// callKey is a source and what it called: a destination, or a name by the first 16 bytes of its SHA-256.
type callKey struct {
	src, dst hostKey
	port     uint32 // protocol class and port plus one; 0 of a name
}

const (
	maxCalls    = 128             // of a key that are kept
	minCalls    = 5               // from which on it is scored
	scoreAfter  = 600_000_000_000 // nanoseconds after which it is scored again
	daySeconds  = 86400
	hourSeconds = 3600
)

// callState holds the latest calls of a key in a ring.
type callState struct {
	base    int64 // second from which seconds count
	scored  int64 // event time of the latest scoring
	added   uint64
	seconds [maxCalls]int32
	bytes   [maxCalls]uint32
	scores  [10]float32 // as in the row, behind beacon_n
}

var beaconColumns = []Column{
	{"beacon_n", "calls", "kept of this source to this port of this destination, up to 128"},
	{"beacon_score", "", "mean of the four scores that follow, by the weights of the options"},
	{"beacon_ts_score", "", "how regular the intervals are: skew and dispersion of their quartiles"},
	{"beacon_ds_score", "", "the same of the bytes sent"},
	{"beacon_hist_score", "", "how even the calls are spread over the hours of a day"},
	{"beacon_dur_score", "", "for how much of a day they go on"},
	{"beacon_median_iat_s", "s", "median of the intervals"},
	{"beacon_iat_cv", "", "standard deviation of the intervals by their mean"},
	{"beacon_bytes_cv", "", "standard deviation of the bytes by their mean"},
	{"beacon_span_s", "s", "from the first to the latest of the calls that are kept"},
	{"beacon_iat_near_share", "", "share of the intervals that are within a twentieth of their median"},
}

func newBeacons(o *StateOptions, with *settings, stats *Stats) memory {
	m := new(beacons)
	m.init(o, with, stats, 94)
	return m
}

// init takes so many hundredths of the budget, and a little for a filter.
func (m *callMemory) init(o *StateOptions, with *settings, stats *Stats, percent int) {
	filter := 8
	for filter*2*64 <= o.budget() {
		filter *= 2
	}
	*m = callMemory{stats: stats, site: with.site, weights: with.weights, times: make([]float64, 0, maxCalls), sizes: make([]float64, 0, maxCalls), work: make([]float64, 0, maxCalls), seed: [2]uint64{rand.Uint64(), rand.Uint64()}, sketched: o.seed(),
		calls: newStore[callKey, callState](o.budget()/100*percent, filter, 86400_000_000_000)}
	m.pressure.report = o.onPressure()
	m.calls.evict = func(i uint32, idle bool) { m.pressure.evicted(m.calls.nodes[i].key.src, idle) }
}

func (m *callMemory) hash(k callKey) uint32 {
	return mix(uint64(mix(k.src.hi, k.src.lo, &m.seed))<<32|uint64(mix(k.dst.hi, k.dst.lo, &m.seed)), uint64(k.port), &m.seed)
}

func (k callKey) fixed(s sketch.Seed) uint64 {
	return pairKey{k.src, k.dst}.fixed(s) ^ uint64(k.port)*0x9e3779b97f4a7c15
}

func (m *beacons) fill(row []float32, f *Flow, t, late int64) {
	hf := makeHostFlow(f, t, m.site)
	counts := late <= maxLate
	if !counts {
		m.stats.TooLate++
	}
	m.fillCalls(row, callKey{hf.src, hf.dst, uint32(hf.proto)<<24 | uint32(hf.dport+1)}, f, t, counts && hf.answered)
	m.stats.Evicted += m.pressure.flow(t)
}

// fillCalls fills the cells of a key, and counts the call if the flow is one.
func (m *callMemory) fillCalls(row []float32, k callKey, f *Flow, t int64, call bool) {
	hash := m.hash(k)
	row = row[:11]
	var s *callState
	switch {
	case call:
		i, _, fresh := m.calls.touch(k, hash, k.fixed(m.sketched), t)
		s = &m.calls.values[i]
		if fresh {
			*s = callState{base: second(f.Start)}
		}
		m.call(s, second(f.Start), f, t)
	default:
		s = &m.none
		if i := m.calls.find(k, hash); i != 0 {
			s = &m.calls.values[i]
		}
	}
	n := s.n()
	row[0] = float32(n)
	if n < minCalls {
		missing(row[1:])
		return
	}
	copy(row[1:], s.scores[:])
}

func (s *callState) n() int { return int(min(s.added, maxCalls)) }

// second is the whole second of a time.
func second(t int64) int64 {
	s := t / 1_000_000_000
	if t%1_000_000_000 < 0 {
		s--
	}
	return s
}

// call keeps a call, unless there is one of the same second, and scores the key when that is due.
func (m *callMemory) call(s *callState, at int64, f *Flow, t int64) {
	if at-s.base != int64(int32(at-s.base)) { // 68 years away
		*s = callState{base: at}
	}
	rel := int32(at - s.base)
	if slices.Contains(s.seconds[:s.n()], rel) {
		return
	}
	i := s.added % maxCalls
	s.seconds[i], s.bytes[i] = rel, 0
	if f.Has(FieldFwdBytes) {
		s.bytes[i] = uint32(min(f.FwdBytes, math.MaxUint32))
	}
	s.added++
	if s.added < minCalls {
		return
	}
	if powerOfTwo := s.added&(s.added-1) == 0; powerOfTwo || s.added == minCalls || uint64(t)-uint64(s.scored) >= scoreAfter {
		m.score(s)
		s.scored = t
	}
}

// score fills the scores of a key.
func (m *callMemory) score(s *callState) {
	n := s.n()
	times, sizes := m.times[:0], m.sizes[:0]
	for i := range n {
		times, sizes = append(times, float64(s.seconds[i])), append(sizes, float64(s.bytes[i]))
	}
	slices.Sort(times)
	slices.Sort(sizes)
	first, last := times[0], times[n-1]
	hist, dur := spreadOverDay(times)
	for i := range n - 1 {
		times[i] = times[i+1] - times[i]
	}
	m.times, m.sizes = times, sizes
	intervals := times[:n-1]
	slices.Sort(intervals)
	ts := m.regular(intervals, 1)
	ds := m.regular(sizes, 0)
	w := &m.weights
	score := float64(w.TS*ts) + float64(w.DS*ds) + float64(w.Hist*hist) + float64(w.Dur*dur)
	s.scores = [10]float32{round(score), round(ts), round(ds), round(hist), round(dur), round(quantile(intervals, 0.5)),
		round(variation(intervals)), round(variation(sizes)), round(last - first), nearMedian(intervals)}
}

// nearMedian is the share of ascending values that are within a twentieth of their median.
func nearMedian(sorted []float64) float32 {
	median, n := quantile(sorted, 0.5), 0
	for _, v := range sorted {
		n += one(math.Abs(v-median) <= median/20)
	}
	return portion(float64(n), float64(len(sorted)))
}

// quantile interpolates between the two values next to the place p of ascending values.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	lo := int(at)
	if lo+1 == len(sorted) {
		return sorted[lo]
	}
	return sorted[lo] + float64((sorted[lo+1]-sorted[lo])*(at-float64(lo)))
}

// regular is 1 for values that are all alike: the mean of how little skewed and how little dispersed their quartiles are. Where
// the median is below 1 there is no dispersion to speak of, and small says what that is worth.
func (m *callMemory) regular(sorted []float64, small float64) float64 {
	q1, q2, q3 := quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)
	skew := 0.0
	if q3-q1 >= 10 && q2 != q1 && q2 != q3 {
		skew = (q1 + q3 - float64(2*q2)) / (q3 - q1)
	}
	off := m.work[:0]
	for _, v := range sorted {
		off = append(off, math.Abs(v-q2))
	}
	slices.Sort(off)
	m.work = off
	dispersion := small
	if q2 >= 1 {
		dispersion = max(0, (q2-quantile(off, 0.5))/q2)
	}
	return (1 - math.Abs(skew) + dispersion) / 2
}

// spreadOverDay looks at the calls of the 24 hours before the latest one, by hour back from it.
func spreadOverDay(sorted []float64) (hist, dur float64) {
	var hours [24]int
	last := sorted[len(sorted)-1]
	first := last
	for _, s := range sorted {
		if age := last - s; age < daySeconds {
			hours[int(age)/hourSeconds]++
			first = min(first, s)
		}
	}
	total, used, run, longest := 0, 0, 0, 0
	for _, n := range hours {
		total += n
		if run++; n == 0 {
			run = 0
		} else {
			used++
		}
		longest = max(longest, run)
	}
	mean, squares := float64(total)/24, 0.0
	for _, n := range hours {
		squares += float64((float64(n) - mean) * (float64(n) - mean))
	}
	hist = max(0, 1-math.Sqrt(squares/24)/mean)
	if used >= 11 {
		hist = max(hist, float64(twoCommonest(hours))/float64(used))
	}
	if used >= 6 {
		dur = min(1, max((last-first)/daySeconds, float64(longest)/12))
	}
	return hist, dur
}

// twoCommonest is how many of the hours with calls have one of the two most common numbers of calls.
func twoCommonest(hours [24]int) int {
	best, next := 0, 0
	for i, n := range hours {
		same := 0
		for k, m := range hours {
			if n != 0 && n == m {
				if k < i {
					same = 0 // looked at before
					break
				}
				same++
			}
		}
		if same > best {
			best, next = same, best
		} else if same > next {
			next = same
		}
	}
	return best + next
}

// variation is the standard deviation by the mean.
func variation(values []float64) float64 {
	mean, squares := 0.0, 0.0
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	for _, v := range values {
		squares += float64((v - mean) * (v - mean))
	}
	return math.Sqrt(squares/float64(len(values))) / mean // no mean: NaN, hence missing
}

func (m *callMemory) encode(e *encoder) {
	encodeStore(e, m.calls, callKey.encode, func(s *callState) {
		e.time(s.base)
		e.time(s.scored)
		e.count(s.added)
		for i := range s.n() {
			e.time(int64(s.seconds[i]))
			e.count(uint64(s.bytes[i]))
		}
		for _, v := range s.scores {
			e.count(uint64(math.Float32bits(v)))
		}
	})
}

func (m *callMemory) decode(d *decoder, t int64, _ bool) {
	decodeStore(d, m.calls, (*callKey).decode, m.hash, t, func(s *callState) {
		s.base, s.scored = d.time(), d.time()
		s.added = d.count(1 << 62)
		for i := range s.n() {
			v := d.time()
			if v != int64(int32(v)) || slices.Contains(s.seconds[:i], int32(v)) {
				d.fail("a second out of range, or twice")
				return
			}
			s.seconds[i], s.bytes[i] = int32(v), uint32(d.count(math.MaxUint32))
		}
		for i := range s.scores {
			s.scores[i] = math.Float32frombits(uint32(d.count(math.MaxUint32)))
			if v := s.scores[i]; v-v != 0 {
				s.scores[i] = nan32
			}
		}
		if s.added == 0 || s.scored > t {
			d.fail("a key without calls, or scored later than the state")
		}
	})
}

func (k callKey) encode(e *encoder) {
	k.src.encode(e)
	k.dst.encode(e)
	e.count(uint64(k.port))
}

func (k *callKey) decode(d *decoder) {
	k.src.decode(d)
	k.dst.decode(d)
	k.port = uint32(d.count(math.MaxUint32))
}

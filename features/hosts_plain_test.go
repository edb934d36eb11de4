package features

import (
	"fmt"
	"math"

	"threatdetect/internal/sketch"
)

// plainHosts computes host/1 from docs/features.md with maps that nothing is ever dropped from.
type plainHosts struct {
	fading   map[string]*plainFading
	sets     map[string]*plainSet
	spreads  map[string]*plainSpread
	steps    map[hostKey]int
	contacts map[string]int64 // number of the half of the retention in which it was last seen
	ports    map[pairKey]*plainPorts
	vertical map[hostKey]*plainVertical
	began    int64
	begun    bool
	netCells map[string]*plainFading
	last     map[string]int64 // when something was counted last
}

type plainFading struct {
	v    float64
	last int64
}

type plainSet struct {
	half        int64
	now, before map[uint32]bool
	estimated   bool
}

type plainSpread struct {
	weight, mean, squares float64
	last                  int64
}

type plainPorts struct {
	last  int64
	ports map[int32]bool
}

type plainVertical struct {
	half        int64
	now, before int
}

func newPlainHosts() *plainHosts {
	return &plainHosts{fading: map[string]*plainFading{}, sets: map[string]*plainSet{}, spreads: map[string]*plainSpread{}, steps: map[hostKey]int{},
		contacts: map[string]int64{}, ports: map[pairKey]*plainPorts{}, vertical: map[hostKey]*plainVertical{}, netCells: map[string]*plainFading{}, last: map[string]int64{}}
}

// fade adds x to a count that fades by e in so many seconds.
func (p *plainHosts) fade(name string, t int64, seconds, x float64, counts bool) float64 {
	c := p.fading[name]
	if c == nil {
		if !counts {
			return 0
		}
		c = &plainFading{0, t}
		p.fading[name] = c
	}
	v := c.v * sketch.Decay(float64(t-c.last)*sketch.PerSecond(seconds))
	if counts {
		v = v + x
		c.v, c.last = v, t
	}
	return v
}

// fade32 is fade of a count that is rounded to float32 whenever it changes.
func (p *plainHosts) fade32(name string, t int64, seconds, x float64, counts bool) float64 {
	v := p.fade(name, t, seconds, x, counts)
	if counts {
		p.fading[name].v = float64(float32(v))
	}
	return float64(float32(v))
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (p *plainHosts) distinct(name string, t int64, h uint32, add, counts bool) float64 {
	s := p.sets[name]
	half := floorDiv(t, 1800e9)
	if s == nil {
		if !counts {
			return 0
		}
		s = &plainSet{half: half, now: map[uint32]bool{}, before: map[uint32]bool{}}
		p.sets[name] = s
	}
	if !counts {
		copied := *s
		s = &copied
	}
	if half != s.half {
		if half == s.half+1 {
			s.before = s.now
		} else {
			s.before, s.estimated = map[uint32]bool{}, false
		}
		s.now, s.half = map[uint32]bool{}, half
	}
	if add && counts {
		s.now[h] = true
		if len(s.now) > 6 {
			s.estimated = true
		}
	}
	union := map[uint32]bool{}
	for h := range s.now {
		union[h] = true
	}
	for h := range s.before {
		union[h] = true
	}
	if !s.estimated {
		return float64(len(union))
	}
	return plainEstimate(union)
}

// plainEstimate is Ertl's estimator over 4,096 registers.
func plainEstimate(hashes map[uint32]bool) float64 {
	const m = 4096
	var registers [m]int
	for h := range hashes {
		rank := 1
		for bit := 19; bit >= 0 && h>>bit&1 == 0; bit-- {
			rank++
		}
		registers[h>>20] = max(registers[h>>20], rank)
	}
	var counts [22]float64
	for _, r := range registers {
		counts[r]++
	}
	z := 0.0
	if x := 1 - counts[21]/m; x != 1 && x != 0 {
		y, tau := 1.0, 1-x
		for {
			x = math.Sqrt(x)
			was := tau
			y *= 0.5
			tau -= (1 - x) * (1 - x) * y
			if tau == was {
				break
			}
		}
		z = m * (tau / 3)
	}
	for k := 20; k >= 1; k-- {
		z = 0.5 * (z + counts[k])
	}
	if x := counts[0] / m; x != 1 {
		y, sigma := 1.0, x
		for {
			x *= x
			was := sigma
			sigma += x * y
			y += y
			if sigma == was {
				break
			}
		}
		z += m * sigma
	} else {
		z = math.Inf(1)
	}
	return 0.5 / math.Ln2 * m * m / z
}

func (p *plainHosts) spread(name string, t int64, x float64, counts bool) (z, mean, sd float64) {
	z, mean, sd = math.NaN(), math.NaN(), math.NaN()
	s := p.spreads[name]
	if s == nil {
		if !counts {
			return z, mean, sd
		}
		s = &plainSpread{last: t}
		p.spreads[name] = s
	}
	if !counts {
		copied := *s
		s = &copied
	}
	d := sketch.Decay(float64(t-s.last) * sketch.PerSecond(86400))
	s.last = t
	s.weight *= d
	s.squares *= d
	if s.weight > 0 {
		mean = s.mean
	}
	if s.weight >= 2 {
		sd = math.Sqrt(s.squares / s.weight)
	}
	if math.IsNaN(x) {
		return z, mean, sd
	}
	if s.weight >= 2 && s.squares > 0 {
		z = (x - s.mean) / sd
	}
	if counts {
		off := x - s.mean
		s.weight++
		s.mean += off / s.weight
		s.squares += off * (x - s.mean)
	}
	return z, mean, sd
}

// news is what is not left of something since it was counted last.
func (p *plainHosts) news(name string, t int64, seconds float64) float64 {
	last, ok := p.last[name]
	if !ok {
		return 1
	}
	return 1 - sketch.Decay(float64(t-last)*sketch.PerSecond(seconds))
}

// gap is how long ago something was counted last, in seconds.
func (p *plainHosts) gap(name string, t int64) float64 {
	last, ok := p.last[name]
	if !ok {
		return math.NaN()
	}
	return float64(t-last) / 1e9
}

func (p *plainHosts) firstContact(name string, t int64, counts bool) bool {
	half := floorDiv(t, contactSpan)
	last, seen := p.contacts[name]
	first := !seen || last < half-1
	if counts {
		p.contacts[name] = half
	}
	return first
}

func plainKey(f *Flow, src bool) (key, net string, k hostKey) {
	a, local := f.Src, f.Has(FieldLocalSrc) && f.LocalSrc
	if !src {
		a, local = f.Dst, f.Has(FieldLocalDst) && f.LocalDst
	}
	bits := 64
	if a.Is4() {
		bits = 24
	}
	prefix, _ := a.Prefix(bits)
	k = addressKey(a)
	if a.Is6() && !local {
		k = addressKey(prefix.Addr())
	}
	return fmt.Sprint(k), prefix.String(), k
}

func (p *plainHosts) row(f *Flow, t, late int64) []float32 {
	row := make([]float64, 96)
	counts := late <= 60e9
	src, srcNet, srcKey := plainKey(f, true)
	dst, dstNet, dstKey := plainKey(f, false)
	amount := func(field Field, n uint64) float64 {
		if f.Has(field) {
			return float64(n)
		}
		return 0
	}
	sent, got := amount(FieldFwdBytes, f.FwdBytes), amount(FieldRevBytes, f.RevBytes)
	failed, answered := 0.0, true
	switch f.State {
	case StateAttempt, StateRejected:
		failed, answered = 1, false
	case StateUnknown, StateMidstream, StateRequestOnly:
		answered = false
	}
	ratio := func(a, b float64) float64 {
		if b == 0 {
			return math.NaN()
		}
		return a / b
	}
	for side, key := range []string{src, dst} {
		at, name := 6*side, []string{"src ", "dst "}[side]+key
		row[29+2*side] = p.fade(name+" n1", t, 1, 1, counts)
		row[30+2*side] = p.fade(name+" n10", t, 10, 1, counts)
		row[at] = p.fade(name+" n60", t, 60, 1, counts)
		row[at+1] = p.fade(name+" n600", t, 600, 1, counts)
		row[at+2] = p.fade(name+" n3600", t, 3600, 1, counts)
		out, in := sent, got
		if side == 1 {
			out, in = got, sent
		}
		row[at+3] = p.fade(name+" out", t, 600, out, counts)
		row[at+4] = p.fade(name+" in", t, 600, in, counts)
		row[at+5] = ratio(p.fade(name+" failed", t, 600, failed, counts), row[at+1])
	}
	row[12] = p.fade("pkts "+src, t, 600, amount(FieldFwdPkts, f.FwdPkts)+amount(FieldRevPkts, f.RevPkts), counts)
	srcHash, dstHash := sketch.Hash(srcKey.hi, srcKey.lo), sketch.Hash(dstKey.hi, dstKey.lo)
	row[13] = p.distinct("dsts "+src, t, uint32(dstHash), true, counts)
	row[14] = p.distinct("dports "+src, t, uint32(sketch.Hash(uint64(f.DstPort), 1)), f.Has(FieldDstPort), counts)
	row[19] = p.distinct("srcs "+dst, t, uint32(srcHash), true, counts)
	active := p.distinct("active", t, uint32(srcHash), true, counts)
	row[20] = ratio(row[19], active)

	pair := pairKey{srcKey, dstKey}
	ports := p.ports[pair]
	if ports == nil {
		ports = &plainPorts{last: t, ports: map[int32]bool{}}
		if counts {
			p.ports[pair] = ports
		}
	}
	if !counts {
		copied := *ports
		ports = &copied
	}
	if t-ports.last > 3600e9 {
		ports.ports = map[int32]bool{}
	}
	ports.last = t
	if counts && f.Has(FieldDstPort) && len(ports.ports) < 64 {
		ports.ports[int32(f.DstPort)] = true
	}
	half := floorDiv(t, 1800e9)
	v := p.vertical[srcKey]
	if v == nil {
		v = &plainVertical{half: half}
		if counts {
			p.vertical[srcKey] = v
		}
	}
	if !counts {
		copied := *v
		v = &copied
	}
	if half != v.half {
		if v.before = v.now; half != v.half+1 {
			v.before = 0
		}
		v.now, v.half = 0, half
	}
	v.now = max(v.now, len(ports.ports))
	row[15] = float64(max(v.now, v.before))

	first := p.firstContact(fmt.Sprint(pair), t, counts)
	port := int32(-1)
	if f.Has(FieldDstPort) {
		port = int32(f.DstPort)
	}
	firstPort := p.firstContact(fmt.Sprint(pair, f.Proto, port), t, counts)
	if first && counts {
		switch {
		case failed == 1:
			p.steps[srcKey] = min(p.steps[srcKey]+1, 16)
		case answered:
			p.steps[srcKey] = max(p.steps[srcKey]-1, -16)
		}
	}
	row[16] = float64(p.steps[srcKey]) * 1.3862943611198906
	x := math.NaN()
	if f.Has(FieldFwdBytes) {
		x = sent
	}
	row[17], row[73], row[74] = p.spread("bytes "+src, t, x, counts)
	row[79], row[80], row[81] = p.spread(fmt.Sprint("bytes ", pair), t, x, counts)
	x = math.NaN()
	if f.Has(FieldDuration) {
		x = float64(f.Duration) / 1e9
	}
	row[18], row[75], row[76] = p.spread("duration "+src, t, x, counts)
	row[82], row[83], row[84] = p.spread(fmt.Sprint("duration ", pair), t, x, counts)
	row[72], row[77], row[78] = p.spread("gap "+src, t, p.gap("src "+src, t), counts)
	row[85], row[86], row[87] = p.spread(fmt.Sprint("gap ", pair), t, p.gap(fmt.Sprint("pair ", pair), t), counts)
	row[21] = p.fade(fmt.Sprint("pair n", pair), t, 3600, 1, counts)
	lasted := 0.0
	if x == x {
		lasted = x
	}
	row[22] = p.fade(fmt.Sprint("pair d", pair), t, 86400, lasted, counts)
	if first {
		row[23] = 1
	}
	if firstPort {
		row[24] = 1
	}
	row[25] = p.fade("net src "+srcNet, t, 60, 1, counts)
	row[26] = p.fade("net dst "+dstNet, t, 60, 1, counts)
	pkts := amount(FieldFwdPkts, f.FwdPkts) + amount(FieldRevPkts, f.RevPkts)
	for k, seconds := range []float64{1, 10, 60, 3600} {
		row[33+k] = p.fade(fmt.Sprint("src out ", src, seconds), t, seconds, sent, counts)
		row[37+k] = p.fade(fmt.Sprint("src in ", src, seconds), t, seconds, got, counts)
		row[41+k] = p.fade(fmt.Sprint("src pkts ", src, seconds), t, seconds, pkts, counts)
		row[45+k] = ratio(p.fade(fmt.Sprint("src failed ", src, seconds), t, seconds, failed, counts), row[[]int{29, 30, 0, 2}[k]])
		row[49+k] = p.fade(fmt.Sprint("dst out ", dst, seconds), t, seconds, got, counts)
		row[53+k] = p.fade(fmt.Sprint("dst in ", dst, seconds), t, seconds, sent, counts)
	}
	for k, seconds := range []float64{1, 10, 60, 600, 3600} {
		row[57+k] = p.fade(fmt.Sprint("dst pkts ", dst, seconds), t, seconds, pkts, counts)
	}
	pairName, portName, netName := fmt.Sprint("pair ", pair), fmt.Sprint("port ", src, port), "net "+src+dstNet
	for k, seconds := range []float64{60, 600, 3600} {
		if k < 2 {
			row[62+k] = p.fade(fmt.Sprint("fan dst ", src, seconds), t, seconds, p.news(pairName, t, seconds), counts)
			x := p.news(portName, t, seconds)
			if port < 0 {
				x = 0
			}
			row[64+k] = p.fade(fmt.Sprint("fan port ", src, seconds), t, seconds, x, counts)
			row[69+k] = p.fade(fmt.Sprint("fan src ", dst, seconds), t, seconds, p.news(pairName, t, seconds), counts)
		}
		row[66+k] = p.fade(fmt.Sprint("fan net ", src, seconds), t, seconds, p.news(netName, t, seconds), counts)
	}
	for k, seconds := range []float64{1, 10} {
		x := p.news(portName, t, seconds)
		if port < 0 {
			x = 0
		}
		row[88+k] = p.fade32(fmt.Sprint("soon dst ", src, seconds), t, seconds, p.news(pairName, t, seconds), counts)
		row[90+k] = p.fade32(fmt.Sprint("soon port ", src, seconds), t, seconds, x, counts)
		row[92+k] = p.fade32(fmt.Sprint("soon net ", src, seconds), t, seconds, p.news(netName, t, seconds), counts)
		row[94+k] = p.fade32(fmt.Sprint("soon src ", dst, seconds), t, seconds, p.news(pairName, t, seconds), counts)
	}
	seen, known := 0.0, 0.0
	if f.Has(FieldLocalSrc) && f.LocalSrc || !f.Has(FieldLocalSrc) && f.Src.IsPrivate() {
		seen, known = p.news("src "+src, t, 86400), p.news(pairName, t, 86400)
	}
	row[71] = ratio(p.fade("internal "+dst, t, 86400, known, counts), p.fade("internal", t, 86400, seen, counts))
	if counts {
		for _, name := range []string{"src " + src, pairName, portName, netName} {
			p.last[name] = t
		}
	}
	if counts && !p.begun {
		p.begun, p.began = true, t
	}
	row[27] = p.fade("all", t, 60, 1, counts)
	if p.begun && t-p.began >= 3600e9 {
		row[28] = 1
	}
	cells := make([]float32, len(row))
	for i, v := range row {
		cells[i] = round(v)
	}
	return cells
}

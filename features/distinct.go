package features

import (
	"slices"

	"threatdetect/internal/sketch"
)

// halfWindow is half of the window of distinct counts, in nanoseconds: a count covers the present half hour of the clock and the
// one before it.
const halfWindow = 1800 * 1_000_000_000

// half returns the number of the half window of a time.
func half(t int64) int32 { return int32(period(t, halfWindow)) }

// period returns the number of the span of time that t lies in, from the epoch on.
func period(t, span int64) int64 {
	n := t / span
	if t%span < 0 {
		n--
	}
	return n
}

// maxExact is how many different values of a half window are counted one by one.
const maxExact = 6

// distinct counts different values: exactly as long as no half window has more than maxExact of them, and from then on with a
// sketch of the pool.
type distinct struct {
	half int32 // number of the present one
	values
}

// values are those of the present half window and of the one before.
type values struct {
	exact [2][maxExact]uint32 // 0 is the present half
	held  uint32              // how many of each of exact there are, in four bits each, and above that the sketch in the pool, 0 for none
}

const (
	heldBits   = 4
	sketchBits = 2 * heldBits // from which on held is the sketch
	maxSketch  = 1<<(32-sketchBits) - 1
)

func (v *values) sketch() uint32 { return v.held >> sketchBits }

// of returns the values of one half.
func (v *values) of(k int) []uint32 { return v.exact[k][:v.held>>(k*heldBits)&(1<<heldBits-1)] }

// turn moves to another half window, which is the next one or a later one.
func (v *values) turn(next bool, p *sketchPool) {
	switch {
	case !next:
		p.release(v.sketch())
		v.held = 0
	case v.sketch() != 0:
		p.sketches[v.sketch()].d.Turn()
	default:
		v.exact[1] = v.exact[0]
		v.held = v.held & (1<<heldBits - 1) << heldBits
	}
}

// add counts a value, given by a hash.
func (v *values) add(h uint32, p *sketchPool) {
	if v.sketch() == 0 {
		now := v.of(0)
		if slices.Contains(now, h) {
			return
		}
		if len(now) < maxExact {
			v.exact[0][len(now)] = h
			v.held++
			return
		}
		before := v.of(1)
		p.obtain(v)
		s := &p.sketches[v.sketch()].d
		for _, h := range before {
			s.Add(h)
		}
		s.Turn()
		for _, h := range now {
			s.Add(h)
		}
	}
	p.use(v.sketch())
	p.sketches[v.sketch()].d.Add(h)
}

// count is how many different values were added in the two halves.
func (v *values) count(p *sketchPool) float64 {
	if v.sketch() != 0 {
		return p.sketches[v.sketch()].d.Estimate()
	}
	now, before := v.of(0), v.of(1)
	n := len(now)
	for _, v := range before {
		if !slices.Contains(now, v) {
			n++
		}
	}
	return float64(n)
}

// step counts a value, if it is to be added, at time t, and returns how many there are. A flow that does not count changes nothing.
func (d *distinct) step(t int64, h uint32, add, counts bool, p *sketchPool) float64 {
	now := half(t)
	n := d.values.step(now, d.half, h, add, counts, p)
	if counts {
		d.half = now
	}
	return n
}

// step is that of a distinct count whose half window is kept elsewhere: now is its number, and was the number when a flow counted last.
func (v *values) step(now, was int32, h uint32, add, counts bool, p *sketchPool) float64 {
	if !counts {
		return v.peek(now, was, p)
	}
	if now != was {
		v.turn(now == was+1, p)
	}
	if add {
		v.add(h, p)
	}
	return v.count(p)
}

// peek is how many different values there are at time t.
func (d *distinct) peek(t int64, p *sketchPool) float64 { return d.values.peek(half(t), d.half, p) }

func (v *values) peek(now, was int32, p *sketchPool) float64 {
	switch {
	case now == was:
		return v.count(p)
	case now != was+1:
		return 0
	case v.sketch() != 0:
		turned := p.sketches[v.sketch()].d
		turned.Turn()
		return turned.Estimate()
	}
	return float64(len(v.of(0)))
}

// sketchPool is a fixed number of sketches. When there is none left, the one that nothing was added to for the longest time
// goes to the next count that needs one; its former owner begins anew.
type sketchPool struct {
	sketches       []pooled // 0 is none
	free           uint32
	oldest, newest uint32
	lost           func() // is told of each that is taken away
}

type pooled struct {
	d            sketch.Distinct
	owner        *values
	older, newer uint32
	age          uint64 // while a state is saved or restored: its place from the oldest on
}

const pooledBytes = 2*sketch.Registers + 96

func newSketchPool(bytes int, lost func()) *sketchPool {
	return &sketchPool{sketches: make([]pooled, 1, 1+min(max(2, bytes/pooledBytes), maxSketch)), lost: lost}
}

// obtain gives v an empty sketch in place of its values.
func (p *sketchPool) obtain(v *values) {
	i := p.free
	switch {
	case i != 0:
		p.free = p.sketches[i].newer
	case len(p.sketches) < cap(p.sketches):
		i = uint32(len(p.sketches))
		p.sketches = p.sketches[:i+1]
	default:
		i = p.oldest
		p.unlink(i)
		p.sketches[i].owner.held = 0
		p.lost()
	}
	s := &p.sketches[i]
	s.d.Reset()
	s.owner = v
	p.link(i)
	v.held = i << sketchBits
}

func (p *sketchPool) release(i uint32) {
	if i == 0 {
		return
	}
	p.unlink(i)
	p.sketches[i].owner = nil
	p.sketches[i].newer, p.free = p.free, i
}

// use makes a sketch the newest.
func (p *sketchPool) use(i uint32) {
	if p.newest != i {
		p.unlink(i)
		p.link(i)
	}
}

func (p *sketchPool) unlink(i uint32) {
	s := &p.sketches[i]
	if s.older == 0 {
		p.oldest = s.newer
	} else {
		p.sketches[s.older].newer = s.newer
	}
	if s.newer == 0 {
		p.newest = s.older
	} else {
		p.sketches[s.newer].older = s.older
	}
	s.older, s.newer = 0, 0
}

func (p *sketchPool) link(i uint32) {
	s := &p.sketches[i]
	s.older, s.newer = p.newest, 0
	if p.newest == 0 {
		p.oldest = i
	} else {
		p.sketches[p.newest].newer = i
	}
	p.newest = i
}

// number sets the ages of the sketches in use.
func (p *sketchPool) number() {
	age := uint64(0)
	for i := p.oldest; i != 0; i = p.sketches[i].newer {
		p.sketches[i].age = age
		age++
	}
}

// restored puts the sketches of a pool that was filled by decoding in the order of their ages.
func (p *sketchPool) restored(d *decoder) {
	order := make([]uint32, len(p.sketches)-1)
	for i := range p.sketches[1:] {
		age := p.sketches[i+1].age
		if d.bad != "" || age >= uint64(len(order)) || order[age] != 0 {
			d.fail("ages of sketches out of order")
			return
		}
		order[age] = uint32(i + 1)
	}
	p.oldest, p.newest = 0, 0
	for _, i := range order {
		p.link(i)
	}
}

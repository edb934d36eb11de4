package features

import "threatdetect/internal/sketch"

// hostCommon is what all flows share: how many sources are active, the load of networks and of everybody. It has a fixed size, so
// that hosts which had to go still count here.
type hostCommon struct {
	active distinct
	pool   *sketchPool    // which is never full
	nets   [2]netCounters // of sources and of destinations
	all    fading
	ofSite fading // hosts of the site that were a source, fading in a day
	seed   sketch.Seed
	began  int64
	begun  bool
}

// fading is a count that fades.
type fading struct {
	n    float64
	last int64
}

// add counts x of a flow, in one of the spans; one that does not count changes nothing.
func (c *fading) add(t int64, span int, x float64, counts bool) float64 {
	n := c.n * sketch.Decay(since(t, c.last)*perSpan[span])
	if counts {
		n += x
		*c = fading{n, t}
	}
	return n
}

// netCounters count by network in a fixed table of two rows. Networks may share a cell of one row; the lesser one of the two is
// taken, so a count is never too small.
type netCounters [2][netCells]fading

const netCells = 8192

func (c *netCounters) add(net uint64, t int64, counts bool) float64 {
	a := c[0][net%netCells].add(t, in60s, 1, counts)
	b := c[1][net>>32%netCells].add(t, in60s, 1, counts)
	return min(a, b)
}

// netHash is that of the /24 or /64 of a key.
func netHash(k hostKey, s sketch.Seed) uint64 {
	if isMapped(k) {
		return s.Hash(k.lo>>8, 24)
	}
	return s.Hash(k.hi, 64)
}

func (c *hostCommon) init(s sketch.Seed) {
	c.pool, c.seed = newSketchPool(0, nil), s
}

func (c *hostCommon) add(row []float32, f *hostFlow, src uint64) {
	if !c.begun && f.count {
		c.begun, c.began, c.active.half = true, f.t, half(f.t)
		c.all.last, c.ofSite.last = f.t, f.t
	}
	f.active = c.active.step(f.t, uint32(src), true, f.count, c.pool)
	row[25] = round(c.nets[0].add(netHash(f.src, c.seed), f.t, f.count))
	row[26] = round(c.nets[1].add(netHash(f.dst, c.seed), f.t, f.count))
	row[27] = round(c.all.add(f.t, in60s, 1, f.count))
	seen := f.newSource
	if !f.internal {
		seen = 0
	}
	f.activeOfSite = c.ofSite.add(f.t, in24h, seen, f.count)
	row[28] = flag(c.begun && since(f.t, c.began) >= warmUp)
}

// finish fills what needs the destination's part as well.
func (c *hostCommon) finish(row []float32, f *hostFlow) {
	row[20], row[prevalence] = portion(f.fanin, f.active), portion(f.known, f.activeOfSite)
}

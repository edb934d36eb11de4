package features

import (
	"encoding/binary"
	"math"
	"slices"

	"threatdetect/internal/sketch"
)

func (h *hosts) encode(e *encoder) {
	for _, p := range h.parts {
		p.encode(e)
	}
	h.common.encode(e)
}

func (h *hosts) decode(d *decoder, t int64, any bool) {
	for _, p := range h.parts {
		p.decode(d, t)
	}
	h.common.decode(d)
	if h.common.begun && (!any || h.common.began > t) {
		d.fail("a memory that begins later than it ends")
	}
}

func (p *hostPart) encode(e *encoder) {
	e.time(p.days)
	encodeBloom(e, p.contacts)
	p.pool.number()
	p.faninPool.number()
	encodeStore(e, p.sources, hostKey.encode, func(s *sourceState) {
		e.floats(s.numbers())
		e.time(int64(s.steps))
		e.byte(s.ports[0])
		e.byte(s.ports[1])
		for i := range s.soon {
			s.soon[i].encode(e)
		}
		s.dsts.encode(e, p.pool)
		s.dports.encode(e, p.pool)
	})
	encodeStore(e, p.pairs, pairKey.encode, func(s *pairState) {
		e.floats(s.numbers())
		e.byte(s.numPorts)
		for _, port := range s.ports[:s.numPorts] {
			e.count(uint64(port))
		}
	})
	encodeStore(e, p.used, usedKey.encode, func(*struct{}) {})
	encodeStore(e, p.dests, hostKey.encode, func(s *destState) {
		e.floats(s.numbers())
		s.soon.encode(e)
		s.srcs.encode(e, p.faninPool)
	})
}

func (p *hostPart) decode(d *decoder, t int64) {
	p.days = d.time()
	decodeBloom(d, p.contacts)
	decodeStore(d, p.sources, (*hostKey).decode, p.hashHost, t, func(s *sourceState) {
		d.floats(s.numbers())
		steps := d.time()
		if s.steps = int8(steps); steps < -maxSteps || steps > maxSteps {
			d.fail("a source out of range")
		}
		s.ports[0], s.ports[1] = d.byte(maxPairPorts), d.byte(maxPairPorts)
		for i := range s.soon {
			s.soon[i].decode(d)
		}
		s.dsts.decode(d, p.pool)
		s.dports.decode(d, p.pool)
	})
	decodeStore(d, p.pairs, (*pairKey).decode, p.hashPair, t, func(s *pairState) {
		d.floats(s.numbers())
		s.numPorts = d.byte(maxPairPorts)
		for i := range s.numPorts {
			s.ports[i] = uint16(d.count(65535))
		}
	})
	decodeStore(d, p.used, (*usedKey).decode, p.hashUsed, t, func(*struct{}) {})
	p.pool.restored(d)
	decodeStore(d, p.dests, (*hostKey).decode, p.hashHost, t, func(s *destState) {
		d.floats(s.numbers())
		s.soon.decode(d)
		s.srcs.decode(d, p.faninPool)
	})
	p.faninPool.restored(d)
}

func (s *sourceState) numbers() []*float64 {
	all := slices.Concat(s.sums.numbers(), s.bytes.numbers(), s.duration.numbers(), s.gaps.numbers())
	for _, list := range [][]float64{s.failed[:], s.dstNews[:], s.portNews[:], s.netNews[:]} {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	return all
}

func (s *pairState) numbers() []*float64 {
	return slices.Concat([]*float64{&s.n, &s.d}, s.bytes.numbers(), s.duration.numbers(), s.gaps.numbers())
}

func (s *destState) numbers() []*float64 {
	return append(s.sums.numbers(), &s.failed, &s.srcNews[0], &s.srcNews[1], &s.internal)
}

func (c *soon) encode(e *encoder) {
	for _, v := range c {
		e.count(uint64(math.Float32bits(v)))
	}
}

func (c *soon) decode(d *decoder) {
	for i := range c {
		c[i] = math.Float32frombits(uint32(d.count(math.MaxUint32)))
		if !(c[i] >= 0 && c[i] <= math.MaxFloat32) {
			d.fail("a number that is not finite")
		}
	}
}

func (k usedKey) encode(e *encoder) {
	k.src.encode(e)
	e.b = binary.LittleEndian.AppendUint64(e.b, k.what)
	e.byte(k.kind)
}

func (k *usedKey) decode(d *decoder) {
	k.src.decode(d)
	k.what, k.kind = d.word(), d.byte(usedNet6)
}

func (k pairKey) encode(e *encoder) {
	k.src.encode(e)
	k.dst.encode(e)
}

func (k *pairKey) decode(d *decoder) {
	k.src.decode(d)
	k.dst.decode(d)
}

func (c *hostCommon) encode(e *encoder) {
	e.flag(c.begun)
	e.time(c.began)
	c.pool.number()
	c.active.encode(e, c.pool)
	c.all.encode(e)
	c.ofSite.encode(e)
	for n := range c.nets {
		for row := range c.nets[n] {
			for i := range c.nets[n][row] {
				c.nets[n][row][i].encode(e)
			}
		}
	}
}

func (c *hostCommon) decode(d *decoder) {
	c.begun, c.began = d.flag(), d.time()
	c.active.decode(d, c.pool)
	c.pool.restored(d)
	c.all.decode(d)
	c.ofSite.decode(d)
	for n := range c.nets {
		for row := range c.nets[n] {
			for i := range c.nets[n][row] {
				c.nets[n][row][i].decode(d)
			}
		}
	}
}

func (c *fading) encode(e *encoder) {
	e.flag(c.last != 0 || c.n != 0)
	if c.last != 0 || c.n != 0 {
		e.float(c.n)
		e.time(c.last)
	}
}

func (c *fading) decode(d *decoder) {
	if d.flag() {
		c.n, c.last = d.float(), d.time()
	}
}

func encodeBloom(e *encoder, b *sketch.Bloom) {
	e.count(uint64(b.Added()))
	for g := range 2 {
		words := b.Words(g)
		e.count(uint64(len(words)))
		for i := 0; i < len(words); { // runs of empty words, each followed by one that is not
			from := i
			for i < len(words) && words[i] == 0 {
				i++
			}
			e.count(uint64(i - from))
			if i < len(words) {
				e.b = binary.LittleEndian.AppendUint64(e.b, words[i])
				i++
			}
		}
	}
}

func decodeBloom(d *decoder, b *sketch.Bloom) {
	if !b.SetAdded(int(d.count(math.MaxInt32))) {
		d.fail("a filter that is too full")
	}
	for g := range 2 {
		words := b.Words(g)
		if d.count(1<<40) != uint64(len(words)) {
			d.fail("a filter of another size: the budget is another one")
		}
		for i := 0; i < len(words) && d.bad == ""; {
			i += int(d.count(uint64(len(words) - i)))
			if i < len(words) {
				if words[i] = d.word(); words[i] == 0 {
					d.fail("an empty word of a filter")
				}
				i++
			}
		}
	}
}

// encodeStore writes the entries from the oldest to the newest, those on trial first.
func encodeStore[K comparable, V any](e *encoder, s *store[K, V], key func(K, *encoder), value func(*V)) {
	e.count(uint64(s.capacity()))
	encodeBloom(e, s.gone)
	for _, l := range []*storeList{&s.trial, &s.kept} {
		e.count(uint64(l.n))
		for i := l.oldest; i != 0; i = s.nodes[i].newer {
			key(s.nodes[i].key, e)
			e.time(s.nodes[i].last)
			value(&s.values[i])
		}
	}
}

func decodeStore[K comparable, V any](d *decoder, s *store[K, V], key func(*K, *decoder), hash func(K) uint32, t int64, value func(*V)) {
	if d.count(1<<40) != uint64(s.capacity()) {
		d.fail("tables of another size: the budget is another one")
	}
	decodeBloom(d, s.gone)
	for _, kept := range []bool{false, true} {
		n := d.items(s.capacity()-s.len(), 20)
		for range n {
			var k K
			key(&k, d)
			last := d.time()
			h := hash(k)
			if d.bad != "" || last > t || s.find(k, h) != 0 {
				d.fail("a key that is there twice, or is later than the state")
				return
			}
			value(&s.values[s.insert(k, h, last, kept)])
		}
	}
	if s.kept.n > s.capacity()/10*9 {
		d.fail("too many keys are kept")
	}
}

func (d *distinct) encode(e *encoder, p *sketchPool) {
	e.time(int64(d.half))
	d.values.encode(e, p)
}

func (v *values) encode(e *encoder, p *sketchPool) {
	if i := v.sketch(); i != 0 {
		e.byte(255)
		e.count(p.sketches[i].age)
		e.b = p.sketches[i].d.AppendTo(e.b)
		return
	}
	for k := range v.exact {
		e.byte(byte(len(v.of(k))))
		for _, h := range v.of(k) {
			e.count(uint64(h))
		}
	}
}

func (d *distinct) decode(dec *decoder, p *sketchPool) {
	half := dec.time()
	if d.half = int32(half); int64(d.half) != half {
		dec.fail("a half hour out of range")
	}
	d.values.decode(dec, p)
}

func (v *values) decode(dec *decoder, p *sketchPool) {
	for k := range v.exact {
		n := dec.byte(255)
		if k == 0 && n == 255 {
			age := dec.count(math.MaxUint32)
			if len(dec.b) < sketch.SavedDistinct || len(p.sketches) == cap(p.sketches) {
				dec.fail("more sketches than there is room for")
				return
			}
			p.obtain(v)
			s := &p.sketches[v.sketch()]
			s.age = age
			if !s.d.Load(dec.b[:sketch.SavedDistinct]) {
				dec.fail("a register out of range")
			}
			dec.b = dec.b[sketch.SavedDistinct:]
			return
		}
		if n > maxExact {
			dec.fail("a code out of range")
			return
		}
		v.held |= uint32(n) << (k * heldBits)
		for i := range n {
			v.exact[k][i] = uint32(dec.count(math.MaxUint32))
		}
	}
}

package features

import "encoding/binary"

func (x *context) encode(e *encoder)                    { x.window.encode(e) }
func (x *context) decode(d *decoder, t int64, any bool) { x.window.decode(d, t, any) }

// encode writes the flows that are counted. The tables follow from them.
func (w *window) encode(e *encoder) {
	e.count(uint64(w.n))
	written := make(map[uint32]uint64) // pairs, by the order in which they were written
	last := int64(0)
	for i := range w.n {
		f := w.recent[(w.first+i)&(len(w.recent)-1)]
		e.time(int64(uint64(f.t) - uint64(last))) // which wraps around, and back
		last = f.t
		e.byte(f.bad)
		at, ok := written[f.pair]
		if ok {
			e.count(at + 1)
			continue
		}
		written[f.pair] = uint64(len(written))
		e.count(0)
		pair := w.pairs.at(f.pair)
		w.hosts.entries[pair.host].key.encode(e)
		w.services.entries[pair.service].key.encode(e)
	}
	e.count(uint64(w.count))
	for i := range w.count {
		h := &w.hundred[(w.nth+len(w.hundred)-w.count+i)%len(w.hundred)]
		w.hosts.entries[h.src].key.encode(e)
		w.hosts.entries[h.dst].key.encode(e)
		w.services.entries[h.service].key.encode(e)
		e.count(uint64(h.sport + 1))
		e.count(uint64(h.dport + 1))
		e.byte(h.bad)
	}
}

func (w *window) decode(d *decoder, t int64, any bool) {
	n := d.items(1<<30, 3)
	var pairs []uint32
	last := int64(0)
	for i := range n {
		at := int64(uint64(last) + uint64(d.time()))
		if !any || at > t || i > 0 && at < last {
			d.fail("times of the window are out of order")
		}
		last = at
		bad := d.byte(refused)
		k := d.count(uint64(len(pairs)))
		var pair uint32
		switch {
		case d.bad != "":
			return
		case k > 0:
			pair = pairs[k-1]
		default:
			var host hostKey
			var service serviceKey
			host.decode(d)
			service.decode(d)
			pair = w.obtainPair(w.hosts.obtain(host, mix(host.hi, host.lo, &w.seed)), w.services.obtain(service, w.hashService(&service)))
			pairs = append(pairs, pair)
		}
		w.addRecent(recentFlow{at, pair, bad})
		if i > 0 && w.size() > w.limit {
			d.fail("the window is over its limit")
			return
		}
	}
	if n > 0 && !w.seconds {
		d.fail("a window of seconds that it has not")
		return
	}
	n = d.items(len(w.hundred), 30)
	for range n {
		var f contextFlow
		f.src.decode(d)
		f.dst.decode(d)
		f.service.decode(d)
		f.sport, f.dport = int32(d.count(65536))-1, int32(d.count(65536))-1
		f.bad = d.byte(refused)
		if d.bad != "" {
			return
		}
		w.addHundredth(w.enter(&f))
	}
}

func (k hostKey) encode(e *encoder) {
	e.b = binary.BigEndian.AppendUint64(e.b, k.hi)
	e.b = binary.BigEndian.AppendUint64(e.b, k.lo)
}

func (k *hostKey) decode(d *decoder) {
	if d.bad != "" || len(d.b) < 16 {
		d.fail("an address is cut")
		return
	}
	k.hi, k.lo = binary.BigEndian.Uint64(d.b), binary.BigEndian.Uint64(d.b[8:])
	d.b = d.b[16:]
}

func (k serviceKey) encode(e *encoder) {
	e.count(uint64(k.code))
	e.text(k.name)
}

func (k *serviceKey) decode(d *decoder) {
	k.code = uint32(d.count(1<<32 - 1))
	k.name = d.text(maxServiceName)
	if k.name != "" && k.code != 0 && k.code != longName {
		d.fail("a service with a name and a number")
	}
}

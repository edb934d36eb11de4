package features

func (m *handshakes) encode(e *encoder) {
	e.time(m.hours)
	encodeBloom(e, m.answers)
	for i := range m.totals {
		m.totals[i].encode(e)
	}
	encodeStore(e, m.values, valueKey.encode, func(v *valueState) {
		e.time(v.first)
		v.count.encode(e)
	})
}

func (m *handshakes) decode(d *decoder, t int64, _ bool) {
	m.hours = d.time()
	decodeBloom(d, m.answers)
	for i := range m.totals {
		m.totals[i].decode(d, t)
	}
	decodeStore(d, m.values, (*valueKey).decode, m.hash, t, func(v *valueState) {
		if v.first = d.time(); v.first > t {
			d.fail("a value first seen later than the state")
		}
		v.count.decode(d, t)
	})
}

func (c *fadingDay) encode(e *encoder) {
	e.float(c.n)
	e.time(c.last)
}

func (c *fadingDay) decode(d *decoder, t int64) {
	if c.n, c.last = d.float(), d.time(); c.n != 0 && c.last > t {
		d.fail("a count later than the state")
	}
}

func (k valueKey) encode(e *encoder) {
	e.byte(k.kind)
	hostKey{k.hi, k.lo}.encode(e)
}

func (k *valueKey) decode(d *decoder) {
	var name hostKey
	k.kind = d.byte(numRare - 1)
	name.decode(d)
	k.hi, k.lo = name.hi, name.lo
}

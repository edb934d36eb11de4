package features

import "math"

func (m *lookups) encode(e *encoder) {
	encodeBloom(e, m.seen)
	encodeBloom(e, m.followed)
	encodeStore(e, m.answers, pairKey.encode, func(a *answerState) {
		e.time(a.asked)
		e.count(a.query)
	})
	m.pool.number()
	encodeStore(e, m.sources, hostKey.encode, func(s *askerState) {
		e.time(s.last)
		for _, v := range s.numbers() {
			e.float(*v)
		}
		s.domains.encode(e, m.pool)
	})
	encodeStore(e, m.domains, domainKey.encode, func(d *domainState) {
		e.time(d.last)
		for _, v := range d.numbers() {
			e.float(*v)
		}
		d.subdomains.encode(e, m.pool)
	})
}

func (m *lookups) decode(d *decoder, t int64, _ bool) {
	decodeBloom(d, m.seen)
	decodeBloom(d, m.followed)
	decodeStore(d, m.answers, (*pairKey).decode, m.hashAnswer, t, func(a *answerState) {
		a.asked, a.query = d.time(), d.count(math.MaxUint64)
		if a.asked > t {
			d.fail("an answer later than the state")
		}
	})
	decodeStore(d, m.sources, (*hostKey).decode, m.hashHost, t, func(s *askerState) {
		if s.last = d.time(); s.last > t {
			d.fail("a source later than the state")
		}
		for _, v := range s.numbers() {
			*v = d.float()
		}
		s.domains.decode(d, m.pool)
	})
	decodeStore(d, m.domains, (*domainKey).decode, m.hashDomain, t, func(s *domainState) {
		if s.last = d.time(); s.last > t {
			d.fail("a domain later than the state")
		}
		for _, v := range s.numbers() {
			*v = d.float()
		}
		s.subdomains.decode(d, m.pool)
	})
	m.pool.restored(d)
}

func (s *askerState) numbers() [6]*float64 {
	return [6]*float64{&s.queries, &s.failed, &s.tunnel, &s.newDomain, &s.resolved, &s.used}
}

func (d *domainState) numbers() [4]*float64 { return [4]*float64{&d.n600, &d.n, &d.length, &d.bytes} }

func (k domainKey) encode(e *encoder) {
	k.src.encode(e)
	hostKey{k.hi, k.lo}.encode(e)
}

func (k *domainKey) decode(d *decoder) {
	var name hostKey
	k.src.decode(d)
	name.decode(d)
	k.hi, k.lo = name.hi, name.lo
}

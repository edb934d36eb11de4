package features

import (
	"crypto/sha256"
	"hash/maphash"
	"math/rand/v2"
)

const (
	recentSpan    = 2_000_000_000 // nanoseconds of kdd2
	recentRecords = 100           // records of kdd100 and ct100
	wideRecords   = 256           // of kdd256
)

// window counts the flows of the last two seconds and the last hundred flows, or of more than a hundred and no seconds, by the keys of
// flow-context. All counts are exact. It holds no flow twice: a flow is a few numbers of entries of the tables.
type window struct {
	hosts    table[hostKey, hostCounts]
	services table[serviceKey, serviceCounts]
	pairs    table[uint64, pairCounts] // destination and service
	groups   [numGroup]table[uint64, groupCounts]
	seed     [2]uint64    // of hashes
	names    maphash.Seed // of hashes of names

	recent     []recentFlow // ring of the flows of the last two seconds; its length is a power of two
	first, n   int
	hundred    []hundredFlow // ring of the last flows: a hundred, or as many as newWindow was told
	nth, count int           // place of the next flow in hundred, and how many it holds
	seconds    bool          // whether the last two seconds are counted

	limit  int // bytes that tables and recent may take
	stats  *Stats
	counts contextCounts // of the flow that was added last
}

// hostKey is an address; IPv4 ones are mapped.
type hostKey struct{ hi, lo uint64 }

// serviceKey is the application protocol, or else transport protocol and destination port.
type serviceKey struct {
	code uint32 // of a class, or of protocol and port; 0: name tells
	name string // of an application without a class
}

// tally counts flows, and those of them that were not answered or were refused.
type tally struct{ n, serr, rerr uint32 }

func (c *tally) add(bad uint8, by uint32) {
	c.n += by
	if bad&unanswered != 0 {
		c.serr += by
	}
	if bad&refused != 0 {
		c.rerr += by
	}
}

const (
	unanswered = 1 << iota // state attempt, established or half_closed
	refused                // state rejected
)

type hostCounts struct {
	two     tally  // of the last two seconds, as destination
	hundred tally  // of the last hundred, as destination
	source  uint32 // of the last hundred
	users   uint32 // pairs and flows of hundred that name it
}

type serviceCounts struct {
	two     tally
	hundred uint32
	users   uint32
}

type pairCounts struct {
	host, service uint32
	two           uint32
	hundred       tally
}

type groupCounts struct{ n uint32 }

// The groups of ct100 beyond hosts and pairs.
const (
	groupSrcDst = iota
	groupSrcDport
	groupDstSport
	groupSrcService
	numGroup
)

type recentFlow struct {
	t    int64
	pair uint32
	bad  uint8
}

type hundredFlow struct {
	src, dst, service, pair uint32
	groups                  [numGroup]uint32
	sport, dport            int32 // -1 is missing
	bad                     uint8
}

// contextFlow is what the window needs of a flow.
type contextFlow struct {
	src, dst     hostKey
	service      serviceKey
	sport, dport int32 // -1 is missing
	bad          uint8
}

// contextCounts are the counts of a flow's keys, the flow itself included.
type contextCounts struct {
	host2, service2    tally
	pair2              uint32
	host100, pair100   tally
	service100, src100 uint32
	groups             [numGroup]uint32
}

func newWindow(limit, records int, seconds bool, stats *Stats) *window {
	return &window{limit: limit, hundred: make([]hundredFlow, records), seconds: seconds, stats: stats, seed: [2]uint64{rand.Uint64(), rand.Uint64()}, names: maphash.MakeSeed()}
}

// add counts a flow whose event time is t, which is never less than that of the flow before it.
func (w *window) add(f *contextFlow, t int64) *contextCounts {
	for w.n > 0 && uint64(t)-uint64(w.recent[w.first].t) > recentSpan {
		w.forget()
	}
	if w.count == len(w.hundred) {
		w.forgetHundredth()
	}
	h := w.enter(f)
	if w.seconds {
		w.addRecent(recentFlow{t, h.pair, f.bad})
	}
	w.addHundredth(h)
	host, service, pair, c := w.hosts.at(h.dst), w.services.at(h.service), w.pairs.at(h.pair), &w.counts
	for g := range w.groups {
		c.groups[g] = w.groups[g].at(h.groups[g]).n
	}
	c.host2, c.service2, c.pair2 = host.two, service.two, pair.two
	c.host100, c.pair100, c.service100, c.src100 = host.hundred, pair.hundred, service.hundred, w.hosts.at(h.src).source
	for w.n > 1 && w.size() > w.limit {
		w.forget()
		w.stats.Evicted++
	}
	return c
}

// enter finds or makes the entries of a flow.
func (w *window) enter(f *contextFlow) hundredFlow {
	h := hundredFlow{sport: f.sport, dport: f.dport, bad: f.bad}
	h.src = w.hosts.obtain(f.src, mix(f.src.hi, f.src.lo, &w.seed))
	h.dst = w.hosts.obtain(f.dst, mix(f.dst.hi, f.dst.lo, &w.seed))
	h.service = w.services.obtain(f.service, w.hashService(&f.service))
	h.pair = w.obtainPair(h.dst, h.service)
	src, dst := uint64(h.src)<<32, uint64(h.dst)<<32
	keys := [numGroup]uint64{src | uint64(h.dst), src | uint64(uint32(f.dport)), dst | uint64(uint32(f.sport)), src | uint64(h.service)}
	for g, key := range keys {
		h.groups[g] = w.groups[g].obtain(key, mix(key, uint64(g), &w.seed))
	}
	return h
}

// obtainPair returns the entry of a destination and a service, which keeps both.
func (w *window) obtainPair(host, service uint32) uint32 {
	key := uint64(host)<<32 | uint64(service)
	i := w.pairs.obtain(key, mix(key, numGroup, &w.seed))
	if p := w.pairs.at(i); p.host == 0 {
		p.host, p.service = host, service
		w.hosts.at(host).users++
		w.services.at(service).users++
	}
	return i
}

// addRecent counts a flow among those of the last two seconds, and puts it at their end.
func (w *window) addRecent(f recentFlow) {
	pair := w.pairs.at(f.pair)
	pair.two++
	w.hosts.at(pair.host).two.add(f.bad, 1)
	w.services.at(pair.service).two.add(f.bad, 1)
	if w.n == len(w.recent) {
		larger := make([]recentFlow, max(256, 2*len(w.recent)))
		copied := copy(larger, w.recent[w.first:])
		copy(larger[copied:], w.recent[:w.first])
		w.recent, w.first = larger, 0
	}
	w.recent[(w.first+w.n)&(len(w.recent)-1)] = f
	w.n++
}

// addHundredth counts a flow among the last hundred, which are fewer.
func (w *window) addHundredth(h hundredFlow) {
	host, service := w.hosts.at(h.dst), w.services.at(h.service)
	host.hundred.add(h.bad, 1)
	host.users++
	service.hundred++
	service.users++
	w.pairs.at(h.pair).hundred.add(h.bad, 1)
	source := w.hosts.at(h.src)
	source.source++
	source.users++
	for g := range w.groups {
		w.groups[g].at(h.groups[g]).n++
	}
	w.hundred[w.nth] = h
	if w.nth++; w.nth == len(w.hundred) {
		w.nth = 0
	}
	w.count++
}

// forget drops the first flow of the last two seconds.
func (w *window) forget() {
	f := w.recent[w.first]
	w.first = (w.first + 1) & (len(w.recent) - 1)
	w.n--
	pair := w.pairs.at(f.pair)
	pair.two--
	w.hosts.at(pair.host).two.add(f.bad, ^uint32(0))
	w.services.at(pair.service).two.add(f.bad, ^uint32(0))
	w.dropPair(f.pair)
}

// forgetHundredth drops the first of the last hundred flows.
func (w *window) forgetHundredth() {
	h := &w.hundred[w.nth]
	w.count--
	for g := range w.groups {
		v := w.groups[g].at(h.groups[g])
		if v.n--; v.n == 0 {
			w.groups[g].release(h.groups[g])
		}
	}
	w.pairs.at(h.pair).hundred.add(h.bad, ^uint32(0))
	w.hosts.at(h.dst).hundred.add(h.bad, ^uint32(0))
	w.services.at(h.service).hundred--
	w.hosts.at(h.src).source--
	w.dropPair(h.pair)
	w.dropHost(h.dst)
	w.dropHost(h.src)
	w.dropService(h.service)
}

// dropPair releases a pair that no flow names any more.
func (w *window) dropPair(i uint32) {
	if p := *w.pairs.at(i); p.two == 0 && p.hundred.n == 0 {
		w.pairs.release(i)
		w.dropHost(p.host)
		w.dropService(p.service)
	}
}

// dropHost takes back one use of a host, and releases it with the last one.
func (w *window) dropHost(i uint32) {
	v := w.hosts.at(i)
	if v.users--; v.users == 0 {
		w.hosts.release(i)
	}
}

func (w *window) dropService(i uint32) {
	v := w.services.at(i)
	if v.users--; v.users == 0 {
		w.services.release(i)
	}
}

// size is a bound of the bytes that the window takes, from what it holds: twice that, for what slices and heads have to spare.
func (w *window) size() int {
	return 2 * (16*w.n + 44*w.pairs.used + 72*w.hosts.used + 64*w.services.used)
}

func (w *window) hashService(k *serviceKey) uint32 {
	if k.name == "" {
		return mix(uint64(k.code), 0, &w.seed)
	}
	return uint32(maphash.String(w.names, k.name))
}

// maxServiceName is the longest name, in bytes, that is kept as it is; of a longer one a digest is.
const maxServiceName = 64

// makeService returns the service of a flow. The name of an application that has no class could be spelled like a
// protocol with a port, and is the same service then.
func makeService(f *Flow) serviceKey {
	if f.App == AppNone {
		proto := uint32(f.Proto)
		if !f.Has(FieldProto) {
			proto = protoMissing
		}
		return portService(proto, f)
	}
	if f.App != AppOther {
		return serviceKey{code: uint32(f.App)}
	}
	if code, ok := spelledPort(f.AppName); ok {
		return serviceKey{code: code}
	}
	if len(f.AppName) > maxServiceName {
		sum := sha256.Sum256([]byte(f.AppName))
		return serviceKey{code: longName, name: string(sum[:])}
	}
	return serviceKey{name: f.AppName}
}

// Codes of services: a class of application below 1<<8, and above it the protocol, in the bits from 24 on, with the port
// plus one.
const (
	protoMissing = 4
	longName     = 1 << 31
	portBase     = 1 << 28
)

func portService(proto uint32, f *Flow) serviceKey {
	code := uint32(portBase) | proto<<24
	if f.Has(FieldDstPort) {
		code |= uint32(f.DstPort) + 1
	}
	return serviceKey{code: code}
}

// spelledPort reads names such as "tcp/443" and "icmp/".
func spelledPort(name string) (code uint32, ok bool) {
	for p := ProtoOther; p <= ProtoICMP; p++ {
		class := p.String()
		if len(name) <= len(class) || name[:len(class)] != class || name[len(class)] != '/' {
			continue
		}
		digits := name[len(class)+1:]
		code = uint32(portBase) | uint32(p)<<24
		if digits == "" {
			return code, true
		}
		if len(digits) > 5 || digits[0] == '0' && len(digits) > 1 {
			return 0, false
		}
		port := uint32(0)
		for _, c := range []byte(digits) {
			if c < '0' || c > '9' {
				return 0, false
			}
			port = 10*port + uint32(c-'0')
		}
		return code | (port + 1), port <= 65535
	}
	return 0, false
}

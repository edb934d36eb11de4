package features

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"strings"

	"threatdetect/internal/sketch"
	"threatdetect/internal/suffix"
)

// lookups is the memory of dns/1: what a source asked for, in all and of each registered domain.
type lookups struct {
	sources  *store[hostKey, askerState]
	domains  *store[domainKey, domainState]
	seen     *sketch.Bloom // of source and domain
	pool     *sketchPool
	pressure pressure
	stats    *Stats
	seed     [2]uint64
	names    nameStats

	noSource askerState
	noDomain domainState
}

// domainKey is a source and a registered domain, by the first 16 bytes of its SHA-256: names have no bound that fits a table.
type domainKey struct {
	src    hostKey
	hi, lo uint64
}

type askerState struct {
	last                               int64
	queries, failed, tunnel, newDomain float64
	domains                            distinct
}

type domainState struct {
	last            int64
	n600, n, length float64 // queries fading in 600 s and an hour, and the length of their subdomains
	subdomains      distinct
}

var dnsColumns = func() []Column {
	var columns []Column
	add := func(name, unit, doc string) { columns = append(columns, Column{name, unit, doc}) }
	add("dns_queries", "queries", "of the flow that are known")
	add("dns_qlen", "bytes", "length of the name")
	add("dns_labels", "labels", "of the name")
	add("dns_max_label", "bytes", "length of its longest label")
	add("dns_sub_len", "bytes", "length of the subdomain: what is left of the registered domain")
	add("dns_sub_entropy", "bits", "entropy of the bytes of the subdomain")
	add("dns_sub_entropy_norm", "", "the same against the most there could be for its length")
	for _, c := range []string{"digit", "vowel", "hex", "base32"} {
		add("dns_sub_"+c+"_share", "", "share of the subdomain's bytes that are of this alphabet")
	}
	add("dns_sub_consonants", "bytes", "longest run of consonants in the subdomain")
	for _, c := range dnsTypes {
		add("dns_type="+c.name, "", "1 if the query is of this type")
	}
	add("dns_type=other", "", "1 if it is of another type")
	for _, c := range dnsCodes {
		add("dns_rcode="+c, "", "1 if the answer is of this code")
	}
	add("dns_ttl_min", "s", "least time to live in the answer")
	add("dns_answers", "records", "in the answer")
	add("dns_rtt_ms", "ms", "time from query to answer")
	add("dns_is_reverse", "", "1 if an address is looked up")
	add("dns_single_label", "", "1 if the name has no dot")
	add("dns_idn", "", "1 if a label is in Punycode")
	add("src_dns_queries_600s", "queries", "of the source, fading by e in 600 s")
	add("src_dns_nxdomain_ratio_600s", "", "share of them whose name did not exist")
	add("src_dns_txt_null_ratio_600s", "", "share of them of type TXT or NULL")
	add("src_dns_domains_1h", "domains", "different registered domains of the source in this half hour and the one before")
	add("src_dns_new_domains_3600s", "domains", "that the source had not asked for before, fading by e in an hour")
	add("domain_queries_600s", "queries", "of the source for the registered domain, fading by e in 600 s")
	add("domain_subdomains_1h", "names", "different subdomains of it in this half hour and the one before")
	add("domain_sub_len_mean", "bytes", "mean length of them, fading by e in an hour")
	return columns
}()

var dnsTypes = []struct {
	name string
	code uint16
}{{"a", 1}, {"aaaa", 28}, {"ptr", 12}, {"txt", 16}, {"null", 10}, {"mx", 15}, {"srv", 33}, {"any", 255}}

var dnsCodes = []string{"noerror", "servfail", "nxdomain", "refused", "other", "none"}

func dnsCode(q *DNSInfo) int {
	switch {
	case !q.Answered:
		return 5
	case q.RCode == 0:
		return 0
	case q.RCode == 2 || q.RCode == 3:
		return int(q.RCode) - 1
	case q.RCode == 5:
		return 3
	}
	return 4
}

func newLookups(o *StateOptions, stats *Stats) memory {
	budget := o.budget()
	filter := 8
	for filter*2*32 <= budget {
		filter *= 2
	}
	m := &lookups{stats: stats, seed: [2]uint64{rand.Uint64(), rand.Uint64()}, seen: sketch.NewBloom(filter),
		sources: newStore[hostKey, askerState](budget/100*25, filter/4, retention),
		domains: newStore[domainKey, domainState](budget/100*45, filter/4, retention)}
	m.pool = newSketchPool(budget/100*18, &m.pressure)
	m.pressure.report = o.onPressure()
	m.sources.evict = func(i uint32, idle bool) {
		m.pool.release(m.sources.values[i].domains.sketch)
		m.pressure.evicted(m.sources.nodes[i].key, idle)
	}
	m.domains.evict = func(i uint32, idle bool) {
		m.pool.release(m.domains.values[i].subdomains.sketch)
		m.pressure.evicted(m.domains.nodes[i].key.src, idle)
	}
	return m
}

func (m *lookups) hashHost(k hostKey) uint32 { return mix(k.hi, k.lo, &m.seed) }

func (m *lookups) hashDomain(k domainKey) uint32 {
	return mix(uint64(mix(k.src.hi, k.src.lo, &m.seed))<<32^k.hi, k.lo, &m.seed)
}

// nameStats are what a name is made of.
type nameStats struct {
	text                     [256]byte
	n                        int // length, without the final dot
	labels, longest          int
	registered               int // where the registered domain begins
	sub                      int // length of the subdomain
	reverse, local, idn      bool
	entropy, norm            float64
	digits, vowels, hex, b32 int
	consonants               int
}

// maxName is the longest name that is looked at, in bytes; DNS itself allows 253.
const maxName = 255

// parse takes a name to pieces: in lower case, without the final dot, and only its last bytes if it is too long.
func (s *nameStats) parse(query string) {
	query = strings.TrimSuffix(query, ".")
	query = query[max(0, len(query)-maxName):]
	*s = nameStats{n: len(query)}
	label := 0
	for i := range len(query) {
		c := query[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		s.text[i] = c
		if label++; c == '.' {
			label = 0
			s.labels++
		}
		s.longest = max(s.longest, label)
	}
	if s.n > 0 {
		s.labels++
	}
}

// finish does the rest; name is s.text.
func (s *nameStats) finish(name []byte) {
	s.reverse = bytes.HasSuffix(name, []byte(".in-addr.arpa")) || bytes.HasSuffix(name, []byte(".ip6.arpa"))
	s.local = string(name) == "local" || bytes.HasSuffix(name, []byte(".local"))
	s.idn = bytes.HasPrefix(name, []byte("xn--")) || bytes.Contains(name, []byte(".xn--"))
	s.registered = suffix.Registered(name)
	if s.registered < 0 { // a public suffix: all of it is the domain
		s.registered = 0
	}
	s.sub = max(0, s.registered-1)
	s.compose(name[:s.sub])
}

// compose counts the bytes of the subdomain.
func (s *nameStats) compose(sub []byte) {
	s.entropy, s.norm = entropy(sub)
	run := 0
	for i := range len(sub) {
		c := sub[i]
		digit, letter := '0' <= c && c <= '9', 'a' <= c && c <= 'z'
		vowel := c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'
		if run++; !letter || vowel {
			run = 0
		}
		s.consonants = max(s.consonants, run)
		s.digits += one(digit)
		s.vowels += one(vowel)
		s.hex += one(digit || 'a' <= c && c <= 'f')
		s.b32 += one(letter || '2' <= c && c <= '7')
	}
}

// entropy is that of the bytes of a text, in bits, and its share of the most there could be for so many bytes.
func entropy[T ~string | ~[]byte](text T) (h, norm float64) {
	var counts [256]uint32
	for i := range len(text) {
		counts[text[i]]++
	}
	n := float64(len(text))
	for _, k := range counts {
		if k > 0 {
			p := float64(k) / n
			h -= float64(p * sketch.Log2(p))
		}
	}
	if n >= 2 {
		norm = h / sketch.Log2(min(n, 256))
	}
	return h, norm
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (m *lookups) fill(row []float32, f *Flow, t, late int64) {
	row = row[:41]
	counts := late <= maxLate
	if !counts {
		m.stats.TooLate++
	}
	src := entityKey(f.Src, f.Has(FieldLocalSrc) && f.LocalSrc)
	var queries []DNSInfo
	if f.Joined != nil {
		queries = f.Joined.DNS
	}
	s := m.source(src, t, counts && len(queries) > 0)
	missing(row)
	row[0] = float32(len(queries))
	best := -1
	var at domainKey
	for i := range queries {
		q := &queries[i]
		n := &m.names
		n.parse(q.Query)
		n.finish(n.text[:n.n])
		key := n.key(src)
		m.count(s, key, n, f, q, t, counts)
		if best < 0 || n.sub > int(row[4]) {
			best, at = i, key
			m.fillQuery(row, q, n)
		}
	}
	m.stats.Evicted += m.pressure.flow(t)
	row[33], row[34], row[35] = round(s.queries), portion(s.failed, s.queries), portion(s.tunnel, s.queries)
	row[36], row[37] = round(s.domains.peek(t, m.pool)), round(s.newDomain)
	if best >= 0 {
		d := m.domain(at, t, false)
		row[38], row[39], row[40] = round(d.n600), round(d.subdomains.peek(t, m.pool)), portion(d.length, d.n)
	}
}

// key is that of the registered domain of a name.
func (s *nameStats) key(src hostKey) domainKey {
	sum := sha256.Sum256(s.text[s.registered:s.n])
	return domainKey{src, binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])}
}

// source returns what is remembered of a source, faded to t; to change it if it counts, else a copy.
func (m *lookups) source(k hostKey, t int64, counts bool) *askerState {
	s, hash := &m.noSource, m.hashHost(k)
	if counts {
		i, fresh := m.sources.touch(k, hash, k.fixed(), t)
		if s = &m.sources.values[i]; fresh {
			*s = askerState{last: t, domains: distinct{half: half(t)}}
		}
	} else {
		*s = askerState{last: t}
		if i := m.sources.find(k, hash); i != 0 {
			*s = m.sources.values[i]
		}
	}
	dt := since(t, s.last)
	d600 := sketch.Decay(dt * per600s)
	s.last = t
	s.queries *= d600
	s.failed *= d600
	s.tunnel *= d600
	s.newDomain *= sketch.Decay(dt * per3600s)
	return s
}

func (m *lookups) domain(k domainKey, t int64, counts bool) *domainState {
	d, hash := &m.noDomain, m.hashDomain(k)
	if counts {
		i, fresh := m.domains.touch(k, hash, sketch.Hash(k.src.fixed(), k.lo), t)
		if d = &m.domains.values[i]; fresh {
			*d = domainState{last: t, subdomains: distinct{half: half(t)}}
		}
	} else {
		*d = domainState{last: t}
		if i := m.domains.find(k, hash); i != 0 {
			*d = m.domains.values[i]
		}
	}
	dt := since(t, d.last)
	hour := sketch.Decay(dt * per3600s)
	d.last = t
	d.n600 *= sketch.Decay(dt * per600s)
	d.n *= hour
	d.length *= hour
	return d
}

// count counts one query. NetBIOS and multicast DNS ask all the time for names that nobody has, and are left out.
func (m *lookups) count(s *askerState, k domainKey, n *nameStats, f *Flow, q *DNSInfo, t int64, counts bool) {
	if !counts || n.local || n.n == 0 || f.Has(FieldDstPort) && (f.DstPort == 5353 || f.DstPort == 137) {
		return
	}
	s.queries++
	if q.Answered && q.RCode == 3 {
		s.failed++
	}
	if q.Type == 16 || q.Type == 10 {
		s.tunnel++
	}
	s.domains.step(t, uint32(k.hi), true, true, m.pool)
	if !m.seen.Add(sketch.Hash(k.src.fixed(), k.hi)) {
		s.newDomain++
	}
	d := m.domain(k, t, true)
	d.n600++
	d.n++
	d.length += float64(n.sub)
	d.subdomains.step(t, uint32(sketch.HashText(n.text[:n.sub])), true, true, m.pool)
}

// fillQuery fills the cells of one query.
func (m *lookups) fillQuery(row []float32, q *DNSInfo, n *nameStats) {
	row[1], row[2], row[3], row[4] = float32(n.n), float32(n.labels), float32(n.longest), float32(n.sub)
	row[5], row[6] = round(n.entropy), round(n.norm)
	for i, count := range []int{n.digits, n.vowels, n.hex, n.b32} {
		row[7+i] = portion(float64(count), float64(n.sub))
	}
	row[11] = float32(n.consonants)
	types := row[12:21]
	if missing(types); q.Type != 0 {
		oneHot(types, 8)
		for i, c := range dnsTypes {
			if c.code == q.Type {
				oneHot(types, i)
			}
		}
	}
	oneHot(row[21:27], dnsCode(q))
	missing(row[27:30])
	if q.HasTTL {
		row[27] = round(float64(q.MinTTL))
	}
	if q.Answered {
		row[28] = float32(len(q.Answers))
	}
	if q.RTT > 0 {
		row[29] = round(float64(q.RTT) / 1e6)
	}
	row[30], row[31], row[32] = flag(n.reverse), flag(n.labels == 1), flag(n.idn)
}

func (m *lookups) encode(e *encoder) {
	encodeBloom(e, m.seen)
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

func (s *askerState) numbers() [4]*float64 {
	return [4]*float64{&s.queries, &s.failed, &s.tunnel, &s.newDomain}
}

func (d *domainState) numbers() [3]*float64 { return [3]*float64{&d.n600, &d.n, &d.length} }

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

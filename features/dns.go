package features

import (
	"math/rand/v2"

	"threatdetect/internal/sketch"
)

// lookups is the memory of dns/1: what a source asked for, in all and of each registered domain, and which answers it used.
type lookups struct {
	sources  *store[hostKey, askerState]
	domains  *store[domainKey, domainState]
	answers  *store[pairKey, answerState] // by source and address
	seen     *sketch.Bloom                // of source and domain
	followed *sketch.Bloom                // of queries
	pool     *sketchPool
	pressure pressure
	stats    *Stats
	seed     [2]uint64 // of the tables
	sketched sketch.Seed
	site     site
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
	resolved, used                     float64 // queries whose answer had an address, and those of them that a flow followed
	domains                            distinct
}

// answerState is the latest query that was answered with an address.
type answerState struct {
	asked int64
	query uint64
}

// How long a flow to an address may follow the answer, in nanoseconds, and how many addresses of an answer are remembered.
const (
	followSpan = 3600 * 1_000_000_000
	maxAnswers = 16
)

type domainState struct {
	last            int64
	n600, n, length float64 // queries fading in 600 s and an hour, and the length of their subdomains
	bytes           float64
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
	add("dns_sub_base64_share", "", "share of the subdomain's bytes that are of this alphabet")
	add("dns_sub_bigram", "bits", "mean logarithm of how likely its letters follow one another in English")
	add("domain_bytes_600s", "bytes", "of the source's flows that asked for the registered domain, fading by e in 600 s")
	add("src_dns_resolved_3600s", "queries", "of the source that were answered with an address, fading by e in an hour")
	add("src_dns_unused_ratio_3600s", "", "share of them that no flow of the source to the address followed within an hour")
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

func newLookups(o *StateOptions, with *settings, stats *Stats) memory {
	budget := o.budget()
	filter := 8
	for filter*2*32 <= budget {
		filter *= 2
	}
	m := &lookups{stats: stats, site: with.site, seed: [2]uint64{rand.Uint64(), rand.Uint64()}, sketched: o.seed(),
		seen: sketch.NewBloom(filter), followed: sketch.NewBloom(filter / 2),
		sources: newStore[hostKey, askerState](budget/100*20, filter/4, retention),
		domains: newStore[domainKey, domainState](budget/100*36, filter/4, retention),
		answers: newStore[pairKey, answerState](budget/100*16, filter/4, retention)}
	m.pool = newSketchPool(budget/100*14, m.pressure.evictedSketch)
	m.pressure.report = o.onPressure()
	m.sources.evict = func(i uint32, idle bool) {
		m.pool.release(m.sources.values[i].domains.sketch())
		m.pressure.evicted(m.sources.nodes[i].key, idle)
	}
	m.domains.evict = func(i uint32, idle bool) {
		m.pool.release(m.domains.values[i].subdomains.sketch())
		m.pressure.evicted(m.domains.nodes[i].key.src, idle)
	}
	m.answers.evict = func(i uint32, idle bool) { m.pressure.evicted(m.answers.nodes[i].key.src, idle) }
	return m
}

func (m *lookups) hashAnswer(k pairKey) uint32 {
	return mix(uint64(m.hashHost(k.src))<<32|uint64(m.hashHost(k.dst)), 2, &m.seed)
}

func (m *lookups) hashHost(k hostKey) uint32 { return mix(k.hi, k.lo, &m.seed) }

func (m *lookups) hashDomain(k domainKey) uint32 {
	return mix(uint64(mix(k.src.hi, k.src.lo, &m.seed))<<32^k.hi, k.lo, &m.seed)
}

func (m *lookups) fill(row []float32, f *Flow, t, late int64) {
	row = row[:46]
	counts := late <= maxLate
	if !counts {
		m.stats.TooLate++
	}
	local, _, _ := m.site.ends(f)
	src := entityKey(f.Src, local)
	var queries []DNSInfo
	if f.Joined != nil {
		queries = f.Joined.DNS
	}
	asked, follows := m.follows(src, f, t, counts)
	s := m.source(src, t, counts && len(queries) > 0 || follows)
	if follows {
		s.used += sketch.Decay(since(t, asked) * perSpan[in3600s]) // as much as the query still counts
	}
	perQuery := f.bytes() / float64(len(queries))
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
		m.count(s, key, n, f, q, t, counts, perQuery, uint64(i))
		if best < 0 || n.sub > int(row[4]) {
			best, at = i, key
			m.fillQuery(row, q, n)
		}
	}
	m.stats.Evicted += m.pressure.flow(t)
	row[33], row[34], row[35] = round(s.queries), portion(s.failed, s.queries), portion(s.tunnel, s.queries)
	row[36], row[37] = round(s.domains.peek(t, m.pool)), round(s.newDomain)
	row[44], row[45] = round(s.resolved), portion(max(0, s.resolved-s.used), s.resolved)
	if best >= 0 {
		d := m.domain(at, t, false)
		row[38], row[39], row[40] = round(d.n600), round(d.subdomains.peek(t, m.pool)), portion(d.length, d.n)
		row[43] = round(d.bytes)
	}
}

// follows reports whether a flow is the first one to an address that the source was answered within the last hour, and when
// it asked.
func (m *lookups) follows(src hostKey, f *Flow, t int64, counts bool) (asked int64, ok bool) {
	k := pairKey{src, addressKey(f.Dst)}
	i := m.answers.find(k, m.hashAnswer(k))
	if i == 0 || !counts {
		return 0, false
	}
	a := &m.answers.values[i]
	return a.asked, uint64(t)-uint64(a.asked) <= followSpan && !m.followed.Add(a.query)
}

// resolve remembers the addresses of an answer.
func (m *lookups) resolve(src hostKey, n *nameStats, q *DNSInfo, t int64, number uint64) {
	query := m.sketched.Hash(src.fixed(m.sketched)^m.sketched.HashText(n.text[:n.n]), uint64(t)+number)
	for _, a := range q.Addrs[:min(len(q.Addrs), maxAnswers)] {
		k := pairKey{src, addressKey(a)}
		i, _, _ := m.answers.touch(k, m.hashAnswer(k), k.fixed(m.sketched), t)
		m.answers.values[i] = answerState{t, query}
	}
}

// source returns what is remembered of a source, faded to t; to change it if it counts, else a copy.
func (m *lookups) source(k hostKey, t int64, counts bool) *askerState {
	s, hash := &m.noSource, m.hashHost(k)
	if counts {
		i, _, fresh := m.sources.touch(k, hash, k.fixed(m.sketched), t)
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
	d600 := sketch.Decay(dt * perSpan[in600s])
	s.last = t
	s.queries *= d600
	s.failed *= d600
	s.tunnel *= d600
	hour := sketch.Decay(dt * perSpan[in3600s])
	s.newDomain *= hour
	s.resolved *= hour
	s.used *= hour
	return s
}

func (m *lookups) domain(k domainKey, t int64, counts bool) *domainState {
	d, hash := &m.noDomain, m.hashDomain(k)
	if counts {
		i, _, fresh := m.domains.touch(k, hash, m.sketched.Hash(k.src.fixed(m.sketched), k.lo), t)
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
	hour := sketch.Decay(dt * perSpan[in3600s])
	d.last = t
	d600 := sketch.Decay(dt * perSpan[in600s])
	d.n600 *= d600
	d.bytes *= d600
	d.n *= hour
	d.length *= hour
	return d
}

// count counts one query. NetBIOS and multicast DNS ask all the time for names that nobody has, and are left out.
func (m *lookups) count(s *askerState, k domainKey, n *nameStats, f *Flow, q *DNSInfo, t int64, counts bool,
	bytes float64, number uint64) {
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
	if len(q.Addrs) > 0 {
		s.resolved++
		m.resolve(k.src, n, q, t, number)
	}
	s.domains.step(t, uint32(m.sketched.Hash(k.hi, 2)), true, true, m.pool)
	if !m.seen.Add(m.sketched.Hash(k.src.fixed(m.sketched), k.hi)) {
		s.newDomain++
	}
	d := m.domain(k, t, true)
	d.n600++
	d.n++
	d.length += float64(n.sub)
	d.bytes += bytes
	d.subdomains.step(t, uint32(m.sketched.HashText(n.text[:n.sub])), true, true, m.pool)
}

// fillQuery fills the cells of one query.
func (m *lookups) fillQuery(row []float32, q *DNSInfo, n *nameStats) {
	row[1], row[2], row[3], row[4] = float32(n.n), float32(n.labels), float32(n.longest), float32(n.sub)
	row[5], row[6] = round(n.entropy), round(n.norm)
	for i, count := range []int{n.digits, n.vowels, n.hex, n.b32} {
		row[7+i] = portion(float64(count), float64(n.sub))
	}
	row[11] = float32(n.consonants)
	row[41], row[42] = portion(float64(n.b64), float64(n.sub)), nan32
	if n.pairs > 0 {
		row[42] = round(float64(n.likelihood) / float64(1000*n.pairs))
	}
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

package features

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"

	"threatdetect/internal/ipaddr"
	"threatdetect/internal/sketch"
	"threatdetect/internal/suffix"
)

// handshakes is the memory of tls/1: how rare the fingerprints and names are at this site, and since when they are known. No
// fingerprint is a column itself: a model must not learn them by heart.
type handshakes struct {
	values   *store[valueKey, valueState]
	totals   [numRare]fadingDay
	answers  *sketch.Bloom // of source and address, and of source, address and name, that DNS told
	hours    int64         // number of the present hour of answers
	pressure pressure
	stats    *Stats
	seed     [2]uint64 // of the table
	sketched sketch.Seed
	site     site
	scratch  []byte
}

// What rarity is told of.
const (
	rareJA3 = iota
	rareJA3S
	rareJA4
	rareServer
	rareAgent
	numRare
)

// valueKey is a kind and a text, by the first 16 bytes of its SHA-256.
type valueKey struct {
	kind   uint8
	hi, lo uint64
}

type valueState struct {
	first int64
	count fadingDay
}

// fadingDay is a count that fades by e in a day.
type fadingDay struct {
	n    float64
	last int64
}

func (c *fadingDay) at(t int64) float64 { return c.n * sketch.Decay(since(t, c.last)*perSpan[in24h]) }

var tlsVersions = map[string]float32{"sslv2": 0, "sslv3": 1, "tlsv1": 2, "tls1": 2, "tlsv10": 2, "tls10": 2, "tlsv11": 3, "tls11": 3, "tlsv12": 4, "tls12": 4,
	"tlsv13": 5, "tls13": 5}

var tlsColumns = func() []Column {
	var columns []Column
	add := func(name, unit, doc string) { columns = append(columns, Column{name, unit, doc}) }
	add("tls_version", "", "0 SSL 2, 1 SSL 3, 2 to 5 TLS 1.0 to 1.3")
	add("tls_resumed", "", "1 if a session was resumed")
	add("tls_established", "", "1 if the handshake came to its end")
	add("tls_sni_present", "", "1 if the client named the server")
	add("tls_sni_len", "bytes", "length of the name")
	add("tls_sni_entropy", "bits", "entropy of its bytes")
	add("tls_sni_entropy_norm", "", "the same against the most there could be for its length")
	add("tls_sni_digit_share", "", "share of digits in it")
	add("tls_sni_is_ip", "", "1 if it is an address")
	for _, c := range []string{"ok", "self_signed", "other", "none"} {
		add("tls_validation="+c, "", "1 if the certificate was judged so")
	}
	add("tls_self_issued", "", "1 if subject and issuer of the certificate are the same")
	add("tls_cert_days", "days", "that the certificate is valid for")
	add("tls_cert_age_days", "days", "since it is valid")
	add("tls_cert_left_days", "days", "for which it still is")
	add("tls_chain", "certificates", "that the server sent")
	add("tls_key_bits", "bits", "of the key of the server's certificate")
	add("tls_cipher_ephemeral", "", "1 if the key exchange is ephemeral")
	add("tls_cipher_aead", "", "1 if the cipher is authenticated")
	for _, c := range []string{"h2", "http/1.1", "other", "none"} {
		add("tls_alpn="+c, "", "1 if this protocol was agreed on")
	}
	for _, c := range []string{"ja3", "ja3s", "ja4", "sni"} {
		add("tls_"+c+"_rarity", "nats", "minus the logarithm of its share at this site, fading by e in a day")
		add("tls_"+c+"_age_h", "h", "since it was first seen")
	}
	add("http_requests", "requests", "of the flow that are known")
	for _, c := range []string{"get", "post", "head", "other"} {
		add("http_method="+c, "", "1 if the first request is of this method")
	}
	add("http_status_class", "", "first digit of the first status")
	add("http_uri_len", "bytes", "length of the longest URI")
	add("http_uri_entropy", "bits", "entropy of it")
	add("http_query_share", "", "share of it that is a query")
	add("http_agent_len", "bytes", "length of the first user agent")
	add("http_agent_rarity", "nats", "minus the logarithm of its share at this site, fading by e in a day")
	add("http_agent_age_h", "h", "since it was first seen")
	add("http_request_bytes", "bytes", "of all bodies sent")
	add("http_response_bytes", "bytes", "of all bodies received")
	add("http_host_is_ip", "", "1 if the first host is an address")
	add("http_depth", "requests", "of the connection, as the sensor counts them")
	add("dst_resolved", "", "1 if DNS told the source the destination's address, in this hour or the one before")
	add("tls_sni_resolved", "", "1 if it did for the name of the server")
	add("http_mime_mismatch", "", "1 if a body is of another class than the extension of its URI")
	return columns
}()

const (
	tlsCells   = 33
	httpCells  = 16
	otherCells = 3
)

func newHandshakes(o *StateOptions, with *settings, stats *Stats) memory {
	filter := 8
	for filter*2*64 <= o.budget() {
		filter *= 2
	}
	m := &handshakes{stats: stats, site: with.site, seed: [2]uint64{rand.Uint64(), rand.Uint64()}, sketched: o.seed(), answers: sketch.NewBloom(filter),
		values: newStore[valueKey, valueState](o.budget()/100*90, filter, 86400_000_000_000)}
	m.pressure.report = o.onPressure()
	m.values.evict = func(_ uint32, idle bool) { m.pressure.evicted(hostKey{}, idle) }
	return m
}

func (m *handshakes) hash(k valueKey) uint32 { return mix(k.hi^uint64(k.kind), k.lo, &m.seed) }

func (m *handshakes) fill(row []float32, f *Flow, t, late int64) {
	row = row[:tlsCells+httpCells+otherCells]
	missing(row)
	counts := late <= maxLate
	if !counts {
		m.stats.TooLate++
	}
	row[tlsCells] = 0
	if j := f.Joined; j != nil {
		if j.TLS != nil {
			m.fillTLS(row[:tlsCells], j.TLS, t, counts)
		}
		row[tlsCells] = float32(len(j.HTTP))
		if len(j.HTTP) > 0 {
			m.fillHTTP(row[tlsCells:tlsCells+httpCells], j.HTTP, t, counts)
		}
	}
	m.fillAnswers(row[tlsCells+httpCells:], f, t, counts)
	m.stats.Evicted += m.pressure.flow(t)
}

func (m *handshakes) fillTLS(row []float32, h *TLSInfo, t int64, counts bool) {
	m.scratch = letters(m.scratch[:0], h.Version)
	if v, ok := tlsVersions[string(m.scratch)]; ok {
		row[0] = v
	}
	if h.ResumedKnown {
		row[1] = flag(h.Resumed)
	}
	if h.EstablishedKnown {
		row[2] = flag(h.Established)
	}
	name := strings.TrimSuffix(h.ServerName, ".")
	row[3] = flag(name != "")
	if name != "" {
		e, norm := entropy(name)
		digits := 0
		for i := range len(name) {
			digits += one('0' <= name[i] && name[i] <= '9')
		}
		row[4], row[5], row[6] = float32(len(name)), round(e), round(norm)
		row[7], row[8] = portion(float64(digits), float64(len(name))), flag(isAddress(name))
	}
	switch v := h.Validation; {
	case v == "":
		oneHot(row[9:13], 3)
	case v == "ok":
		oneHot(row[9:13], 0)
	case strings.Contains(v, "self signed"), strings.Contains(v, "self-signed"):
		oneHot(row[9:13], 1)
	default:
		oneHot(row[9:13], 2)
	}
	if h.Subject != "" && h.Issuer != "" {
		row[13] = flag(h.Subject == h.Issuer)
	}
	if h.Dated {
		const day = 86400 * 1e9
		before, after, now := float64(h.NotBefore), float64(h.NotAfter), float64(t)
		row[14], row[15], row[16] = round((after-before)/day), round((now-before)/day), round((after-now)/day)
	}
	if h.Chain > 0 {
		row[17] = round(float64(h.Chain))
	}
	if h.KeyBits > 0 {
		row[18] = round(float64(h.KeyBits))
	}
	if c := h.Cipher; c != "" {
		row[19] = flag(strings.Contains(c, "DHE") || strings.HasPrefix(c, "TLS_AES_") || strings.HasPrefix(c, "TLS_CHACHA20_"))
		row[20] = flag(strings.Contains(c, "GCM") || strings.Contains(c, "CCM") || strings.Contains(c, "CHACHA20"))
	}
	switch h.ALPN {
	case "":
		oneHot(row[21:25], 3)
	case "h2":
		oneHot(row[21:25], 0)
	case "http/1.1":
		oneHot(row[21:25], 1)
	default:
		oneHot(row[21:25], 2)
	}
	m.rare(row[25:27], rareJA3, h.JA3, t, counts)
	m.rare(row[27:29], rareJA3S, h.JA3S, t, counts)
	m.rare(row[29:31], rareJA4, h.JA4, t, counts)
	m.scratch = appendLower(m.scratch[:0], name)
	domain := m.scratch
	if at := suffix.Registered(domain); at > 0 && !isAddress(name) {
		domain = domain[at:]
	}
	m.rareText(row[31:33], rareServer, domain, t, counts)
}

// letters appends the letters and digits of a text, in lower case.
func letters(dst []byte, text string) []byte {
	for i := range len(text) {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			dst = append(dst, c)
		}
	}
	return dst
}

// isAddress reports whether a text is an IP address, in brackets or not, with a port or not.
func isAddress(text string) bool {
	if strings.HasPrefix(text, "[") {
		host, rest, ok := strings.Cut(text[1:], "]")
		if !ok || rest != "" && !isPort(rest) {
			return false
		}
		_, ok = ipaddr.Parse([]byte(host))
		return ok
	}
	if at := strings.IndexByte(text, ':'); at >= 0 && at == strings.LastIndexByte(text, ':') && isPort(text[at:]) {
		text = text[:at]
	}
	_, ok := ipaddr.Parse([]byte(text))
	return ok
}

// isPort reports whether a text is a colon and a port.
func isPort(text string) bool {
	n := 0
	for _, c := range []byte(text[1:]) {
		if n = 10*n + int(c-'0'); c < '0' || c > '9' || n > 65535 {
			return false
		}
	}
	return text[0] == ':' && len(text) > 1
}

func (m *handshakes) fillHTTP(row []float32, requests []HTTPInfo, t int64, counts bool) {
	first, longest := &requests[0], ""
	var sent, got, depth float64
	for i := range requests {
		q := &requests[i]
		if len(q.URI) > len(longest) {
			longest = q.URI
		}
		if q.Status != 0 && row[5] != row[5] {
			row[5] = float32(q.Status / 100)
		}
		sent += float64(q.Request)
		got += float64(q.Response)
		depth = max(depth, float64(q.Depth))
	}
	switch method := first.Method; {
	case method == "":
	case strings.EqualFold(method, "get"):
		oneHot(row[1:5], 0)
	case strings.EqualFold(method, "post"):
		oneHot(row[1:5], 1)
	case strings.EqualFold(method, "head"):
		oneHot(row[1:5], 2)
	default:
		oneHot(row[1:5], 3)
	}
	e, _ := entropy(longest)
	query := 0
	if at := strings.IndexByte(longest, '?'); at >= 0 {
		query = len(longest) - at - 1
	}
	row[6], row[7], row[8] = float32(len(longest)), round(e), portion(float64(query), float64(len(longest)))
	row[9] = float32(len(first.UserAgent))
	m.rare(row[10:12], rareAgent, first.UserAgent, t, counts)
	row[12], row[13] = round(sent), round(got)
	if first.Host != "" {
		row[14] = flag(isAddress(first.Host))
	}
	if depth > 0 {
		row[15] = round(depth)
	}
}

func (m *handshakes) rare(row []float32, kind uint8, text string, t int64, counts bool) {
	m.scratch = append(m.scratch[:0], text...)
	m.rareText(row, kind, m.scratch, t, counts)
}

// rareText fills rarity and age of a text and counts it. An empty one has none.
func (m *handshakes) rareText(row []float32, kind uint8, text []byte, t int64, counts bool) {
	if len(text) == 0 {
		return
	}
	sum := sha256.Sum256(text)
	k := valueKey{kind, binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])}
	total := &m.totals[kind]
	if counts {
		i, _, fresh := m.values.touch(k, m.hash(k), m.sketched.Hash(k.hi^k.lo, uint64(kind)), t)
		v := &m.values.values[i]
		if fresh {
			*v = valueState{first: t, count: fadingDay{0, t}}
		}
		v.count = fadingDay{v.count.at(t) + 1, t}
		*total = fadingDay{total.at(t) + 1, t}
	}
	i := m.values.find(k, m.hash(k))
	if i == 0 {
		return
	}
	v := &m.values.values[i]
	row[0] = round(sketch.Log2(total.at(t)/v.count.at(t)) * math.Ln2)
	row[1] = round(since(t, v.first) / (3600 * 1e9))
}

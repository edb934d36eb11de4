package features

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"crypto/sha256"
	"encoding/binary"

	"threatdetect/internal/sketch"
	"threatdetect/internal/suffix"
)

// someQueries makes queries for names of few domains, some of them as a tunnel would.
func someQueries(r *rand.Rand) []DNSInfo {
	names := []string{"example.com", "www.example.com.", "Mail.Example.COM", "a.b.c.example.co.uk", "co.uk", "localhost", "printer.local", "xn--85x722f.com.cn",
		"4.3.2.1.in-addr.arpa", "", ".", strings.Repeat("a.", 140) + "org", "x" + strings.Repeat("bcd", 25) + ".net"}
	queries := make([]DNSInfo, 1+r.IntN(3))
	for i := range queries {
		q := &queries[i]
		q.Query = names[r.IntN(len(names))]
		if r.IntN(3) == 0 {
			q.Query = fmt.Sprintf("%x%x.t%d.example", r.Uint64(), r.Uint64(), r.IntN(2))
		}
		q.Type = []uint16{0, 1, 28, 12, 16, 10, 15, 33, 255, 65}[r.IntN(10)]
		q.Answered = r.IntN(4) > 0
		q.RCode = uint16(r.IntN(7))
		if r.IntN(2) == 0 {
			q.HasTTL, q.MinTTL, q.Answers = true, uint32(r.IntN(4000)), make([]string, r.IntN(4))
			q.RTT = r.Int64N(1e8)
			for range r.IntN(4) { // of the hosts of contextFlows
				q.Addrs = append(q.Addrs, netip.AddrFrom4([4]byte{10, 0, 0, byte(r.IntN(12))}))
			}
		}
	}
	return queries
}

// plainEntropy is the entropy of a text and its share of the most there could be.
func plainEntropy(text string) (h, norm float64) {
	counts := make([]int, 256)
	for _, c := range []byte(text) {
		counts[c]++
	}
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(text))
			h -= p * sketch.Log2(p)
		}
	}
	if len(text) >= 2 {
		norm = h / sketch.Log2(math.Min(float64(len(text)), 256))
	}
	return h, norm
}

// plainAnswers knows what was answered: by source and address the latest query with it.
type plainAnswers map[string]*plainQuery

type plainQuery struct {
	asked    int64
	followed bool
}

// plainScore is the mean likelihood of neighbours, from the table as it is written.
func plainScore(name string) float64 {
	rows := regexp.MustCompile(`(?m)^-.*$`).FindAllString(bigrams, -1)
	class := func(c byte) int { return max(0, strings.IndexByte("#abcdefghijklmnopqrstuvwxyz", c)) }
	sum, n := 0.0, 0.0
	text := "#" + name + "#"
	for i := 1; i < len(text); i++ {
		a, b := class(text[i-1]), class(text[i])
		if a+b == 0 {
			continue
		}
		v, _ := strconv.Atoi(strings.Fields(rows[(a+26)%27])[(b+26)%27])
		sum += float64(v)
		n++
	}
	return sum / (1000 * n)
}

var bigrams = func() string {
	text, err := os.ReadFile("../internal/bigram/bigrams.txt")
	if err != nil {
		panic(err)
	}
	return string(text)
}()

func plainDNS(p *plainHosts, domains map[string]bool, answers plainAnswers, f *Flow, t, late int64) []float32 {
	row := make([]float64, 46)
	for i := range row {
		row[i] = math.NaN()
	}
	counts := late <= 60e9
	src, _, _ := plainKey(f, true)
	var queries []DNSInfo
	if f.Joined != nil {
		queries = f.Joined.DNS
	}
	row[0] = float64(len(queries))
	best := -1.0
	bestDomain := ""
	// Everything of the source fades first, whether it asks for anything or not.
	type query struct {
		name, sub, domain string
		digest            uint64
	}
	parsed := make([]query, len(queries))
	for i, q := range queries {
		name := strings.TrimSuffix(q.Query, ".")
		if len(name) > 255 {
			name = name[len(name)-255:]
		}
		name = strings.ToLower(name)
		domain, sub := name, ""
		if at := suffix.Registered([]byte(name)); at > 0 {
			domain, sub = name[at:], name[:at-1]
		}
		sum := sha256.Sum256([]byte(domain))
		parsed[i] = query{name, sub, domain, binary.BigEndian.Uint64(sum[:])}
	}
	add := func(what string, x float64, counts bool) float64 { return p.fade(what+" "+src, t, 600, x, counts) }
	asks := counts && len(queries) > 0
	if a := answers[src+" "+f.Dst.Unmap().String()]; counts && a != nil && !a.followed && t-a.asked <= 3600e9 {
		a.followed, asks = true, true
		p.fade("used "+src, t, 3600, sketch.Decay(float64(t-a.asked)*sketch.PerSecond(3600)), true)
	} else {
		p.fade("used "+src, t, 3600, 0, asks)
	}
	p.fade("resolved "+src, t, 3600, 0, asks)
	moved := 0.0
	if f.Has(FieldFwdBytes) {
		moved += float64(f.FwdBytes)
	}
	if f.Has(FieldRevBytes) {
		moved += float64(f.RevBytes)
	}
	for _, what := range []string{"queries", "nx", "tunnel"} {
		add(what, 0, asks)
	}
	p.fade("new "+src, t, 3600, 0, asks)
	for i := range queries {
		q, n := &queries[i], &parsed[i]
		excluded := n.name == "" || n.name == "local" || strings.HasSuffix(n.name, ".local") || f.Has(FieldDstPort) && (f.DstPort == 5353 || f.DstPort == 137)
		if counts && !excluded {
			add("queries", 1, true)
			if q.Answered && q.RCode == 3 {
				add("nx", 1, true)
			}
			if q.Type == 16 || q.Type == 10 {
				add("tunnel", 1, true)
			}
			p.distinct("domains "+src, t, uint32(sketch.Hash(n.digest, 2)), true, true)
			if len(q.Addrs) > 0 {
				p.fade("resolved "+src, t, 3600, 1, true)
				asked := &plainQuery{asked: t}
				for _, a := range q.Addrs {
					answers[src+" "+a.String()] = asked
				}
			}
			if !domains[src+n.domain] {
				p.fade("new "+src, t, 3600, 1, true)
			}
			domains[src+n.domain] = true
			key := src + " " + n.domain
			p.fade("dom n600 "+key, t, 600, 1, true)
			p.fade("dom n "+key, t, 3600, 1, true)
			p.fade("dom len "+key, t, 3600, float64(len(n.sub)), true)
			p.fade("dom bytes "+key, t, 600, moved/float64(len(queries)), true)
			p.distinct("subs "+key, t, uint32(sketch.HashText(n.sub)), true, true)
		}
		if float64(len(n.sub)) <= best {
			continue
		}
		best, bestDomain = float64(len(n.sub)), src+" "+n.domain
		labels := strings.Split(n.name, ".")
		longest := 0
		for _, l := range labels {
			longest = max(longest, len(l))
		}
		row[1], row[2], row[3], row[4] = float64(len(n.name)), float64(len(labels)), float64(longest), best
		if n.name == "" {
			row[2] = 0
		}
		row[5], row[6] = plainEntropy(n.sub)
		row[42] = plainScore(n.sub)
		shares := []string{"0123456789", "aeiou", "0123456789abcdef", "abcdefghijklmnopqrstuvwxyz234567", "abcdefghijklmnopqrstuvwxyz0123456789+/-_="}
		for k, alphabet := range shares {
			in := 0
			for _, c := range []byte(n.sub) {
				if strings.IndexByte(alphabet, c) >= 0 {
					in++
				}
			}
			row[[]int{7, 8, 9, 10, 41}[k]] = float64(in) / float64(len(n.sub))
		}
		row[11] = 0
		for _, run := range strings.FieldsFunc(n.sub, func(c rune) bool { return c < 'a' || c > 'z' || strings.ContainsRune("aeiou", c) }) {
			row[11] = math.Max(row[11], float64(len(run)))
		}
		for k, code := range []uint16{1, 28, 12, 16, 10, 15, 33, 255} {
			row[12+k] = 0
			if q.Type == code {
				row[12+k] = 1
			}
		}
		row[20] = 1
		for k := 12; k < 20; k++ {
			if row[k] == 1 {
				row[20] = 0
			}
		}
		if q.Type == 0 {
			for k := 12; k < 21; k++ {
				row[k] = math.NaN()
			}
		}
		for k := 21; k < 27; k++ {
			row[k] = 0
		}
		codes := map[uint16]int{0: 21, 2: 22, 3: 23, 5: 24}
		at, ok := codes[q.RCode]
		switch {
		case !q.Answered:
			at = 26
		case !ok:
			at = 25
		}
		row[at] = 1
		for k := 27; k < 30; k++ {
			row[k] = math.NaN()
		}
		if q.HasTTL {
			row[27] = float64(q.MinTTL)
		}
		if q.Answered {
			row[28] = float64(len(q.Answers))
		}
		if q.RTT > 0 {
			row[29] = float64(q.RTT) / 1e6
		}
		row[30], row[31], row[32] = 0, 0, 0
		if strings.HasSuffix(n.name, ".in-addr.arpa") || strings.HasSuffix(n.name, ".ip6.arpa") {
			row[30] = 1
		}
		if n.name != "" && !strings.Contains(n.name, ".") {
			row[31] = 1
		}
		for _, l := range labels {
			if strings.HasPrefix(l, "xn--") {
				row[32] = 1
			}
		}
	}
	row[33] = add("queries", 0, asks)
	row[34] = add("nx", 0, asks) / row[33]
	row[35] = add("tunnel", 0, asks) / row[33]
	row[36] = p.distinct("domains "+src, t, 0, false, false)
	row[37] = p.fade("new "+src, t, 3600, 0, asks)
	row[44] = p.fade("resolved "+src, t, 3600, 0, asks)
	row[45] = max(0, row[44]-p.fade("used "+src, t, 3600, 0, asks)) / row[44]
	if best >= 0 {
		row[43] = p.fade("dom bytes "+bestDomain, t, 600, 0, false)
		row[38] = p.fade("dom n600 "+bestDomain, t, 600, 0, false)
		row[39] = p.distinct("subs "+bestDomain, t, 0, false, false)
		row[40] = p.fade("dom len "+bestDomain, t, 3600, 0, false) / p.fade("dom n "+bestDomain, t, 3600, 0, false)
	}
	cells := make([]float32, len(row))
	for i, v := range row {
		cells[i] = round(v)
	}
	return cells
}

func TestDNSAgainstPlainMaps(t *testing.T) {
	p := pipelineOf(t, "dns/1")
	queries := 0
	for seed := range seeds(25) {
		r := rand.New(rand.NewPCG(seed, 21))
		flows := contextFlows(r, 800, []int64{1e7, 1e9, 1e11, 3e12}[r.IntN(4)], []int64{0, 5e9, 2e11}[r.IntN(3)])
		x := p.ExtractorWith(&StateOptions{Budget: 16 << 20})
		rows, _ := allRows(t, x, flows, true)
		plain, domains, answers := newPlainHosts(), map[string]bool{}, plainAnswers{}
		for i, o := range release(flows) {
			requireSameRow(t, plainDNS(plain, domains, answers, o.f, o.t, o.t-o.f.End()), rows[i][:len(dnsColumns)], dnsColumns, fmt.Sprintf("seed %d, row %d", seed, i))
			if o.f.Joined != nil {
				queries += len(o.f.Joined.DNS)
			}
		}
	}
	require.Greater(t, queries, 1000)
	names := make([]string, len(dnsColumns))
	for i, c := range dnsColumns {
		names[i] = c.Name
	}
	sort.Strings(names)
	for i := range names[1:] {
		require.NotEqual(t, names[i], names[i+1])
	}
}

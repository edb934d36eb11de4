package features

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"threatdetect/internal/sketch"
	"threatdetect/internal/suffix"
)

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// someTLS makes a handshake of few fingerprints and names.
func someTLS(r *rand.Rand) *TLSInfo {
	h := &TLSInfo{Version: pick(r, "", "TLSv12", "TLS 1.2", "TLSv1.3", "SSLv3", "TLSv10", "TLSv1", "DTLSv12"), Cipher: pick(r, "", "TLS_AES_128_GCM_SHA256",
		"TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_RSA_WITH_AES_128_CCM"),
		ServerName: pick(r, "", "www.Example.com", "example.com.", "192.0.2.1", "a1b2c3.net", "co.uk", "[2001:db8::1]", "2001:db8::1", "1.2.3.4.example"),
		ALPN:       pick(r, "", "h2", "http/1.1", "imap"), JA3: pick(r, "", "aa", "bb", "cc"), JA3S: pick(r, "", "aa"), JA4: pick(r, "", "t13d", "t12d"),
		Validation: pick(r, "", "ok", "self signed certificate", "self-signed certificate in chain", "certificate has expired"),
		Resumed:    r.IntN(2) == 0, ResumedKnown: r.IntN(3) > 0, Established: r.IntN(2) == 0, EstablishedKnown: r.IntN(3) > 0,
		Subject: pick(r, "", "CN=a", "CN=b"), Issuer: pick(r, "", "CN=a", "CN=b"), Chain: r.IntN(4), KeyBits: uint32(r.IntN(3) * 1024)}
	if r.IntN(2) == 0 {
		h.Dated, h.NotBefore, h.NotAfter = true, 1e18-r.Int64N(1e17), 1e18+r.Int64N(1e17)
	}
	return h
}

func someHTTP(r *rand.Rand) []HTTPInfo {
	requests := make([]HTTPInfo, 1+r.IntN(3))
	for i := range requests {
		requests[i] = HTTPInfo{Method: pick(r, "", "GET", "get", "POST", "HEAD", "CONNECT"), Host: pick(r, "", "example.com", "192.0.2.1:8080", "10.0.0.1", "[::1]:80"),
			MIMEType: pick(r, "", "text/html", "image/png", "application/x-dosexec", "x"), URI: pick(r, "", "/", "/a?b=c&d", "/index.html", "/a.PNG?x=.exe", "/b.exe", "/?"+strings.Repeat("x", 50)), UserAgent: pick(r, "", "curl/8", "Mozilla/5.0"),
			Status: pick[uint16](r, 0, 200, 302, 404, 503), Request: r.Uint64N(5000), Response: r.Uint64N(50000), Depth: uint32(r.IntN(4))}
	}
	return requests
}

func plainIsAddress(s string) bool {
	if m := regexp.MustCompile(`^(.*[0-9]):[0-9]+$|^\[(.*)\]:[0-9]+$`).FindStringSubmatch(s); m != nil {
		if a, err := netip.ParseAddr(m[1] + m[2]); err == nil && (a.Is4() || m[2] != "") {
			return true
		}
	}
	if strings.HasPrefix(s, "[") {
		s = strings.TrimSuffix(s[1:], "]")
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

// plainRarity knows every value by its text.
type plainRarity struct {
	hosts *plainHosts
	first map[string]int64
}

func (p *plainRarity) of(kind, text string, t int64, counts bool) (rarity, age float64) {
	if text == "" {
		return math.NaN(), math.NaN()
	}
	key := kind + " " + text
	n, total := p.hosts.fade(key, t, 86400, 1, counts), p.hosts.fade("all "+kind, t, 86400, 1, counts)
	if _, ok := p.first[key]; !ok {
		if !counts {
			return math.NaN(), math.NaN()
		}
		p.first[key] = t
	}
	return sketch.Log2(total/n) * math.Ln2, float64(t-p.first[key]) / 3600e9
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// plainResolved knows what DNS told, and in which hour it was told last.
type plainResolved map[string]int64

func (p plainResolved) has(key string, hour int64) float64 {
	last, ok := p[key]
	return bit(ok && last >= hour-1)
}

// plainOther fills the columns that are neither of the handshake nor of requests.
func plainOther(row []float64, p plainResolved, f *Flow, t int64, counts bool) {
	src, _, _ := plainKey(f, true)
	hour := floorDiv(t, 3600e9)
	if !counts {
		hour = p["counted"]
	} else {
		p["counted"] = hour
	}
	key := src + " " + f.Dst.String()
	row[49] = p.has(key, hour)
	if f.Joined == nil {
		return
	}
	name := func(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
	if h := f.Joined.TLS; h != nil && h.ServerName != "" && !plainIsAddress(h.ServerName) {
		row[50] = p.has(key+" "+name(h.ServerName), hour)
	}
	for _, q := range f.Joined.HTTP {
		path, _, _ := strings.Cut(q.URI, "?")
		want := map[string]string{".html": "text/html", ".png": "image/png", ".exe": "application/x-dosexec"}[strings.ToLower(filepath.Ext(path))]
		if want == "" || q.MIMEType == "" || q.MIMEType == "x" {
			continue
		}
		if want != q.MIMEType {
			row[51] = 1
		} else if row[51] != 1 {
			row[51] = 0
		}
	}
	for _, q := range f.Joined.DNS {
		for _, a := range q.Addrs {
			if counts {
				p[src+" "+a.String()], p[src+" "+a.String()+" "+name(q.Query)] = hour, hour
			}
		}
	}
}

func plainTLS(p *plainRarity, resolved plainResolved, f *Flow, t, late int64) []float32 {
	counts := late <= 60e9
	row := make([]float64, 52)
	for i := range row {
		row[i] = math.NaN()
	}
	hot := func(at, n, which int) {
		for i := range n {
			row[at+i] = bit(i == which)
		}
	}
	row[33] = 0
	plainOther(row, resolved, f, t, counts)
	if f.Joined != nil && f.Joined.TLS != nil {
		h := f.Joined.TLS
		switch strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(h.Version, " ", ""), ".", "")) {
		case "sslv2":
			row[0] = 0
		case "sslv3":
			row[0] = 1
		case "tlsv1", "tls1", "tlsv10", "tls10":
			row[0] = 2
		case "tlsv11", "tls11":
			row[0] = 3
		case "tlsv12", "tls12":
			row[0] = 4
		case "tlsv13", "tls13":
			row[0] = 5
		}
		if h.ResumedKnown {
			row[1] = bit(h.Resumed)
		}
		if h.EstablishedKnown {
			row[2] = bit(h.Established)
		}
		name := strings.TrimSuffix(h.ServerName, ".")
		row[3] = bit(name != "")
		if name != "" {
			row[4] = float64(len(name))
			row[5], row[6] = plainEntropy(name)
			row[7] = float64(len(regexp.MustCompile(`[0-9]`).FindAllString(name, -1))) / float64(len(name))
			row[8] = bit(plainIsAddress(name))
		}
		validation := 2
		switch {
		case h.Validation == "":
			validation = 3
		case h.Validation == "ok":
			validation = 0
		case regexp.MustCompile(`self[ -]signed`).MatchString(h.Validation):
			validation = 1
		}
		hot(9, 4, validation)
		if h.Subject != "" && h.Issuer != "" {
			row[13] = bit(h.Subject == h.Issuer)
		}
		if h.Dated {
			row[14] = (float64(h.NotAfter) - float64(h.NotBefore)) / 86400e9
			row[15] = (float64(t) - float64(h.NotBefore)) / 86400e9
			row[16] = (float64(h.NotAfter) - float64(t)) / 86400e9
		}
		if h.Chain > 0 {
			row[17] = float64(h.Chain)
		}
		if h.KeyBits > 0 {
			row[18] = float64(h.KeyBits)
		}
		if h.Cipher != "" {
			row[19] = bit(regexp.MustCompile(`DHE|^TLS_AES_|^TLS_CHACHA20_`).MatchString(h.Cipher))
			row[20] = bit(regexp.MustCompile(`GCM|CCM|CHACHA20`).MatchString(h.Cipher))
		}
		hot(21, 4, map[string]int{"h2": 1, "http/1.1": 2, "": 4}[h.ALPN]-1)
		if row[21]+row[22]+row[24] == 0 {
			row[23] = 1
		}
		row[25], row[26] = p.of("ja3", h.JA3, t, counts)
		row[27], row[28] = p.of("ja3s", h.JA3S, t, counts)
		row[29], row[30] = p.of("ja4", h.JA4, t, counts)
		domain := strings.ToLower(name)
		if at := suffix.Registered([]byte(domain)); at > 0 && !plainIsAddress(name) {
			domain = domain[at:]
		}
		row[31], row[32] = p.of("sni", domain, t, counts)
	}
	if f.Joined == nil || len(f.Joined.HTTP) == 0 {
		return rounded(row)
	}
	requests := f.Joined.HTTP
	row[33] = float64(len(requests))
	if m := strings.ToLower(requests[0].Method); m != "" {
		hot(34, 4, map[string]int{"get": 0, "post": 1, "head": 2, "connect": 3}[m])
	}
	uri := ""
	row[45], row[46] = 0, 0
	for _, q := range requests {
		if math.IsNaN(row[38]) && q.Status > 0 {
			row[38] = math.Floor(float64(q.Status) / 100)
		}
		if len(q.URI) > len(uri) {
			uri = q.URI
		}
		row[45] += float64(q.Request)
		row[46] += float64(q.Response)
		if q.Depth > 0 && !(row[48] >= float64(q.Depth)) {
			row[48] = float64(q.Depth)
		}
	}
	row[39] = float64(len(uri))
	row[40], _ = plainEntropy(uri)
	_, query, _ := strings.Cut(uri, "?")
	row[41] = float64(len(query)) / float64(len(uri))
	row[42] = float64(len(requests[0].UserAgent))
	row[43], row[44] = p.of("agent", requests[0].UserAgent, t, counts)
	if requests[0].Host != "" {
		row[47] = bit(plainIsAddress(requests[0].Host))
	}
	return rounded(row)
}

func rounded(row []float64) []float32 {
	cells := make([]float32, len(row))
	for i, v := range row {
		cells[i] = round(v)
	}
	return cells
}

func TestTLSAgainstPlainMaps(t *testing.T) {
	p := pipelineOf(t, "tls/1")
	for seed := range seeds(25) {
		r := rand.New(rand.NewPCG(seed, 31))
		flows := contextFlows(r, 800, []int64{1e7, 1e9, 1e12}[r.IntN(3)], []int64{0, 5e9, 2e11}[r.IntN(3)])
		x := p.ExtractorWith(&StateOptions{Budget: 4 << 20})
		rows, _ := allRows(t, x, flows, true)
		plain, resolved := &plainRarity{newPlainHosts(), map[string]int64{}}, plainResolved{}
		for i, o := range release(flows) {
			requireSameRow(t, plainTLS(plain, resolved, o.f, o.t, o.t-o.f.End()), rows[i][:len(tlsColumns)], tlsColumns, fmt.Sprintf("seed %d, row %d", seed, i))
		}
	}
}

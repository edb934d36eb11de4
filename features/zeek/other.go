package zeek

import (
	"bytes"
	"math"

	"threatdetect/features"
	"threatdetect/features/join"
	"threatdetect/internal/decimal"
	"threatdetect/internal/dnsname"
	"threatdetect/internal/jsonscan"
	"threatdetect/internal/logio"
)

// What is read of the logs that tell more about a connection. An odd value in them is as good as none: it is no fault.

// otherRow is a row of another log.
type otherRow struct {
	cells     [numOther]cell
	header    *header // of a TSV log
	scratch   []byte
	time      int64
	size      int
	path      string
	jsonPath  []byte
	separator byte // of the elements of a container
}

// otherTSV joins a row that is taken apart into fields.
func (r *reader) otherTSV(line []byte) {
	o := &r.other
	h := &r.tsv.header
	switch h.path {
	case "dns", "http", "ssl", "files", "x509":
	default:
		return
	}
	if h.others == nil {
		h.others = []place{}
		for i, name := range h.fields {
			if c, ok := otherByName[name]; ok && i < h.tabs-1 || ok && !h.blanks {
				h.others = append(h.others, place{column(c), uint16(i)})
			}
		}
	}
	o.start(line)
	o.path, o.header, o.separator = h.path, h, h.set
	for _, p := range h.others {
		text := line[r.tsv.starts[p.field] : r.tsv.starts[p.field+1]-1]
		if string(text) != string(h.unset) {
			o.cells[p.column] = cell{text, kindText}
		}
	}
	r.joinOther()
}

// otherJSON joins a JSON object.
func (r *reader) otherJSON(line []byte) {
	o := &r.other
	o.start(line)
	o.header, o.jsonPath = nil, nil
	var m jsonscan.Members
	for m.Open(line); m.Next(); {
		if c, ok := otherByName[string(m.Key)]; ok {
			o.cells[c] = cell{m.Value, kind(m.Kind)}
			if m.Kind == jsonscan.String && m.ValueEscaped {
				start := len(o.scratch)
				o.scratch = jsonscan.Unescape(o.scratch, m.Value)
				o.cells[c].text = o.scratch[start:]
			}
		} else if string(m.Key) == "_path" {
			o.jsonPath = m.Value
		}
	}
	o.path = string(o.jsonPath)
	for _, t := range telling {
		if o.path == "" && o.cells[t.column].kind != kindUnset {
			o.path = t.path
		}
	}
	r.joinOther()
}

func (o *otherRow) start(line []byte) {
	clear(o.cells[:])
	o.scratch = logio.Reset(o.scratch, len(line))
	o.size = len(line) + 128
}

// joinOther adds the row to what is known about its connection.
func (r *reader) joinOther() {
	o := &r.other
	o.time, _ = timestamp(&o.cells[otherTS])
	if r.log != nil {
		r.log.time = max(r.log.time, o.time)
	}
	switch o.path {
	case "x509":
		r.opts.Join.certificate(o)
		return
	case "files":
		file := o.file()
		if uid := o.bytes(otherUID); len(uid) > 0 {
			r.addFile(uid, file)
		}
		for uid := range o.elements(otherConnUIDs) {
			r.addFile(uid, file)
		}
		return
	case "dns", "http", "ssl":
	default:
		return
	}
	uid := o.bytes(otherUID)
	if len(uid) == 0 {
		return
	}
	j := r.opts.Join.Buffer.Add(uid, o.time, o.size)
	if j == nil {
		return
	}
	switch o.path {
	case "dns":
		q := o.dns()
		join.AddDNS(j, q, false)
	case "http":
		join.AddHTTP(j, o.http())
	case "ssl":
		first := j.TLS == nil
		join.AddTLS(j, o.tls())
		if !first { // certificates are those of the handshake that is kept
			return
		}
		for _, chain := range [...]otherColumn{otherChain, otherOldChain} {
			for leaf := range o.elements(chain) {
				bounded(r.opts.Join.leaves, join.MaxKeys)[string(uid)] = join.Text(leaf)
				return
			}
		}
	}
}

func (r *reader) addFile(uid []byte, f *features.FileInfo) {
	if j := r.opts.Join.Buffer.Add(uid, r.other.time, r.other.size); j != nil {
		join.AddFile(j, f)
	}
}

func (o *otherRow) dns() *features.DNSInfo {
	q := &features.DNSInfo{Time: o.time, ID: uint16(o.count(otherTransID, math.MaxUint16)), Query: o.text(otherQuery), Type: uint16(o.count(otherQType, math.MaxUint16)),
		AA: o.flag(otherAA), TC: o.flag(otherTC), RD: o.flag(otherRD), RA: o.flag(otherRA), Rejected: o.flag(otherRejected)}
	if q.Type == 0 {
		q.Type = dnsname.Type(o.bytes(otherQTypeName))
	}
	switch {
	case o.cells[otherRCode].kind != kindUnset:
		q.RCode, q.Answered = uint16(o.count(otherRCode, math.MaxUint16)), true
	case o.cells[otherRCodeName].kind != kindUnset:
		q.RCode, q.Answered = dnsname.RCode(o.bytes(otherRCodeName))
	}
	if c := &o.cells[otherRTT]; c.kind != kindUnset {
		us, _ := decimal.Fixed(c.text, 6)
		q.RTT = max(0, min(us, math.MaxInt64/1000)) * 1000
	}
	for data := range o.elements(otherAnswers) {
		join.AddAnswer(q, data, 0, false)
	}
	for text := range o.elements(otherTTLs) {
		if ttl, ok := decimal.Fixed(text, 0); ok && ttl >= 0 {
			join.AddAnswer(q, nil, uint64(ttl), true)
		}
	}
	return q
}

func (o *otherRow) http() *features.HTTPInfo {
	h := &features.HTTPInfo{Time: o.time, Depth: uint32(o.count(otherDepth, math.MaxUint32)), Method: o.text(otherMethod), Host: o.text(otherHost), URI: o.text(otherURI),
		UserAgent: o.text(otherUserAgent), Referrer: o.text(otherReferrer), Status: uint16(o.count(otherStatus, math.MaxUint16)),
		Request: o.count(otherRequestLen, math.MaxUint64), Response: o.count(otherResponseLen, math.MaxUint64)}
	for t := range o.elements(otherMIMETypes) {
		h.MIMEType = join.Text(t)
		break
	}
	return h
}

func (o *otherRow) tls() *features.TLSInfo {
	t := &features.TLSInfo{Time: o.time, Version: o.text(otherVersion), Cipher: o.text(otherCipher), Curve: o.text(otherCurve), ServerName: o.text(otherServerName),
		ALPN: o.text(otherALPN), Validation: o.text(otherValidation), Subject: o.text(otherSubject), Issuer: o.text(otherIssuer),
		JA3: o.text(otherJA3), JA3S: o.text(otherJA3S), JA4: o.text(otherJA4),
		Resumed: o.flag(otherResumed), ResumedKnown: o.cells[otherResumed].kind != kindUnset,
		Established: o.flag(otherEstablished), EstablishedKnown: o.cells[otherEstablished].kind != kindUnset}
	if t.Issuer == "" {
		t.Issuer = o.text(otherOldIssuer)
	}
	t.NotBefore, t.NotAfter, t.Dated = o.validity(otherNotBefore, otherNotAfter)
	for range o.elements(otherChain) {
		t.Chain++
	}
	if t.Chain == 0 {
		for range o.elements(otherOldChain) {
			t.Chain++
		}
	}
	return t
}

func (o *otherRow) file() *features.FileInfo {
	return &features.FileInfo{Time: o.time, Source: o.text(otherSource), MIMEType: o.text(otherMIMEType), Bytes: o.count(otherSeen, math.MaxUint64),
		Missing: o.count(otherMissing, math.MaxUint64), FromSrc: o.flag(otherFromOrig), Directed: o.cells[otherFromOrig].kind != kindUnset}
}

// certificate keeps what an x509 log says, under the name that handshakes have for it.
func (j *Joiner) certificate(o *otherRow) {
	name := o.text(otherFingerprint)
	if name == "" {
		name = o.text(otherID)
	}
	if name == "" {
		return
	}
	c := certificate{subject: o.text(otherCertSubject), issuer: o.text(otherCertIssuer), bits: uint32(o.count(otherCertBits, math.MaxUint32))}
	c.notBefore, c.notAfter, c.dated = o.validity(otherCertNotBefore, otherCertNotAfter)
	for range o.elements(otherAltNames) {
		c.names++
	}
	bounded(j.certs, maxCerts)[name] = c
}

func (o *otherRow) validity(from, to otherColumn) (notBefore, notAfter int64, ok bool) {
	notBefore, ok = timestamp(&o.cells[from])
	notAfter, ok2 := timestamp(&o.cells[to])
	if !ok || !ok2 {
		return 0, 0, false
	}
	return notBefore, notAfter, true
}

// bytes is the text of a column, nil if it has none.
func (o *otherRow) bytes(c otherColumn) []byte {
	switch cell := &o.cells[c]; cell.kind {
	case kindString:
		return cell.text
	case kindText:
		if string(cell.text) == string(o.header.empty) {
			return nil
		}
		return o.plain(cell.text)
	}
	return nil
}

// plain undoes the escapes of a TSV cell.
func (o *otherRow) plain(text []byte) []byte {
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	start := len(o.scratch)
	o.scratch = unescape(o.scratch, text)
	return o.scratch[start:]
}

func (o *otherRow) text(c otherColumn) string { return join.Text(o.bytes(c)) }

func (o *otherRow) count(c otherColumn, limit uint64) uint64 {
	n, _ := o.cells[c].count()
	return min(n, limit)
}

func (o *otherRow) flag(c otherColumn) bool {
	v, _ := o.cells[c].bool()
	return v
}

// elements yields the elements of a container as text.
func (o *otherRow) elements(c otherColumn) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		cell := &o.cells[c]
		switch {
		case cell.kind == kindNested:
			for e := range jsonscan.Elements(cell.text) {
				if len(e) >= 2 && e[0] == '"' {
					start := len(o.scratch)
					o.scratch = jsonscan.Unescape(o.scratch, e[1:len(e)-1])
					e = o.scratch[start:]
				}
				if !yield(e) {
					return
				}
			}
		case cell.kind == kindText && string(cell.text) != string(o.header.empty):
			for e := range bytes.SplitSeq(cell.text, []byte{o.separator}) {
				if !yield(o.plain(e)) {
					return
				}
			}
		}
	}
}

// Sniff says which log the beginning of a log is of, such as "dns"; "" if it does not say.
func Sniff(head []byte) (path string) {
	r := &reader{opts: &Options{}}
	r.tsv.header = newHeader()
	r.json.names = [numColumns]string{}
	for line := range bytes.SplitSeq(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), []byte("\n")) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case line[0] == '#':
			if r.directive(line) != nil || r.tsv.header.path != "" {
				return r.tsv.header.path
			}
		case line[0] == '{':
			if r.object(line) && r.json.hasState {
				return "conn"
			}
			r.opts.Join = &Joiner{Buffer: join.New(), certs: map[string]certificate{}, leaves: map[string]string{}}
			r.otherJSON(line)
			return r.other.path
		default:
			return ""
		}
	}
	return ""
}

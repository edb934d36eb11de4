package eve

import (
	"math"

	"threatdetect/features"
	"threatdetect/features/join"
	"threatdetect/internal/datetime"
	"threatdetect/internal/decimal"
	"threatdetect/internal/dnsname"
	"threatdetect/internal/jsonscan"
)

// What is read of the events that tell more about a flow. An odd value in them is as good as none: it is no fault.

// joinEvent adds an event to what is known about its flow, if it is of a kind that is joined and names one.
func (r *reader) joinEvent(line []byte) {
	c := &r.cells
	if !c.isText(colEvent) || c.kind(colFlowID) != jsonscan.Number {
		return
	}
	kind := c.value(colEvent)
	switch string(kind) {
	case "dns", "http", "tls", "alert":
	default:
		return
	}
	var m jsonscan.Members
	var body []byte
	time := int64(0)
	for m.Open(line); m.Next(); {
		switch {
		case string(m.Key) == "timestamp" && m.Kind == jsonscan.String:
			time, _ = datetime.Parse(m.Value)
		case m.Kind == jsonscan.Nested && string(m.Key) == string(kind):
			body = m.Value
		}
	}
	if len(body) == 0 || body[0] != '{' {
		return
	}
	j := r.join.Add(c.value(colFlowID), time, len(body)+128)
	if j == nil {
		return
	}
	switch kind[0] {
	case 'd':
		r.dns(j, time, body)
	case 'h':
		join.AddHTTP(j, r.http(time, body))
	case 't':
		join.AddTLS(j, r.tls(time, body))
	case 'a':
		join.AddAlert(j, r.alert(time, body))
	}
}

// text is the text of a member, "" if it is none.
func (r *reader) text(m *jsonscan.Members) string { return join.Text(r.bytes(m)) }

func (r *reader) bytes(m *jsonscan.Members) []byte {
	switch {
	case m.Kind != jsonscan.String:
		return nil
	case m.ValueEscaped:
		return r.unescape(m.Value)
	}
	return m.Value
}

// number is the number of a member, at most limit; 0 if it is none.
func number(m *jsonscan.Members, limit uint64) uint64 {
	if m.Kind != jsonscan.Number {
		return 0
	}
	n, _ := decimal.Count(m.Value)
	return min(n, limit)
}

// dns reads a dns event of any version: one query or reply, or a reply's single resource record, or several queries.
func (r *reader) dns(j *features.Joined, time int64, body []byte) {
	q := features.DNSInfo{Time: time}
	reply := false
	var queries, answers []byte
	var rdata []byte
	var ttl uint64
	hasTTL := false
	var m jsonscan.Members
	for m.Open(body); m.Next(); {
		switch string(m.Key) {
		case "type":
			switch string(m.Value) {
			case "answer", "response":
				reply = true
			}
		case "id":
			q.ID = uint16(number(&m, math.MaxUint16))
		case "rrname":
			q.Query = r.text(&m)
		case "rrtype":
			q.Type = dnsname.Type(m.Value)
		case "rcode":
			q.RCode, q.Answered = dnsname.RCode(m.Value)
		case "aa":
			q.AA = m.Kind == jsonscan.True
		case "tc":
			q.TC = m.Kind == jsonscan.True
		case "rd":
			q.RD = m.Kind == jsonscan.True
		case "ra":
			q.RA = m.Kind == jsonscan.True
		case "rdata":
			rdata = r.bytes(&m)
		case "ttl":
			ttl, hasTTL = number(&m, math.MaxUint64), m.Kind == jsonscan.Number
		case "queries":
			queries = m.Value
		case "answers":
			answers = m.Value
		}
	}
	q.Answered = reply // version 3 has a response code in requests, too
	if !reply {
		q.RCode = 0
	} else {
		if len(rdata) > 0 || hasTTL {
			join.AddAnswer(&q, rdata, ttl, hasTTL)
		}
		r.answers(&q, answers)
	}
	if len(queries) == 0 {
		join.AddDNS(j, &q, reply)
		return
	}
	for object := range jsonscan.Elements(queries) {
		one := q
		for m.Open(object); m.Next(); {
			switch string(m.Key) {
			case "rrname":
				one.Query = r.text(&m)
			case "rrtype":
				one.Type = dnsname.Type(m.Value)
			}
		}
		join.AddDNS(j, &one, reply)
	}
}

func (r *reader) answers(q *features.DNSInfo, list []byte) {
	var m jsonscan.Members
	for object := range jsonscan.Elements(list) {
		var data []byte
		var ttl uint64
		known := false
		for m.Open(object); m.Next(); {
			switch string(m.Key) {
			case "rdata":
				data = r.bytes(&m)
			case "ttl":
				ttl, known = number(&m, math.MaxUint64), m.Kind == jsonscan.Number
			}
		}
		join.AddAnswer(q, data, ttl, known)
	}
}

func (r *reader) http(time int64, body []byte) *features.HTTPInfo {
	h := &features.HTTPInfo{Time: time}
	var m jsonscan.Members
	for m.Open(body); m.Next(); {
		switch string(m.Key) {
		case "hostname":
			h.Host = r.text(&m)
		case "url":
			h.URI = r.text(&m)
		case "http_user_agent":
			h.UserAgent = r.text(&m)
		case "http_refer":
			h.Referrer = r.text(&m)
		case "http_method":
			h.Method = r.text(&m)
		case "http_content_type":
			h.MIMEType = r.text(&m)
		case "status":
			h.Status = uint16(number(&m, math.MaxUint16))
		case "length":
			h.Response = number(&m, math.MaxUint64)
		}
	}
	return h
}

func (r *reader) tls(time int64, body []byte) *features.TLSInfo {
	t := &features.TLSInfo{Time: time}
	var m jsonscan.Members
	dated := 0
	date := func() (ns int64) {
		ns, ok := datetime.Parse(m.Value)
		if ok && m.Kind == jsonscan.String {
			dated++
		}
		return ns
	}
	for m.Open(body); m.Next(); {
		switch string(m.Key) {
		case "sni":
			t.ServerName = r.text(&m)
		case "version":
			t.Version = r.text(&m)
		case "subject":
			t.Subject = r.text(&m)
		case "issuerdn":
			t.Issuer = r.text(&m)
		case "notbefore":
			t.NotBefore = date()
		case "notafter":
			t.NotAfter = date()
		case "session_resumed":
			t.Resumed, t.ResumedKnown = m.Kind == jsonscan.True, m.Kind == jsonscan.True || m.Kind == jsonscan.False
		case "chain":
			t.Chain, _ = jsonscan.Len(m.Value)
		case "subjectaltname":
			t.AltNames, _ = jsonscan.Len(m.Value)
		case "ja3":
			t.JA3 = r.hash(&m)
		case "ja3s":
			t.JA3S = r.hash(&m)
		case "ja4":
			t.JA4 = r.text(&m)
		}
	}
	t.Dated = dated == 2
	return t
}

// hash is the member called hash of an object.
func (r *reader) hash(outer *jsonscan.Members) (hash string) {
	var m jsonscan.Members
	if outer.Kind != jsonscan.Nested {
		return ""
	}
	for m.Open(outer.Value); m.Next(); {
		if string(m.Key) == "hash" {
			hash = r.text(&m)
		}
	}
	return hash
}

func (r *reader) alert(time int64, body []byte) *features.AlertInfo {
	a := &features.AlertInfo{Time: time}
	var m jsonscan.Members
	for m.Open(body); m.Next(); {
		switch string(m.Key) {
		case "gid":
			a.Generator = uint32(number(&m, math.MaxUint32))
		case "signature_id":
			a.Signature = uint32(number(&m, math.MaxUint32))
		case "rev":
			a.Revision = uint32(number(&m, math.MaxUint32))
		case "severity":
			a.Severity = uint8(number(&m, math.MaxUint8))
		case "action":
			a.Blocked = string(m.Value) == "blocked"
		case "signature":
			a.Text = r.text(&m)
		case "category":
			a.Category = r.text(&m)
		}
	}
	return a
}

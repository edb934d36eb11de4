package features

import "strings"

// answerSpan is half of the time for which answers are remembered, in nanoseconds.
const answerSpan = 3600 * 1_000_000_000

// fillAnswers fills what depends on earlier answers of DNS, and remembers those of the flow.
func (m *handshakes) fillAnswers(row []float32, f *Flow, t int64, counts bool) {
	hour := period(t, answerSpan)
	if counts && hour != m.hours {
		m.answers.Turn()
		if hour != m.hours+1 {
			m.answers.Turn()
		}
		m.hours = hour
	}
	local, _, _ := m.site.ends(f)
	src := entityKey(f.Src, local).fixed(m.sketched)
	dst := m.sketched.Hash(src, addressKey(f.Dst).fixed(m.sketched))
	row[0] = flag(m.answers.Has(dst))
	j := f.Joined
	if j == nil {
		return
	}
	if j.TLS != nil && j.TLS.ServerName != "" && !isAddress(j.TLS.ServerName) {
		row[1] = flag(m.answers.Has(m.sketched.Hash(dst, m.nameHash(j.TLS.ServerName))))
	}
	for i := range j.HTTP {
		if want, got := classOfURI(j.HTTP[i].URI), classOfMIME(j.HTTP[i].MIMEType); want != mimeUnknown && got != mimeUnknown {
			row[2] = flag(row[2] == 1 || want != got)
		}
	}
	for i := range j.DNS {
		q := &j.DNS[i]
		if !counts || len(q.Addrs) == 0 {
			continue
		}
		name := m.nameHash(q.Query)
		for _, a := range q.Addrs[:min(len(q.Addrs), maxAnswers)] {
			k := m.sketched.Hash(src, addressKey(a).fixed(m.sketched))
			m.answers.Add(k)
			m.answers.Add(m.sketched.Hash(k, name))
		}
	}
}

// nameHash is that of a name in lower case, without a final dot.
func (m *handshakes) nameHash(name string) uint64 {
	m.scratch = appendLower(m.scratch[:0], strings.TrimSuffix(name, "."))
	return m.sketched.HashText(m.scratch)
}

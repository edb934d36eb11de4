package join

import (
	"threatdetect/features"
	"threatdetect/internal/ipaddr"
)

// Text returns b as a string of at most MaxText bytes.
func Text(b []byte) string { return string(b[:min(len(b), MaxText)]) }

// The functions below add a record to what is known about a connection. What is beyond features.MaxJoined is counted.

// AddDNS adds a query, or the reply to one that is there: the one of the same transaction and name that has none yet.
func AddDNS(j *features.Joined, q *features.DNSInfo, reply bool) {
	if reply {
		if known := asked(j, q); known != nil {
			q := *q
			if known.Type != 0 { // old versions of Suricata name the type of the resource record
				q.Type = known.Type
			}
			if q.RTT == 0 {
				q.RTT = max(q.Time-known.Time, 0)
			}
			q.Time, q.RD = known.Time, known.RD || q.RD
			*known = q
			return
		}
		for i := range j.DNS { // they also write each resource record of a reply by itself
			if known := &j.DNS[i]; known.ID == q.ID && known.Query == q.Query && len(known.Answers)+len(q.Answers) <= features.MaxJoined && len(q.Answers) > 0 {
				known.Answers = append(known.Answers, q.Answers...)
				known.Addrs = append(known.Addrs, q.Addrs...)
				if q.HasTTL && (!known.HasTTL || q.MinTTL < known.MinTTL) {
					known.HasTTL, known.MinTTL = true, q.MinTTL
				}
				return
			}
		}
	}
	if len(j.DNS) >= features.MaxJoined {
		j.Dropped++
		return
	}
	j.DNS = append(j.DNS, *q)
}

// asked finds the query that has no reply yet and to which q is one: of the same type if there is one, else of any.
func asked(j *features.Joined, q *features.DNSInfo) (found *features.DNSInfo) {
	for i := range j.DNS {
		known := &j.DNS[i]
		if known.ID != q.ID || known.Query != q.Query || known.Answered {
			continue
		}
		if known.Type == q.Type {
			return known
		}
		if found == nil {
			found = known
		}
	}
	return found
}

// AddHTTP adds a request.
func AddHTTP(j *features.Joined, r *features.HTTPInfo) {
	if len(j.HTTP) >= features.MaxJoined {
		j.Dropped++
		return
	}
	j.HTTP = append(j.HTTP, *r)
}

// AddTLS adds a handshake. Only the first one is kept.
func AddTLS(j *features.Joined, t *features.TLSInfo) {
	if j.TLS != nil {
		j.Dropped++
		return
	}
	c := *t
	j.TLS = &c
}

// AddFile adds a file.
func AddFile(j *features.Joined, f *features.FileInfo) {
	if len(j.Files) >= features.MaxJoined {
		j.Dropped++
		return
	}
	j.Files = append(j.Files, *f)
}

// AddAlert adds an alert.
func AddAlert(j *features.Joined, a *features.AlertInfo) {
	if len(j.Alerts) >= features.MaxJoined {
		j.Dropped++
		return
	}
	j.Alerts = append(j.Alerts, *a)
}

// AddAnswer adds the data of a resource record to a reply, up to features.MaxJoined of them. hasTTL says whether its time to
// live is known, in seconds.
func AddAnswer(q *features.DNSInfo, data []byte, ttl uint64, hasTTL bool) {
	if hasTTL && (!q.HasTTL || ttl < uint64(q.MinTTL)) {
		q.HasTTL, q.MinTTL = true, uint32(min(ttl, 1<<32-1))
	}
	if len(data) == 0 || len(q.Answers) >= features.MaxJoined {
		return
	}
	q.Answers = append(q.Answers, Text(data))
	if addr, ok := ipaddr.Parse(data); ok {
		q.Addrs = append(q.Addrs, addr)
	}
}

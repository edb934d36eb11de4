package zeek

import (
	"io"
	"iter"
	"math"

	"threatdetect/features"
	"threatdetect/features/join"
)

// Log is another log of a sensor.
type Log struct {
	Name   string // for errors
	Reader io.Reader
}

// Joiner joins the dns, http, ssl, files and x509 logs of a sensor to the flows of its conn logs, by uid; certificates are
// found by the fingerprint or the file that the handshake names. The logs may be mixed into the conn log, or be given:
// then they are read as far as a flow needs them, a minute of the log's time beyond its end, while there is room. It has
// one owner, and may go on from one conn log to the next.
type Joiner struct {
	Buffer *join.Buffer

	logs   []*otherLog
	certs  map[string]certificate
	leaves map[string]string // the name of a server's certificate by the uid of its handshake
}

// certificate is what an x509 log says of one.
type certificate struct {
	subject, issuer     string
	notBefore, notAfter int64
	dated               bool
	bits                uint32
	names               int
}

// otherLog is a log that is read beside the conn log.
type otherLog struct {
	name string
	time int64 // of the latest row
	next func() (*features.Flow, error, bool)
	stop func()
}

// NewJoiner returns a Joiner that reads the given logs, which may be gzip or zstd. Close it.
func NewJoiner(logs ...Log) *Joiner {
	j := &Joiner{Buffer: join.New(), certs: make(map[string]certificate), leaves: make(map[string]string)}
	for _, l := range logs {
		o := &otherLog{name: l.Name, time: math.MinInt64}
		o.next, o.stop = iter.Pull2(read(l.Reader, &Options{Join: j}, o))
		j.logs = append(j.logs, o)
	}
	return j
}

// Close frees what reading the other logs holds. It does not close their readers.
func (j *Joiner) Close() {
	for _, o := range j.logs {
		o.stop()
	}
	j.logs = nil
}

// Rest reads what no flow needed of the other logs, so that all of their records are counted. It is single-use.
func (j *Joiner) Rest() iter.Seq2[*features.Flow, error] {
	return func(yield func(*features.Flow, error) bool) {
		for _, o := range j.logs {
			for {
				more, ok := o.step(yield)
				if !ok {
					return
				}
				if !more {
					break
				}
			}
		}
	}
}

// ahead is how far the other logs are read beyond the end of a flow, in nanoseconds.
const ahead = 60e9

// advance reads the other logs as far as a flow that ends at end needs them. It reports whether to go on.
func (j *Joiner) advance(end int64, yield func(*features.Flow, error) bool) bool {
	beyond := end + min(ahead, math.MaxInt64-max(end, 0))
	for _, o := range j.logs {
		for o.time <= end || o.time <= beyond && !j.Buffer.Full() {
			more, ok := o.step(yield)
			if !ok {
				return false
			}
			if !more {
				break
			}
		}
	}
	return true
}

// step reads one record, hands it on under the name of its log, and reports whether there was one and whether to go on.
func (o *otherLog) step(yield func(*features.Flow, error) bool) (more, ok bool) {
	flow, err, more := o.next()
	if !more {
		o.time = math.MaxInt64
		return false, true
	}
	switch e := err.(type) {
	case nil:
		return true, yield(flow, nil)
	case *features.RecordError:
		e.Log = o.name
		return true, yield(nil, e)
	case *features.InputError:
		e.Log = o.name
	}
	yield(nil, err)
	return true, false
}

// take gives a flow what is known of it.
func (j *Joiner) take(f *features.Flow) {
	f.Joined = j.Buffer.Take(f.UID, f.End())
	if f.Joined == nil || f.Joined.TLS == nil {
		return
	}
	name, ok := j.leaves[string(f.UID)]
	if !ok {
		return
	}
	delete(j.leaves, string(f.UID))
	c, ok := j.certs[name]
	if !ok {
		return
	}
	t := f.Joined.TLS
	if t.Subject == "" && t.Issuer == "" {
		t.Subject, t.Issuer = c.subject, c.issuer
	}
	if !t.Dated {
		t.NotBefore, t.NotAfter, t.Dated = c.notBefore, c.notAfter, c.dated
	}
	t.KeyBits, t.AltNames = c.bits, c.names
}

const maxCerts = 20_000

// bounded makes room in a map: of what is in it nothing is newer than the rest, so it is emptied.
func bounded[V any](m map[string]V, limit int) map[string]V {
	if len(m) >= limit {
		clear(m)
	}
	return m
}

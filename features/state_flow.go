package features

// minFlow is the least number of bytes that a saved flow takes.
const minFlow = 35

const allFields = FieldFragmented<<1 - 1

// encode writes what a flow says, but for columns that only data sets have.
func (f *Flow) encode(e *encoder) {
	e.time(f.Start)
	e.time(f.Duration)
	e.addr(f.Src)
	e.addr(f.Dst)
	e.count(uint64(f.SrcPort))
	e.count(uint64(f.DstPort))
	for _, c := range []byte{f.ICMPType, f.ICMPCode, byte(f.Proto), byte(f.FwdFlags), byte(f.RevFlags), byte(f.FwdFlagsKnown), byte(f.RevFlagsKnown),
		byte(f.State), byte(f.App), byte(f.Label), f.VLANTags} {
		e.byte(c)
	}
	for _, n := range []uint64{f.FwdPkts, f.RevPkts, f.FwdBytes, f.RevBytes, f.FwdPayload, f.RevPayload, f.MissedBytes, uint64(f.Known)} {
		e.count(n)
	}
	e.flag(f.LocalSrc)
	e.flag(f.LocalDst)
	e.flag(f.Fragmented)
	e.flag(f.Estimated)
	e.count(uint64(f.SamplingRate))
	e.time(int64(f.MoreRecords))
	e.text(f.AppName)
	e.text(f.ProtoName)
	for _, b := range [][]byte{f.UID, f.History, f.LabelText, f.Kind} {
		e.bytes(b)
	}
	e.flag(f.Joined != nil)
	if f.Joined != nil {
		f.Joined.encode(e)
	}
}

func (f *Flow) decode(d *decoder) {
	f.Start, f.Duration = d.time(), d.time()
	if f.Duration < 0 || f.Start > f.Start+f.Duration {
		d.fail("a duration that is negative or too long")
	}
	f.Src, f.Dst = d.addr(), d.addr()
	f.SrcPort, f.DstPort = uint16(d.count(65535)), uint16(d.count(65535))
	f.ICMPType, f.ICMPCode = d.byte(255), d.byte(255)
	f.Proto = Proto(d.byte(byte(ProtoICMP)))
	f.FwdFlags, f.RevFlags, f.FwdFlagsKnown, f.RevFlagsKnown = TCPFlags(d.byte(255)), TCPFlags(d.byte(255)), TCPFlags(d.byte(255)), TCPFlags(d.byte(255))
	f.State, f.App, f.Label = State(d.byte(byte(StateRequestReply))), App(d.byte(byte(numApp-1))), Label(d.byte(byte(Attack)))
	f.VLANTags = d.byte(255)
	for _, n := range []*uint64{&f.FwdPkts, &f.RevPkts, &f.FwdBytes, &f.RevBytes, &f.FwdPayload, &f.RevPayload, &f.MissedBytes} {
		*n = d.count(1<<64 - 1)
	}
	f.Known = Field(d.count(uint64(allFields)))
	f.LocalSrc, f.LocalDst, f.Fragmented, f.Estimated = d.flag(), d.flag(), d.flag(), d.flag()
	f.SamplingRate, f.MoreRecords = uint32(d.count(1<<32-1)), int(d.time())
	f.AppName, f.ProtoName = d.text(maxText), d.text(maxText)
	for _, b := range []*[]byte{&f.UID, &f.History, &f.LabelText, &f.Kind} {
		*b = append([]byte(nil), d.bytes(maxText)...)
	}
	if d.flag() {
		f.Joined = new(Joined)
		f.Joined.decode(d)
	}
}

// Only what columns are made of is kept of the records of other logs: files and alerts are not.
func (j *Joined) encode(e *encoder) {
	e.count(uint64(j.Dropped))
	e.count(uint64(len(j.DNS)))
	for i := range j.DNS {
		q := &j.DNS[i]
		e.time(q.Time)
		e.time(q.RTT)
		for _, n := range []uint16{q.ID, q.Type, q.RCode} {
			e.count(uint64(n))
		}
		e.text(q.Query)
		for _, v := range []bool{q.Answered, q.AA, q.TC, q.RD, q.RA, q.Rejected, q.HasTTL} {
			e.flag(v)
		}
		e.count(uint64(q.MinTTL))
		e.count(uint64(len(q.Answers)))
		for _, a := range q.Answers {
			e.text(a)
		}
		e.count(uint64(len(q.Addrs)))
		for _, a := range q.Addrs {
			e.addr(a)
		}
	}
	e.count(uint64(len(j.HTTP)))
	for i := range j.HTTP {
		h := &j.HTTP[i]
		e.time(h.Time)
		e.count(uint64(h.Depth))
		for _, s := range []string{h.Method, h.Host, h.URI, h.UserAgent, h.Referrer, h.MIMEType} {
			e.text(s)
		}
		e.count(uint64(h.Status))
		e.count(h.Request)
		e.count(h.Response)
	}
	e.flag(j.TLS != nil)
	if t := j.TLS; t != nil {
		e.time(t.Time)
		for _, s := range []string{t.Version, t.Cipher, t.Curve, t.ServerName, t.ALPN, t.JA3, t.JA3S, t.JA4, t.Validation, t.Subject, t.Issuer} {
			e.text(s)
		}
		for _, v := range []bool{t.Resumed, t.Established, t.ResumedKnown, t.EstablishedKnown, t.Dated} {
			e.flag(v)
		}
		e.time(int64(t.Chain))
		e.time(t.NotBefore)
		e.time(t.NotAfter)
		e.count(uint64(t.KeyBits))
		e.time(int64(t.AltNames))
	}
}

func (j *Joined) decode(d *decoder) {
	j.Dropped = int(d.count(1 << 40))
	n := d.items(MaxJoined, 16)
	for range n {
		q := DNSInfo{Time: d.time(), RTT: d.time()}
		q.ID, q.Type, q.RCode = uint16(d.count(65535)), uint16(d.count(65535)), uint16(d.count(65535))
		q.Query = d.text(maxText)
		for _, v := range []*bool{&q.Answered, &q.AA, &q.TC, &q.RD, &q.RA, &q.Rejected, &q.HasTTL} {
			*v = d.flag()
		}
		q.MinTTL = uint32(d.count(1<<32 - 1))
		m := d.items(maxText, 1)
		for range m {
			q.Answers = append(q.Answers, d.text(maxText))
		}
		m = d.items(maxText, 1)
		for range m {
			q.Addrs = append(q.Addrs, d.addr())
		}
		if d.bad != "" {
			return
		}
		j.DNS = append(j.DNS, q)
	}
	n = d.items(MaxJoined, 12)
	for range n {
		h := HTTPInfo{Time: d.time(), Depth: uint32(d.count(1<<32 - 1))}
		for _, s := range []*string{&h.Method, &h.Host, &h.URI, &h.UserAgent, &h.Referrer, &h.MIMEType} {
			*s = d.text(maxText)
		}
		h.Status, h.Request, h.Response = uint16(d.count(65535)), d.count(1<<64-1), d.count(1<<64-1)
		if d.bad != "" {
			return
		}
		j.HTTP = append(j.HTTP, h)
	}
	if d.flag() {
		t := &TLSInfo{Time: d.time()}
		for _, s := range []*string{&t.Version, &t.Cipher, &t.Curve, &t.ServerName, &t.ALPN, &t.JA3, &t.JA3S, &t.JA4, &t.Validation, &t.Subject, &t.Issuer} {
			*s = d.text(maxText)
		}
		for _, v := range []*bool{&t.Resumed, &t.Established, &t.ResumedKnown, &t.EstablishedKnown, &t.Dated} {
			*v = d.flag()
		}
		t.Chain, t.NotBefore, t.NotAfter = int(d.time()), d.time(), d.time()
		t.KeyBits, t.AltNames = uint32(d.count(1<<32-1)), int(d.time())
		j.TLS = t
	}
}

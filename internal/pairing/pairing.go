package pairing

import (
	"bytes"
	"net/netip"
	"slices"

	"threatdetect/features"
)

const (
	second = uint64(1e9)
	// line is how far back, in nanoseconds, a record is of another time line, as in files that were joined; and how long a
	// merged flow gets.
	line = 3600 * second
	// slack is what records of one flow may be apart beyond the interval.
	slack = 60 * second
	// MaxOpen is the default of Options.MaxOpen: some 300 MB.
	MaxOpen = 1 << 20
)

// Options say how records are paired.
type Options struct {
	Interval uint64 // longest interval of one record, nanoseconds
	// ReverseIsZero says that a direction of which there is no record had no packets, unless records were lost. If it is
	// false, nothing is known about it.
	ReverseIsZero bool
	// MaxOpen is how many flows may be open; 0 means MaxOpen. When there are more, the one whose end is longest ago is
	// given out early.
	MaxOpen int
}

// Record is one direction of a flow in one interval.
type Record struct {
	Scope      string // who saw it: records of different observers are never merged
	Start, End int64  // nanoseconds since the Unix epoch, Start <= End

	Src, Dst                     netip.Addr
	SrcPort, DstPort             uint16
	HasSrcPort, HasDstPort       bool
	Proto                        features.Proto
	HasProto                     bool
	ProtoName                    string
	Pkts, Bytes                  uint64
	HasPkts, HasBytes, NoElapsed bool // NoElapsed: the time between Start and End says nothing
	Flags, FlagsKnown            features.TCPFlags
	SamplingRate                 uint32
	VLANTags                     uint8
	Fragmented                   bool
	HasVLAN, HasFragmented       bool

	// Both says that this is the first half of a record of both directions; Half that it is the second one. They follow
	// one another.
	Both, Half bool
}

// Pairer turns records into flows. It has one owner.
type Pairer struct {
	opts  Options
	yield func(*features.Flow) bool

	clock   int64
	ticking bool // clock is set
	created uint64
	open    map[key]int32 // places in flows
	flows   []flow
	free    []int32
	ends    []int32 // heap of places in flows by flow.queued, the least first
	scratch []int32

	lost  lost
	out   features.Flow
	uid   []byte
	ended bool // yield has returned false
}

// key is what the records of a flow have in common: the lower endpoint comes first.
type key struct {
	scope    string
	proto    uint8 // class, or noProto
	low, top endpoint
}

const noProto = 0xff

type endpoint struct {
	addr [16]byte
	port uint16
}

func (e *endpoint) compare(o *endpoint) int {
	if c := bytes.Compare(e.addr[:], o.addr[:]); c != 0 {
		return c
	}
	return int(e.port) - int(o.port)
}

// side is what one endpoint of an open flow sent.
type side struct {
	addr              netip.Addr
	port              uint16
	hasPort           bool
	seen              bool
	hasPkts, hasBytes bool
	initiates         bool // has sent SYN without ACK
	flags, flagsKnown features.TCPFlags
	start             int64 // least
	pkts, bytes       uint64
}

// flow is an open flow.
type flow struct {
	key        key
	sides      [2]side // the lower endpoint, then the other
	start, end int64
	queued     int64 // end when the flow was put in the heap; it may be later by now
	place      int32 // in the heap
	created    uint64
	records    int
	first      int8 // side of the first record
	both       int8 // side of the first record of both directions, -1 if there was none
	noElapsed  bool
	tags       uint8 // most of a record
	fragmented bool
	known      features.Field // of those two: any record is enough
	rate       uint32
	protoName  string
}

// New returns a Pairer that gives its flows to yield, until that returns false. The flow is valid during the call.
func New(opts Options, yield func(*features.Flow) bool) *Pairer {
	return &Pairer{opts: opts.resolved(), yield: yield, open: make(map[key]int32)}
}

func (o Options) resolved() Options {
	if o.MaxOpen <= 0 {
		o.MaxOpen = MaxOpen
	}
	return o
}

// reset forgets everything, and keeps the room for it.
func (p *Pairer) reset() {
	clear(p.open)
	clear(p.flows)
	p.flows, p.free, p.ends, p.scratch = p.flows[:0], p.free[:0], p.ends[:0], p.scratch[:0]
	p.clock, p.ticking, p.created, p.lost, p.ended = 0, false, 0, lost{}, false
}

// over reports whether a is later than b by more than limit nanoseconds.
func over(a, b int64, limit uint64) bool { return a > b && uint64(a)-uint64(b) > limit }

// Add takes the next record in the order of the log, and reports whether there should be more.
func (p *Pairer) Add(r *Record) bool {
	switch {
	case p.ticking && over(p.clock, r.End, line):
		p.emitAll()
		p.clock = r.End
	case !p.ticking:
		p.clock, p.ticking = r.End, true
	default:
		p.clock = max(p.clock, r.End)
	}
	p.expire()
	k, source := keyOf(r)
	i, known := p.open[k]
	if known && !p.follows(&p.flows[i], r) {
		p.emit(i)
		known = false
	}
	if !known {
		if len(p.open) >= p.opts.MaxOpen {
			p.emit(p.ends[0])
		}
		i = p.create(k, r, source)
	}
	p.merge(&p.flows[i], r, source)
	return !p.ended
}

// keyOf returns the key of a record and which of its endpoints the source is.
func keyOf(r *Record) (k key, source int8) {
	src := endpoint{r.Src.As16(), r.SrcPort}
	dst := endpoint{r.Dst.As16(), r.DstPort}
	if !r.HasSrcPort {
		src.port = 0
	}
	if !r.HasDstPort {
		dst.port = 0
	}
	k = key{scope: r.Scope, proto: noProto, low: src, top: dst}
	if r.HasProto {
		k.proto = uint8(r.Proto)
	}
	if src.compare(&dst) > 0 {
		k.low, k.top, source = dst, src, 1
	}
	return k, source
}

// follows reports whether the record belongs to the flow as it is so far.
func (p *Pairer) follows(f *flow, r *Record) bool {
	apart := p.opts.Interval + slack
	return !over(r.Start, f.end, apart) && !over(f.start, r.End, apart) && !over(max(f.end, r.End), min(f.start, r.Start), line)
}

func (p *Pairer) create(k key, r *Record, source int8) int32 {
	var i int32
	if n := len(p.free); n > 0 {
		i = p.free[n-1]
		p.free = p.free[:n-1]
	} else {
		i = int32(len(p.flows))
		p.flows = append(p.flows, flow{})
	}
	p.created++
	f := &p.flows[i]
	*f = flow{key: k, start: r.Start, end: r.End, queued: r.End, created: p.created, first: source, both: -1, protoName: r.ProtoName}
	f.sides[source].addr, f.sides[source].port, f.sides[source].hasPort = r.Src, r.SrcPort, r.HasSrcPort
	other := 1 - source
	f.sides[other].addr, f.sides[other].port, f.sides[other].hasPort = r.Dst, r.DstPort, r.HasDstPort
	p.open[k] = i
	p.push(i)
	return i
}

// merge adds the record to the flow that it belongs to.
func (p *Pairer) merge(f *flow, r *Record, source int8) {
	f.start, f.end = min(f.start, r.Start), max(f.end, r.End)
	f.noElapsed = f.noElapsed || r.NoElapsed
	f.rate = max(f.rate, r.SamplingRate)
	if r.HasVLAN {
		f.tags, f.known = max(f.tags, r.VLANTags), f.known|features.FieldVLAN
	}
	if r.HasFragmented {
		f.fragmented, f.known = f.fragmented || r.Fragmented, f.known|features.FieldFragmented
	}
	if !r.Half {
		f.records++
	}
	if r.Both && f.both < 0 {
		f.both = source
	}
	s := &f.sides[source]
	if !s.seen {
		s.seen, s.start = true, r.Start
		s.hasPkts, s.hasBytes, s.flagsKnown = true, true, ^features.TCPFlags(0)
	}
	s.start = min(s.start, r.Start)
	s.hasPkts = s.hasPkts && r.HasPkts
	s.hasBytes = s.hasBytes && r.HasBytes
	s.pkts, s.bytes = add(s.pkts, r.Pkts), add(s.bytes, r.Bytes)
	s.flagsKnown &= r.FlagsKnown
	s.flags |= r.Flags
	s.initiates = s.initiates || r.FlagsKnown&features.SYN != 0 && r.Flags&(features.SYN|features.ACK) == features.SYN
}

// add is a + b, or as large as can be.
func add(a, b uint64) uint64 {
	if a+b < a {
		return 1<<64 - 1
	}
	return a + b
}

// Flush gives out what is open, in the order in which it began.
func (p *Pairer) Flush() bool {
	p.emitAll()
	return !p.ended
}

// expire gives out the flows that the clock has left behind.
func (p *Pairer) expire() {
	p.scratch = p.scratch[:0]
	for len(p.ends) > 0 {
		i := p.ends[0]
		f := &p.flows[i]
		if !over(p.clock, f.queued, 2*p.opts.Interval) {
			break
		}
		if f.queued != f.end {
			f.queued = f.end
			p.down(0)
			continue
		}
		p.remove(i)
		p.scratch = append(p.scratch, i)
	}
	p.emitSorted()
}

func (p *Pairer) emitAll() {
	p.scratch = append(p.scratch[:0], p.ends...)
	p.ends = p.ends[:0]
	p.emitSorted()
}

// emitSorted gives out the flows of p.scratch, which are no longer in the heap.
func (p *Pairer) emitSorted() {
	if len(p.scratch) > 1 {
		slices.SortFunc(p.scratch, func(a, b int32) int {
			if p.flows[a].created < p.flows[b].created {
				return -1
			}
			return 1
		})
	}
	for _, i := range p.scratch {
		p.give(i)
	}
}

// emit gives out one flow.
func (p *Pairer) emit(i int32) {
	p.remove(i)
	p.give(i)
}

func (p *Pairer) give(i int32) {
	f := &p.flows[i]
	if !p.ended {
		p.complete(f)
		p.ended = !p.yield(&p.out)
	}
	delete(p.open, f.key)
	*f = flow{}
	p.free = append(p.free, i)
}

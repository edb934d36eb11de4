package features

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"net/netip"
	"slices"
)

// ErrState says that a saved state is damaged, or belongs to another set, other options or another version.
var ErrState = errors.New("saved state does not fit")

// ErrStateDamaged says of a saved state, besides ErrState, that it is not what was saved: an older one may be.
var ErrStateDamaged = errors.New("damaged")

// stateMagic begins a saved state; the version of the layout is its last byte but one.
const stateMagic = "threatdetect state 4\n"

// maxState bounds what Restore reads, in bytes.
const maxState = 1 << 30

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes all that the extractor remembers, the flows it holds included, so that an extractor that is restored from
// it makes the same rows as this one would. It fails with ErrOrder while a row is due. What a set without a memory saves is
// only its name. The layout is versioned, and closed by a checksum.
func (x *Extractor) Save(w io.Writer) error {
	if x.flow != nil || x.order != nil && (x.order.late != nil || x.order.due()) {
		return fmt.Errorf("features: %w: Save while a row is due", ErrOrder)
	}
	e := &encoder{b: append(make([]byte, 0, 64<<10), stateMagic...)}
	e.text(x.pipeline.schema.Set)
	e.text(x.pipeline.settings.text())
	if x.memory != nil {
		for _, word := range x.seed {
			e.b = binary.LittleEndian.AppendUint64(e.b, word)
		}
		x.order.encode(e)
		x.memory.encode(e)
	}
	e.b = binary.LittleEndian.AppendUint32(e.b, crc32.Checksum(e.b, castagnoli))
	_, err := w.Write(e.b)
	return err
}

// Restore returns an extractor that goes on where the one that was saved stopped. Every byte of the state is checked, whoever
// wrote it; what does not fit this pipeline is refused with ErrState, and ErrStateDamaged if that is why.
// The options have to be those of the extractor that was saved, where they decide how much is remembered; its seed goes on.
func (p *Pipeline) Restore(r io.Reader, o *StateOptions) (*Extractor, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxState+1))
	if err != nil {
		return nil, fmt.Errorf("features: read state: %w", err)
	}
	fail := func(format string, args ...any) (*Extractor, error) {
		return nil, fmt.Errorf("features: %w: %s", ErrState, fmt.Sprintf(format, args...))
	}
	damaged := func(format string, args ...any) (*Extractor, error) {
		return nil, fmt.Errorf("features: %w: %w: %s", ErrState, ErrStateDamaged, fmt.Sprintf(format, args...))
	}
	at := len(b) - crc32.Size
	switch {
	case len(b) > maxState:
		return fail("it is larger than %d bytes", maxState)
	case !bytes.HasPrefix(b, []byte(stateMagic)) || at < len(stateMagic):
		return damaged("it does not begin with %q", stateMagic)
	case binary.LittleEndian.Uint32(b[at:]) != crc32.Checksum(b[:at], castagnoli):
		return damaged("its checksum differs: it was cut or changed")
	}
	d := &decoder{b: b[len(stateMagic):at]}
	if set := d.text(maxText); set != p.schema.Set {
		return fail("it is of set %.64q, want %q", set, p.schema.Set)
	}
	if options, want := d.text(maxText), p.settings.text(); options != want {
		return fail("it was made with the options %.256q, want %.256q", options, want)
	}
	if p.memory != nil {
		seeded := StateOptions{}
		if o != nil {
			seeded = *o
		}
		seeded.Seed = [2]uint64{d.word(), d.word()}
		o = &seeded
	}
	x := p.ExtractorWith(o)
	if x.memory != nil {
		x.order.decode(d)
		x.memory.decode(d, x.order.released, x.order.passed)
	}
	if d.bad != "" {
		return fail("%s, at byte %d", d.bad, at-len(d.b))
	}
	if len(d.b) > 0 {
		return fail("%d bytes too many", len(d.b))
	}
	return x, nil
}

// encoder appends values.
type encoder struct{ b []byte }

func (e *encoder) count(n uint64) { e.b = binary.AppendUvarint(e.b, n) }
func (e *encoder) time(t int64)   { e.b = binary.AppendVarint(e.b, t) }
func (e *encoder) byte(c byte)    { e.b = append(e.b, c) }
func (e *encoder) flag(v bool) {
	if v {
		e.byte(1)
	} else {
		e.byte(0)
	}
}

func (e *encoder) float(v float64) { e.b = binary.LittleEndian.AppendUint64(e.b, math.Float64bits(v)) }

func (e *encoder) floats(list []*float64) {
	for _, v := range list {
		e.float(*v)
	}
}

func (e *encoder) text(s string) {
	e.count(uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) bytes(s []byte) {
	e.count(uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) addr(a netip.Addr) {
	b, _ := a.MarshalBinary() // which never fails
	e.bytes(b)
}

// maxText bounds one text of a saved state, in bytes.
const maxText = 1 << 20

// decoder takes values off the front of b. The first fault is kept in bad; from then on every value is zero.
type decoder struct {
	b   []byte
	bad string
}

func (d *decoder) fail(what string) {
	if d.bad == "" {
		d.bad = what
	}
}

// count reads a number of at most limit.
func (d *decoder) count(limit uint64) uint64 {
	v, n := binary.Uvarint(d.b)
	if d.bad != "" || n <= 0 || v > limit {
		d.fail("a number out of range")
		return 0
	}
	d.b = d.b[n:]
	return v
}

// items reads how many items follow, each of at least size bytes: no more than there can be.
func (d *decoder) items(limit, size int) int {
	return int(d.count(uint64(min(limit, len(d.b)/size))))
}

func (d *decoder) time() int64 {
	v, n := binary.Varint(d.b)
	if d.bad != "" || n <= 0 {
		d.fail("a number out of range")
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) byte(limit byte) byte {
	if d.bad != "" || len(d.b) == 0 || d.b[0] > limit {
		d.fail("a code out of range")
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) flag() bool { return d.byte(1) == 1 }

// word reads eight bytes.
func (d *decoder) word() uint64 {
	if d.bad != "" || len(d.b) < 8 {
		d.fail("a number is cut")
		return 0
	}
	v := binary.LittleEndian.Uint64(d.b)
	d.b = d.b[8:]
	return v
}

// float reads a number that is finite.
func (d *decoder) float() float64 {
	v := math.Float64frombits(d.word())
	if v-v != 0 {
		d.fail("a number that is not finite")
		return 0
	}
	return v
}

func (d *decoder) floats(list []*float64) {
	for _, v := range list {
		*v = d.float()
	}
}

// bytes returns a part of b.
func (d *decoder) bytes(limit int) []byte {
	n := d.items(limit, 1)
	if n > len(d.b) {
		d.fail("a text is cut")
		return nil
	}
	s := d.b[:n:n]
	d.b = d.b[n:]
	return s
}

func (d *decoder) text(limit int) string { return string(d.bytes(limit)) }

func (d *decoder) addr() (a netip.Addr) {
	if a.UnmarshalBinary(d.bytes(64)) != nil {
		d.fail("not an address")
	}
	return a
}

func (r *reorder) encode(e *encoder) {
	e.flag(r.passed)
	e.time(r.released)
	e.flag(r.begun)
	e.time(r.latest)
	waiting := r.sorted()
	e.count(uint64(len(waiting)))
	for _, h := range waiting {
		h.flow.encode(e)
	}
}

// sorted returns what waits, in the order in which it will leave.
func (r *reorder) sorted() []held {
	waiting := slices.Clone(r.heap)
	slices.SortFunc(waiting, func(a, b held) int {
		switch {
		case a.before(&b):
			return -1
		case b.before(&a):
			return 1
		}
		return 0
	})
	return waiting
}

func (r *reorder) decode(d *decoder) {
	r.passed, r.released = d.flag(), d.time()
	r.begun, r.latest = d.flag(), d.time()
	if r.passed && (!r.begun || r.released > r.latest) {
		d.fail("released beyond the latest")
	}
	n := d.items(reorderRecords, minFlow)
	for i := range n {
		f := new(Flow)
		f.decode(d)
		if d.bad != "" {
			return
		}
		h := held{f.End(), r.next, f}
		if i > 0 && h.end < r.heap[i-1].end || r.passed && h.end < r.released || !r.begun || h.end > r.latest {
			d.fail("held flows are out of order")
			return
		}
		r.heap = append(r.heap, h) // ascending, hence a heap
		r.next++
	}
	if r.due() {
		d.fail("held flows are overdue")
	}
}

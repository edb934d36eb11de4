package detect

import (
	"encoding/binary"
	"slices"
	"strconv"

	"threatdetect/features"
)

// quickNDJSON lays out what nearly every flow is: of known time to the microsecond, of a short UID without anything to be escaped, between IPv4 addresses, by TCP, UDP or
// ICMP; of a detector with neither classes nor reasons. Others it leaves to ndjsonForm. Pieces of fixed size are stored with what happens to be behind them, which the
// next one then writes over.
type quickNDJSON struct {
	second int64
	head   [32]byte  // of a line that begins in that second, up to the point; zero: none yet
	ends   [2][]byte // of lines by whether they are threats, from behind the score on
}

const (
	quickUID  = 64                                                 // bytes of a UID at most
	quickLine = 32 + 10 + quickUID + 2*(16+16+16+8) + 32 + 16 + 32 // bytes of a line at most, without its end
)

func newQuickNDJSON(n *ndjsonForm) *quickNDJSON {
	if len(n.classes) > 0 || n.top > 0 {
		return nil
	}
	q := &quickNDJSON{}
	for i, threat := range [...]string{`,"threat":false`, `,"threat":true`} {
		q.ends[i] = append(append([]byte(threat), n.constants...), "}\n"...)
	}
	return q
}

// appendVerdict is that of ndjsonForm, if ok.
func (q *quickNDJSON) appendVerdict(dst []byte, v *Verdict, n *ndjsonForm) (_ []byte, ok bool) {
	f := v.Flow
	const known = features.FieldStart | features.FieldAddrs | features.FieldProto
	if !f.Has(known) || f.Start < 0 || f.Start%1000 != 0 || f.Proto-features.ProtoTCP > features.ProtoICMP-features.ProtoTCP || len(f.UID) < 8 || len(f.UID) > quickUID || !f.Src.Is4() || !f.Dst.Is4() {
		return dst, false
	}
	proto := &quickProtos[f.Proto]
	start := len(dst)
	dst = slices.Grow(dst, quickLine+len(q.ends[0]))
	b := dst[start : start+quickLine]

	second := f.Start / 1e9
	if second != q.second || q.head[0] == 0 {
		n.clock.keep(second)
		q.second = second
		copy(q.head[copy(q.head[:], `{"ts":"`):], n.clock.date[:])
	}
	*(*[32]byte)(b) = q.head
	i := len(`{"ts":"2006-01-02T15:04:05.`)
	micros := uint32(f.Start % 1e9 / 1000)
	high, mid, low := micros/1e4*2, micros/100%100*2, micros%100*2
	b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5] = pairs[high], pairs[high+1], pairs[mid], pairs[mid+1], pairs[low], pairs[low+1]
	*(*[16]byte)(b[i+6:]) = [16]byte([]byte(`Z","uid":"      `))
	i += len(`000000Z","uid":"`)

	uid := f.UID
	strange := uint64(0)
	last := len(uid) - 8
	for k := 0; k < last; k += 8 {
		word := binary.LittleEndian.Uint64(uid[k:])
		strange |= notPlain(word)
		binary.LittleEndian.PutUint64(b[i+k:], word)
	}
	word := binary.LittleEndian.Uint64(uid[last:])
	if strange|notPlain(word) != 0 {
		return dst, false
	}
	binary.LittleEndian.PutUint64(b[i+last:], word)
	i += len(uid)

	*(*[16]byte)(b[i:]) = [16]byte([]byte(`","src":"       `))
	i = putIPv4(b, i+len(`","src":"`), f.Src.As4())
	*(*[16]byte)(b[i:]) = [16]byte([]byte(`","src_port":   `))
	i = putPort(b, i+len(`","src_port":`), f.SrcPort, f.Has(features.FieldSrcPort))
	*(*[8]byte)(b[i:]) = [8]byte([]byte(`,"dst":"`))
	i = putIPv4(b, i+len(`,"dst":"`), f.Dst.As4())
	*(*[16]byte)(b[i:]) = [16]byte([]byte(`","dst_port":   `))
	i = putPort(b, i+len(`","dst_port":`), f.DstPort, f.Has(features.FieldDstPort))
	*(*[32]byte)(b[i:]) = proto.text
	i += proto.size

	dst = n.appendScore(dst[:start+i], v)
	end := q.ends[0]
	if v.Threat {
		end = q.ends[1]
	}
	return append(dst, end...), true
}

// quickProtos are the members from behind the port up to the score.
var quickProtos = func() (t [features.ProtoICMP + 1]struct {
	text [32]byte
	size int
}) {
	for p := range t {
		t[p].size = copy(t[p].text[:], `,"proto":"`+features.Proto(p).String()+`","score":`)
	}
	return t
}()

// octets are the numbers of an IPv4 address with a point behind them, and how long that is.
var octets = func() (t [256]struct {
	text uint32
	size uint8
}) {
	for n := range t {
		text := append(strconv.AppendInt(nil, int64(n), 10), '.')
		t[n].size = uint8(len(text))
		t[n].text = binary.LittleEndian.Uint32(append(text, 0, 0, 0))
	}
	return t
}()

// putIPv4 writes an address at i and returns where it ends.
func putIPv4(b []byte, i int, addr [4]byte) int {
	for _, n := range addr {
		o := &octets[n]
		binary.LittleEndian.PutUint32(b[i:], o.text)
		i += int(o.size)
	}
	return i - 1
}

// putPort writes a port at i, or null, and returns where it ends.
func putPort(b []byte, i int, port uint16, known bool) int {
	if !known {
		*(*[4]byte)(b[i:]) = [4]byte{'n', 'u', 'l', 'l'}
		return i + 4
	}
	n := uint32(port)
	head := n / 1e4
	b[i] = '0' + byte(head)
	switch {
	case head > 0:
		i++
		fallthrough
	case n >= 1e3:
		high, low := n%1e4/100*2, n%100*2
		b[i], b[i+1], b[i+2], b[i+3] = pairs[high], pairs[high+1], pairs[low], pairs[low+1]
		return i + 4
	case n >= 100:
		b[i] = '0' + byte(n/100)
		i++
		fallthrough
	case n >= 10:
		b[i], b[i+1] = pairs[n%100*2], pairs[n%100*2+1]
		return i + 2
	}
	b[i] = '0' + byte(n)
	return i + 1
}

// notPlain is not zero if one of eight bytes does not stand for itself in a JSON string.
func notPlain(x uint64) uint64 {
	const low, high = 0x0101010101010101, 0x8080808080808080
	quote, slash, del := x^'"'*low, x^'\\'*low, x^0x7f*low
	return (x | (x-' '*low)&^x | (quote-low)&^quote | (slash-low)&^slash | (del-low)&^del) & high
}

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of kernel.lookup.
const (
	lookupLo       = 0
	lookupLast     = 4
	lookupScale    = 8
	lookupKey      = 12
	lookupShift    = 16
	lookupBuckets  = 24
	lookupMore     = 32
	lookupCompares = 40
)

// rank finds ranks by buckets: see kernel.ranked.
func (s *simd) rank(linear bool) {
	name, doc := "rankLog", "writes the ranks of a column, a byte each, in the order of vectors of bytes. Buckets go by the bits of the float."
	if linear {
		name, doc = "rankLinear", "writes the ranks of a column, a byte each, in the order of vectors of bytes. Buckets are equally wide."
	}
	s.function(name, "func(ranks *byte, column *float32, table *byte, work *byte)", doc)
	ranks, column, table, work := s.param("ranks"), s.param("column"), s.param("table"), s.param("work")
	buckets, count := s.GP64(), s.GP64()
	// First the clamped values and their buckets, then the look-ups: each loop alone has enough to do at the same time.
	const last, lo, scale, key, shift, zero = 15, 14, 13, 12, 11, 10
	s.VBROADCASTSS(at(table, lookupLast), s.v(last))
	s.VBROADCASTSS(at(table, lookupLo), s.v(lo))
	if linear {
		s.VBROADCASTSS(at(table, lookupScale), s.v(scale))
	} else {
		s.VPBROADCASTD(at(table, lookupKey), s.v(key))
		s.VMOVQ(at(table, lookupShift), s.x(shift))
		s.VPXOR(s.v(zero), s.v(zero), s.v(zero))
	}
	s.MOVQ(operand.U32(uint32(s.part)), count)
	at4 := s.GP64()
	s.MOVQ(work, at4)
	s.Label("bucket")
	for i := range 4 {
		x, b, t := 2*i, 2*i+1, 8
		s.VMOVUPS(s.value(column, 0, i), s.v(x))
		s.VMINPS(s.v(last), s.v(x), s.v(x)) // the second source, last, if the first is missing
		s.VMAXPS(s.v(lo), s.v(x), s.v(x))
		s.VMOVUPS(s.v(x), at(at4, clampedAt+s.size()*i))
		if linear {
			s.VSUBPS(s.v(lo), s.v(x), s.v(b))
			s.VMULPS(s.v(scale), s.v(b), s.v(b))
			s.VCVTTPS2DQ(s.v(b), s.v(b))
		} else {
			s.VADDPS(s.v(zero), s.v(x), s.v(b)) // -0 becomes 0
			s.VPSRAD(operand.U8(31), s.v(b), s.v(t))
			s.VPSRLD(operand.U8(1), s.v(t), s.v(t))
			s.VPXOR(s.v(t), s.v(b), s.v(b))
			s.VPSUBD(s.v(key), s.v(b), s.v(b))
			s.VPSRLD(s.x(shift), s.v(b), s.v(b))
		}
		s.VMOVDQU(s.v(b), at(at4, s.size()*i))
	}
	if s.block() > sideRows {
		s.askAhead(2, "asked")
	}
	s.ADDQ(operand.U32(4*s.group()), column)
	s.ADDQ(operand.U32(4*s.group()), at4)
	s.DECQ(count)
	s.JNE(operand.LabelRef("bucket"))

	compares, more := s.GP64(), s.GP64()
	s.MOVQ(at(table, lookupBuckets), buckets)
	s.MOVQ(operand.U32(uint32(s.part)), count)
	const threshold, rank, scratch, other = 13, 14, 12, 15
	s.Label("group")
	// A bucket is eight bytes: the threshold, then the rank of what is not below it.
	pair := func(to, low, high int) {
		a, b := s.GP64(), s.GP64()
		s.MOVL(at(work, 4*low), a.As32())
		s.MOVL(at(work, 4*high), b.As32())
		s.VMOVSD(operand.Mem{Base: buckets, Index: a, Scale: 8}, s.x(to))
		s.VMOVHPS(operand.Mem{Base: buckets, Index: b, Scale: 8}, s.x(to), s.x(to))
	}
	lanes := s.size() / 16
	for i := range 4 {
		first := 4 * lanes * i
		pair(threshold, first, first+1)
		pair(other, first+2, first+3)
		if lanes == 2 {
			pair(rank, first+4, first+5)
			s.VINSERTF128(operand.U8(1), s.x(rank), s.v(threshold), s.v(threshold))
			pair(rank, first+6, first+7)
			s.VINSERTF128(operand.U8(1), s.x(rank), s.v(other), s.v(other))
		}
		s.VSHUFPS(operand.U8(0xDD), s.v(other), s.v(threshold), s.v(4+i)) // the ranks
		s.VSHUFPS(operand.U8(0x88), s.v(other), s.v(threshold), s.v(threshold))
		s.VCMPPS(operand.U8(0x1E), at(work, clampedAt+s.size()*i), s.v(threshold), s.v(threshold)) // threshold > value
		s.VPADDD(s.v(threshold), s.v(4+i), s.v(8+i))
	}
	s.MOVQ(at(table, lookupCompares), compares)
	s.MOVQ(at(table, lookupMore), more)
	s.DECQ(compares)
	s.JE(operand.LabelRef("packed"))
	s.Label("compare")
	for i := range 4 {
		s.VPCMPEQD(s.v(scratch), s.v(scratch), s.v(scratch))
		s.VGATHERDPS(s.v(scratch), operand.Mem{Base: more, Index: s.v(4 + i).(reg.Register), Scale: 4}, s.v(threshold))
		s.VCMPPS(operand.U8(0x1E), at(work, clampedAt+s.size()*i), s.v(threshold), s.v(threshold))
		s.VPADDD(s.v(threshold), s.v(8+i), s.v(8+i))
	}
	s.ADDQ(operand.U8(4), more)
	s.DECQ(compares)
	s.JNE(operand.LabelRef("compare"))
	s.Label("packed")
	if s.block() > sideRows {
		s.askAhead(6, "askedMore")
	}
	s.packed(8, 9, 10, 11, true)
	s.VMOVDQU(s.v(8), at(ranks, 0))
	s.ADDQ(operand.U32(4*s.group()), work)
	s.ADDQ(operand.U8(s.size()), ranks)
	s.DECQ(count)
	s.JNE(operand.LabelRef("group"))
	s.end()
}

// remap looks ranks up in a table. It takes 16 entries after the other: what is left of a rank, less those before, has an upper half of zero only for
// the ranks of these, and the sum with 0x70 that stays at 0xFF has its highest bit set for all others, for which VPSHUFB gives zero.
func (s *simd) remap() {
	s.function("remap", "func(ranks, from, table *byte, n uintptr)", "writes what a table of n times 16 entries has for the ranks of a block.")
	ranks, from, count := s.param("ranks"), s.param("from"), s.GP64()
	const seventy, sixteen, part = 15, 14, 13
	s.VMOVDQU(s.constant(0x7070707070707070), s.v(seventy))
	s.VMOVDQU(s.constant(0x1010101010101010), s.v(sixteen))
	s.MOVQ(operand.U32(groups/4), count)
	s.Label("half")
	table, n := s.param("table"), s.param("n")
	for i := range 4 {
		s.VMOVDQU(at(from, s.size()*i), s.v(i))
		s.VPXOR(s.v(4+i), s.v(4+i), s.v(4+i))
	}
	s.Label("part")
	if s.rows == 256 {
		s.VBROADCASTI128(at(table, 0), s.v(part))
	} else {
		s.VMOVDQU(at(table, 0), s.v(part))
	}
	for i := range 4 {
		s.VPADDUSB(s.v(seventy), s.v(i), s.v(8+i))
		s.VPSHUFB(s.v(8+i), s.v(part), s.v(8+i))
		s.VPOR(s.v(8+i), s.v(4+i), s.v(4+i))
		s.VPSUBB(s.v(sixteen), s.v(i), s.v(i))
	}
	s.ADDQ(operand.U8(16), table)
	s.DECQ(n)
	s.JNE(operand.LabelRef("part"))
	for i := range 4 {
		s.VMOVDQU(s.v(4+i), at(ranks, s.size()*i))
	}
	s.ADDQ(operand.U32(4*s.size()), from)
	s.ADDQ(operand.U32(4*s.size()), ranks)
	s.DECQ(count)
	s.JNE(operand.LabelRef("half"))
	s.end()
}

// clampedAt is where the clamped values of a column are in the work memory; their buckets come first.
const clampedAt = 1024

// expand makes a plane of each threshold out of ranks.
func (s *simd) expand() {
	s.function("expand", "func(planes *uint64, ranks *byte, bits, n uintptr, work *byte)",
		"makes the planes of n thresholds out of ranks of some bits: whether the rank is not above the threshold's place.")
	planes, ranks, bits, n, work := s.param("planes"), s.param("ranks"), s.param("bits"), s.param("n"), s.param("work")
	size := s.size()
	// The bits of the ranks, inverted.
	words := make([]int, 8)
	for q := range words {
		words[q] = s.take()
		s.VMOVDQU(at(ranks, size*q), s.v(words[q]))
	}
	s.transpose8(words)
	ones := s.take()
	s.VPCMPEQD(s.v(ones), s.v(ones), s.v(ones))
	for j, w := range words {
		s.VPXOR(s.v(ones), s.v(w), s.v(w))
		s.VMOVDQU(s.v(w), at(work, size*j))
	}
	// One plane of ones before the first bit; two after it, if the number of bits is odd. Each pass makes four planes of one
	// with two bits.
	have, left := s.GP64(), s.GP64() // planes so far, in bytes; bits to come
	s.MOVQ(bits, left)
	s.MOVQ(operand.U32(size), have)
	s.VMOVDQU(s.v(ones), at(planes, 0))
	s.TESTQ(operand.U32(1), left)
	s.JE(operand.LabelRef("pass"))
	s.VMOVDQU(s.v(words[0]), at(planes, 0))
	s.DECQ(left)
	s.JE(operand.LabelRef("done"))
	s.VMOVDQU(s.v(ones), at(planes, size))
	s.ADDQ(operand.U8(size), work)
	s.ADDQ(operand.U8(size), have)
	s.Label("pass")
	all := s.GP64() // bytes of planes wanted after this pass: all, or n of them after the last
	s.LEAQ(operand.Mem{Base: have, Index: have, Scale: 1}, all)
	s.ADDQ(all, all)
	s.CMPQ(left, operand.U8(2))
	s.JNE(operand.LabelRef("counted"))
	s.MOVQ(n, all)
	s.SHLQ(operand.U8(log2(size)), all)
	s.Label("counted")
	low, high := 0, 1
	s.VMOVDQU(at(work, 0), s.v(low))
	s.VMOVDQU(at(work, size), s.v(high))
	to, third, end := s.GP64(), s.GP64(), s.GP64()
	s.MOVQ(planes, to)
	s.LEAQ(operand.Mem{Base: have, Index: have, Scale: 2}, third)
	// All four planes while there are wanted ones in the fourth quarter, then three, then two.
	quarter := func(name string, planesMade int, limit func()) {
		limit()
		s.CMPQ(to, end)
		s.JAE(operand.LabelRef(name + "done"))
		s.Label(name)
		s.VMOVDQU(at(to, 0), s.v(2))
		s.VPAND(s.v(2), s.v(low), s.v(3))
		s.VPOR(s.v(2), s.v(low), s.v(4))
		s.VPAND(s.v(3), s.v(high), s.v(5))
		s.VPAND(s.v(4), s.v(high), s.v(6))
		s.VMOVDQU(s.v(5), at(to, 0))
		s.VMOVDQU(s.v(6), operand.Mem{Base: to, Index: have, Scale: 1})
		if planesMade > 2 {
			s.VPOR(s.v(3), s.v(high), s.v(3))
			s.VMOVDQU(s.v(3), operand.Mem{Base: to, Index: have, Scale: 2})
		}
		if planesMade > 3 {
			s.VPOR(s.v(4), s.v(high), s.v(4))
			s.VMOVDQU(s.v(4), operand.Mem{Base: to, Index: third, Scale: 1})
		}
		s.ADDQ(operand.U8(size), to)
		s.CMPQ(to, end)
		s.JB(operand.LabelRef(name))
		s.Label(name + "done")
	}
	base := func(r reg.GPVirtual) { // the address of the first plane after `all` less three or two quarters
		s.LEAQ(operand.Mem{Base: planes, Index: all, Scale: 1}, end)
		s.SUBQ(r, end)
	}
	quarter("four", 4, func() { base(third) })
	quarter("three", 3, func() {
		base(have)
		s.SUBQ(have, end)
		whole := s.GP64()
		s.LEAQ(operand.Mem{Base: planes, Index: have, Scale: 1}, whole)
		s.CMPQ(end, whole)
		s.CMOVQHI(whole, end)
	})
	quarter("two", 2, func() { s.LEAQ(operand.Mem{Base: planes, Index: have, Scale: 1}, end) })
	s.ADDQ(operand.U8(2*size), work)
	s.SHLQ(operand.U8(2), have)
	s.SUBQ(operand.U8(2), left)
	s.JNE(operand.LabelRef("pass"))
	s.Label("done")
	s.end()
}

// transpose8 transposes the 8x8 bits that eight registers have in each byte. A register of -1 is zero before and taken on the way. It needs
// one more register.
func (s *simd) transpose8(w []int) {
	t := s.take()
	for _, stage := range []struct {
		distance int
		mask     uint64
	}{{1, 0x5555555555555555}, {2, 0x3333333333333333}, {4, 0x0F0F0F0F0F0F0F0F}} {
		mask, d := s.constant(stage.mask), stage.distance
		for i := range 8 {
			if i&d != 0 {
				continue
			}
			a, b := w[i], w[i+d]
			switch {
			case a < 0 && b < 0:
			case b < 0:
				w[i+d] = s.take()
				s.VPSRLQ(operand.U8(d), s.v(a), s.v(w[i+d]))
				s.VPAND(mask, s.v(w[i+d]), s.v(w[i+d]))
				s.VPAND(mask, s.v(a), s.v(a))
			case a < 0:
				w[i] = s.take()
				s.VPAND(mask, s.v(b), s.v(w[i]))
				s.VPXOR(s.v(w[i]), s.v(b), s.v(b))
				s.VPSLLQ(operand.U8(d), s.v(w[i]), s.v(w[i]))
			default:
				s.VPSRLQ(operand.U8(d), s.v(a), s.v(t))
				s.VPXOR(s.v(b), s.v(t), s.v(t))
				s.VPAND(mask, s.v(t), s.v(t))
				s.VPXOR(s.v(t), s.v(b), s.v(b))
				s.VPSLLQ(operand.U8(d), s.v(t), s.v(t))
				s.VPXOR(s.v(t), s.v(a), s.v(a))
			}
		}
	}
	s.give(t)
}

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of kernel.window, and its size.
const (
	windowThresholds = 0
	windowSigns      = 32
	windowFirst      = 64
	windowSize       = 96
)

// windows compares columns where they are in their rows, eight side by side with a threshold each, and writes a byte for each row: a bit for each column. Four rows at a time
// go through all windows, so rows are read one after the other.
func (s *simd) windows() {
	s.function("compare", "func(answers *byte, rows *float32, stride uintptr, windows *byte, n uintptr)",
		"compares eight columns of a block of rows, which are stride bytes apart, in each of n windows: a byte of bits for each row, in the order of vectors of bytes.")
	answers, rows, stride, n := s.param("answers"), s.param("rows"), s.param("stride"), s.param("n")
	stride3, ahead, count := s.GP64(), s.GP64(), s.GP64()
	s.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	s.MOVQ(stride, ahead)
	s.SHLQ(operand.U8(log2(32)), ahead)
	s.MOVQ(operand.U32(uint32(s.part)), count)
	y := []reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3}
	thresholds, signs := reg.Y14, reg.Y15
	s.Label("group")
	for set := range s.group() / 4 {
		window, left, to := s.GP64(), s.GP64(), s.GP64()
		s.Load(s.Param("windows"), window)
		s.MOVQ(n, left)
		s.MOVQ(answers, to)
		label := fmt.Sprintf("window%d", set)
		s.Label(label)
		from, soon := s.GP64(), s.GP64()
		s.MOVL(at(window, windowFirst), from.As32())
		s.LEAQ(operand.Mem{Base: rows, Index: from, Scale: 4}, from)
		s.LEAQ(operand.Mem{Base: from, Index: ahead, Scale: 1}, soon)
		s.VMOVUPS(at(window, windowThresholds), thresholds)
		s.VMOVUPS(at(window, windowSigns), signs)
		for i, m := range fourRows(from, stride, stride3) {
			s.VXORPS(m, signs, y[i])
			s.VCMPPS(operand.U8(0x1E), y[i], thresholds, y[i]) // threshold > value
			bits := s.GP32()
			s.VMOVMSKPS(y[i], bits)
			s.MOVB(bits.As8L(), at(to, s.placeOf(set)+i))
		}
		for _, m := range fourRows(soon, stride, stride3) {
			s.PREFETCHT0(m)
		}
		s.ADDQ(operand.U8(windowSize), window)
		s.ADDQ(operand.U32(uint32(s.block())), to)
		s.DECQ(left)
		s.JNE(operand.LabelRef(label))
		s.LEAQ(operand.Mem{Base: rows, Index: stride, Scale: 4}, rows)
	}
	s.ADDQ(operand.U32(uint32(s.group())), answers)
	s.DECQ(count)
	s.JNE(operand.LabelRef("group"))
	s.end()
}

// Offsets of the fields of kernel.spread, and its size.
const (
	spreadTo     = 0
	spreadFrom   = 32
	spreadInvert = 36
	spreadSize   = 40
)

// spread makes planes of bytes of bits.
func (s *simd) spread() {
	s.function("spread", "func(planes *uint64, answers *byte, spreads *byte, n uintptr)",
		"makes eight planes of each of n sets of bytes, one for each row: of a bit each.")
	planes, answers, spreads, n := s.param("planes"), s.param("answers"), s.param("spreads"), s.param("n")
	s.Label("spread")
	from := s.GP64()
	s.MOVL(at(spreads, spreadFrom), from.As32())
	s.SHLQ(operand.U8(log2(s.block())), from)
	s.ADDQ(answers, from)
	invert := s.take()
	s.VPBROADCASTD(at(spreads, spreadInvert), s.v(invert))
	words := make([]int, groups)
	for q := range words {
		words[q] = s.take()
		s.VPXOR(at(from, s.size()*q), s.v(invert), s.v(words[q]))
	}
	s.give(invert)
	s.transpose8(words)
	for i, w := range words {
		to := s.GP64()
		s.MOVL(at(spreads, spreadTo+4*i), to.As32())
		s.VMOVDQU(s.v(w), s.plane(planes, to))
	}
	s.ADDQ(operand.U8(spreadSize), spreads)
	s.DECQ(n)
	s.JNE(operand.LabelRef("spread"))
	s.end()
}

// soonAt is where the work memory has the addresses of the next line to ask for and of the end of those.
const soonAt = 2048

// askAhead asks for some lines of what the work memory names, for the second cache, unless all were asked for. Some more behind its end are asked for in vain, which does nothing else.
func (s *simd) askAhead(lines int, label string) {
	work, next := s.param("work"), s.GP64()
	s.MOVQ(at(work, soonAt), next)
	s.CMPQ(next, at(work, soonAt+8))
	s.JAE(operand.LabelRef(label))
	for i := range lines {
		s.PREFETCHT1(at(next, 64*i))
	}
	s.ADDQ(operand.U32(uint32(64*lines)), next)
	s.MOVQ(next, at(work, soonAt))
	s.Label(label)
}

// collect writes the bytes of rows that are given as bits where answers of windows would be.
func (s *simd) collect() {
	s.function("collect", "func(answers *byte, rows *byte, stride uintptr, places *uint32, n uintptr)",
		"puts n bytes of each row of a block, which are stride bytes apart, together: the same byte of all rows, in the order of vectors of bytes.")
	answers, rows, stride, n := s.param("answers"), s.param("rows"), s.param("stride"), s.param("n")
	stride3, count := s.GP64(), s.GP64()
	s.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	s.MOVQ(operand.U32(uint32(s.part)), count)
	s.Label("group")
	for set := range s.group() / 4 {
		place, left, to := s.GP64(), s.GP64(), s.GP64()
		s.Load(s.Param("places"), place)
		s.MOVQ(n, left)
		s.MOVQ(answers, to)
		label := fmt.Sprintf("place%d", set)
		s.Label(label)
		from := s.GP64()
		s.MOVL(at(place, 0), from.As32())
		s.ADDQ(rows, from)
		for i, m := range fourRows(from, stride, stride3) {
			x := s.GP32()
			s.MOVBLZX(m, x)
			s.MOVB(x.As8L(), at(to, s.placeOf(set)+i))
		}
		s.ADDQ(operand.U8(4), place)
		s.ADDQ(operand.U32(uint32(s.block())), to)
		s.DECQ(left)
		s.JNE(operand.LabelRef(label))
		s.LEAQ(operand.Mem{Base: rows, Index: stride, Scale: 4}, rows)
	}
	s.ADDQ(operand.U32(uint32(s.group())), answers)
	s.DECQ(count)
	s.JNE(operand.LabelRef("group"))
	s.end()
}

// fourRows are the addresses of four rows that are stride bytes apart.
func fourRows(base, stride, stride3 reg.Register) []operand.Mem {
	return []operand.Mem{{Base: base}, {Base: base, Index: stride, Scale: 1}, {Base: base, Index: stride, Scale: 2}, {Base: base, Index: stride3, Scale: 1}}
}

// placeOf is where the bytes of a set of four rows of a group are in a vector of bytes.
func (s *simd) placeOf(set int) int {
	if s.rows == 256 {
		return 16*(set%2) + 4*(set/2)
	}
	return 4 * set
}

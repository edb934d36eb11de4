package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// simd writes the block kernel for vectors of one size: 256 bits, with a block of 256 rows, or 128 bits, with one of 128. What it has
// for vectors of any size serves [wide], too.
type simd struct {
	*build.Context
	rows int // bits of a vector, and rows of a block of eight groups
	part int // groups of a block that a function takes
	free []int
	from operand.Mem // constants, by name
}

// Each row of a block is in one of eight groups, which are an eighth of the block each. Where a vector has one byte for each row of a
// group, the bytes are in the order that in-lane packing leaves them in:
//
//	byte 16*lane + 4*i + c    row 8*i + 4*lane + c of the group
//
// A plane has the row of byte g of group q at bit 8*g + q. So eight vectors with the bytes of eight groups, seen as 8x8 bits for each g, are
// the transposition of eight planes, both when ranks become planes and when codes become bytes. And when bytes become floats by
// in-lane unpacking, the rows are in order again.
const groups = 8

// blockKernels writes the functions of package kernel for AVX2.
func blockKernels(c *build.Context) {
	clear(constants)
	for _, rows := range []int{256, 128} {
		s := &simd{Context: c, rows: rows, part: groups}
		s.transposeRows()
		s.direct(false)
		s.direct(true)
		s.rank(true)
		s.rank(false)
		s.remap()
		s.expand()
		s.missing()
		s.windows()
		s.spread()
		s.collect()
		for depth := 1; depth <= 8; depth++ {
			s.trees(depth)
		}
	}
	byteKernels(c)
}

// size is the bytes of a vector.
func (s *simd) size() int { return s.rows / 8 }

// group is the rows of a group.
func (s *simd) group() int { return s.rows / groups }

// columnStride is the bytes from one column of a block to the next.
func (s *simd) columnStride() int { return 4 * (s.block() + 16) }

// block is the rows of a block.
func (s *simd) block() int { return s.part * s.group() }

// v is vector register i.
func (s *simd) v(i int) reg.VecPhysical {
	if s.rows == 512 {
		return []reg.VecPhysical{reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
			reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31}[i]
	}
	all := []reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}
	if s.rows == 128 {
		all = []reg.VecPhysical{reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7, reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15}
	}
	return all[i]
}

// x is the lower half of vector register i.
func (s *simd) x(i int) reg.VecPhysical { return s.v(i).AsX().(reg.VecPhysical) }

func (s *simd) function(name, signature string, doc ...string) {
	s.Function(fmt.Sprintf("%s%d", name, s.block()))
	s.Attributes(attr.NOSPLIT)
	s.Doc(doc...)
	s.Pragma("noescape")
	s.SignatureExpr(signature)
	s.free = nil
	registers := 16
	if s.rows == 512 {
		registers = 32
	}
	for i := registers - 1; i >= 0; i-- {
		s.free = append(s.free, i)
	}
}

// param loads a parameter into a new register.
func (s *simd) param(name string) reg.GPVirtual {
	r := s.GP64()
	s.Load(s.Param(name), r)
	return r
}

func (s *simd) end() {
	s.VZEROUPPER()
	s.RET()
}

// take returns a free vector register, give makes it free again.
func (s *simd) take() int {
	if len(s.free) == 0 {
		panic("no vector register is free")
	}
	i := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	return i
}

func (s *simd) give(registers ...int) { s.free = append(s.free, registers...) }

// constant is a vector of equal 64-bit numbers in memory.
func (s *simd) constant(x uint64) operand.Mem {
	name := fmt.Sprintf("c%016x", x)
	if m, ok := constants[name]; ok {
		return m
	}
	m := s.StaticGlobal(name)
	s.DataAttributes(attr.RODATA | attr.NOPTR)
	for range 4 {
		s.AppendDatum(operand.U64(x))
	}
	constants[name] = m
	return m
}

// constants are those of the file at hand.
var constants = map[string]operand.Mem{}

func at(base reg.Register, offset int) operand.Mem { return operand.Mem{Base: base, Disp: offset} }

// transposeRows makes columns of rows: for each group of four columns, eight rows become four vectors of 256 bits, or four rows of 128.
func (s *simd) transposeRows() {
	s.function("transpose", "func(columns *float32, rows *float32, stride uintptr, loads *uint32, n uintptr)",
		"makes columns of a block of rows that are stride bytes apart. Each of n loads is the first of four columns.")
	columns, rows, stride := s.param("columns"), s.param("rows"), s.param("stride")
	stride3, group, ahead := s.GP64(), s.GP64(), s.GP64()
	s.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	s.MOVQ(stride, group)
	s.SHLQ(operand.U8(log2(s.group())), group)
	count := s.GP64()
	s.MOVQ(operand.U32(uint32(s.part)), count)
	s.Label("group")
	loads, n := s.param("loads"), s.param("n")
	to := s.GP64()
	s.MOVQ(columns, to)
	s.LEAQ(operand.Mem{Base: rows, Index: group, Scale: 1}, ahead)
	s.Label("load")
	from, second := s.GP64(), s.GP64()
	s.MOVL(operand.Mem{Base: loads}, from.As32())
	s.LEAQ(operand.Mem{Base: rows, Index: from, Scale: 4}, from)
	lanes := s.size() / 16
	for step := 0; step < s.group(); step += 4 * lanes {
		row := func(base reg.Register) [4]operand.Mem {
			return [4]operand.Mem{{Base: base}, {Base: base, Index: stride, Scale: 1}, {Base: base, Index: stride, Scale: 2}, {Base: base, Index: stride3, Scale: 1}}
		}
		for i, m := range row(from) {
			s.VMOVUPS(m, s.x(i))
		}
		if lanes == 2 {
			s.LEAQ(operand.Mem{Base: from, Index: stride, Scale: 4}, second)
			for i, m := range row(second) {
				s.VINSERTF128(operand.U8(1), m, s.v(i), s.v(i))
			}
		}
		s.VUNPCKLPS(s.v(1), s.v(0), s.v(4))
		s.VUNPCKHPS(s.v(1), s.v(0), s.v(5))
		s.VUNPCKLPS(s.v(3), s.v(2), s.v(6))
		s.VUNPCKHPS(s.v(3), s.v(2), s.v(7))
		s.VUNPCKLPD(s.v(6), s.v(4), s.v(0))
		s.VUNPCKHPD(s.v(6), s.v(4), s.v(1))
		s.VUNPCKLPD(s.v(7), s.v(5), s.v(2))
		s.VUNPCKHPD(s.v(7), s.v(5), s.v(3))
		for i := range 4 {
			s.VMOVUPS(s.v(i), at(to, s.columnStride()*i+4*step))
		}
		s.PREFETCHT0(at(ahead, 0))
		s.PREFETCHT0(at(ahead, 64))
		s.ADDQ(operand.U32(64*lanes), ahead)
		if step+4*lanes < s.group() {
			s.LEAQ(operand.Mem{Base: from, Index: stride, Scale: uint8(4 * lanes)}, from)
		}
	}
	s.ADDQ(operand.U8(4), loads)
	s.ADDQ(operand.U32(4*s.columnStride()), to)
	s.DECQ(n)
	s.JNE(operand.LabelRef("load"))
	s.ADDQ(group, rows)
	s.ADDQ(operand.U32(4*s.group()), columns)
	s.DECQ(count)
	s.JNE(operand.LabelRef("group"))
	s.end()
}

func log2(n int) int {
	i := 0
	for 1<<i < n {
		i++
	}
	return i
}

// packed makes one byte for each row of a group out of four registers of numbers that fit, into the first.
func (s *simd) packed(a, b, c, d int, unsigned bool) {
	s.VPACKSSDW(s.v(b), s.v(a), s.v(a))
	s.VPACKSSDW(s.v(d), s.v(c), s.v(c))
	if unsigned {
		s.VPACKUSWB(s.v(c), s.v(a), s.v(a))
	} else {
		s.VPACKSSWB(s.v(c), s.v(a), s.v(a))
	}
}

// gather makes a plane, in register 15, of comparisons: compare makes masks of vector i of a group in a register.
func (s *simd) gather(compare func(group, i, to int)) {
	for q := groups - 1; q >= 0; q-- {
		a := 4 * (q & 1)
		for i := range 4 {
			compare(q, i, a+i)
		}
		s.packed(a, a+1, a+2, a+3, false)
		if q == groups-1 {
			s.VPABSB(s.v(a), s.v(15))
			continue
		}
		s.VPADDB(s.v(15), s.v(15), s.v(15))
		s.VPSUBB(s.v(a), s.v(15), s.v(15))
	}
}

// value is the address of vector i of a group of a column.
func (s *simd) value(column reg.Register, group, i int) operand.Mem {
	return at(column, 4*s.group()*group+s.size()*i)
}

func (s *simd) direct(missingLeft bool) {
	name, predicate := "below", uint8(0x1E) // threshold > value
	doc := "makes the planes of n thresholds of a column: whether a value is less. A missing one is not."
	if missingLeft {
		name, predicate = "belowOrMissing", 0x16 // not threshold <= value
		doc = "makes the planes of n thresholds of a column: whether a value is less, or missing."
	}
	s.function(name, "func(planes *uint64, column *float32, thresholds *float32, n uintptr)", doc)
	planes, column, thresholds, n := s.param("planes"), s.param("column"), s.param("thresholds"), s.param("n")
	s.Label("threshold")
	s.VBROADCASTSS(at(thresholds, 0), s.v(14))
	s.gather(func(group, i, to int) {
		s.VCMPPS(operand.U8(predicate), s.value(column, group, i), s.v(14), s.v(to))
	})
	s.VMOVDQU(s.v(15), at(planes, 0))
	s.ADDQ(operand.U8(4), thresholds)
	s.ADDQ(operand.U8(s.size()), planes)
	s.DECQ(n)
	s.JNE(operand.LabelRef("threshold"))
	s.end()
}

// plane is the address of the plane that a reference in a register names, once: four times its number. The planes of 512 rows want 16 times that, and an
// address multiplies by 8 at most.
func (s *simd) plane(planes, reference reg.Register) operand.Mem {
	scale := s.size() / 4
	if scale > 8 {
		s.ADDQ(reference, reference)
		scale /= 2
	}
	return operand.Mem{Base: planes, Index: reference, Scale: uint8(scale)}
}

func (s *simd) missing() {
	s.function("missing", "func(planes *uint64, plane *uint64, column *float32, pairs *uint16, n uintptr)",
		"makes the plane of the rows that miss a column, and adds it to n planes: from the first reference of a pair to the second.")
	planes, plane, column, pairs, n := s.param("planes"), s.param("plane"), s.param("column"), s.param("pairs"), s.param("n")
	s.gather(func(group, i, to int) {
		s.VMOVUPS(s.value(column, group, i), s.v(to))
		s.VCMPPS(operand.U8(3), s.v(to), s.v(to), s.v(to))
	})
	s.VMOVDQU(s.v(15), at(plane, 0))
	s.TESTQ(n, n)
	s.JE(operand.LabelRef("done"))
	s.Label("pair")
	from, to := s.GP64(), s.GP64()
	s.MOVWLZX(at(pairs, 0), from.As32())
	s.MOVWLZX(at(pairs, 2), to.As32())
	s.VPOR(s.plane(planes, from), s.v(15), s.v(0))
	s.VMOVDQU(s.v(0), s.plane(planes, to))
	s.ADDQ(operand.U8(4), pairs)
	s.DECQ(n)
	s.JNE(operand.LabelRef("pair"))
	s.Label("done")
	s.end()
}

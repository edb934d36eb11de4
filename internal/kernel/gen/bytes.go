package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sideRows is the rows that the ranks of a column have room for, of which the smaller of the small blocks takes half.
const sideRows = 64

// upperLevels is how many levels of a tree are compared for all rows of a small block. A row is walked through those below.
const upperLevels = 6

// fewRows is how many rows of the smaller block walk if it has no more.
const fewRows = 16

// byteKernels writes the functions of package kernel for small blocks: a condition is a comparison of bytes, those of a column's ranks with that of a
// threshold, and the code of a sub-tree is a byte, chosen between those of its children. So 64 rows are two vectors and not a quarter of one, and 32 are one.
func byteKernels(c *build.Context) {
	for _, part := range []int{2, 1} {
		s := &simd{Context: c, rows: 256, part: part}
		s.transposeRows()
		s.rank(true)
		s.rank(false)
		s.count()
		s.sides()
		s.rowRanks()
		for depth := 1; depth <= 8; depth++ {
			s.byteTrees(depth, false, s.block())
			if depth <= upperLevels {
				continue
			}
			s.byteTrees(depth, true, s.block())
			if part == 1 {
				s.byteTrees(depth, false, fewRows)
				s.byteTrees(depth, true, fewRows)
			}
		}
	}
}

// count finds the ranks of a column of few thresholds.
func (s *simd) count() {
	s.function("count", "func(ranks *byte, column *float32, thresholds *float32, n uintptr)",
		"writes how many of n thresholds each value is not below, a byte each, in the order of vectors of bytes. A missing one is below all.")
	ranks, column, thresholds, n := s.param("ranks"), s.param("column"), s.param("thresholds"), s.param("n")
	const threshold, at4 = 8, 9
	for i := range 4 * s.part {
		s.VPXOR(s.v(i), s.v(i), s.v(i))
	}
	s.Label("threshold")
	s.VBROADCASTSS(at(thresholds, 0), s.v(threshold))
	for q := range s.part {
		for i := range 4 {
			s.VCMPPS(operand.U8(0x12), s.value(column, q, i), s.v(threshold), s.v(at4+i)) // threshold <= value
			s.VPSUBD(s.v(at4+i), s.v(4*q+i), s.v(4*q+i))
		}
	}
	s.ADDQ(operand.U8(4), thresholds)
	s.DECQ(n)
	s.JNE(operand.LabelRef("threshold"))
	for q := range s.part {
		s.packed(4*q, 4*q+1, 4*q+2, 4*q+3, true)
		s.VMOVDQU(s.v(4*q), at(ranks, s.size()*q))
	}
	s.end()
}

// sides writes the two forms of the ranks of a column, see kernel.byteColumn.
func (s *simd) sides() {
	s.function("sides", "func(bytes *byte, ranks *byte, column *float32)",
		"writes ranks less 128, for comparisons with signs, of which those of missing values are 255, and then those of which they are 0.")
	bytes, ranks, column := s.param("bytes"), s.param("ranks"), s.param("column")
	sign := s.constant(0x8080808080808080)
	for q := range s.part {
		for i := range 4 {
			s.VMOVUPS(s.value(column, q, i), s.v(i))
			s.VCMPPS(operand.U8(3), s.v(i), s.v(i), s.v(i))
		}
		s.packed(0, 1, 2, 3, false)
		s.VMOVDQU(at(ranks, s.size()*q), s.v(4))
		s.VPOR(s.v(0), s.v(4), s.v(5))   // to the right
		s.VPANDN(s.v(4), s.v(0), s.v(6)) // to the left
		for side, r := range []int{5, 6} {
			s.VPXOR(sign, s.v(r), s.v(r))
			s.VMOVDQU(s.v(r), at(bytes, sideRows*side+s.size()*q))
		}
	}
	s.end()
}

// rowRanks writes the ranks of columns as rows that walk want them: eight rows side by side, in their order.
func (s *simd) rowRanks() {
	s.function("rowRanks", "func(to *byte, stride uintptr, bytes *byte, n uintptr)",
		"writes the two forms of the ranks of n columns as they are: those of eight rows, eight bytes each, and so on for each column, and stride bytes behind",
		"those of the next eight rows.")
	to, stride, bytes, n := s.param("to"), s.param("stride"), s.param("bytes"), s.param("n")
	sign := s.constant(0x8080808080808080)
	s.Label("column")
	next := s.GP64()
	s.MOVQ(to, next)
	for half := range s.part {
		for side := range 2 {
			m := at(bytes, sideRows*side+s.size()*half)
			s.VMOVDQU(m, s.x(2))
			m.Disp += 16
			s.VMOVDQU(m, s.x(3))
			s.VPUNPCKLDQ(s.x(3), s.x(2), s.x(4+2*side))
			s.VPUNPCKHDQ(s.x(3), s.x(2), s.x(5+2*side))
		}
		for i := range 2 {
			s.VPUNPCKLQDQ(s.x(6+i), s.x(4+i), s.x(0))
			s.VPUNPCKHQDQ(s.x(6+i), s.x(4+i), s.x(1))
			for eight := range 2 {
				s.VPXOR(sign, s.x(eight), s.x(eight))
				s.VMOVDQU(s.x(eight), at(next, 0))
				if half < s.part-1 || i == 0 || eight == 0 {
					s.ADDQ(stride, next)
				}
			}
		}
	}
	s.ADDQ(operand.U8(16), to)
	s.ADDQ(operand.U32(2*sideRows), bytes)
	s.DECQ(n)
	s.JNE(operand.LabelRef("column"))
	s.end()
}

// byteTree is the upper part of a tree.
type byteTree struct {
	*simd
	bytes, program reg.Register
	depth, rows    int
	wide           bool // nodes of the lower part
	next           int  // node, in post-order
	leaf           int  // sub-tree below the upper part, from the left
}

// label is the code of the last of two sub-trees from the left, as lookUp wants it.
func (t *byteTree) label() uint64 {
	code := uint64(1<<min(t.depth, upperLevels) - 2 - t.leaf)
	t.leaf += 2
	switch t.depth {
	case 5:
		code = code&15 | code>>4<<7
	case 6:
		code = code&15 | code>>4<<6
	}
	return code * 0x0101010101010101
}

// compare makes masks of the rows that go left at the next node.
func (t *byteTree) compare() (masks []int) {
	upper := min(t.depth, upperLevels)
	r := t.GP64()
	t.MOVWLZX(at(t.program, 2*t.next), r.As32())
	k := t.take()
	t.VPBROADCASTB(at(t.program, 2*(1<<upper-1)+t.next), t.v(k))
	t.next++
	for half := range t.part {
		m := k // of the last half
		if half < t.part-1 {
			m = t.take()
		}
		t.VPCMPGTB(operand.Mem{Base: t.bytes, Index: r, Scale: 8, Disp: t.size() * half}, t.v(k), t.v(m))
		masks = append(masks, m)
	}
	return masks
}

// subtree makes the codes of the rows below a node, in a register or two.
func (t *byteTree) subtree(height int) []int {
	if height == 1 {
		masks := t.compare()
		label := t.take()
		t.VMOVDQU(t.constant(t.label()), t.v(label))
		for _, m := range masks {
			t.VPSUBB(t.v(m), t.v(label), t.v(m)) // one more for those that go left
		}
		t.give(label)
		return masks
	}
	left := t.subtree(height - 1)
	right := t.subtree(height - 1)
	masks := t.compare()
	for half, m := range masks {
		t.VPBLENDVB(t.v(m), t.v(left[half]), t.v(right[half]), t.v(right[half]))
		t.give(m, left[half])
	}
	return right
}

// upperBytes is the size of the upper part of a tree's program, and smallBytes that of all of it.
func upperBytes(depth int) int { return (3*(1<<min(depth, upperLevels)-1) + 1) &^ 1 }

func smallBytes(depth int, wide bool) int {
	size := upperBytes(depth)
	for level := upperLevels; level < depth; level++ {
		size += nodeBytes(wide) << level
	}
	return size
}

// nodeBytes is the size of a node of the lower part.
func nodeBytes(wide bool) int {
	if wide {
		return 4
	}
	return 2
}

// byteTrees writes the function that adds trees of a depth to a small block. The nodes below the upper part are wide where a byte cannot number the columns.
// The first rows of the block walk through them.
func (s *simd) byteTrees(depth int, wide bool, rows int) {
	kind, more, name := "leaves *float32", ", ranks *byte, stride uintptr", "trees"
	if depth <= tableDepth {
		kind, more = "leaves *byte", ""
	}
	if wide {
		name = "wideTrees"
	}
	s.Function(fmt.Sprintf("%s%dx%d", name, depth, rows))
	s.Attributes(attr.NOSPLIT)
	s.Doc(fmt.Sprintf("adds n trees of depth %d to the sums of a small block.", depth))
	s.Pragma("noescape")
	s.SignatureExpr("func(bytes *byte, program *byte, " + kind + ", sums *float32, n uintptr" + more + ", work *byte)")
	s.free = nil
	for i := 15; i >= 0; i-- {
		s.free = append(s.free, i)
	}
	t := &byteTree{simd: s, program: s.param("program"), depth: depth, wide: wide, rows: rows}
	leaves := s.param("leaves")
	var sums, count reg.Register
	var left operand.Mem
	if depth <= tableDepth {
		t.bytes, sums, count = s.param("bytes"), s.param("sums"), s.param("n")
	} else {
		left = s.AllocLocal(8)
		n := s.param("n")
		s.MOVQ(n, left)
	}
	s.Label("tree")
	t.next, t.leaf = 0, 0
	if depth > tableDepth {
		t.bytes = s.param("bytes")
	}
	code := t.subtree(min(depth, upperLevels))
	if depth <= tableDepth {
		(&network{simd: s}).lookUp(depth, code, leaves, sums)
	} else {
		t.walk(code, leaves)
	}
	s.ADDQ(operand.U32(uint32(smallBytes(depth, wide))), t.program)
	s.ADDQ(operand.U32(uint32(4*max(16, 1<<depth))), leaves)
	if depth <= tableDepth {
		s.DECQ(count)
	} else {
		s.DECQ(left)
	}
	s.JNE(operand.LabelRef("tree"))
	s.end()
}

// walk takes every row from its code through the lower levels, and adds the leaves: eight rows at a time, level by level, so that none waits for what it
// asked for last.
func (t *byteTree) walk(code []int, leaves reg.Register) {
	s := t.simd
	work, ranks, sums := s.param("work"), s.param("ranks"), s.param("sums")
	for half, c := range code { // in the order of the rows
		lower, upper := s.take(), s.take()
		s.VEXTRACTI128(operand.U8(1), s.v(c), s.x(upper))
		s.VPUNPCKLDQ(s.x(upper), s.x(c), s.x(lower))
		s.VPUNPCKHDQ(s.x(upper), s.x(c), s.x(upper))
		s.VMOVDQU(s.x(lower), at(work, s.size()*half))
		s.VMOVDQU(s.x(upper), at(work, s.size()*half+16))
		s.give(c, lower, upper)
	}
	ahead := func(base reg.Register, from, to int) {
		for line := from / 64; line < to/64; line++ {
			s.PREFETCHT0(at(base, 64*line))
		}
	}
	size, steps := smallBytes(t.depth, t.wide), t.rows/8
	for eight := range steps {
		ahead(leaves, 4<<t.depth+(4<<t.depth)/steps*eight, 4<<t.depth+(4<<t.depth)/steps*(eight+1))
		ahead(t.program, size+size*eight/steps, size+size*(eight+1)/steps+63)
		var nodes [8]reg.GPVirtual
		for row := range nodes {
			nodes[row] = s.GP64()
			s.MOVBLZX(at(work, 8*eight+row), nodes[row].As32())
		}
		place := upperBytes(t.depth)
		for level := upperLevels; level < t.depth; level++ {
			for row, node := range nodes {
				t.step(node, place, at(ranks, row))
			}
			place += nodeBytes(t.wide) << level
		}
		a, b := s.take(), s.take()
		for lane, r := range []int{a, b} {
			for c := range 4 {
				m := operand.Mem{Base: leaves, Index: nodes[4*lane+c], Scale: 4}
				if c == 0 {
					s.VMOVSS(m, s.x(r))
				} else {
					s.VINSERTPS(operand.U8(16*c), m, s.x(r), s.x(r))
				}
			}
		}
		s.VINSERTF128(operand.U8(1), s.x(b), s.v(a), s.v(a))
		m := at(sums, 4*8*eight)
		s.VADDPS(m, s.v(a), s.v(a))
		s.VMOVUPS(s.v(a), m)
		s.give(a, b)
		if eight < steps-1 {
			stride := s.GP64()
			s.Load(s.Param("stride"), stride)
			s.ADDQ(stride, ranks)
		}
	}
}

// step takes a row from its node to one of the next level. A node is the first rank that goes right, in its lowest byte, and in the upper half the number of what
// ranks to compare.
func (t *byteTree) step(node reg.GPVirtual, place int, ranks operand.Mem) {
	split := operand.Mem{Base: t.program, Index: node, Scale: uint8(nodeBytes(t.wide)), Disp: place}
	if t.wide {
		t.MOVL(split, reg.EAX)
		t.MOVL(reg.EAX, reg.ECX)
		t.SHRL(operand.U8(16), reg.ECX)
	} else {
		t.MOVWLZX(split, reg.EAX)
		t.MOVBLZX(reg.AH, reg.ECX)
	}
	ranks.Index, ranks.Scale = reg.RCX, 8
	t.CMPB(ranks, reg.AL)
	t.ADCL(node.As32(), node.As32())
}

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
		for depth := 1; depth <= 8; depth++ {
			s.byteTrees(depth)
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

// sides writes the four forms of the ranks of a column, see kernel.byteColumn.
func (s *simd) sides() {
	s.function("sides", "func(bytes *byte, ranks *byte, column *float32)",
		"writes ranks of which those of missing values are 255, or 0: less 128, for comparisons with signs, and as they are.")
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
			s.VMOVDQU(s.v(r), at(bytes, sideRows*(2+side)+s.size()*q))
			s.VPXOR(sign, s.v(r), s.v(r))
			s.VMOVDQU(s.v(r), at(bytes, sideRows*side+s.size()*q))
		}
	}
	s.end()
}

// byteTree is the upper part of a tree.
type byteTree struct {
	*simd
	bytes, program reg.Register
	depth          int
	next           int // node, in post-order
	leaf           int // sub-tree below the upper part, from the left
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

// upperBytes is the size of the upper part of a tree's program.
func upperBytes(depth int) int { return (3*(1<<min(depth, upperLevels)-1) + 1) &^ 1 }

// byteTrees writes the function that adds trees of a depth to a small block.
func (s *simd) byteTrees(depth int) {
	kind := "leaves *float32"
	if depth <= tableDepth {
		kind = "leaves *byte"
	}
	s.Function(fmt.Sprintf("trees%dx%d", depth, s.block()))
	s.Attributes(attr.NOSPLIT)
	s.Doc(fmt.Sprintf("adds n trees of depth %d to the sums of a small block.", depth))
	s.Pragma("noescape")
	s.SignatureExpr("func(bytes *byte, program *byte, " + kind + ", sums *float32, n uintptr, work *byte)")
	s.free = nil
	for i := 15; i >= 0; i-- {
		s.free = append(s.free, i)
	}
	t := &byteTree{simd: s, bytes: s.param("bytes"), program: s.param("program"), depth: depth}
	leaves, sums, count := s.param("leaves"), s.param("sums"), s.param("n")
	var work reg.Register
	if depth > tableDepth {
		work = s.param("work")
	}
	s.Label("tree")
	t.next, t.leaf = 0, 0
	code := t.subtree(min(depth, upperLevels))
	if depth <= tableDepth {
		(&network{simd: s}).lookUp(depth, code, leaves, sums)
	} else {
		t.walk(code, leaves, sums, work)
	}
	size := upperBytes(depth)
	for level := upperLevels; level < depth; level++ {
		size += 4 << level
	}
	s.ADDQ(operand.U32(uint32(size)), t.program)
	s.ADDQ(operand.U32(uint32(4*max(16, 1<<depth))), leaves)
	s.DECQ(count)
	s.JNE(operand.LabelRef("tree"))
	s.end()
}

// walk takes every row from its code through the lower levels, and adds the leaves. A node there is four bytes: a reference to the ranks, and the
// first one that goes right.
func (t *byteTree) walk(code []int, leaves, sums, work reg.Register) {
	s := t.simd
	for half, c := range code {
		s.VMOVDQU(s.v(c), at(work, s.size()*half))
	}
	s.give(code...)
	ahead := func(base reg.Register, from, to int) {
		for line := from / 64; line < to/64; line++ {
			s.PREFETCHT0(at(base, 64*line))
		}
	}
	size := upperBytes(t.depth)
	for level := upperLevels; level < t.depth; level++ {
		size += 4 << level
	}
	for half := range s.part {
		for i := 0; i < 4; i += 2 {
			step, steps := 2*half+i/2, 2*s.part
			ahead(leaves, 4<<t.depth+(4<<t.depth)/steps*step, 4<<t.depth+(4<<t.depth)/steps*(step+1))
			ahead(t.program, size+size*step/steps, size+size*(step+1)/steps+63)
			var eights [2]reg.GPVirtual
			for lane := range eights {
				eights[lane] = s.GP64()
				s.MOVQ(at(work, s.size()*half+16*lane+4*i), eights[lane])
			}
			for part := range 2 {
				a, b := s.take(), s.take()
				for lane, r := range []int{a, b} {
					for c := range 4 {
						row := s.size()*half + 16*lane + 4*(i+part) + c // its place in a vector
						leaf := t.descend(eights[lane], row, 4*part+c == 7)
						m := operand.Mem{Base: leaves, Index: leaf, Scale: 4}
						if c == 0 {
							s.VMOVSS(m, s.x(r))
						} else {
							s.VINSERTPS(operand.U8(16*c), m, s.x(r), s.x(r))
						}
					}
				}
				s.VINSERTF128(operand.U8(1), s.x(b), s.v(a), s.v(a))
				m := at(sums, 4*s.group()*half+s.size()*(i+part))
				s.VADDPS(m, s.v(a), s.v(a))
				s.VMOVUPS(s.v(a), m)
				s.give(a, b)
			}
		}
	}
}

// descend walks the row whose code is the next of eight to its leaf.
func (t *byteTree) descend(eight reg.GPVirtual, row int, last bool) reg.GPVirtual {
	node := eight
	if !last {
		node = t.GP64()
		t.MOVBLZX(eight.As8L(), node.As32())
		t.SHRQ(operand.U8(8), eight)
	}
	place := upperBytes(t.depth)
	for level := upperLevels; level < t.depth; level++ {
		ranks, first := t.GP64(), t.GP64()
		split := operand.Mem{Base: t.program, Index: node, Scale: 4, Disp: place}
		t.MOVWLZX(split, ranks.As32())
		split.Disp += 2
		t.MOVBLZX(split, first.As32())
		t.CMPB(operand.Mem{Base: t.bytes, Index: ranks, Scale: 8, Disp: row}, first.As8L())
		t.ADCL(node.As32(), node.As32())
		place += 4 << level
	}
	return node
}

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tableDepth is the depth up to which leaves are byte tables.
const tableDepth = 6

// network evaluates the program of a tree. It makes the planes of the code, lowest bit first, in registers.
type network struct {
	*simd
	planes, program, work reg.Register
	next                  int // node, as the program's register counts
	slot                  int // of work
	passed                int // nodes that the program's register has left behind
}

// reference loads the reference to the plane of the next node.
func (n *network) reference() operand.Mem {
	r := n.GP64()
	n.MOVWLZX(at(n.program, 2*n.next), r.As32())
	n.next++
	return n.plane(n.planes, r)
}

// subtree evaluates the next sub-tree of a height up to 6, which takes 16 registers.
func (n *network) subtree(height int) []int {
	if height == 1 {
		m := n.take()
		n.VMOVDQU(n.reference(), n.v(m))
		return []int{m}
	}
	left := n.subtree(height - 1)
	right := n.subtree(height - 1)
	plane := n.reference()
	m := -1
	if len(n.free) > 0 {
		m = n.take()
		n.VMOVDQU(plane, n.v(m))
	}
	for i := range left {
		l, r := n.v(left[i]), n.v(right[i])
		n.VPXOR(r, l, l)
		if m >= 0 {
			n.VPAND(n.v(m), l, l)
		} else {
			n.VPAND(plane, l, l)
		}
		n.VPXOR(r, l, l)
		n.give(right[i])
	}
	if m < 0 {
		m = n.take()
		n.VMOVDQU(plane, n.v(m))
	}
	return append(left, m)
}

// park writes a code to memory and returns where it is.
func (n *network) park(code []int) (slot int) {
	slot = n.slot
	for i, r := range code {
		n.VMOVDQU(n.v(r), at(n.work, n.size()*(slot+i)))
	}
	n.give(code...)
	n.slot += len(code)
	return slot
}

// large evaluates a tree of 7 or 8 levels: the codes of its halves wait in memory. Those of 8 levels are made by the same code, one after the other: the instructions
// of both are more than a processor keeps decoded.
func (n *network) large(height int) []int {
	size := n.size()
	before := n.slot
	var left, right int
	if height == 7 {
		left = n.park(n.subtree(6))
		right = n.park(n.subtree(6))
	} else {
		work, halves := n.work, n.GP64()
		moving := n.GP64()
		n.MOVQ(work, moving)
		n.MOVQ(operand.U32(2), halves)
		n.Label("half")
		n.work = moving
		left = n.park(n.large(7))
		right = n.slot
		n.ADDQ(operand.U32(2*n.next), n.program)
		n.ADDQ(operand.U32(size*(right-left)), moving)
		n.DECQ(halves)
		n.JNE(operand.LabelRef("half"))
		n.work, n.passed, n.next = work, 2*n.next, 0
	}
	m := n.take()
	n.VMOVDQU(n.reference(), n.v(m))
	var code []int
	r := n.take()
	for i := range height - 1 {
		l := n.take()
		n.VMOVDQU(at(n.work, size*(right+i)), n.v(r))
		n.VPXOR(at(n.work, size*(left+i)), n.v(r), n.v(l))
		n.VPAND(n.v(m), n.v(l), n.v(l))
		n.VPXOR(n.v(r), n.v(l), n.v(l))
		code = append(code, l)
	}
	n.give(r)
	n.slot = before
	return append(code, m)
}

// trees writes the function that adds trees of a depth.
func (s *simd) trees(depth int) {
	tables := depth <= tableDepth
	kind := "leaves *float32"
	if tables {
		kind = "leaves *byte"
	}
	s.function(fmt.Sprintf("trees%dx", depth), "func(planes *uint64, program *uint16, "+kind+", sums *float32, n uintptr, work *byte)",
		fmt.Sprintf("adds n trees of depth %d to the sums of a block.", depth))
	n := &network{simd: s, planes: s.param("planes"), program: s.param("program"), work: s.param("work")}
	leaves, sums, count := s.param("leaves"), s.param("sums"), s.param("n")
	s.Label("tree")
	var code []int
	if depth <= 6 {
		code = n.subtree(depth)
	} else {
		code = n.large(depth)
	}
	words := make([]int, 8)
	for i := range words {
		words[i] = -1
		if i < len(code) {
			words[i] = code[i]
		}
	}
	switch depth { // the bits that choose between tables of 16 leaves
	case 5:
		words[4], words[7] = -1, code[4]
	case 6:
		words[4], words[5], words[6], words[7] = -1, -1, code[4], code[5]
	}
	s.transpose8(words)
	if tables {
		n.lookUp(depth, words, leaves, sums)
	} else {
		n.load(depth, words, leaves, sums)
	}
	if tables {
		s.askAhead(10, "asked")
	}
	s.ADDQ(operand.U32(2*n.next), n.program)
	s.ADDQ(operand.U32(4*max(16, 1<<depth)), leaves)
	s.DECQ(count)
	s.JNE(operand.LabelRef("tree"))
	s.end()
}

// prefetch brings an eighth of the planes of the next tree into the nearest cache, while the leaves of this one are added. There is a
// program behind the last one, too, which means nothing. Shallow trees take too little time to gain by it,
// and deep ones have no time to spare.
func (n *network) prefetch(depth, eighth int) {
	if n.planes == nil || depth < 5 || depth > tableDepth {
		return
	}
	nodes := 1<<depth - 1
	for k := nodes * eighth / 8; k < nodes*(eighth+1)/8; k++ {
		r := n.GP64()
		n.MOVWLZX(at(n.program, 2*(nodes+k)), r.As32())
		n.PREFETCHT0(n.plane(n.planes, r))
	}
}

// lookUp adds leaves by their bytes, for each of eight registers of codes. A table has 16 bytes, one byte of 16 leaves. VPSHUFB
// takes the place from bits 0 to 3, and gives zero if bit 7 is set: so does the highest bit of a code of more than 4, in
// the half of the leaves that are not its. Bit 6 chooses in each half, if a code has 6 bits.
func (n *network) lookUp(depth int, words []int, leaves, sums reg.Register) {
	s := n.simd
	half := 1 << depth / 2
	for j, low := range words {
		n.prefetch(depth, j)
		table := func(b, first int) operand.Mem { return at(leaves, b*max(16, 1<<depth)+first) }
		shuffle := func(m operand.Mem, codes int) int {
			t := s.take()
			if s.rows == 256 {
				s.VBROADCASTI128(m, s.v(t))
			} else {
				s.VMOVDQU(m, s.v(t))
			}
			s.VPSHUFB(s.v(codes), s.v(t), s.v(t))
			return t
		}
		high, choice := -1, -1
		if depth >= 5 {
			high = s.take()
			s.VPXOR(s.constant(0x8080808080808080), s.v(low), s.v(high))
		}
		if depth == 6 {
			choice = s.take()
			s.VPADDB(s.v(low), s.v(low), s.v(choice))
		}
		of := func(b, first, codes int) int {
			t := shuffle(table(b, first), codes)
			if depth == 6 {
				u := shuffle(table(b, first+16), codes)
				s.VPBLENDVB(s.v(choice), s.v(u), s.v(t), s.v(t))
				s.give(u)
			}
			return t
		}
		var bytes [4]int
		var words [4]int // two bytes each: the lower halves of low and high lanes' rows, and the upper ones
		for b := range bytes {
			bytes[b] = of(b, 0, low)
			if depth >= 5 {
				t := of(b, half, high)
				s.VPOR(s.v(t), s.v(bytes[b]), s.v(bytes[b]))
				s.give(t)
			}
			if b%2 == 1 {
				lower := s.take()
				s.VPUNPCKLBW(s.v(bytes[b]), s.v(bytes[b-1]), s.v(lower))
				s.VPUNPCKHBW(s.v(bytes[b]), s.v(bytes[b-1]), s.v(bytes[b]))
				words[b-1], words[b] = lower, bytes[b]
				s.give(bytes[b-1])
			}
		}
		for half := range 2 {
			a, b := words[half], words[half+2]
			t := s.take()
			s.VPUNPCKLWD(s.v(b), s.v(a), s.v(t))
			s.VPUNPCKHWD(s.v(b), s.v(a), s.v(a))
			for i, r := range []int{t, a} {
				m := at(sums, 4*s.group()*j+s.size()*(2*half+i))
				s.VADDPS(m, s.v(r), s.v(r))
				s.VMOVUPS(s.v(r), m)
			}
			s.give(t, a, b)
		}
		s.give(low)
		if high >= 0 {
			s.give(high)
		}
		if choice >= 0 {
			s.give(choice)
		}
	}
}

// load adds leaves that it loads one by one, for one register of codes after the other: in a loop, see large.
func (n *network) load(depth int, words []int, leaves, sums reg.Register) {
	s, work := n.simd, n.work
	for j, w := range words {
		s.VMOVDQU(s.v(w), at(work, s.size()*j))
	}
	s.give(words...)
	lanes := s.size() / 16
	j := s.GP64() // times the size of a vector
	of := func(base reg.Register, each, offset int) operand.Mem {
		return operand.Mem{Base: base, Index: j, Scale: uint8(each / s.size()), Disp: offset}
	}
	// Eight codes come in one load; a load for each would take the time of those of the leaves.
	code := s.GP64()
	take := func(eight reg.GPVirtual, i int) reg.GPVirtual {
		if i == 7 {
			return eight
		}
		s.MOVBLZX(eight.As8L(), code.As32())
		s.SHRQ(operand.U8(8), eight)
		return code
	}
	s.XORL(j.As32(), j.As32())
	s.Label("leaves")
	// The leaves of the next tree, and the program of the one behind it, come from far if there are many trees.
	lines := 1 << depth / 16 / 8
	for line := range lines {
		s.PREFETCHT0(of(leaves, 64*lines, 4<<depth+64*line))
	}
	s.PREFETCHT0(of(n.program, 1<<depth/4, 4<<depth-2*n.passed))
	for i := 0; i < 4; i += 2 {
		var eights [2]reg.GPVirtual
		for lane := range lanes {
			eights[lane] = s.GP64()
			s.MOVQ(of(work, s.size(), 16*lane+4*i), eights[lane])
		}
		for half := range 2 {
			a, b := s.take(), s.take()
			for lane, r := range []int{a, b}[:lanes] {
				for c := range 4 {
					m := operand.Mem{Base: leaves, Index: take(eights[lane], 4*half+c), Scale: 4}
					if c == 0 {
						s.VMOVSS(m, s.x(r))
					} else {
						s.VINSERTPS(operand.U8(16*c), m, s.x(r), s.x(r))
					}
				}
			}
			if lanes == 2 {
				s.VINSERTF128(operand.U8(1), s.x(b), s.v(a), s.v(a))
			}
			m := of(sums, 4*s.group(), s.size()*(i+half))
			s.VADDPS(m, s.v(a), s.v(a))
			s.VMOVUPS(s.v(a), m)
			s.give(a, b)
		}
	}
	s.ADDQ(operand.U8(s.size()), j)
	s.CMPQ(j, operand.U32(uint32(s.size()*groups)))
	s.JB(operand.LabelRef("leaves"))
}

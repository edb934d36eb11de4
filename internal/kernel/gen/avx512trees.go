package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Truth tables of three inputs, the first of which is the register that is written.
const (
	thirdChoosesFirst  = 0xE4 // the first where the third is set, else the second
	thirdChoosesSecond = 0xD8 // the second where the third is set, else the first
)

// subtree evaluates the next sub-tree of a height up to 8, which takes 30 of the 32 registers.
func (w *wide) subtree(n *network, height int) []int {
	if height == 1 {
		m := w.take()
		w.VMOVDQU64(n.reference(), w.v(m))
		return []int{m}
	}
	left := w.subtree(n, height-1)
	right := w.subtree(n, height-1)
	m := w.take()
	w.VMOVDQU64(n.reference(), w.v(m))
	for i := range left {
		w.VPTERNLOGD(operand.U8(thirdChoosesFirst), w.v(m), w.v(right[i]), w.v(left[i]))
		w.give(right[i])
	}
	return append(left, m)
}

// codes makes codes of the planes of a code, lowest bit first: eight registers of 64 bytes. Lane l of register j has those of the rows from
// 128l + 16j on.
func (w *wide) codes(planes []int, gfni bool) []int {
	words := []int{-1, -1, -1, -1, -1, -1, -1, -1}
	copy(words, planes)
	if !gfni {
		w.transposeBits(words)
		return w.interleave(words)
	}
	// The product takes the bytes of a matrix from the last one on.
	for i := range 4 {
		words[i], words[7-i] = words[7-i], words[i]
	}
	codes := w.interleave(words)
	identity := w.take()
	w.everywhere(0x8040201008040201, identity)
	for _, c := range codes {
		w.affine(c, identity, c)
	}
	w.give(identity)
	return codes
}

// transposeBits is simd.transpose8 with fewer instructions.
func (w *wide) transposeBits(words []int) {
	for _, stage := range []struct {
		distance int
		mask     uint64
	}{{1, 0x5555555555555555}, {2, 0x3333333333333333}, {4, 0x0F0F0F0F0F0F0F0F}} {
		d := stage.distance
		mask := w.take()
		w.everywhere(stage.mask, mask)
		for i := range 8 {
			if i&d != 0 {
				continue
			}
			a, b := words[i], words[i+d]
			switch {
			case a < 0 && b < 0:
			case b < 0:
				words[i+d] = w.take()
				w.VPSRLQ(operand.U8(d), w.v(a), w.v(words[i+d]))
				w.VPANDQ(w.v(mask), w.v(words[i+d]), w.v(words[i+d]))
				w.VPANDQ(w.v(mask), w.v(a), w.v(a))
			case a < 0:
				panic("a plane of a code is missing below another")
			default:
				right, left := w.take(), w.take()
				w.VPSRLQ(operand.U8(d), w.v(a), w.v(right))
				w.VPSLLQ(operand.U8(d), w.v(b), w.v(left))
				w.VPTERNLOGD(operand.U8(thirdChoosesSecond), w.v(mask), w.v(right), w.v(b))
				w.VPTERNLOGD(operand.U8(thirdChoosesFirst), w.v(mask), w.v(left), w.v(a))
				w.give(right, left)
			}
		}
		w.give(mask)
	}
}

// interleave puts the bytes of eight registers side by side. A register of -1 is zero.
func (w *wide) interleave(words []int) []int {
	zero := w.take()
	w.VPXORQ(w.v(zero), w.v(zero), w.v(zero))
	for i, r := range words {
		if r < 0 {
			words[i] = zero
		}
	}
	done := func(r int) {
		if r != zero {
			w.give(r)
		}
	}
	// both interleaves a pair of registers, and of pairs the lower and the upper ones.
	both := func(a, b int, lower, upper func(ops ...operand.Op)) []int {
		if a == zero && b == zero {
			return []int{zero, zero}
		}
		low, high := w.take(), w.take()
		lower(w.v(b), w.v(a), w.v(low))
		upper(w.v(b), w.v(a), w.v(high))
		done(a)
		done(b)
		return []int{low, high}
	}
	var pairs [4][]int
	for i := range pairs {
		pairs[i] = both(words[2*i], words[2*i+1], w.VPUNPCKLBW, w.VPUNPCKHBW)
	}
	var quads [2][]int
	for i := range quads {
		for h := range 2 {
			quads[i] = append(quads[i], both(pairs[2*i][h], pairs[2*i+1][h], w.VPUNPCKLWD, w.VPUNPCKHWD)...)
		}
	}
	var codes []int
	for q := range 4 {
		codes = append(codes, both(quads[0][q], quads[1][q], w.VPUNPCKLDQ, w.VPUNPCKHDQ)...)
	}
	w.give(zero)
	return codes
}

// together is how many trees of a depth add their leaves at the same time, so that sums are loaded and stored once for them.
func together(depth int) int {
	if depth <= 6 {
		return 4
	}
	return 1
}

// trees writes the function that adds trees of a depth. All codes of some trees come first, and wait in memory; then their leaves.
func (w *wide) trees(depth int, gfni bool) {
	name, doc := fmt.Sprintf("trees%dx", depth), fmt.Sprintf("adds n trees of depth %d to the sums of a block, which are in the order of positionAVX512.", depth)
	if gfni {
		name = fmt.Sprintf("treesGFNI%dx", depth)
	}
	w.function(name, "func(planes *uint64, program *uint16, leaves *byte, sums *float32, n uintptr, work *byte)", doc)
	n := &network{simd: w.simd, planes: w.param("planes"), program: w.param("program"), work: w.param("work")}
	leaves, sums, count := w.param("leaves"), w.param("sums"), w.param("n")
	most := together(depth)
	some, left, to := w.GP64(), w.GP64(), w.GP64()
	w.Label("some")
	w.MOVQ(operand.U32(most), some)
	w.CMPQ(count, some)
	w.CMOVQLT(count, some)
	w.MOVQ(some, left)
	w.MOVQ(n.work, to)
	w.Label("tree")
	n.next = 0
	for j, c := range w.codes(w.subtree(n, depth), gfni) {
		w.VMOVDQU64(w.v(c), at(to, 64*j))
		w.give(c)
	}
	if depth <= tableDepth {
		w.askAhead(10, "asked")
	}
	w.ADDQ(operand.U32(2*(1<<depth-1)), n.program)
	w.ADDQ(operand.U32(512), to)
	w.DECQ(left)
	w.JNE(operand.LabelRef("tree"))
	if most > 1 {
		w.SUBQ(some, count)
		w.CMPQ(some, operand.U8(most))
		w.JNE(operand.LabelRef("few"))
		w.leaves(n, depth, most, "all", leaves, sums)
		w.TESTQ(count, count)
		w.JNE(operand.LabelRef("some"))
		w.JMP(operand.LabelRef("done"))
		w.Label("few")
		w.leaves(n, depth, 1, "one", leaves, sums)
		w.ADDQ(operand.U32(512), n.work)
		w.DECQ(some)
		w.JNE(operand.LabelRef("few"))
		w.Label("done")
	} else {
		w.leaves(n, depth, 1, "one", leaves, sums)
		w.DECQ(count)
		w.JNE(operand.LabelRef("some"))
	}
	w.end()
}

// leaves adds the leaves of some trees, whose codes are in memory, and goes on to the leaves of the next ones. The tables of all of them are in registers.
func (w *wide) leaves(n *network, depth, trees int, label string, leaves, sums reg.Register) {
	free := w.free
	size := 4 * max(16, 1<<depth)
	tables := size / 64
	all := make([]int, trees*tables)
	for i := range all {
		all[i] = w.take()
		w.VMOVDQU64(at(leaves, 64*i), w.v(all[i]))
	}
	w.ADDQ(operand.U32(trees*size), leaves)
	// What shallow trees add to a code for the second byte of a leaf, and so on: their tables of several bytes are in one register.
	parts := max(1, 64/max(16, 1<<depth))
	var part []int
	for i := 1; i < parts; i++ {
		part = append(part, w.take())
		w.everywhere(uint64(64/parts*i)*0x0101010101010101, part[i-1])
	}
	from, to, count := w.GP64(), w.GP64(), w.GP64()
	w.MOVQ(n.work, from)
	w.MOVQ(sums, to)
	w.MOVQ(operand.U32(8), count)
	ask := func() {}
	if depth >= tableDepth && trees == together(depth) { // the leaves of the next trees, and the programs of those behind them, come from far if there are many
		nextLeaves, nextProgram := w.GP64(), w.GP64()
		w.MOVQ(leaves, nextLeaves)
		w.MOVQ(n.program, nextProgram)
		ask = func() {
			for line := range trees * tables / 8 {
				w.PREFETCHT0(at(nextLeaves, 64*line))
			}
			w.PREFETCHT0(at(nextProgram, trees*2*(1<<depth-1)))
			w.ADDQ(operand.U32(trees*size/8), nextLeaves)
			w.ADDQ(operand.U32(trees*2<<depth/8), nextProgram)
		}
	}
	w.Label(label)
	ask()
	var acc [4]int
	if trees > 1 {
		for i := range acc {
			acc[i] = w.take()
			w.VMOVUPS(at(to, 64*i), w.v(acc[i]))
		}
	}
	for t := range trees {
		code := w.take()
		w.VMOVDQU64(at(from, 512*t), w.v(code))
		var bytes [4]int
		for b := range bytes {
			bytes[b] = w.lookUp(depth, code, all[t*tables:][:tables], part, b)
		}
		w.give(code)
		for i, r := range w.floats(bytes) {
			if trees > 1 {
				w.VADDPS(w.v(r), w.v(acc[i]), w.v(acc[i]))
			} else {
				w.VADDPS(at(to, 64*i), w.v(r), w.v(r))
				w.VMOVUPS(w.v(r), at(to, 64*i))
			}
			w.give(r)
		}
	}
	if trees > 1 {
		for i, r := range acc {
			w.VMOVUPS(w.v(r), at(to, 64*i))
		}
	}
	w.ADDQ(operand.U8(64), from)
	w.ADDQ(operand.U32(256), to)
	w.DECQ(count)
	w.JNE(operand.LabelRef(label))
	w.free = free
}

// lookUp looks up byte b of the leaves of 64 codes.
func (w *wide) lookUp(depth, code int, tables, part []int, b int) int {
	found := w.take()
	switch {
	case depth <= 6:
		parts := len(part) + 1
		table := tables[b/parts]
		if b%parts == 0 {
			w.VPERMB(w.v(table), w.v(code), w.v(found))
			break
		}
		w.VPORQ(w.v(part[b%parts-1]), w.v(code), w.v(found))
		w.VPERMB(w.v(table), w.v(found), w.v(found))
	case depth == 7:
		w.VMOVDQA64(w.v(code), w.v(found))
		w.VPERMI2B(w.v(tables[2*b+1]), w.v(tables[2*b]), w.v(found))
	default:
		upper := w.take()
		if b == 0 {
			w.VPMOVB2M(w.v(code), mask(1))
		}
		w.VMOVDQA64(w.v(code), w.v(found))
		w.VMOVDQA64(w.v(code), w.v(upper))
		w.VPERMI2B(w.v(tables[4*b+1]), w.v(tables[4*b]), w.v(found))
		w.VPERMI2B(w.v(tables[4*b+3]), w.v(tables[4*b+2]), w.v(upper))
		w.VPBLENDMB(w.v(upper), w.v(found), mask(1), w.v(found))
		w.give(upper)
	}
	return found
}

// floats puts the four bytes of 64 leaves together: lane l of register i has those of the codes from 16l + 4i on.
func (w *wide) floats(bytes [4]int) [4]int {
	var words [4]int // the lower halves of the first two bytes, the upper halves, and those of the last two
	for i := range 2 {
		a, b := bytes[2*i], bytes[2*i+1]
		words[2*i] = w.take()
		w.VPUNPCKLBW(w.v(b), w.v(a), w.v(words[2*i]))
		w.VPUNPCKHBW(w.v(b), w.v(a), w.v(a))
		words[2*i+1] = a
		w.give(b)
	}
	var floats [4]int
	for half := range 2 {
		a, b := words[half], words[half+2]
		floats[2*half] = w.take()
		w.VPUNPCKLWD(w.v(b), w.v(a), w.v(floats[2*half]))
		w.VPUNPCKHWD(w.v(b), w.v(a), w.v(a))
		floats[2*half+1] = a
		w.give(b)
	}
	return floats
}

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// wide writes the block kernel for AVX-512: 512 rows. Row r of a block is bit r of a plane, as comparisons give it, so there is no order
// of rows but in the sums; see codes.
type wide struct{ *simd }

// avx512Kernels writes the functions of package kernel for AVX-512.
func avx512Kernels(c *build.Context) {
	clear(constants)
	w := &wide{&simd{Context: c, rows: 512, part: groups}}
	w.transposeRows()
	w.direct(false)
	w.direct(true)
	for bits := 4; bits <= 8; bits++ {
		w.search(bits)
	}
	w.expand()
	w.missing()
	w.windows()
	w.spread()
	w.collect()
	for _, gfni := range []bool{true, false} {
		for depth := 1; depth <= 8; depth++ {
			w.trees(depth, gfni)
		}
	}
}

// mask is a mask register; the one of number 0 means no mask in an instruction.
func mask(i int) reg.Register {
	return []reg.Register{nil, reg.K1, reg.K2, reg.K3, reg.K4, reg.K5, reg.K6, reg.K7}[i]
}

// everywhere loads a constant into each element of 64 bits.
func (w *wide) everywhere(x uint64, to int) { w.VPBROADCASTQ(w.constant(x), w.v(to)) }

// every32 loads a constant into each element of 32 bits.
func (w *wide) every32(x uint64, to int) { w.everywhere(x|x<<32, to) }

// transposeRows makes columns of rows: sixteen rows and four columns at a time. A lane of a vector gets each fourth group of four rows.
func (w *wide) transposeRows() {
	w.function("transpose", "func(columns *float32, rows *float32, stride uintptr, loads *uint32, n uintptr)",
		"makes columns of a block of rows that are stride bytes apart. Each of n loads is the first of four columns.")
	columns, rows, stride := w.param("columns"), w.param("rows"), w.param("stride")
	stride3, stride16, ahead, count, lanes := w.GP64(), w.GP64(), w.GP64(), w.GP64(), w.GP64()
	w.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	w.MOVQ(stride, stride16)
	w.SHLQ(operand.U8(4), stride16)
	for lane := 1; lane < 4; lane++ {
		w.MOVL(operand.U32(0xF<<(4*lane)), lanes.As32())
		w.KMOVW(lanes.As32(), mask(lane))
	}
	w.MOVQ(operand.U32(w.rows/16), count)
	w.Label("group")
	loads, n, to := w.param("loads"), w.param("n"), w.GP64()
	w.MOVQ(columns, to)
	w.LEAQ(operand.Mem{Base: rows, Index: stride16, Scale: 4}, ahead)
	w.Label("load")
	from := w.GP64()
	w.MOVL(operand.Mem{Base: loads}, from.As32())
	w.LEAQ(operand.Mem{Base: rows, Index: from, Scale: 4}, from)
	for lane := range 4 {
		for i, m := range []operand.Mem{{Base: from}, {Base: from, Index: stride, Scale: 1}, {Base: from, Index: stride, Scale: 2}, {Base: from, Index: stride3, Scale: 1}} {
			if lane == 0 {
				w.VMOVUPS(m, w.x(i))
			} else {
				w.VBROADCASTF32X4(m, mask(lane), w.v(i))
			}
		}
		if lane < 3 {
			w.LEAQ(operand.Mem{Base: from, Index: stride, Scale: 4}, from)
		}
	}
	w.VUNPCKLPS(w.v(1), w.v(0), w.v(4))
	w.VUNPCKHPS(w.v(1), w.v(0), w.v(5))
	w.VUNPCKLPS(w.v(3), w.v(2), w.v(6))
	w.VUNPCKHPS(w.v(3), w.v(2), w.v(7))
	w.VUNPCKLPD(w.v(6), w.v(4), w.v(0))
	w.VUNPCKHPD(w.v(6), w.v(4), w.v(1))
	w.VUNPCKLPD(w.v(7), w.v(5), w.v(2))
	w.VUNPCKHPD(w.v(7), w.v(5), w.v(3))
	for i := range 4 {
		w.VMOVUPS(w.v(i), at(to, w.columnStride()*i))
		w.PREFETCHT0(at(ahead, 64*i))
	}
	w.ADDQ(operand.U32(256), ahead)
	w.ADDQ(operand.U8(4), loads)
	w.ADDQ(operand.U32(4*w.columnStride()), to)
	w.DECQ(n)
	w.JNE(operand.LabelRef("load"))
	w.ADDQ(stride16, rows)
	w.ADDQ(operand.U8(64), columns)
	w.DECQ(count)
	w.JNE(operand.LabelRef("group"))
	w.end()
}

// sixteen writes a comparison of all rows, sixteen at a time, which compare puts into a mask, and stores the plane.
func (w *wide) sixteen(plane reg.Register, compare func(i, k int)) {
	for i := range w.rows / 16 {
		k := 1 + i%4
		compare(i, k)
		w.KMOVW(mask(k), at(plane, 2*i))
	}
}

func (w *wide) direct(missingLeft bool) {
	name, predicate := "below", uint8(0x1E) // threshold > value
	doc := "makes the planes of n thresholds of a column: whether a value is less. A missing one is not."
	if missingLeft {
		name, predicate = "belowOrMissing", 0x16 // not threshold <= value
		doc = "makes the planes of n thresholds of a column: whether a value is less, or missing."
	}
	w.function(name, "func(planes *uint64, column *float32, thresholds *float32, n uintptr)", doc)
	planes, column, thresholds, n := w.param("planes"), w.param("column"), w.param("thresholds"), w.param("n")
	w.Label("threshold")
	w.VBROADCASTSS(at(thresholds, 0), w.v(0))
	w.sixteen(planes, func(i, k int) {
		w.VCMPPS(operand.U8(predicate), at(column, 64*i), w.v(0), mask(k))
	})
	w.ADDQ(operand.U8(4), thresholds)
	w.ADDQ(operand.U8(64), planes)
	w.DECQ(n)
	w.JNE(operand.LabelRef("threshold"))
	w.end()
}

func (w *wide) missing() {
	w.function("missing", "func(planes *uint64, plane *uint64, column *float32, pairs *uint16, n uintptr)",
		"makes the plane of the rows that miss a column, and adds it to n planes: from the first reference of a pair to the second.")
	planes, plane, column, pairs, n := w.param("planes"), w.param("plane"), w.param("column"), w.param("pairs"), w.param("n")
	w.sixteen(plane, func(i, k int) {
		w.VMOVUPS(at(column, 64*i), w.v(k))
		w.VCMPPS(operand.U8(3), w.v(k), w.v(k), mask(k))
	})
	w.TESTQ(n, n)
	w.JE(operand.LabelRef("done"))
	w.VMOVDQU64(at(plane, 0), w.v(0))
	w.Label("pair")
	from, to := w.GP64(), w.GP64()
	w.MOVWLZX(at(pairs, 0), from.As32())
	w.MOVWLZX(at(pairs, 2), to.As32())
	w.VPORQ(w.plane(planes, from), w.v(0), w.v(1))
	w.VMOVDQU64(w.v(1), w.plane(planes, to))
	w.ADDQ(operand.U8(4), pairs)
	w.DECQ(n)
	w.JNE(operand.LabelRef("pair"))
	w.Label("done")
	w.end()
}

// windows is simd.windows for two rows in a vector: the bits of a comparison are the bytes of both. Eight rows at a time go through all windows.
func (w *wide) windows() {
	w.function("compare", "func(answers *byte, rows *float32, stride uintptr, windows *byte, n uintptr)",
		"compares eight columns of a block of rows, which are stride bytes apart, in each of n windows: a byte of bits for each row.")
	answers, rows, stride, n := w.param("answers"), w.param("rows"), w.param("stride"), w.param("n")
	stride3, count, upper := w.GP64(), w.GP64(), w.GP64()
	w.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	w.MOVL(operand.U32(0xF0), upper.As32())
	w.KMOVW(upper.As32(), mask(5))
	w.MOVQ(operand.U32(uint32(w.rows/8)), count)
	const thresholds, signs = 4, 5
	w.Label("group")
	window, left, to := w.GP64(), w.GP64(), w.GP64()
	w.Load(w.Param("windows"), window)
	w.MOVQ(n, left)
	w.MOVQ(answers, to)
	w.Label("window")
	w.VBROADCASTF64X4(at(window, windowThresholds), w.v(thresholds))
	w.VBROADCASTF64X4(at(window, windowSigns), w.v(signs))
	from := w.GP64()
	w.MOVL(at(window, windowFirst), from.As32())
	w.LEAQ(operand.Mem{Base: rows, Index: from, Scale: 4}, from)
	for half := range 2 {
		four := fourRows(from, stride, stride3)
		for i := range 2 {
			w.VMOVUPS(four[2*i], w.v(i).AsY())
			w.VBROADCASTF64X4(four[2*i+1], mask(5), w.v(i))
			w.VPXORD(w.v(signs), w.v(i), w.v(i))
			w.VCMPPS(operand.U8(0x1E), w.v(i), w.v(thresholds), mask(1+i)) // threshold > value
			w.KMOVW(mask(1+i), at(to, 4*half+2*i))
		}
		if half == 0 {
			w.LEAQ(operand.Mem{Base: from, Index: stride, Scale: 4}, from)
		}
	}
	w.ADDQ(operand.U8(windowSize), window)
	w.ADDQ(operand.U32(uint32(w.rows)), to)
	w.DECQ(left)
	w.JNE(operand.LabelRef("window"))
	w.LEAQ(operand.Mem{Base: rows, Index: stride, Scale: 8}, rows)
	w.ADDQ(operand.U8(8), answers)
	w.DECQ(count)
	w.JNE(operand.LabelRef("group"))
	w.end()
}

// spread is simd.spread: the highest bits of 64 bytes are a mask.
func (w *wide) spread() {
	w.function("spread", "func(planes *uint64, answers *byte, spreads *byte, n uintptr)",
		"makes eight planes of each of n sets of bytes, one for each row: of a bit each.")
	planes, answers, spreads, n := w.param("planes"), w.param("answers"), w.param("spreads"), w.param("n")
	w.Label("spread")
	from := w.GP64()
	w.MOVL(at(spreads, spreadFrom), from.As32())
	w.SHLQ(operand.U8(log2(w.rows)), from)
	w.ADDQ(answers, from)
	w.VPBROADCASTD(at(spreads, spreadInvert), w.v(8))
	for i := range 8 {
		w.VPXORD(at(from, 64*i), w.v(8), w.v(i))
	}
	for bit := 7; bit >= 0; bit-- {
		reference := w.GP64()
		w.MOVL(at(spreads, spreadTo+4*bit), reference.As32())
		to := w.plane(planes, reference)
		for i := range 8 {
			k := 1 + i%4
			w.VPMOVB2M(w.v(i), mask(k))
			w.KMOVQ(mask(k), to.Offset(8*i))
			if bit > 0 {
				w.VPADDB(w.v(i), w.v(i), w.v(i))
			}
		}
	}
	w.ADDQ(operand.U8(spreadSize), spreads)
	w.DECQ(n)
	w.JNE(operand.LabelRef("spread"))
	w.end()
}

// search finds ranks among fewer than 1<<bits thresholds. They are a search tree, all of which is in registers: index 1 is the root, and the
// children of i are 2i and 2i+1. A missing value goes to the right, as one does that is not below a threshold.
func (w *wide) search(bits int) {
	w.function(fmt.Sprintf("search%dx", bits), "func(ranks *byte, column *float32, tree *float32, work *byte)",
		fmt.Sprintf("writes the ranks of a column, a byte each, among %d thresholds, of which those that are too many are infinite.", 1<<bits-1))
	ranks, column, tree, count := w.param("ranks"), w.param("column"), w.param("tree"), w.GP64()
	const value, index, found, root, two, one, base, bit5, bit6 = 16, 17, 18, 31, 30, 29, 28, 27, 26
	for i := range max(1, 1<<bits/16) {
		w.VMOVUPS(at(tree, 64*i), w.v(i))
	}
	w.VBROADCASTSS(at(tree, 4), w.v(root))
	w.every32(2, two)
	w.every32(1, one)
	w.every32(1<<bits, base)
	if bits > 6 {
		w.every32(32, bit5)
	}
	if bits > 7 {
		w.every32(64, bit6)
	}
	w.MOVQ(operand.U32(w.rows/16), count)
	w.Label("values")
	w.VMOVUPS(at(column, 0), w.v(value))
	right := func(threshold, from int) { // goes to a child of the node at index
		w.VCMPPS(operand.U8(5), w.v(threshold), w.v(value), mask(1)) // not value < threshold
		if from == index {
			w.VPADDD(w.v(index), w.v(index), w.v(index))
		} else {
			w.VMOVDQA64(w.v(from), w.v(index))
		}
		w.VPADDD(w.v(one), w.v(index), mask(1), w.v(index))
	}
	// pair looks index up in two registers of thresholds.
	pair := func(first, to int) {
		w.VMOVDQA64(w.v(index), w.v(to))
		w.VPERMI2PS(w.v(first+1), w.v(first), w.v(to))
	}
	right(root, two)
	for level := 1; level < bits; level++ {
		switch level {
		case 1, 2, 3:
			w.VPERMPS(w.v(0), w.v(index), w.v(found))
		case 4:
			w.VPERMPS(w.v(1), w.v(index), w.v(found))
		case 5:
			pair(2, found)
		case 6:
			pair(4, found)
			pair(6, found+1)
			w.VPTESTMD(w.v(bit5), w.v(index), mask(2))
			w.VBLENDMPS(w.v(found+1), w.v(found), mask(2), w.v(found))
		case 7:
			for q := range 4 {
				pair(8+2*q, found+q)
			}
			w.VPTESTMD(w.v(bit5), w.v(index), mask(2))
			w.VPTESTMD(w.v(bit6), w.v(index), mask(3))
			w.VBLENDMPS(w.v(found+1), w.v(found), mask(2), w.v(found))
			w.VBLENDMPS(w.v(found+3), w.v(found+2), mask(2), w.v(found+2))
			w.VBLENDMPS(w.v(found+2), w.v(found), mask(3), w.v(found))
		}
		right(found, index)
	}
	w.VPSUBD(w.v(base), w.v(index), w.v(index))
	w.VPMOVDB(w.v(index), at(ranks, 0))
	w.askAhead(6, "asked")
	w.ADDQ(operand.U8(64), column)
	w.ADDQ(operand.U8(16), ranks)
	w.DECQ(count)
	w.JNE(operand.LabelRef("values"))
	w.end()
}

// expand makes a plane of each threshold out of ranks, doubling the number of planes with each bit.
func (w *wide) expand() {
	w.function("expand", "func(planes *uint64, ranks *byte, bits, n uintptr, work *byte)",
		"makes the planes of n thresholds out of ranks of some bits: whether the rank is not above the threshold's place.")
	planes, ranks, bits, n, work := w.param("planes"), w.param("ranks"), w.param("bits"), w.param("n"), w.param("work")
	// The bits of the ranks, inverted, the highest one first.
	shift, plane, left := w.GP64(), w.GP64(), w.GP64()
	w.MOVQ(operand.U32(8), shift)
	w.SUBQ(bits, shift)
	w.VMOVQ(shift, w.x(8))
	for i := range 8 {
		w.VMOVDQU64(at(ranks, 64*i), w.v(i))
		w.VPSLLW(w.x(8), w.v(i), w.v(i))
	}
	w.MOVQ(bits, plane)
	w.SHLQ(operand.U8(6), plane)
	w.ADDQ(work, plane)
	w.MOVQ(bits, left)
	w.Label("bit")
	w.SUBQ(operand.U8(64), plane)
	for i := range 8 {
		k := 1 + i%4
		w.VPMOVB2M(w.v(i), mask(k))
		w.KNOTQ(mask(k), mask(k))
		w.KMOVQ(mask(k), at(plane, 8*i))
		w.VPADDB(w.v(i), w.v(i), w.v(i))
	}
	w.DECQ(left)
	w.JNE(operand.LabelRef("bit"))
	// Bytes of planes so far, and of those that a pass makes two or one of.
	have, two, rest, from, to := w.GP64(), w.GP64(), w.GP64(), w.GP64(), w.GP64()
	w.SHLQ(operand.U8(6), n)
	w.VPTERNLOGD(operand.U8(0xFF), w.v(0), w.v(0), w.v(0))
	w.VMOVDQU64(w.v(0), at(planes, 0))
	w.MOVQ(operand.U32(64), have)
	w.Label("pass")
	w.VMOVDQU64(at(work, 0), w.v(0))
	w.MOVQ(planes, from)
	w.LEAQ(operand.Mem{Base: planes, Index: have, Scale: 1}, to)
	w.MOVQ(n, two)
	w.SUBQ(have, two)
	w.CMPQ(two, have)
	w.CMOVQGT(have, two)
	w.MOVQ(have, rest)
	w.SUBQ(two, rest)
	w.TESTQ(two, two)
	w.JE(operand.LabelRef("one"))
	w.Label("two")
	w.VMOVDQU64(at(from, 0), w.v(1))
	w.VPORQ(w.v(1), w.v(0), w.v(2))
	w.VPANDQ(w.v(1), w.v(0), w.v(1))
	w.VMOVDQU64(w.v(2), at(to, 0))
	w.VMOVDQU64(w.v(1), at(from, 0))
	w.ADDQ(operand.U8(64), from)
	w.ADDQ(operand.U8(64), to)
	w.SUBQ(operand.U8(64), two)
	w.JNE(operand.LabelRef("two"))
	w.Label("one")
	w.TESTQ(rest, rest)
	w.JE(operand.LabelRef("next"))
	w.Label("and")
	w.VPANDQ(at(from, 0), w.v(0), w.v(1))
	w.VMOVDQU64(w.v(1), at(from, 0))
	w.ADDQ(operand.U8(64), from)
	w.SUBQ(operand.U8(64), rest)
	w.JNE(operand.LabelRef("and"))
	w.Label("next")
	w.ADDQ(operand.U8(64), work)
	w.SHLQ(operand.U8(1), have)
	w.DECQ(bits)
	w.JNE(operand.LabelRef("pass"))
	w.end()
}

// affine multiplies each 8x8 bits of `matrix` with a constant; avo does not know the instruction.
func (w *wide) affine(matrix, constant, to int) {
	w.Instruction(&ir.Instruction{
		Opcode:   "VGF2P8AFFINEQB",
		Operands: []operand.Op{operand.U8(0), w.v(matrix), w.v(constant), w.v(to)},
		Inputs:   []operand.Op{w.v(matrix), w.v(constant)},
		Outputs:  []operand.Op{w.v(to)},
		ISA:      []string{"AVX512F", "GFNI"},
	})
}

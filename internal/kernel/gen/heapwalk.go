package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// width is the number of trees in a pack, and in flight. Their indices, two pointers, two temporary values and the counter of
// the levels take all 15 general registers.
const width = 10

// heapWalkers writes package heapwalk. It uses no instruction that an amd64 processor could lack.
func heapWalkers(c *build.Context) {
	expand(c)
	for _, bits := range []int{64, 32} {
		sumRow(c, bits)
		sumRowFar(c, bits)
		sumRows(c, bits)
		find(c, bits)
	}
}

// walker is what the functions have in common.
type walker struct {
	*build.Context
	bits  int
	keys  reg.GPVirtual
	nodes reg.GPVirtual
	index [width]reg.GPVirtual
	base  operand.Mem // address of the leaves, less that of the place where an index of a leaf would be if it counted from 0
	size  operand.Mem // bytes of the nodes of a pack
}

func newWalker(c *build.Context, name, signature string, bits int, doc ...string) *walker {
	c.Function(fmt.Sprintf("%s%d", name, bits))
	c.Attributes(attr.NOSPLIT)
	c.Doc(doc...)
	c.Pragma("noescape")
	c.SignatureExpr(fmt.Sprintf(signature, bits))
	w := &walker{Context: c, bits: bits, keys: c.GP64(), nodes: c.GP64(), size: c.AllocLocal(8)}
	for k := range w.index {
		w.index[k] = c.GP64()
	}
	w.Load(w.Param("nodes"), w.nodes)
	return w
}

// measure computes the bytes of the nodes of a pack.
func (w *walker) measure() {
	w.Load(w.Param("depth"), reg.RCX)
	size := w.GP64()
	w.MOVQ(operand.U32(width*w.bits/8), size)
	w.SHLQ(reg.CL, size)
	w.MOVQ(size, w.size)
}

// descend walks the trees of a pack to their leaves. A step takes four instructions: the threshold and the slot of the row's key are
// one number, of which the slot is the lower half; the lower half of the row's key is larger than any slot. So the borrow of the
// difference says that the row's key is not less, which is the way to the right.
func (w *walker) descend() {
	w.start()
	level := w.GP64()
	w.Load(w.Param("depth"), level)
	w.TESTQ(level, level)
	w.JE(operand.LabelRef("leaf"))
	w.steps("level", level)
	w.Label("leaf")
}

// start puts the indices of the roots in registers.
func (w *walker) start() {
	for k, i := range w.index {
		w.MOVL(operand.U32(width+k), i.As32())
	}
}

// steps goes down a number of levels, which is not 0.
func (w *walker) steps(label string, level reg.GPVirtual) {
	w.Label(label)
	node, slot := w.GP64(), w.GP64()
	for _, i := range w.index {
		if w.bits == 64 {
			w.MOVQ(operand.Mem{Base: w.nodes, Index: i, Scale: 8}, node)
			w.MOVL(node.As32(), slot.As32())
			w.CMPQ(node, operand.Mem{Base: w.keys, Index: slot, Scale: 8})
		} else {
			w.MOVL(operand.Mem{Base: w.nodes, Index: i, Scale: 4}, node.As32())
			w.MOVWLZX(node.As16(), slot.As32())
			w.CMPL(node.As32(), operand.Mem{Base: w.keys, Index: slot, Scale: 4})
		}
		w.ADCL(i.As32(), i.As32())
	}
	w.DECQ(level)
	w.JNE(operand.LabelRef(label))
}

// topLines is the number of cache lines of splits of the next pack that a row asks for while it is walked through this one: of wide splits those
// of the first four levels, of narrow ones those of the first five. The row goes through all of them, whatever its values.
const topLines = 2 * width

// prefetchTop asks for the first splits of the next pack. There may be none, which does no harm.
func (w *walker) prefetchTop() {
	next := w.GP64()
	w.MOVQ(w.size, next)
	w.ADDQ(w.nodes, next)
	for i := range topLines {
		w.PREFETCHT0(operand.Mem{Base: next, Disp: 64 * i})
	}
}

// prefetchPart asks for the next lines of some memory, if they begin before its end.
func (w *walker) prefetchPart(label string, next, end operand.Mem) {
	at := w.GP64()
	w.MOVQ(next, at)
	w.CMPQ(at, end)
	w.JAE(operand.LabelRef(label))
	for i := range partLines {
		w.PREFETCHT0(operand.Mem{Base: at, Disp: 64 * i})
	}
	w.ADDQ(operand.U32(64*partLines), at)
	w.MOVQ(at, next)
	w.Label(label)
}

// partLines is the number of cache lines of splits, and of leaves, of the next pack that each of several rows asks for: sixteen rows ask for all
// of a deep one.
const partLines = width

// add adds the leaves that the trees of a pack ended in, in the order of the trees. base holds the address of the leaves less
// 4*width<<depth.
func (w *walker) add(sum reg.VecVirtual) {
	base := w.GP64()
	w.MOVQ(w.base, base)
	for _, i := range w.index {
		w.ADDSS(operand.Mem{Base: base, Index: i, Scale: 4}, sum)
	}
}

// startLeaves makes base of the parameter leaves.
func (w *walker) startLeaves() {
	w.base = w.AllocLocal(8)
	base, size := w.GP64(), w.GP64()
	w.Load(w.Param("leaves"), base)
	w.MOVQ(w.size, size)
	if w.bits == 64 {
		w.SHRQ(operand.U8(1), size)
	}
	w.SUBQ(size, base)
	w.MOVQ(base, w.base)
}

// next goes to the next pack.
func (w *walker) next() {
	size := w.GP64()
	w.MOVQ(w.size, size)
	w.ADDQ(size, w.nodes)
	if w.bits == 64 {
		w.SHRQ(operand.U8(1), size)
	}
	w.ADDQ(size, w.base)
}

func sumRow(c *build.Context, bits int) {
	w := newWalker(c, "sumRow", "func(sum float32, nodes *uint%[1]d, leaves *float32, depth, packs int, keys *uint%[1]d) float32", bits,
		"adds to sum the leaves of some packs for one row.")
	w.measure()
	w.startLeaves()
	w.Load(w.Param("keys"), w.keys)
	sum := w.XMM()
	w.Load(w.Param("sum"), sum)
	left := w.AllocLocal(8)
	t := w.GP64()
	w.Load(w.Param("packs"), t)
	w.MOVQ(t, left)
	w.Label("pack")
	w.descend()
	w.add(sum)
	w.next()
	w.DECQ(left)
	w.JNE(operand.LabelRef("pack"))
	w.Store(sum, w.ReturnIndex(0))
	w.RET()
}

// lowLevels is the number of levels that sumRowFar walks through when the rest of the pack after is behind it. What a tree has below a split of that
// height lies in one line of the cache for each level, and one of leaves.
const lowLevels = 3

// sumRowFar is sumRow for packs that are not in the nearest cache, and deeper than lowLevels: no step waits for what has not been asked for a
// pack before.
func sumRowFar(c *build.Context, bits int) {
	w := newWalker(c, "sumRowFar", "func(sum float32, nodes *uint%[1]d, leaves *float32, depth, packs int, keys *uint%[1]d) float32", bits,
		"is sumRow for packs of some levels that come from far away.")
	w.measure()
	w.startLeaves()
	w.Load(w.Param("keys"), w.keys)
	sum := w.XMM()
	w.Load(w.Param("sum"), sum)
	left, high, saved := w.AllocLocal(8), w.AllocLocal(8), w.AllocLocal(4*width)
	t := w.GP64()
	w.Load(w.Param("packs"), t)
	w.MOVQ(t, left)
	w.Load(w.Param("depth"), t)
	w.SUBQ(operand.U8(lowLevels), t)
	w.MOVQ(t, high)
	of := func(k int) operand.Mem { m := saved; m.Disp += 4 * k; return m }
	upper := func(label string) {
		w.prefetchTop()
		w.start()
		level := w.GP64()
		w.MOVQ(high, level)
		w.steps(label, level)
		w.prefetchLow()
	}
	lower := func(label string) {
		level := w.GP64()
		w.MOVQ(operand.U32(lowLevels), level)
		w.steps(label, level)
		w.add(sum)
	}
	upper("first")
	w.JMP(operand.LabelRef("save"))
	w.Label("pack")
	w.next()
	upper("upper")
	for k, i := range w.index { // and back to the pack before
		before := w.GP64()
		w.MOVL(of(k), before.As32())
		w.MOVL(i.As32(), of(k))
		w.MOVL(before.As32(), i.As32())
	}
	w.back()
	lower("lower")
	w.next()
	w.JMP(operand.LabelRef("done"))
	w.Label("save")
	for k, i := range w.index {
		w.MOVL(i.As32(), of(k))
	}
	w.Label("done")
	w.DECQ(left)
	w.JNE(operand.LabelRef("pack"))
	for k, i := range w.index {
		w.MOVL(of(k), i.As32())
	}
	lower("last")
	w.Store(sum, w.ReturnIndex(0))
	w.RET()
}

// prefetchLow asks for what is below the splits at the indices.
func (w *walker) prefetchLow() {
	base, child := w.GP64(), w.GP64()
	w.MOVQ(w.base, base)
	for _, i := range w.index {
		scale := uint8(w.bits / 8)
		w.PREFETCHT0(operand.Mem{Base: w.nodes, Index: i, Scale: scale})
		w.LEAL(operand.Mem{Base: i, Index: i, Scale: 1}, child.As32())
		w.PREFETCHT0(operand.Mem{Base: w.nodes, Index: child, Scale: scale})
		w.SHLL(operand.U8(1), child.As32())
		w.PREFETCHT0(operand.Mem{Base: w.nodes, Index: child, Scale: scale})
		w.PREFETCHT0(operand.Mem{Base: base, Index: child, Scale: 8})
	}
}

// back goes back to the pack before.
func (w *walker) back() {
	size := w.GP64()
	w.MOVQ(w.size, size)
	w.SUBQ(size, w.nodes)
	if w.bits == 64 {
		w.SHRQ(operand.U8(1), size)
	}
	w.SUBQ(size, w.base)
}

func sumRows(c *build.Context, bits int) {
	w := newWalker(c, "sumRows", "func(sums *float32, rows int, nodes *uint%[1]d, leaves *float32, depth, packs int, keys *uint%[1]d, stride int)", bits,
		"adds the leaves of some packs for some rows, whose keys are stride bytes apart. It takes pack by pack, so that each",
		"comes into the nearest cache once.")
	w.measure()
	w.startLeaves()
	packs, rows, sums := w.AllocLocal(8), w.AllocLocal(8), w.AllocLocal(8)
	var nodes, nodesEnd, leaves, leavesEnd operand.Mem
	t := w.GP64()
	w.Load(w.Param("packs"), t)
	w.MOVQ(t, packs)
	w.Label("pack")
	if bits == 32 {
		nodes, nodesEnd, leaves, leavesEnd = w.AllocLocal(8), w.AllocLocal(8), w.AllocLocal(8), w.AllocLocal(8)
		size := w.GP64()
		w.MOVQ(w.size, size)
		w.MOVQ(w.nodes, t)
		w.ADDQ(size, t)
		w.MOVQ(t, nodes)
		w.ADDQ(size, t)
		w.MOVQ(t, nodesEnd)
		w.MOVQ(w.base, t) // of this pack, less its size
		w.LEAQ(operand.Mem{Base: t, Index: size, Scale: 2}, t)
		w.MOVQ(t, leaves)
		w.ADDQ(size, t)
		w.MOVQ(t, leavesEnd)
	}
	w.Load(w.Param("keys"), w.keys)
	w.Load(w.Param("rows"), t)
	w.MOVQ(t, rows)
	w.Load(w.Param("sums"), t)
	w.MOVQ(t, sums)
	w.Label("row")
	if bits == 32 { // packs that a nearer cache holds have wide splits
		w.prefetchPart("nodes", nodes, nodesEnd)
		w.prefetchPart("leaves", leaves, leavesEnd)
	}
	w.descend()
	sum, at := w.XMM(), w.GP64()
	w.MOVQ(sums, at)
	w.MOVSS(operand.Mem{Base: at}, sum)
	w.add(sum)
	at = w.GP64()
	w.MOVQ(sums, at)
	w.MOVSS(sum, operand.Mem{Base: at})
	w.ADDQ(operand.U8(4), sums)
	stride := w.GP64()
	w.Load(w.Param("stride"), stride)
	w.ADDQ(stride, w.keys)
	w.DECQ(rows)
	w.JNE(operand.LabelRef("row"))
	w.next()
	w.DECQ(packs)
	w.JNE(operand.LabelRef("pack"))
	w.RET()
}

func find(c *build.Context, bits int) {
	w := newWalker(c, "find", "func(places *uint32, nodes *uint%[1]d, depth, packs int, keys *uint%[1]d)", bits,
		"writes, for each tree of some packs, the place among the leaves of its pack that a row ends in.")
	w.measure()
	w.Load(w.Param("keys"), w.keys)
	packs, places := w.AllocLocal(8), w.AllocLocal(8)
	t := w.GP64()
	w.Load(w.Param("packs"), t)
	w.MOVQ(t, packs)
	w.Load(w.Param("places"), t)
	w.MOVQ(t, places)
	w.Label("pack")
	w.descend()
	at, size := w.GP64(), w.GP64()
	w.MOVQ(places, at)
	w.MOVQ(w.size, size)
	w.ADDQ(size, w.nodes)
	shift := uint64(2)
	if bits == 64 {
		shift = 3
	}
	w.SHRQ(operand.U8(shift), size)
	for k, i := range w.index {
		w.SUBL(size.As32(), i.As32())
		w.MOVL(i.As32(), operand.Mem{Base: at, Disp: 4 * k})
	}
	w.ADDQ(operand.U8(4*width), places)
	w.DECQ(packs)
	w.JNE(operand.LabelRef("pack"))
	w.RET()
}

// expand writes the wide keys of a row. Their order is that of the numbers: the bits of a negative number are inverted, and the
// sign of the others. -0 + 0 = +0 makes one of the zeros.
func expand(c *build.Context) {
	c.Function("expandQuads")
	c.Attributes(attr.NOSPLIT)
	c.Doc("writes the two wide keys of each of the four columns that begin at each of some places of a row.")
	c.Pragma("noescape")
	c.SignatureExpr("func(keys *uint64, row *float32, quads *uint32, n int)")
	keys, row, quads, n := c.GP64(), c.GP64(), c.GP64(), c.GP64()
	c.Load(c.Param("keys"), keys)
	c.Load(c.Param("row"), row)
	c.Load(c.Param("quads"), quads)
	c.Load(c.Param("n"), n)
	ones, sign, zero := c.XMM(), c.XMM(), c.XMM()
	c.PCMPEQL(ones, ones)
	c.MOVOA(ones, sign)
	c.PSLLL(operand.U8(31), sign)
	c.PXOR(zero, zero)
	c.Label("quad")
	x, missing, flip, at := c.XMM(), c.XMM(), c.XMM(), c.GP64()
	c.MOVL(operand.Mem{Base: quads}, at.As32())
	c.MOVUPS(operand.Mem{Base: row, Index: at, Scale: 4}, x)
	c.MOVAPS(x, missing)
	c.CMPPS(x, missing, operand.U8(3)) // not ordered
	c.ADDPS(zero, x)
	c.MOVOA(x, flip)
	c.PSRAL(operand.U8(31), flip)
	c.POR(sign, flip)
	c.PXOR(flip, x) // the keys
	right := c.XMM()
	c.MOVOA(x, right)
	c.POR(missing, right) // keyMissingRight
	c.PANDN(x, missing)   // keyMissingLeft
	// Each key becomes the upper half of a number whose lower half is all ones.
	low, high := c.XMM(), c.XMM()
	c.MOVOA(missing, low)
	c.PUNPCKLLQ(right, low)
	c.MOVOA(missing, high)
	c.PUNPCKHLQ(right, high)
	for i, pairs := range []reg.VecVirtual{low, high} {
		first, second := c.XMM(), c.XMM()
		c.MOVOA(ones, first)
		c.PUNPCKLLQ(pairs, first)
		c.MOVOA(ones, second)
		c.PUNPCKHLQ(pairs, second)
		c.MOVOU(first, operand.Mem{Base: keys, Disp: 32 * i})
		c.MOVOU(second, operand.Mem{Base: keys, Disp: 32*i + 16})
	}
	c.ADDQ(operand.U8(64), keys)
	c.ADDQ(operand.U8(4), quads)
	c.DECQ(n)
	c.JNE(operand.LabelRef("quad"))
	c.RET()
}

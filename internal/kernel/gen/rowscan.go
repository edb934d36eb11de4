package main

import (
	"bytes"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rowScanner writes the assembly of package rowscan.
func rowScanner(c *build.Context) {
	blockScanner(c)
	clear(constants)
	rowReader(&simd{Context: c, rows: 256})
	floatReader(c)
}

// blockScanner writes the function that takes many lines apart.
func blockScanner(c *build.Context) {
	c.Function("blockAVX2")
	c.Attributes(build.NOSPLIT)
	c.Doc("blockAVX2 writes where the bytes sep and newlines of a text of at least 64 bytes are, and how many of these are ahead of each newline; found is",
		"not 0 if the text has a byte escape. It writes to no more than 16 entries behind the last ones.")
	c.Pragma("noescape")
	c.SignatureExpr("func(ends, lines *uint16, text *byte, n uintptr, sep, escape byte) (numEnds, numLines, found uint64)")
	ends, lines := c.Load(c.Param("ends"), c.GP64()), c.Load(c.Param("lines"), c.GP64())
	text, n := c.Load(c.Param("text"), c.GP64()), c.Load(c.Param("n"), c.GP64())
	sep, escape := broadcast(c, "sep"), broadcast(c, "escape")
	newline, found := c.YMM(), c.YMM()
	nl := c.GP32()
	c.MOVL(operand.U32('\n'), nl)
	x := c.XMM()
	c.VMOVD(nl, x)
	c.VPBROADCASTB(x, newline)
	c.VPXOR(found, found, found)
	base, total := c.GP64(), c.GP64()
	c.XORQ(base, base)
	c.XORQ(total, total)
	firstLine := c.GP64()
	c.MOVQ(lines, firstLine)
	any, breaks := c.GP64(), c.GP64() // of 64 bytes: which are separators or newlines, and which are newlines

	mask := func() {
		var halves [2][2]reg.GPVirtual
		for i := range halves {
			v, s, b := c.YMM(), c.YMM(), c.YMM()
			c.VMOVDQU(operand.Mem{Base: text, Disp: 32 * i}, v)
			c.VPCMPEQB(v, sep, s)
			c.VPCMPEQB(v, newline, b)
			c.VPCMPEQB(v, escape, v)
			c.VPOR(found, v, found)
			c.VPOR(s, b, s)
			halves[i] = [2]reg.GPVirtual{c.GP64(), c.GP64()}
			c.VPMOVMSKB(s, halves[i][0].As32())
			c.VPMOVMSKB(b, halves[i][1].As32())
		}
		for i, m := range []reg.GPVirtual{any, breaks} {
			c.SHLQ(operand.Imm(32), halves[1][i])
			c.ORQ(halves[0][i], halves[1][i])
			c.MOVQ(halves[1][i], m)
		}
	}
	write := func(name string) {
		// Most blocks have one newline or none: one entry is written in any case, and then it is told whether it counts.
		more, rank, at := c.GP64(), c.GP64(), c.GP64()
		c.POPCNTQ(breaks, more)
		to := c.GP64()
		c.MOVQ(lines, to)
		c.LEAQ(operand.Mem{Base: lines, Index: more, Scale: 2}, lines)
		c.Label(name + "lines")
		c.TZCNTQ(breaks, at)
		c.BLSRQ(breaks, breaks)
		c.BZHIQ(at, any, rank)
		c.POPCNTQ(rank, rank)
		c.ADDQ(total, rank)
		c.MOVW(rank.As16(), operand.Mem{Base: to})
		c.ADDQ(operand.Imm(2), to)
		c.CMPQ(to, lines)
		c.JLT(operand.LabelRef(name + "lines"))

		count, end := c.GP64(), c.GP64()
		c.POPCNTQ(any, count)
		c.ADDQ(count, total)
		c.MOVQ(ends, to)
		c.LEAQ(operand.Mem{Base: ends, Index: count, Scale: 2}, ends)
		c.MOVQ(ends, end)
		c.Label(name + "fields")
		for i := range 16 {
			at := c.GP64()
			c.TZCNTQ(any, at)
			c.BLSRQ(any, any)
			c.ADDL(base.As32(), at.As32())
			c.MOVW(at.As16(), operand.Mem{Base: to, Disp: 2 * i})
		}
		c.ADDQ(operand.Imm(32), to)
		c.CMPQ(to, end)
		c.JLT(operand.LabelRef(name + "fields"))
	}

	c.SUBQ(operand.Imm(64), n)
	c.Label("blocks")
	mask()
	write("")
	c.ADDQ(operand.Imm(64), base)
	c.ADDQ(operand.Imm(64), text)
	c.SUBQ(operand.Imm(64), n)
	c.JGE(operand.LabelRef("blocks"))
	// n is what is left less 64: nothing if it is -64. Else the last 64 bytes are looked at again, of which the upper ones are new.
	c.CMPQ(n, operand.I32(-64))
	c.JEQ(operand.LabelRef("done"))
	c.ADDQ(n, text)
	mask()
	c.NEGQ(n)
	c.SHRXQ(n, any, any)
	c.SHRXQ(n, breaks, breaks)
	write("last")
	c.Label("done")
	c.SUBQ(firstLine, lines)
	c.SHRQ(operand.Imm(1), lines)
	c.Store(total, c.ReturnIndex(0))
	c.Store(lines, c.ReturnIndex(1))
	some := c.GP64()
	c.XORQ(some, some)
	c.VPTEST(found, found)
	c.SETNE(some.As8())
	c.Store(some, c.ReturnIndex(2))
	c.VZEROUPPER()
	c.RET()
}

// The layout of rowscan.Layout and rowscan.Values.
const (
	layoutNumbers = 12
	layoutMost    = 8 * layoutNumbers
	layoutEntries = 2 * layoutMost
	valuesAddress = 8 * layoutNumbers
	valuesKnown   = valuesAddress + 8
	valuesUnset   = valuesKnown + 4
	valuesIPv4    = valuesUnset + 4
)

// bytes16 is a vector of 32 bytes in memory: the same 16 in either half.
func (s *simd) bytes16(name string, b ...int8) operand.Mem {
	m := s.StaticGlobal(name)
	s.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 32 {
		s.AppendDatum(operand.U8(uint8(b[i%16%len(b)])))
	}
	return m
}

// rowReader writes the function that reads the numbers and addresses of a row.
func rowReader(s *simd) {
	pairs := s.bytes16("pairs", 10, 1)
	quads := s.bytes16("quads", 100, 0, 1, 0)
	hundreds := s.bytes16("hundreds", 0, 100, 10, 1)
	before := s.bytes16("before", -4, -3, -2, -1)
	spread := s.bytes16("spread", 0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12)
	least := s.bytes16("least", 0, 0, 10, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	lowest := s.bytes16("lowest", 0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1)
	zeros, nines := s.constant(0x3030303030303030), s.constant(0x0909090909090909)
	dots := s.constant(0x2e2e2e2e2e2e2e2e)
	c := s.Context

	c.Function("readAVX2")
	c.Attributes(build.NOSPLIT)
	c.Doc("readAVX2 reads the numbers and addresses of a row: v points to Values, l to a Layout. Of the row each field that the layout has ends 16 bytes or more behind the beginning of the text.")
	c.Pragma("noescape")
	c.SignatureExpr("func(v *uint64, l *int64, text *byte, row *uint16, unset byte)")
	values, layout := c.Load(c.Param("v"), c.GP64()), c.Load(c.Param("l"), c.GP64())
	text, row := c.Load(c.Param("text"), c.GP64()), c.Load(c.Param("row"), c.GP64())
	unset, ux := c.YMM(), c.XMM()
	u := c.Load(c.Param("unset"), c.GP32())
	c.VMOVD(u, ux)
	c.VPBROADCASTQ(ux, unset)
	zero := c.YMM()
	c.VPXOR(zero, zero, zero)
	known, none := c.GP32(), c.GP32()
	c.XORL(known, known)
	c.XORL(none, none)

	for g := layoutNumbers/4 - 1; g >= 0; g-- {
		digits, places := [2]reg.VecVirtual{c.XMM(), c.XMM()}, c.XMM()
		for k := range 4 {
			i := 4*g + k
			entry, end := c.GP64(), c.GP64()
			c.MOVWQZX(at(layout, layoutEntries+2*i), entry)
			place := operand.Mem{Base: row, Index: entry, Scale: 1}
			if k == 0 {
				c.VMOVD(place, places) // where the field before ends, and this one
			} else {
				c.VPINSRD(operand.Imm(uint64(k)), place, places, places)
			}
			c.MOVWQZX(place.Offset(2), end)
			c.SUBQ(at(layout, 8*i), end)
			word := operand.Mem{Base: text, Index: end, Scale: 1, Disp: -8}
			if k%2 == 0 {
				c.VMOVQ(word, digits[k/2])
			} else {
				c.VPINSRQ(operand.Imm(1), word, digits[k/2], digits[k/2])
			}
		}
		x, z, p, n, t := c.YMM(), c.YMM(), c.YMM(), c.YMM(), c.YMM()
		c.VINSERTI128(operand.Imm(1), digits[1], digits[0].AsY(), x)
		c.VPMOVZXDQ(places, p)
		// How many digits: from one behind the end of the field before, which is one before the text for the first.
		c.VPADDW(s.constant(1), p, p)
		c.VPSRLQ(operand.Imm(16), p, n)
		c.VPAND(s.constant(0xffff), p, p)
		c.VPSUBQ(p, n, n)
		c.VPSUBQ(at(layout, 32*g), n, n)
		c.VPMINSD(at(layout, layoutMost+32*g), n, n)
		valid, single := c.YMM(), c.YMM()
		c.VPCMPGTQ(zero, n, valid)
		c.VMOVDQU(s.constant(9), t)
		c.VPCMPGTQ(n, t, t)
		c.VPAND(t, valid, valid)
		c.VPCMPEQQ(s.constant(1), n, single)
		c.VPSRLQ(operand.Imm(56), x, t)
		c.VPCMPEQQ(unset, t, t)
		c.VPAND(t, single, single)
		m := c.GP32()
		c.VMOVMSKPD(single, m)
		c.SHLL(operand.Imm(4), none)
		c.ORL(m, none)
		// The digits, with zeros ahead of them.
		c.VPSLLQ(operand.Imm(3), n, n)
		c.VMOVDQU(s.constant(64), t)
		c.VPSUBQ(n, t, n)
		c.VPSRLVQ(n, x, x)
		c.VPSLLVQ(n, x, x)
		c.VMOVDQU(zeros, z)
		c.VPSLLVQ(n, z, z)
		c.VPXOR(z, x, x)
		c.VPSUBUSB(nines, x, t) // what is more than nine
		c.VPCMPEQQ(zero, t, t)
		c.VPAND(t, valid, valid)
		m = c.GP32()
		c.VMOVMSKPD(valid, m)
		c.SHLL(operand.Imm(4), known)
		c.ORL(m, known)
		// Their value: of two, of four, of eight.
		c.VPMADDUBSW(pairs, x, x)
		c.VPMADDWD(quads, x, x)
		c.VPSRLQ(operand.Imm(32), x, t)
		c.VPMULUDQ(s.constant(10000), x, x)
		c.VPADDQ(t, x, x)
		c.VPAND(valid, x, x)
		c.VMOVDQU(x, at(values, 32*g))
	}
	c.MOVL(known, at(values, valuesKnown))
	c.MOVL(none, at(values, valuesUnset))

	// The addresses: where the dots are tells where each part ends and how long it is.
	var halves, ends, sizes [2]reg.Virtual
	var bad [2]reg.GPVirtual
	for k := range 2 {
		entry, end, start, edge := c.GP64(), c.GP64(), c.GP64(), c.GP64()
		c.MOVWQZX(at(layout, layoutEntries+2*(layoutNumbers+k)), entry)
		c.MOVWQZX(operand.Mem{Base: row, Index: entry, Scale: 1, Disp: 2}, end)
		c.MOVWQZX(operand.Mem{Base: row, Index: entry, Scale: 1}, start)
		c.INCL(start.As32())
		c.MOVWQZX(start.As16(), start)
		half, t := c.XMM(), c.XMM()
		c.VMOVDQU(operand.Mem{Base: text, Index: end, Scale: 1, Disp: -16}, half)
		c.VPCMPEQB(dots, half, t)
		m := c.GP64()
		c.VPMOVMSKB(t, m.As32())
		c.SUBL(start.As32(), end.As32()) // the length
		bad[k] = c.GP64()
		c.MOVL(end.As32(), bad[k].As32())
		c.ANDL(operand.I32(-16), bad[k].As32())
		c.MOVL(operand.U32(16), edge.As32())
		c.SUBL(end.As32(), edge.As32())
		c.SHRXL(edge.As32(), m.As32(), m.As32())
		c.SHLXL(edge.As32(), m.As32(), m.As32())
		count := c.GP64()
		c.POPCNTL(m.As32(), count.As32())
		c.XORL(operand.Imm(3), count.As32())
		c.ORL(count.As32(), bad[k].As32())
		packed, p := c.GP64(), c.GP64()
		c.TZCNTL(m.As32(), packed.As32())
		c.BLSRL(m.As32(), m.As32())
		c.TZCNTL(m.As32(), p.As32())
		c.SHLL(operand.Imm(8), p.As32())
		c.ORL(p.As32(), packed.As32())
		c.BLSRL(m.As32(), m.As32())
		p = c.GP64()
		c.TZCNTL(m.As32(), p.As32())
		c.SHLL(operand.Imm(16), p.As32())
		c.ORL(p.As32(), packed.As32())
		c.ORL(operand.U32(16<<24), packed.As32())
		// Each part is as long as it is from the dot before.
		size := c.GP64()
		c.MOVL(packed.As32(), size.As32())
		c.SHLL(operand.Imm(8), size.As32())
		c.DECL(edge.As32())
		c.MOVBLZX(edge.As8(), edge.As32())
		c.ORL(edge.As32(), size.As32())
		c.NEGL(size.As32())
		c.LEAL(operand.Mem{Base: packed, Index: size, Scale: 1, Disp: -0x01010101}, size.As32())
		p = c.GP64()
		c.LEAL(operand.Mem{Base: size, Disp: -0x01010101}, p.As32())
		c.ANDL(operand.U32(0x80808080), p.As32())
		c.ORL(p.As32(), bad[k].As32())
		p = c.GP64()
		c.MOVL(size.As32(), p.As32())
		c.ANDL(operand.U32(0xfcfcfcfc), p.As32())
		c.ORL(p.As32(), bad[k].As32())
		halves[k], ends[k], sizes[k] = half, packed, size
	}
	both := func(r [2]reg.Virtual) reg.VecVirtual {
		low, high := r[0].(reg.GPVirtual), r[1].(reg.GPVirtual)
		c.SHLQ(operand.Imm(32), high)
		c.ORQ(low, high)
		x, y := c.XMM(), c.YMM()
		c.VMOVQ(high, x)
		c.VPMOVZXBD(x, y)
		return y
	}
	x, t := c.YMM(), c.YMM()
	c.VINSERTI128(operand.Imm(1), halves[1], halves[0].(reg.VecVirtual).AsY(), x)
	e, n := both(ends), both(sizes)
	c.VPSHUFB(spread, e, e)
	c.VPADDB(before, e, e)
	c.VPSHUFB(e, x, x)
	shift, z, v := c.YMM(), c.YMM(), c.YMM()
	c.VPSLLD(operand.Imm(3), n, shift)
	c.VMOVDQU(s.constant(32<<32|32), t)
	c.VPSUBD(shift, t, shift)
	c.VPSRLVD(shift, x, x)
	c.VPSLLVD(shift, x, x)
	c.VMOVDQU(zeros, z)
	c.VPSLLVD(shift, z, z)
	c.VPXOR(z, x, x)
	wrong := c.YMM()
	c.VPSUBUSB(nines, x, wrong)
	c.VPMADDUBSW(hundreds, x, v)
	c.VPMADDWD(s.constant(0x0001000100010001), v, v)
	c.VPCMPGTD(s.constant(255<<32|255), v, t)
	c.VPOR(t, wrong, wrong)
	c.VMOVDQU(least, t) // number of so many digits; others have a zero in front
	c.VPSHUFB(n, t, t)
	c.VPCMPGTD(v, t, t)
	c.VPOR(t, wrong, wrong)
	c.VPSHUFB(lowest, v, v)
	c.VMOVD(v.AsX(), at(values, valuesAddress))
	high := c.XMM()
	c.VEXTRACTI128(operand.Imm(1), v, high)
	c.VMOVD(high, at(values, valuesAddress+4))
	c.VPCMPEQD(zero, wrong, wrong)
	right := c.GP32()
	c.VMOVMSKPS(wrong, right)
	c.XORL(operand.Imm(0xff), right)
	part := c.GP32()
	c.MOVL(right, part)
	c.ANDL(operand.Imm(15), part)
	c.ANDL(operand.U32(0xf0), right)
	c.ORL(part, bad[0].As32())
	c.ORL(right, bad[1].As32())
	result, other := c.GP32(), c.GP32()
	c.XORL(result, result)
	c.XORL(other, other)
	c.TESTL(bad[0].As32(), bad[0].As32())
	c.SETEQ(result.As8())
	c.TESTL(bad[1].As32(), bad[1].As32())
	c.SETEQ(other.As8())
	c.LEAL(operand.Mem{Base: result, Index: other, Scale: 2}, result)
	c.MOVL(result, at(values, valuesIPv4))
	c.VZEROUPPER()
	c.RET()
}

// floatReader writes the function that reads the numbers of a line.
func floatReader(c *build.Context) {
	table := func(name string, b ...uint8) operand.Mem {
		m := c.StaticGlobal(name)
		c.DataAttributes(attr.RODATA | attr.NOPTR)
		for _, x := range b {
			c.AppendDatum(operand.U8(x))
		}
		return m
	}
	repeated := func(name string, b ...uint8) operand.Mem { return table(name, bytes.Repeat(b, 16/len(b))...) }
	const none = 0x80 // of a shuffle: a zero
	shift, remove := bytes.Repeat([]byte{none}, 16), []byte{}
	for i := range 16 {
		shift = append(shift, uint8(i))
	}
	for point := range 17 { // where it is; 16 is nowhere
		for i := range 16 {
			switch {
			case point == 16 || i > point:
				remove = append(remove, uint8(i))
			case i == 0:
				remove = append(remove, none)
			default:
				remove = append(remove, uint8(i-1))
			}
		}
	}
	ahead, without := table("ahead", shift...), table("without", remove...)
	zeros, points, nines := repeated("digit0", '0'), repeated("point", '.'-'0'+256), repeated("digit9", 9)
	by10, by100, by10000 := repeated("by10", 10, 1), repeated("by100", 100, 0, 1, 0), repeated("by10000", 10000&0xff, 10000>>8, 1, 0)
	by1e8 := c.StaticGlobal("by1e8")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	c.AppendDatum(operand.U64(math.Float64bits(1e8)))
	powers := c.StaticGlobal("powers")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for point := range 16 {
		c.AppendDatum(operand.U64(math.Float64bits(math.Pow10(15 - point))))
	}
	c.AppendDatum(operand.U64(math.Float64bits(1)))

	c.Function("floatsAVX2")
	c.Attributes(build.NOSPLIT)
	c.Doc("floatsAVX2 reads up to n fields, and returns how many there were before the first that it cannot read. Field i of the text is from one behind ends[i] to ends[i+1]; it",
		"looks at 16 bytes from there, or one behind, if that is last at most.")
	c.Pragma("noescape")
	c.SignatureExpr("func(dst *float32, text *byte, ends *uint16, n uintptr, last uintptr) (read uintptr)")
	dst, text, ends := c.Load(c.Param("dst"), c.GP64()), c.Load(c.Param("text"), c.GP64()), c.Load(c.Param("ends"), c.GP64())
	n, last := c.Load(c.Param("n"), c.GP64()), c.Load(c.Param("last"), c.GP64())
	i, start, end, size, negative, t := c.GP64(), c.GP64(), c.GP64(), c.GP64(), c.GP64(), c.GP64()
	load := func(m operand.Mem) reg.VecVirtual {
		x := c.XMM()
		c.VMOVDQU(m, x)
		return x
	}
	zero, point, nine := load(zeros), load(points), load(nines)
	ten, hundred, myriad := load(by10), load(by100), load(by10000)
	tables, places := c.GP64(), c.GP64()
	aheads := c.GP64()
	c.LEAQ(ahead, aheads)
	c.LEAQ(without, tables)
	c.LEAQ(powers, places)
	c.XORQ(i, i)
	c.MOVWQZX(operand.Mem{Base: ends}, end)
	c.Label("field")
	c.LEAL(operand.Mem{Base: end, Disp: 1}, start.As32())
	c.MOVWLZX(start.As16(), start.As32())
	c.MOVWQZX(operand.Mem{Base: ends, Index: i, Scale: 2, Disp: 2}, end)
	c.MOVL(end.As32(), size.As32())
	c.SUBL(start.As32(), size.As32())
	c.XORL(negative.As32(), negative.As32())
	c.CMPB(operand.Mem{Base: text, Index: start, Scale: 1}, operand.Imm('-'))
	c.SETEQ(negative.As8())
	c.ADDL(negative.As32(), start.As32())
	c.SUBL(negative.As32(), size.As32())
	c.CMPQ(start, last)
	c.JHI(operand.LabelRef("done"))
	c.LEAL(operand.Mem{Base: size, Disp: -1}, t.As32())
	c.CMPL(t.As32(), operand.Imm(15))
	c.JCC(operand.LabelRef("odd"))
	// The characters, the last one in the last byte, with zeros ahead of them.
	x, dots, good := c.XMM(), c.XMM(), c.XMM()
	c.VMOVDQU(operand.Mem{Base: text, Index: start, Scale: 1}, x)
	c.VPSUBB(zero, x, x)
	c.VPSHUFB(operand.Mem{Base: aheads, Index: size, Scale: 1}, x, x)
	c.VPCMPEQB(point, x, dots)
	c.VPMINUB(nine, x, good)
	c.VPCMPEQB(x, good, good)
	c.VPOR(dots, good, good)
	where := c.GP64()
	c.VPMOVMSKB(good, t.As32())
	c.VPMOVMSKB(dots, where.As32())
	c.CMPL(t.As32(), operand.U32(0xffff))
	c.JNE(operand.LabelRef("done"))
	c.MOVL(where.As32(), t.As32()) // nothing but a point
	c.SHRL(operand.Imm(15), t.As32())
	c.CMPL(t.As32(), size.As32())
	c.JEQ(operand.LabelRef("done"))
	c.BLSRL(where.As32(), t.As32()) // two points
	c.JNE(operand.LabelRef("done"))
	c.ORL(operand.U32(1<<16), where.As32())
	c.TZCNTL(where.As32(), where.As32())
	c.MOVL(where.As32(), t.As32())
	c.SHLL(operand.Imm(4), t.As32())
	c.VPSHUFB(operand.Mem{Base: tables, Index: t, Scale: 1}, x, x)
	// The value of two digits, of four, of eight, of all: less than 1e15, and exact.
	c.VPMADDUBSW(ten, x, x)
	c.VPMADDWD(hundred, x, x)
	c.VPACKUSDW(x, x, x)
	c.VPMADDWD(myriad, x, x)
	low := c.XMM()
	c.VCVTDQ2PD(x, x)
	c.VUNPCKHPD(x, x, low)
	c.VMULSD(by1e8, x, x)
	c.VADDSD(low, x, x)
	c.VDIVSD(operand.Mem{Base: places, Index: where, Scale: 8}, x, x)
	c.VCVTSD2SS(x, x, x)
	c.VMOVD(x, t.As32())
	c.SHLL(operand.Imm(31), negative.As32())
	c.ORL(negative.As32(), t.As32())
	c.MOVL(t.As32(), operand.Mem{Base: dst, Index: i, Scale: 4})
	c.Label("next")
	c.INCQ(i)
	c.CMPQ(i, n)
	c.JCS(operand.LabelRef("field"))
	c.JMP(operand.LabelRef("done"))
	c.Label("odd")
	c.ORL(negative.As32(), size.As32())
	c.JNE(operand.LabelRef("done"))
	c.MOVL(operand.U32(0x7fc00000), operand.Mem{Base: dst, Index: i, Scale: 4}) // no number
	c.JMP(operand.LabelRef("next"))
	c.Label("done")
	c.Store(i, c.ReturnIndex(0))
	c.VZEROUPPER()
	c.RET()
}

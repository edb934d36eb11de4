package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// fieldScanner writes the assembly of package fieldscan.
func fieldScanner(c *build.Context) {
	c.Function("scanAVX2")
	c.Attributes(build.NOSPLIT)
	c.Doc("scanAVX2 writes where the bytes sep of a line of at least 64 bytes are, and their number; found is not 0 if it has a byte escape or one",
		"that is less than low. It writes to no more than 8 entries behind the last one.")
	c.Pragma("noescape")
	c.SignatureExpr("func(ends *uint16, line *byte, n uintptr, sep, escape, low byte) (seps, found uint64)")
	ends, line := c.Load(c.Param("ends"), c.GP64()), c.Load(c.Param("line"), c.GP64())
	n := c.Load(c.Param("n"), c.GP64())
	sep, escape, floor := broadcast(c, "sep"), broadcast(c, "escape"), broadcast(c, "low")
	found := c.YMM()
	c.VPXOR(found, found, found)
	begin, base, m := c.GP64(), c.GP64(), c.GP64()
	c.MOVQ(ends, begin)
	c.XORQ(base, base)

	// mask makes m the bits of the 64 bytes at line.
	mask := func() {
		low, high, a := c.YMM(), c.YMM(), c.YMM()
		c.VMOVDQU(operand.Mem{Base: line}, low)
		c.VMOVDQU(operand.Mem{Base: line, Disp: 32}, high)
		for _, half := range []reg.Register{low, high} {
			c.VPCMPEQB(half.(reg.VecVirtual), escape, a)
			c.VPOR(found, a, found)
			c.VPSUBUSB(half.(reg.VecVirtual), floor, a) // floor less the byte, or zero
			c.VPOR(found, a, found)
			c.VPCMPEQB(half.(reg.VecVirtual), sep, half.(reg.VecVirtual))
		}
		h := c.GP64()
		c.VPMOVMSKB(low, m.As32())
		c.VPMOVMSKB(high, h.As32())
		c.SHLQ(operand.Imm(32), h)
		c.ORQ(h, m)
	}
	// write writes where the bits of m are, eight at a time, whether there are as many or not.
	write := func(label string) {
		count, to := c.GP64(), c.GP64()
		c.POPCNTQ(m, count)
		c.MOVQ(ends, to)
		c.LEAQ(operand.Mem{Base: ends, Index: count, Scale: 2}, ends)
		c.Label(label)
		for i := range 8 {
			at := c.GP64()
			c.TZCNTQ(m, at)
			c.BLSRQ(m, m)
			c.ADDL(base.As32(), at.As32())
			c.MOVW(at.As16(), operand.Mem{Base: to, Disp: 2 * i})
		}
		c.ADDQ(operand.Imm(16), to)
		c.CMPQ(to, ends)
		c.JLT(operand.LabelRef(label))
	}

	c.SUBQ(operand.Imm(64), n)
	c.Label("blocks")
	mask()
	write("fields")
	c.ADDQ(operand.Imm(64), base)
	c.ADDQ(operand.Imm(64), line)
	c.SUBQ(operand.Imm(64), n)
	c.JGE(operand.LabelRef("blocks"))
	// n is what is left less 64: nothing if it is -64. Else the last 64 bytes are looked at again, of which the upper ones are new.
	c.CMPQ(n, operand.I32(-64))
	c.JEQ(operand.LabelRef("done"))
	c.ADDQ(n, line)
	mask()
	c.NEGQ(n)
	c.SHRXQ(n, m, m)
	write("last")
	c.Label("done")
	c.SUBQ(begin, ends)
	c.SHRQ(operand.Imm(1), ends)
	c.Store(ends, c.ReturnIndex(0))
	any := c.GP64()
	c.XORQ(any, any)
	c.VPTEST(found, found)
	c.SETNE(any.As8())
	c.Store(any, c.ReturnIndex(1))
	c.VZEROUPPER()
	c.RET()
}

// broadcast loads a byte parameter into all bytes of a vector.
func broadcast(c *build.Context, param string) reg.VecVirtual {
	x, g, v := c.XMM(), c.GP32(), c.YMM()
	c.Load(c.Param(param), g)
	c.VMOVD(g, x)
	c.VPBROADCASTB(x, v)
	return v
}

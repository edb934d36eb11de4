//go:build (amd64 || arm64) && !purego

package heapwalk

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
)

// longest is the nanoseconds that no call of assembly may take.
const longest = 50_000

// touched counts what a walk asks memory for if no cache has anything.
type touched struct {
	seen                map[uintptr]bool // lines, and pages above all of these
	lines, pages, waits int
}

// ask asks for a line of a cache, and tells whether it was not asked for before.
func (c *touched) ask(at unsafe.Pointer) bool {
	line := uintptr(at) / lineSize
	if c.seen[line] {
		return false
	}
	c.seen[line] = true
	c.lines++
	if page := ^(uintptr(at) / 4096); !c.seen[page] {
		c.seen[page] = true
		c.pages++
	}
	return true
}

// walk goes with some rows through some packs, level by level. What is not there yet is waited for once for the ten nodes of a level, once for their keys, and once for the leaves.
func walk[N Node](c *touched, p *Packs[N], keys []N, stride, first, rows, pack, packs int) {
	mask := N(1)<<(4*unsafe.Sizeof(N(0))) - 1
	for k := pack; k < pack+packs; k++ {
		nodes, leaves := p.Nodes[k*p.Size():][:p.Size()], p.Leaves[k*p.Size():]
		for r := first; r < first+rows; r++ {
			of := keys[r*stride:][:stride]
			var at [PackTrees]int
			for t := range at {
				at[t] = PackTrees + t
			}
			for range p.Depth {
				node, key := false, false
				for t, j := range at {
					slot := nodes[j] & mask
					node = c.ask(unsafe.Pointer(&nodes[j])) || node
					key = c.ask(unsafe.Pointer(&of[slot])) || key
					at[t] = step(j, nodes, of)
				}
				c.waits += b2i(node) + b2i(key)
			}
			leaf := false
			for _, j := range at {
				leaf = c.ask(unsafe.Pointer(&leaves[j-p.Size()])) || leaf
			}
			c.waits += b2i(leaf)
		}
	}
}

func b2i(x bool) int {
	if x {
		return 1
	}
	return 0
}

// oddWalks are packs of all depths, for rows of few and of many keys.
func oddWalks[N Node](r *rand.Rand, count func(depth int) int, split func(threshold, slot uint32) N, visit func(p *Packs[N], slots int)) {
	for depth := range 17 {
		for _, slots := range []int{84, 60_000} {
			p := &Packs[N]{Trees: PackTrees, Depth: depth, Far: true}
			p.Nodes, p.Leaves = make([]N, count(depth)*p.Size()), make([]float32, count(depth)*p.Size())
			for i := range p.Nodes {
				p.Nodes[i] = split(r.Uint32(), uint32(r.IntN(slots)))
			}
			visit(p, slots)
		}
	}
}

func randomKeys[N Node](r *rand.Rand, n int, key func(value uint32) N) []N {
	keys := make([]N, n)
	for i := range keys {
		keys[i] = key(r.Uint32())
	}
	return keys
}

// TestCallsAreShort counts what the longest calls ask for, and what time that may take: 25 ns for a line of a cache, 60 more for the first one of a page, 100 for a wait, and
// one for a step.
func TestCallsAreShort(t *testing.T) {
	testCalls(t, Wide, WideKey)
	testCalls(t, narrow, narrowKey)
}

func narrow(threshold, slot uint32) uint32 { return Narrow(uint16(threshold), uint16(slot)) }
func narrowKey(value uint32) uint32        { return NarrowKey(uint16(value)) }

func testCalls[N Node](t *testing.T, split func(threshold, slot uint32) N, key func(value uint32) N) {
	r := testkit.Rand(t)
	most, all := 0, randomKeys(r, 32*60_000, key)
	oddWalks(r, func(depth int) int { return 200>>depth + 5 }, split, func(p *Packs[N], slots int) {
		_, packs := p.calls(1, slots)
		require.False(t, p.short(packs+1, slots))
		keys := all[:32*slots]
		for _, rows := range []int{1, 2, 5, 13, 32} {
			calls, walked := 0, 0
			p.inCalls(rows, slots, func(first, some, pack, packs int) {
				walked += some * packs
				if calls++; calls > 1 { // the others are no longer
					return
				}
				c := touched{seen: map[uintptr]bool{}}
				walk(&c, p, keys, slots, first, some, pack, packs)
				time := c.lines*25 + c.pages*60 + c.waits*100 + some*packs*(p.Depth+1)*PackTrees
				require.Less(t, time, longest, "%d rows of %d keys, %d packs of depth %d: %d lines in %d pages, %d waits", some, slots, packs, p.Depth, c.lines, c.pages, c.waits)
				most = max(most, time)
			})
			require.Equal(t, rows*p.Count(), walked)
		}
	})
	require.Greater(t, most, longest/3) // or calls are shorter than they need be
}

// BenchmarkCalls reports how many microseconds the longest calls take if no cache has anything of what they need, and if they did the same just before.
func BenchmarkCalls(b *testing.B) {
	benchmarkCalls(b, "wide", Wide, WideKey)
	benchmarkCalls(b, "narrow", narrow, narrowKey)
	b.Run("expand", func(b *testing.B) {
		const n = 512 // a call
		row, keys, quads := make([]float32, 40*n), make([]uint64, 8*n), make([]uint32, n)
		for i := range quads {
			quads[i] = uint32(37 * i)
		}
		testkit.ReportCalls(b, func() { Expand(keys, row, quads) })
	})
}

func benchmarkCalls[N Node](b *testing.B, name string, split func(threshold, slot uint32) N, key func(value uint32) N) {
	r := rand.New(rand.NewPCG(1, 2))
	oddWalks(r, func(depth int) int { return 0 }, split, func(p *Packs[N], slots int) {
		for _, rows := range []int{1, 3, 8, 32} {
			some, packs := p.calls(rows, slots)
			p := &Packs[N]{Trees: PackTrees, Depth: p.Depth}
			p.Nodes, p.Leaves = make([]N, packs*p.Size()), make([]float32, packs*p.Size())
			for i := range p.Nodes {
				p.Nodes[i] = split(r.Uint32(), uint32(r.IntN(slots)))
			}
			keys := randomKeys(r, some*slots, key)
			sums, places := make([]float32, some), make([]uint32, packs*PackTrees)
			what := fmt.Sprintf("%s/depth=%d/keys=%d/rows=%d/packs=%d", name, p.Depth, slots, some, packs)
			if some > 1 {
				b.Run(what, func(b *testing.B) { testkit.ReportCalls(b, func() { sumRowsAssembly(sums, p, keys) }) })
				continue
			}
			b.Run(what+"/near", func(b *testing.B) { testkit.ReportCalls(b, func() { SumRow(0, p, keys) }) })
			b.Run(what+"/find", func(b *testing.B) { testkit.ReportCalls(b, func() { Find(places, p, keys) }) })
			p.Far = true
			b.Run(what+"/far", func(b *testing.B) { testkit.ReportCalls(b, func() { SumRow(0, p, keys) }) })
		}
	})
}

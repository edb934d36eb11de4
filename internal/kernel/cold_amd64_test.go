//go:build !purego

package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"threatdetect/internal/testkit"
)

// coldRows is how far rows are from each other where each of their places is in a line of its own.
const coldRows = 5000

// BenchmarkCalls reports how many microseconds the longest calls take if no cache has anything of what they need, and if they did the same just before:
// those of AVX2, and those of AVX-512 where the machine has it.
func BenchmarkCalls(b *testing.B) {
	if !hasAVX2 {
		b.Skip("no AVX2")
	}
	c := coldCalls{b, rand.New(rand.NewPCG(1, 2)), aligned[uint64](8 * (MaxPlanes + 1)), aligned[float32](512), aligned[byte](workBytes)}
	if hasAVX512 {
		c.big(wide)
	}
	for _, v := range []*vectors{&vectors256, &vectors128} {
		c.big(v)
	}
	for _, columns := range []int{maxNarrow, 8000} { // as many as a reference can name
		c.small(&small64, SmallRows, columns)
		c.small(&small32, SmallestRows, columns)
		c.small(&small16, FewRows, columns)
	}
}

type coldCalls struct {
	*testing.B
	r      *rand.Rand
	planes []uint64
	sums   []float32
	work   []byte
}

func (c *coldCalls) run(what string, rows, n int, call func()) {
	instructions := "AVX2"
	if rows == 512 {
		instructions = "AVX512"
	}
	c.Run(fmt.Sprintf("%s/%s/rows=%d/n=%d", instructions, what, rows, n), func(b *testing.B) { testkit.ReportCalls(b, call) })
}

// places are every so many, as many of them as a call takes.
func (c *coldCalls) places(in inRows, apart int) []uint32 {
	n := in.fit(1000, func(i int) uint32 { return uint32(apart * i) })
	places := make([]uint32, n)
	for i := range places {
		places[i] = uint32(apart * i)
	}
	return places
}

func (c *coldCalls) columns(v *vectors) {
	data := make([]float32, v.rows*coldRows+100)
	for _, shape := range [][2]int{{4, coldRows}, {17, coldRows}, {4, 44}, {4, 200}} {
		loads := c.places(inRows{rows: v.rows, stride: shape[1], width: 4, line: 16, own: 4 * (rowTime + v.rows/16*nextTime)}, shape[0])
		loads = loads[:min(len(loads), shape[1]/shape[0])]
		columns := aligned[float32](4 * len(loads) * columnStride(v.rows))
		c.run(fmt.Sprintf("transpose/apart=%d/stride=%d", shape[0], shape[1]), v.rows, len(loads), func() {
			v.transpose(&columns[0], &data[0], 4*uintptr(shape[1]), &loads[0], uintptr(len(loads)))
		})
	}
}

func (c *coldCalls) ranks(v *vectors) {
	if search := v.search[8]; search != nil {
		column, tree, ranks := aligned[float32](v.rows), aligned[float32](256), aligned[byte](v.rows)
		c.run("search", v.rows, maxRanked, func() { search(&ranks[0], &column[0], &tree[0], &c.work[0]) })
		return
	}
	buckets, more := make([]bucket, maxBuckets), make([]int32, 400)
	for i := range buckets {
		buckets[i].rank = int32(c.r.IntN(maxRanked))
	}
	l := lookup{lo: 0, last: 1, scale: maxBuckets - 1, firstBucket: &buckets[0], firstCompare: &more[0], compares: 20}
	column, ranks := aligned[float32](v.rows), aligned[byte](256)
	for i := range column {
		column[i] = c.r.Float32()
	}
	c.run("rank", v.rows, l.compares, func() { v.rankLinear(&ranks[0], &column[0], (*byte)(unsafe.Pointer(&l)), &c.work[0]) })
}

func (c *coldCalls) big(v *vectors) {
	c.columns(v)
	c.ranks(v)
	data := make([]float32, v.rows*coldRows+100)
	for _, apart := range []int{windowColumns, 17} {
		places := c.places(inRows{rows: v.rows, stride: coldRows, width: windowColumns, line: 16, own: 3 * v.rows}, apart)
		windows, answers := make([]window, len(places)), aligned[byte](len(places)*v.rows)
		for i := range windows {
			windows[i].first = places[i]
		}
		c.run(fmt.Sprintf("compare/apart=%d", apart), v.rows, len(windows), func() {
			v.compare(&answers[0], &data[0], 4*coldRows, (*byte)(unsafe.Pointer(&windows[0])), uintptr(len(windows)))
		})
	}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), 4*len(data))
	places := c.places(inRows{rows: v.rows, stride: 4 * coldRows, width: 1, line: 64, own: v.rows/2 + v.rows/64*nextTime}, 130)
	collected := aligned[byte](len(places) * v.rows)
	c.run("collect", v.rows, len(places), func() { v.collect(&collected[0], &bytes[0], 4*coldRows, &places[0], uintptr(len(places))) })
	thresholds, spreads, answers, pairs := make([]float32, maxThresholds), make([]spread, maxSpreads), aligned[byte](maxSpreads*v.rows), make([]uint16, 2*maxPairs)
	for i := range spreads {
		spreads[i].from = uint32(i)
		for lane := range spreads[i].to {
			spreads[i].to[lane] = uint32(reference(c.r.IntN(MaxPlanes)))
		}
	}
	for i := range pairs {
		pairs[i] = reference(c.r.IntN(MaxPlanes))
	}
	c.run("below", v.rows, maxThresholds, func() { v.below(&c.planes[0], &data[0], &thresholds[0], maxThresholds) })
	c.run("spread", v.rows, maxSpreads, func() { v.spread(&c.planes[0], &answers[0], (*byte)(unsafe.Pointer(&spreads[0])), maxSpreads) })
	c.run("missing", v.rows, maxPairs, func() { v.missing(&c.planes[0], &c.planes[0], &data[0], &pairs[0], maxPairs) })
	c.run("expand", v.rows, maxRanked, func() { v.expand(&c.planes[0], &answers[0], 8, maxRanked, &c.work[0]) })
	for depth := 1; depth <= MaxDepth; depth++ {
		n := (&run{depth: depth}).calls()
		program := make([]uint16, n*(1<<depth-1)+1<<depth)
		for i := range program {
			program[i] = reference(c.r.IntN(MaxPlanes))
		}
		tables, values := make([]byte, n*tableBytes(depth)), make([]float32, n<<depth)
		c.run(fmt.Sprintf("trees/depth=%d", depth), v.rows, n, func() {
			if v.tables[depth] != nil {
				v.tables[depth](&c.planes[0], &program[0], &tables[0], &c.sums[0], uintptr(n), &c.work[0])
			} else {
				v.values[depth](&c.planes[0], &program[0], &values[0], &c.sums[0], uintptr(n), &c.work[0])
			}
		})
	}
}

func (c *coldCalls) small(v *smallVectors, walking, columns int) {
	wide := columns > maxNarrow
	if walking == v.rows && wide {
		c.columns(&v.vectors)
		c.ranks(&v.vectors)
	}
	bytes, ranks := aligned[byte](columns*sideBytes), aligned[byte](columns*SmallRows/8*rowBytes)
	stride := uintptr(columns * rowBytes)
	if wide {
		c.run("rowRanks", walking, maxRowRanks, func() { v.rowRanks(&ranks[0], stride, &bytes[0], maxRowRanks) })
	}
	for i := range bytes {
		bytes[i], ranks[i] = byte(c.r.Uint32()), byte(c.r.Uint32())
	}
	for depth := 1; depth <= MaxDepth; depth++ {
		n := (&Plan{wide: wide}).smallCalls(&run{depth: depth})
		size, leaves := smallBytes(depth, wide), make([]float32, (n+1)*tableBytes(depth)/4)
		program := make([]byte, (n+2)*size)
		for tree := range n {
			at := program[tree*size:]
			for i := range 1<<min(depth, upperLevels) - 1 {
				reference := c.r.IntN(columns) * sideBytes / 8
				at[2*i], at[2*i+1] = byte(reference), byte(reference>>8)
			}
			for i := upperBytes(depth); i < size; i += nodeBytes(wide) {
				number := c.r.IntN(2 * columns)
				if at[i] = byte(c.r.Uint32()); wide {
					at[i+2], at[i+3] = byte(number), byte(number>>8)
				} else {
					at[i+1] = byte(number)
				}
			}
		}
		c.run(fmt.Sprintf("trees/columns=%d/depth=%d", columns, depth), walking, n, func() {
			if depth <= upperLevels {
				v.tables[depth](&bytes[0], &program[0], (*byte)(unsafe.Pointer(&leaves[0])), &c.sums[0], uintptr(n), &c.work[0])
			} else {
				trees := v.values[depth]
				if wide {
					trees = v.wide[depth]
				}
				trees(&bytes[0], &program[0], &leaves[0], &c.sums[0], uintptr(n), &ranks[0], stride, &c.work[0])
			}
		})
	}
}

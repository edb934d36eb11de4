//go:build !purego

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// longest is the nanoseconds that no call of assembly may take.
const longest = 50_000

// touched are lines of a cache.
type touched map[uintptr]bool

// add adds those of some bytes at an address.
func (l touched) add(at unsafe.Pointer, bytes int) {
	for line := uintptr(at) / 64; line <= (uintptr(at)+uintptr(bytes)-1)/64; line++ {
		l[line] = true
	}
}

// check counts what a call takes if memory has to bring all lines, and its code: the one, the count of the others, and what it has to do with them.
func (l touched) check(t *testing.T, what string, seen map[string]int, work int) {
	const code = 10_000
	time := code + len(l)*25 + work
	seen[what] = max(seen[what], time)
	require.LessOrEqual(t, time, longest, "%s: %d lines", what, len(l))
}

// checkRows is check for rows and columns: of lines side by side the first one takes 40 nanoseconds, and each other 10.
func (l touched) checkRows(t *testing.T, what string, seen map[string]int, work int) {
	for line := range l {
		if l[line-1] {
			work += 10 - 25
		} else {
			work += 40 - 25
		}
	}
	l.check(t, what, seen, work)
}

// watch returns vectors whose functions do nothing but check how much they are asked to do in one call.
func watch(t *testing.T, rows int, seen map[string]int) vectors {
	v := vectors{rows: rows}
	inRows := func(of unsafe.Pointer, stride uintptr, places []uint32, size, width int) touched {
		lines := touched{}
		for r := range rows {
			for _, place := range places {
				lines.add(unsafe.Add(of, r*int(stride)+size*int(place)), size*width)
			}
		}
		return lines
	}
	v.transpose = func(columns, data *float32, stride uintptr, loads *uint32, n uintptr) {
		lines := inRows(unsafe.Pointer(data), stride, unsafe.Slice(loads, n), 4, 4)
		for c := range 4 * int(n) {
			lines.add(unsafe.Add(unsafe.Pointer(columns), 4*c*columnStride(rows)), 4*rows)
		}
		lines.checkRows(t, "transpose", seen, 0)
	}
	v.below = func(planes *uint64, column, thresholds *float32, n uintptr) {
		lines := touched{}
		lines.add(unsafe.Pointer(planes), int(n)*rows/8)
		lines.add(unsafe.Pointer(column), 4*rows)
		lines.add(unsafe.Pointer(thresholds), 4*int(n))
		lines.check(t, "below", seen, 10*int(n))
	}
	v.belowOrMissing = v.below
	v.rankLinear = func(_ *byte, _ *float32, table *byte, _ *byte) {
		l := (*lookup)(unsafe.Pointer(table))
		lines := touched{}
		for i := range rows { // of buckets, the values, and what has more thresholds
			lines[uintptr(i)] = true
		}
		lines.add(unsafe.Pointer(l.firstCompare), 4*(maxRanked+2*l.compares))
		lines.check(t, "rank", seen, rows*(1+l.compares))
	}
	v.rankLog = v.rankLinear
	for bits := range v.search {
		if rows < 512 {
			break
		}
		v.search[bits] = func(_ *byte, column, tree *float32, _ *byte) {
			lines := touched{}
			lines.add(unsafe.Pointer(column), 4*rows)
			lines.add(unsafe.Pointer(tree), 4<<max(bits, 4))
			lines.check(t, "rank", seen, 2*rows)
		}
	}
	v.remap = func(_, _, table *byte, n uintptr) {
		lines := touched{}
		lines.add(unsafe.Pointer(table), 16*int(n))
		lines.check(t, "remap", seen, rows)
	}
	v.expand = func(planes *uint64, _ *byte, _, n uintptr, _ *byte) {
		lines := touched{}
		lines.add(unsafe.Pointer(planes), int(n)*rows/8)
		lines.check(t, "expand", seen, 4*int(n))
	}
	v.compare = func(answers *byte, data *float32, stride uintptr, windows *byte, n uintptr) {
		var places []uint32
		for _, w := range unsafe.Slice((*window)(unsafe.Pointer(windows)), n) {
			places = append(places, w.first)
		}
		lines := inRows(unsafe.Pointer(data), stride, places, 4, windowColumns)
		lines.add(unsafe.Pointer(answers), int(n)*rows)
		lines.add(unsafe.Pointer(windows), int(n)*int(unsafe.Sizeof(window{})))
		lines.checkRows(t, "compare", seen, int(n)*rows/2)
	}
	v.spread = func(planes *uint64, answers, spreads *byte, n uintptr) {
		lines := touched{}
		for _, s := range unsafe.Slice((*spread)(unsafe.Pointer(spreads)), n) {
			lines.add(unsafe.Add(unsafe.Pointer(answers), int(s.from)*rows), rows)
			for _, to := range s.to {
				lines.add(unsafe.Add(unsafe.Pointer(planes), int(to)/planeUnit*rows/8), rows/8)
			}
		}
		lines.add(unsafe.Pointer(spreads), int(n)*int(unsafe.Sizeof(spread{})))
		lines.check(t, "spread", seen, 30*int(n))
	}
	v.collect = func(answers, data *byte, stride uintptr, places *uint32, n uintptr) {
		lines := inRows(unsafe.Pointer(data), stride, unsafe.Slice(places, n), 1, 1)
		lines.add(unsafe.Pointer(answers), int(n)*rows)
		lines.checkRows(t, "collect", seen, int(n)*rows/2)
	}
	v.missing = func(planes, plane *uint64, column *float32, pairs *uint16, n uintptr) {
		lines := touched{}
		lines.add(unsafe.Pointer(column), 4*rows)
		lines.addPlanes(planes, unsafe.Slice(pairs, 2*n), rows)
		lines.check(t, "missing", seen, int(n))
	}
	for depth := 1; depth <= MaxDepth; depth++ {
		trees := func(planes *uint64, program *uint16, leaves unsafe.Pointer, n uintptr) {
			lines, nodes := touched{}, int(n)*(1<<depth-1)
			lines.addPlanes(planes, unsafe.Slice(program, nodes), rows)
			lines.add(unsafe.Pointer(program), 2*nodes)
			lines.add(leaves, int(n)*tableBytes(depth))
			lines[0] = true
			lines.check(t, fmt.Sprintf("trees of depth %d", depth), seen, int(n)*treeNanoseconds[depth])
		}
		if v.kind().tables(depth) {
			v.tables[depth] = func(planes *uint64, program *uint16, leaves *byte, _ *float32, n uintptr, _ *byte) {
				trees(planes, program, unsafe.Pointer(leaves), n)
			}
			continue
		}
		v.values[depth] = func(planes *uint64, program *uint16, leaves, _ *float32, n uintptr, _ *byte) {
			trees(planes, program, unsafe.Pointer(leaves), n)
		}
	}
	return v
}

// treeNanoseconds is what a tree takes if all is in the nearest cache, twice as long as was measured, and a wait for the first of its lines.
var treeNanoseconds = [MaxDepth + 1]int{1: 240, 2: 240, 3: 250, 4: 260, 5: 310, 6: 400, 7: 520, 8: 760}

// addPlanes adds the lines of planes that references name.
func (l touched) addPlanes(planes *uint64, references []uint16, rows int) {
	for _, r := range references {
		l.add(unsafe.Add(unsafe.Pointer(planes), int(r)/planeUnit*rows/8), rows/8)
	}
}

// watchSmall is watch for small blocks, of which some rows walk.
func watchSmall(t *testing.T, rows, walking int, seen map[string]int) smallVectors {
	v := smallVectors{vectors: watch(t, rows, seen)}
	v.compare, v.spread = nil, nil
	v.count = func(_ *byte, column, _ *float32, n uintptr) {
		lines := touched{}
		lines.add(unsafe.Pointer(column), 4*rows)
		lines.check(t, "count", seen, 10*int(n))
	}
	v.sides = func(_, _ *byte, _ *float32) {}
	v.rowRanks = func(to *byte, stride uintptr, bytes *byte, n uintptr) {
		lines := touched{}
		for eight := range rows / 8 {
			lines.add(unsafe.Add(unsafe.Pointer(to), eight*int(stride)), rowBytes*int(n))
		}
		lines.add(unsafe.Pointer(bytes), sideBytes*int(n))
		lines.check(t, "rowRanks", seen, 20*int(n))
	}
	for depth := 1; depth <= MaxDepth; depth++ {
		trees := func(bytes, program, leaves unsafe.Pointer, n uintptr, wide bool) {
			lines, size := touched{}, smallBytes(depth, wide)
			for tree := range int(n) {
				from := unsafe.Add(program, tree*size)
				for _, r := range unsafe.Slice((*uint16)(from), 1<<min(depth, upperLevels)-1) {
					lines.add(unsafe.Add(bytes, 8*int(r)), rows)
				}
				for level := upperLevels; level < depth; level++ { // each row that walks may ask for other ranks
					for row := range walking {
						line := uintptr(tree*MaxDepth+level)*SmallRows + uintptr(row)
						if !wide { // all ranks of eight rows are in so few lines
							line = uintptr(row/8*maxNarrow*rowBytes/64) + line%(maxNarrow*rowBytes/64)
						}
						lines[line] = true
					}
				}
			}
			lines.add(program, int(n)*size)
			lines.add(leaves, int(n)*tableBytes(depth))
			lines.check(t, fmt.Sprintf("trees of depth %d", depth), seen, int(n)*treeNanoseconds[depth])
		}
		if depth <= upperLevels {
			v.tables[depth] = func(bytes, program, leaves *byte, _ *float32, n uintptr, _ *byte) {
				trees(unsafe.Pointer(bytes), unsafe.Pointer(program), unsafe.Pointer(leaves), n, false)
			}
			continue
		}
		walked := func(wide bool) walkedTrees {
			return func(bytes, program *byte, leaves, _ *float32, n uintptr, _ *byte, _ uintptr, _ *byte) {
				trees(unsafe.Pointer(bytes), unsafe.Pointer(program), unsafe.Pointer(leaves), n, wide)
			}
		}
		v.values[depth], v.wide[depth] = walked(false), walked(true)
	}
	return v
}

// TestCallsAreShort has plans with more of everything than a call of assembly may take.
func TestCallsAreShort(t *testing.T) {
	for kind, sizes := range map[Kind][]int{AVX2: {256, 128, SmallRows, SmallestRows, FewRows}, AVX512: {512, 256, 128}} {
		t.Run(kind.String(), func(t *testing.T) { testCalls(t, kind, sizes) })
	}
}

// testCalls watches the calls that a plan makes for blocks of some sizes.
func testCalls(t *testing.T, kind Kind, sizes []int) {
	r := rand.New(rand.NewPCG(1, 2))
	const width = 5000
	var columns []int32 // some of them in lines of their own
	for i := range int32(2000) {
		if i < 150 {
			columns = append(columns, 1+17*i)
		} else {
			columns = append(columns, 2600+i)
		}
	}
	var thresholds []Threshold
	for i := range uint32(4000) { // in clusters so far apart that they are compared one by one
		thresholds = append(thresholds, Threshold{0, math.Float32frombits(0x30000000 + i/50<<23 + i%50)})
	}
	for _, c := range columns {
		for i := range 60 {
			thresholds = append(thresholds, Threshold{c, float32(i)})
		}
	}
	const ranked, manyLefts = width - 1, 2000 // a column with so many thresholds, of which missing values are below
	for i := range manyLefts {
		thresholds = append(thresholds, Threshold{ranked, float32(i)})
	}
	b := NewBuilder(kind, width, 1, thresholds)
	for i := range 4000 {
		b.Tree(0, 1, []Cond{b.Less(i, false)}, []float32{0, 1})
	}
	for depth := 1; depth <= MaxDepth; depth++ {
		conds := make([]Cond, 1<<depth-1)
		for range 1000 {
			for i := range conds {
				conds[i] = b.Less(b.Number(columns[r.IntN(len(columns))], float32(r.IntN(2))), false)
			}
			b.Tree(0, depth, conds, make([]float32, 1<<depth))
			if b.Room() < 1<<(MaxDepth+1) {
				b.EndTile()
			}
		}
	}
	for _, c := range columns[:100] {
		for i := range 60 {
			b.Less(b.Number(c, float32(i)), true)
		}
	}
	b.Tree(0, 1, []Cond{b.Less(b.Number(1, 0), false)}, []float32{0, 1})
	b.EndTile()
	for i := range manyLefts {
		b.Less(b.Number(ranked, float32(i)), true)
	}
	b.Tree(0, 1, []Cond{b.Less(b.Number(1, 0), true)}, []float32{0, 1})
	p := b.Plan()
	seen := map[string]int{}
	before512, before256, before128, before64, before32, before16 := wide, vectors256, vectors128, small64, small32, small16
	defer func() {
		wide, vectors256, vectors128, small64, small32, small16 = before512, before256, before128, before64, before32, before16
	}()
	watch512 := watch(t, 512, seen)
	wide = &watch512
	vectors256, vectors128 = watch(t, 256, seen), watch(t, 128, seen)
	small64, small32, small16 = watchSmall(t, SmallRows, SmallRows, seen), watchSmall(t, SmallestRows, SmallestRows, seen), watchSmall(t, SmallestRows, FewRows, seen)
	for _, n := range sizes {
		clear(seen)
		sums := make([]float32, n)
		p.Margins(sums, []float32{0}, Matrix{make([]float32, width*n), width, 1}, n, false, p.NewScratch())
		t.Logf("%d rows: %v", n, seen)
		others := []string{"transpose", "rank", "count", "rowRanks"}
		if n > SmallRows {
			others = []string{"transpose", "rank", "below", "compare", "spread", "expand", "missing"}
		}
		for _, what := range others {
			require.Contains(t, seen, what)
		}
		for depth := 1; depth <= MaxDepth; depth++ {
			require.Greater(t, seen[fmt.Sprintf("trees of depth %d", depth)], longest/4) // or calls are shorter than they need be
		}
	}
	// Rows of which most columns are bits.
	var bits []int32
	for c := range int32(ranked) {
		if c > columns[200] {
			bits = append(bits, c)
		}
	}
	x := p.NewPacking(bits, 0, 1)
	require.NotNil(t, x)
	for _, n := range slices.DeleteFunc(slices.Clone(sizes), func(n int) bool { return n <= SmallRows }) {
		clear(seen)
		rows := Bits{make([]float32, n*x.numDense), make([]byte, n*x.numBytes)}
		p.PackedMargins(make([]float32, n), []float32{0}, x, rows, n, false, p.NewScratch())
		require.Contains(t, seen, "collect")
		require.Contains(t, seen, "spread")
	}
	// Few columns, whose rows walk through nodes that are not wide.
	few := NewBuilder(AVX2, maxNarrow, 1, slices.DeleteFunc(thresholds, func(t Threshold) bool { return t.Column >= maxNarrow || t.Column == 0 }))
	for depth := upperLevels + 1; depth <= MaxDepth; depth++ {
		conds := make([]Cond, 1<<depth-1)
		for range 100 {
			for i := range conds {
				conds[i] = few.Less(r.IntN(len(few.thresholds)), false)
			}
			few.Tree(0, depth, conds, make([]float32, 1<<depth))
		}
	}
	narrow := few.Plan()
	require.True(t, narrow.walks && !narrow.wide)
	for _, n := range []int{SmallRows, SmallestRows, FewRows} {
		clear(seen)
		narrow.Margins(make([]float32, n), []float32{0}, Matrix{make([]float32, maxNarrow*n), maxNarrow, 1}, n, false, narrow.NewScratch())
		t.Logf("%d rows, few columns: %v", n, seen)
		require.Contains(t, seen, "trees of depth 8")
	}
}

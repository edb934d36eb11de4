//go:build !purego

package kernel

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"threatdetect/internal/testkit"
)

// TestGuardPages runs every function between pages that it must not touch. A touch ends the test program.
func TestGuardPages(t *testing.T) {
	for _, atEnd := range []bool{true, false} {
		in := pages{func(x []byte) []byte { return testkit.Pages(t, x, atEnd) }, func(x []float32) []float32 { return testkit.Pages(t, x, atEnd) }}
		if hasAVX2 {
			eachSmall(t, testSmallTranspose, in)
			eachSmall(t, testSmallRanks, in)
			eachSmall(t, testSmallTrees, in)
		}
		eachVectors(t, func(t *testing.T, r *rand.Rand, v *vectors) {
			words := v.rows / 64
			work, ranks := testkit.Pages(t, make([]byte, workBytes), atEnd), testkit.Pages(t, make([]byte, v.rows), atEnd)
			for _, width := range []int{4, 5, 42} {
				loads := []uint32{0, uint32(width - 4)}
				stride := columnStride(v.rows)
				rows := testkit.Pages(t, make([]float32, width*v.rows), atEnd)
				columns := testkit.Pages(t, make([]float32, 8*stride), atEnd)
				v.transpose(&columns[0], &rows[0], uintptr(4*width), &testkit.Pages(t, loads, atEnd)[0], 2)
			}
			for _, n := range []int{1, 2, 3, 4, 7, 8, 31, 32, 100, 127, 128, 255} {
				thresholds := hardThresholds(r, n)
				column := testkit.Pages(t, hardValues(r, thresholds, v.rows), atEnd)
				planes := testkit.Pages(t, make([]uint64, n*words), atEnd)
				paged := testkit.Pages(t, thresholds, atEnd)
				v.below(&planes[0], &column[0], &paged[0], uintptr(n))
				v.belowOrMissing(&planes[0], &column[0], &paged[0], uintptr(n))
				pairs := testkit.Pages(t, []uint16{0, reference(n - 1)}, atEnd)
				v.missing(&planes[0], &planes[(n-1)*words], &column[0], &pairs[0], 1)
				v.missing(&planes[0], &planes[0], &column[0], nil, 0)
				table, ok := newRanked(v.kind(), thresholds)
				if !ok {
					continue
				}
				if v.rows == 512 {
					table.tree = testkit.Pages(t, table.tree, atEnd)
					v.rank(&table, &column[0], &ranks[0], &Scratch{work: work})
					v.expand(&planes[0], &ranks[0], uintptr(table.bits), uintptr(n), &work[0])
					continue
				}
				buckets := testkit.Pages(t, unsafe.Slice((*uint64)(unsafe.Pointer(&table.buckets[0])), len(table.buckets)), atEnd)
				table.firstBucket = (*bucket)(unsafe.Pointer(&buckets[0]))
				if table.compares > 1 {
					more := testkit.Pages(t, unsafe.Slice((*uint32)(unsafe.Pointer(&table.more[0])), len(table.more)), atEnd)
					table.firstCompare = (*int32)(unsafe.Pointer(&more[0]))
				}
				v.rank(&table, &column[0], &ranks[0], &Scratch{work: work})
				v.expand(&planes[0], &ranks[0], uintptr(table.bits), uintptr(n), &work[0])
			}
			for n := uintptr(1); n <= 16 && v.remap != nil; n++ {
				from, to, table := make([]byte, v.rows), make([]byte, v.rows), make([]byte, 16*n)
				v.remap(&testkit.Pages(t, to, atEnd)[0], &testkit.Pages(t, from, atEnd)[0], &testkit.Pages(t, table, atEnd)[0], n)
			}
			for depth := 1; depth <= MaxDepth; depth++ {
				const trees = 5
				planes := testkit.Pages(t, make([]uint64, 3*words), atEnd)
				for i := range planes {
					planes[i] = r.Uint64()
				}
				program := make([]uint16, (trees+1)*(1<<depth-1))
				for i := range program {
					program[i] = reference(r.IntN(3))
				}
				program = testkit.Pages(t, program, atEnd)
				sums := testkit.Pages(t, make([]float32, v.rows), atEnd)
				if v.kind().tables(depth) {
					tables := testkit.Pages(t, make([]byte, trees*4*max(16, 1<<depth)), atEnd)
					v.tables[depth](&planes[0], &program[0], &tables[0], &sums[0], trees, &work[0])
				} else {
					values := testkit.Pages(t, make([]float32, trees<<depth), atEnd)
					v.values[depth](&planes[0], &program[0], &values[0], &sums[0], trees, &work[0])
				}
			}
		})
	}
}

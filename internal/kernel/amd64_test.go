//go:build amd64 && !purego

package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// bit returns whether row r of a block is in a plane.
func bit(plane []uint64, r int) bool {
	rows := 64 * len(plane)
	q, of := r/(rows/8), r%(rows/8)
	g := of
	if rows == 256 {
		g = 16*(of/4%2) + 4*(of/8) + of%4
	}
	b := 8*g + q
	if rows == 512 {
		b = r
	}
	return plane[b/64]>>(b%64)&1 == 1
}

func eachVectors(t *testing.T, test func(t *testing.T, r *rand.Rand, v *vectors)) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name      string
		available bool
		v         *vectors
	}{
		{"AVX2/256", hasAVX2, &vectors256}, {"AVX2/128", hasAVX2, &vectors128},
		{"AVX512", hasAVX512, &vectors512}, {"AVX512/GFNI", hasAVX512 && hasGFNI, &vectors512GFNI}, {"AVX512/twin", true, &twin},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !c.available {
				t.Skip("not on this machine")
			}
			test(t, r, c.v)
		})
	}
}

func TestPlanes(t *testing.T) { eachVectors(t, testPlanes) }

func testPlanes(t *testing.T, r *rand.Rand, v *vectors) {
	words := v.rows / 64
	work, ranks := aligned[byte](workBytes), aligned[byte](v.rows)
	for range 60 {
		n := []int{1, 2, 3, 15, 16, 17, 63, 64, 127, 128, 254, 255}[r.IntN(12)]
		thresholds := hardThresholds(r, n)
		values := hardValues(r, thresholds, v.rows)
		planes := make([]uint64, words*n)

		v.below(&planes[0], &values[0], &thresholds[0], uintptr(n))
		for row, x := range values {
			for k, threshold := range thresholds {
				if got := bit(planes[k*words:][:words], row); got != (x < threshold) {
					t.Fatalf("%v < %v", x, threshold)
				}
			}
		}
		v.belowOrMissing(&planes[0], &values[0], &thresholds[0], uintptr(n))
		for row, x := range values {
			for k, threshold := range thresholds {
				if got := bit(planes[k*words:][:words], row); got != (x < threshold || x != x) {
					t.Fatalf("%v < %v or missing", x, threshold)
				}
			}
		}
		table, ok := newRanked(v.kind(), thresholds)
		if !ok {
			continue
		}
		v.rank(&table, &values[0], &ranks[0], &Scratch{work: work})
		v.expand(&planes[0], &ranks[0], uintptr(table.bits), uintptr(n), &work[0])
		for row, x := range values {
			for k, threshold := range thresholds {
				if got := bit(planes[k*words:][:words], row); got != (x < threshold) {
					t.Fatalf("%v < %v, threshold %d of %d, linear %v", x, threshold, k, n, table.linear)
				}
			}
		}
	}
}

func TestRemap(t *testing.T) { eachVectors(t, testRemap) }

func testRemap(t *testing.T, r *rand.Rand, v *vectors) {
	if v.remap == nil {
		t.Skip("ranks are not shared")
	}
	for n := 1; n <= 16; n++ {
		table, from, to := make([]byte, 16*n), make([]byte, v.rows), make([]byte, v.rows)
		for i := range table {
			table[i] = byte(r.Uint32())
		}
		for i := range from {
			from[i] = byte(r.IntN(len(table)))
		}
		v.remap(&to[0], &from[0], &table[0], uintptr(n))
		for i := range to {
			require.Equal(t, table[from[i]], to[i])
		}
	}
}

func TestTrees(t *testing.T) { eachVectors(t, testTrees) }

func testTrees(t *testing.T, r *rand.Rand, v *vectors) {
	const count, trees = 50, 7
	words := v.rows / 64
	planes := aligned[uint64](count * words)
	for i := range planes {
		planes[i] = r.Uint64()
	}
	work := aligned[byte](workBytes)
	for depth := 1; depth <= MaxDepth; depth++ {
		program := make([]uint16, (trees+1)*(1<<depth-1))
		for i := range program {
			program[i] = reference(r.IntN(count))
		}
		leaves := make([]float32, trees<<depth)
		for i := range leaves {
			leaves[i] = float32(r.NormFloat64())
		}
		sums := aligned[float32](v.rows)
		if v.kind().tables(depth) {
			var tables []byte
			for tree := range trees {
				tables = appendTables(tables, leaves[tree<<depth:][:1<<depth])
			}
			v.tables[depth](&planes[0], &program[0], &tables[0], &sums[0], trees, &work[0])
		} else {
			v.values[depth](&planes[0], &program[0], &leaves[0], &sums[0], trees, &work[0])
		}
		for row := range sums {
			at := row
			if v.rows == 512 {
				at = int(positionsAVX512[row])
			}
			want := float32(0)
			for tree := range trees {
				code := codeOf(program[tree*(1<<depth-1):][:1<<depth-1], func(reference uint16) bool {
					return bit(planes[int(reference)/planeUnit*words:][:words], row)
				})
				want += leaves[tree<<depth:][code]
			}
			require.Equal(t, want, sums[at], "row %d at depth %d", row, depth)
		}
	}
}

// kind is the kind that v is of.
func (v *vectors) kind() Kind {
	if v.rows == 512 {
		return AVX512
	}
	return AVX2
}

func TestTranspose(t *testing.T) { eachVectors(t, testTranspose) }

func testTranspose(t *testing.T, r *rand.Rand, v *vectors) {
	for _, width := range []int{4, 5, 7, 42, 64} {
		rows := make([]float32, width*v.rows)
		for i := range rows {
			rows[i] = float32(i)
		}
		loads := []uint32{0, uint32(width) / 2 &^ 3, uint32(width - 4)}
		stride := columnStride(v.rows)
		columns := aligned[float32](4 * len(loads) * stride)
		v.transpose(&columns[0], &rows[0], uintptr(4*width), &loads[0], uintptr(len(loads)))
		for i, first := range loads {
			for c := range 4 {
				for row := range v.rows {
					require.Equal(t, rows[row*width+int(first)+c], columns[(4*i+c)*stride+row])
				}
			}
		}
	}
}

func TestMissing(t *testing.T) { eachVectors(t, testMissing) }

func testMissing(t *testing.T, r *rand.Rand, v *vectors) {
	words := v.rows / 64
	planes := make([]uint64, 8*words)
	for range 100 {
		values := hardValues(r, []float32{1, 2}, v.rows)
		for i := range planes {
			planes[i] = r.Uint64()
		}
		before := append([]uint64(nil), planes...)
		pairs := []uint16{1, 2, 3, 3, 5, 4}
		for i := range pairs {
			pairs[i] *= uint16(planeUnit)
		}
		v.missing(&planes[0], &planes[7*words], &values[0], &pairs[0], 3)
		for row, x := range values {
			of := func(planes []uint64, i int) bool { return bit(planes[i*words:][:words], row) }
			missing := x != x
			require.Equal(t, missing, of(planes, 7))
			require.Equal(t, missing || of(before, 1), of(planes, 2))
			require.Equal(t, missing || of(before, 3), of(planes, 3))
			require.Equal(t, missing || of(before, 5), of(planes, 4))
		}
	}
}

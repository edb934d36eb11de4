//go:build !purego

package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// byteOf is the place of a row in what a small block has a byte of for each row.
func byteOf(row int) int { return row/32*32 + row/4%2*16 + row%32/8*4 + row%4 }

// pages says where tests have the memory that functions see: copies of it, or the same.
type pages struct {
	bytes  func([]byte) []byte
	floats func([]float32) []float32
}

var anyPages = pages{func(x []byte) []byte { return x }, func(x []float32) []float32 { return x }}

// eachSmall tests the functions for small blocks of both sizes.
func eachSmall(t *testing.T, test func(t *testing.T, v *smallVectors, in pages), in pages) {
	if !hasAVX2 {
		t.Skip("no AVX2")
	}
	test(t, &small64, in)
	test(t, &small32, in)
	test(t, &small16, in)
}

func TestSmallRanks(t *testing.T) { eachSmall(t, testSmallRanks, anyPages) }

func testSmallRanks(t *testing.T, v *smallVectors, in pages) {
	r := rand.New(rand.NewPCG(1, 2))
	ranks, sides, work := in.bytes(make([]byte, v.rows)), in.bytes(make([]byte, sideBytes)), in.bytes(make([]byte, workBytes))
	check := func(thresholds, values []float32) {
		v.sides(&sides[0], &ranks[0], &values[0])
		for row, x := range values {
			rank := 0
			for rank < len(thresholds) && x >= thresholds[rank] {
				rank++
			}
			right, left := byte(rank), byte(rank)
			if x != x {
				right, left = 255, 0
			}
			at := byteOf(row)
			got := [2]byte{sides[at] ^ 0x80, sides[64+at] ^ 0x80}
			require.Equal(t, [2]byte{right, left}, got, "%v among %d thresholds", x, len(thresholds))
		}
	}
	for range 200 {
		n := []int{1, 2, 3, 15, 16, 17, 63, 64, 127, 128, 254, 255}[r.IntN(12)]
		thresholds := hardThresholds(r, n)
		values := in.floats(hardValues(r, thresholds, v.rows))
		if n <= maxCounted {
			thresholds[0], thresholds[n-1] = float32(math.Inf(-1)), float32(math.Inf(1))
			if n == 1 {
				thresholds[0] = values[0]
			}
		}
		v.count(&ranks[0], &values[0], &in.floats(thresholds)[0], uintptr(n))
		check(thresholds, values)
		if n <= maxCounted {
			continue
		}
		if table, ok := newRanked(AVX2, thresholds); ok {
			v.rank(&table, &values[0], &ranks[0], &Scratch{work: work})
			for row, x := range values { // of missing values something
				if x != x {
					ranks[byteOf(row)] = byte(r.Uint32())
				}
			}
			check(thresholds, values)
		}
	}
}

func TestSmallTranspose(t *testing.T) { eachSmall(t, testSmallTranspose, anyPages) }

func testSmallTranspose(t *testing.T, v *smallVectors, in pages) {
	for _, width := range []int{4, 5, 7, 42, 64} {
		rows := in.floats(make([]float32, width*v.rows))
		for i := range rows {
			rows[i] = float32(i)
		}
		loads := []uint32{0, uint32(width) / 2 &^ 3, uint32(width - 4)}
		stride := columnStride(v.rows)
		columns := in.floats(make([]float32, 4*len(loads)*stride))
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

func TestSmallTrees(t *testing.T) { eachSmall(t, testSmallTrees, anyPages) }

func testSmallTrees(t *testing.T, v *smallVectors, in pages) {
	for _, columns := range []int{3, maxNarrow, maxNarrow + 1, 700} {
		testWalkedTrees(t, v, in, columns)
	}
}

func testWalkedTrees(t *testing.T, v *smallVectors, in pages, columns int) {
	r := rand.New(rand.NewPCG(1, uint64(columns)))
	const trees = 5
	wide := columns > maxNarrow
	bytes := in.bytes(make([]byte, columns*sideBytes))
	for i := range bytes {
		bytes[i] = byte(r.IntN(256))
	}
	stride := rowBytes * columns
	ranks := in.bytes(make([]byte, v.rows/8*stride))
	v.rowRanks(&ranks[0], uintptr(stride), &bytes[0], uintptr(columns))
	want := make([]byte, len(ranks))
	for c := range columns {
		for side := range 2 {
			for row := range v.rows {
				want[row/8*stride+c*rowBytes+side*8+row%8] = bytes[c*sideBytes+side*SmallRows+byteOf(row)] ^ 0x80
			}
		}
	}
	require.Equal(t, want, ranks)
	work := in.bytes(make([]byte, workBytes))
	splits := make([]byteSplit, 100)
	for i := range splits {
		column := []int{0, columns - 1, r.IntN(columns)}[min(i, 2)]
		splits[i] = byteSplit{uint16(sideBytes/8*column + SmallRows/8*r.IntN(2)), byte(1 + r.IntN(255))}
	}
	for depth := 1; depth <= MaxDepth; depth++ {
		var program, tables []byte
		var nodes []Cond
		leaves := make([]float32, trees<<depth)
		for i := range leaves {
			leaves[i] = float32(r.NormFloat64())
		}
		for tree := range trees {
			for range 1<<depth - 1 {
				nodes = append(nodes, Cond(r.IntN(len(splits))))
			}
			program = appendSmall(program, depth, nodes[tree*(1<<depth-1):], splits, wide)
			tables = appendTables(tables, leaves[tree<<depth:][:1<<depth])
		}
		require.Len(t, program, trees*smallBytes(depth, wide))
		program = in.bytes(program)
		sums := in.floats(make([]float32, v.rows))
		switch {
		case AVX2.tables(depth):
			v.tables[depth](&bytes[0], &program[0], &in.bytes(tables)[0], &sums[0], trees, &work[0])
		case wide:
			v.wide[depth](&bytes[0], &program[0], &in.floats(leaves)[0], &sums[0], trees, &ranks[0], uintptr(stride), &work[0])
		default:
			v.values[depth](&bytes[0], &program[0], &in.floats(leaves)[0], &sums[0], trees, &ranks[0], uintptr(stride), &work[0])
		}
		for row := range sums {
			want := float32(0)
			for tree := range trees {
				if depth > upperLevels && row >= v.walking {
					break
				}
				code := codeOf(numbers(nodes[tree*(1<<depth-1):][:1<<depth-1]), func(reference uint16) bool {
					s := splits[reference]
					return bytes[8*int(s.ranks)+byteOf(row)]^0x80 < s.first
				})
				want += leaves[tree<<depth:][code]
			}
			require.Equal(t, want, sums[row], "row %d at depth %d", row, depth)
		}
	}
}

// numbers are the numbers of some conditions.
func numbers(nodes []Cond) []uint16 {
	to := make([]uint16, len(nodes))
	for i, n := range nodes {
		to[i] = uint16(n)
	}
	return to
}

//go:build !purego

package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
)

// TestWindows compares columns in windows with whatever is hard, and makes planes of the answers, between pages that must not be touched.
func TestWindows(t *testing.T) { eachVectors(t, testWindows) }

func testWindows(t *testing.T, r *rand.Rand, v *vectors) {
	for i := range 40 {
		width, words := windowColumns+r.IntN(30), v.rows/64
		thresholds := hardThresholds(r, 9)
		thresholds = append(thresholds, 0, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32)
		rows := testkit.Pages(t, hardValues(r, thresholds, width*v.rows), i%2 == 0)
		p := &Plan{kind: AVX2, numFeature: width, tiles: []tile{{planes: 1}}}
		answers := map[int32][]answer{}
		var columns []int32
		plane := &p.tiles[0].planes
		for c := range int32(width) {
			if r.IntN(3) == 0 {
				continue
			}
			columns = append(columns, c)
			p.loads = append(p.loads, uint32(min(int(c), width-4)))
			for range 1 + r.IntN(mostAnswers) {
				a := answer{thresholds[r.IntN(len(thresholds))], r.IntN(2) == 0}
				if slices.Contains(answers[c], a) {
					continue
				}
				answers[c] = append(answers[c], a)
				p.tiles[0].direct = append(p.tiles[0].direct, direct{slot: 4*(len(p.loads)-1) + int(c) - int(p.loads[len(p.loads)-1]), plane: *plane,
					missingLeft: a.missingLeft, thresholds: []float32{a.threshold}})
				*plane++
			}
		}
		p.placeWindows(columns, answers)
		require.Zero(t, p.tiles[0].whole)
		made := testkit.Pages(t, make([]byte, v.rows*len(p.windows)), i%2 == 0)
		planes := testkit.Pages(t, make([]uint64, words*(*plane+1)), i%2 == 0)
		if len(p.windows) == 0 {
			continue
		}
		s := &Scratch{answers: made, planes: planes}
		v.compareWindows(p, Matrix{Data: rows, RowStride: width, ColumnStride: 1}, s)
		v.spreadAnswers(p.tiles[0].spreads, s)
		for _, d := range p.tiles[0].direct {
			for row := range v.rows {
				x := rows[row*width+p.column(d.slot)]
				want := x < d.thresholds[0] || x != x && d.missingLeft
				require.Equal(t, want, bit(planes[d.plane*words:][:words], row), "%v below %v, missing left %v", x, d.thresholds[0], d.missingLeft)
			}
		}
	}
}

// TestCollect puts bytes of rows together.
func TestCollect(t *testing.T) { eachVectors(t, testCollect) }

func testCollect(t *testing.T, r *rand.Rand, v *vectors) {
	for _, stride := range []int{1, 2, 17} {
		rows := testkit.Pages(t, make([]byte, stride*v.rows), stride > 1)
		for i := range rows {
			rows[i] = byte(r.Uint32())
		}
		places := testkit.Pages(t, []uint32{0, uint32(stride - 1), uint32(stride / 2)}, true)
		answers, planes := testkit.Pages(t, make([]byte, 3*v.rows), true), make([]uint64, 8*v.rows/64)
		v.collect(&answers[0], &rows[0], uintptr(stride), &places[0], 3)
		for i, place := range places {
			sp := spread{from: uint32(i), invert: 0x0A0A0A0A}
			for lane := range sp.to {
				sp.to[lane] = uint32(reference(7 - lane))
			}
			v.spread(&planes[0], &answers[0], (*byte)(unsafe.Pointer(&sp)), 1)
			for row := range v.rows {
				for lane := range 8 {
					want := (rows[row*stride+int(place)]^0x0A)>>lane&1 == 1
					words := v.rows / 64
					require.Equal(t, want, bit(planes[(7-lane)*words:][:words], row))
				}
			}
		}
	}
}

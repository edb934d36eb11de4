package kernel

import (
	"math"
	"slices"
	"unsafe"
)

// Columns that are compared with one number, as one-hot ones are, need not be read in one piece. On amd64 they are compared where they lie in their
// rows, eight side by side, and what is then put in the order of columns is bits, and not 32 times as many. That is a window.

const (
	// windowColumns is how many columns lie side by side in a window.
	windowColumns = 8
	// mostAnswers is how many conditions a column that is compared in windows may have, in all tiles. Each takes a window.
	mostAnswers = 2
)

// window compares columns side by side, each with a threshold: a bit tells whether that is above the value, whose sign was changed first if signs says
// so. A missing value is not below anything, with either sign.
type window struct {
	thresholds [windowColumns]float32
	signs      [windowColumns]uint32
	first      uint32    // column
	_          [7]uint32 // so that no vector lies in two lines
}

// spread makes planes of bytes which have, for each row, a bit for each of eight conditions.
type spread struct {
	to     [windowColumns]uint32 // references to planes; to one behind those of the tile, if nobody needs it
	from   uint32                // number of the window
	invert uint32                // the bits to invert, in each byte
}

// answer is a condition that a window can have.
type answer struct {
	threshold   float32
	missingLeft bool
}

// answers returns the conditions of columns that need nothing but a few comparisons, in any tile. Slots are numbers of columns still.
func (p *Plan) answers() map[int32][]answer {
	if !p.kind.amd64() || p.numFeature < windowColumns {
		return nil
	}
	all, more := map[int32][]answer{}, map[int]bool{}
	for i := range p.tiles {
		t := &p.tiles[i]
		for j := range t.ranked {
			more[t.ranked[j].slot] = true
		}
		for j := range t.missing {
			more[t.missing[j].slot] = true
		}
		for j := range t.direct {
			d := &t.direct[j]
			of := all[int32(d.slot)]
			for _, x := range d.thresholds {
				if a := (answer{x, d.missingLeft}); !slices.Contains(of, a) && len(of) <= mostAnswers {
					of = append(of, a)
				}
				more[d.slot] = more[d.slot] || math.IsInf(float64(x), 0)
			}
			more[d.slot] = more[d.slot] || len(of) > mostAnswers
			all[int32(d.slot)] = of
		}
	}
	for c := range more {
		if more[c] {
			delete(all, int32(c))
		}
	}
	return all
}

// placeWindows makes windows of some columns, which are ascending, and what the tiles do with them. Slots are those of loads, behind those that are
// read whenever there are windows.
func (p *Plan) placeWindows(columns []int32, answers map[int32][]answer) {
	type at struct{ window, lane int }
	places := map[int32][mostAnswers]at{}
	for i := range mostAnswers {
		first := -windowColumns
		for _, c := range columns {
			if len(answers[c]) <= i {
				continue
			}
			if int(c) >= first+windowColumns {
				first = min(int(c), p.numFeature-windowColumns)
				p.windows = append(p.windows, window{first: uint32(first)})
			}
			of := places[c]
			of[i] = at{len(p.windows) - 1, int(c) - first}
			places[c] = of
			w, a := &p.windows[of[i].window], answers[c][i]
			w.thresholds[of[i].lane] = a.threshold
			if a.missingLeft { // the opposite: -x is below -y, the number before the threshold being y
				w.thresholds[of[i].lane] = -math.Nextafter32(a.threshold, float32(math.Inf(-1)))
				w.signs[of[i].lane] = 1 << 31
			}
		}
	}
	for i := range p.tiles {
		t := &p.tiles[i]
		spreads := make([]spread, len(p.windows))
		used := make([]bool, len(p.windows))
		for w := range spreads {
			spreads[w].from = uint32(w)
			for lane := range spreads[w].to {
				spreads[w].to[lane] = uint32(planeUnit * t.planes)
			}
		}
		slices.SortStableFunc(t.direct, func(x, y direct) int { return b2i(x.slot >= 4*p.whole) - b2i(y.slot >= 4*p.whole) })
		t.whole = len(t.direct)
		for j := range t.direct {
			d := &t.direct[j]
			if d.slot < 4*p.whole {
				continue
			}
			t.whole = min(t.whole, j)
			column := int32(p.column(d.slot))
			for k, x := range d.thresholds {
				of := places[column][slices.Index(answers[column], answer{x, d.missingLeft})]
				s := &spreads[of.window]
				s.to[of.lane] = uint32(planeUnit * (d.plane + k))
				if d.missingLeft {
					s.invert |= 0x01010101 << of.lane
				}
				used[of.window] = true
			}
		}
		for w, s := range spreads {
			if used[w] {
				t.spreads = append(t.spreads, s)
			}
		}
	}
}

func b2i(x bool) int {
	if x {
		return 1
	}
	return 0
}

// windowBytes is the memory that windows take.
func (p *Plan) windowBytes() int64 {
	n := int64(len(p.windows)) * int64(unsafe.Sizeof(window{}))
	for i := range p.tiles {
		n += int64(len(p.tiles[i].spreads)) * int64(unsafe.Sizeof(spread{}))
	}
	return n
}

package evaluate

import (
	"math"
	"slices"
)

// How trees are grown: what XGBoost does unless told otherwise, but for 50 rounds. Nothing is drawn, so that the same rows give the same trees.
const (
	boostTrees = 50
	boostDepth = 6
	boostRate  = 0.3
	boostRidge = 1.0 // added to the second derivatives, of which a leaf must have as much
	boostCuts  = 63  // values at most that a column is cut at
)

// boosted is gradient-boosted trees that tell attacks by the logistic loss. They are for a baseline: a model that detects is XGBoost's.
type boosted struct{ trees [][]node }

// node parts rows: to the left goes what is below cut, or missing. A leaf has the column -1.
type node struct {
	column      int
	cut         float32
	left, right int
	value       float64
}

// binned is a column of the rows that trees are grown on.
type binned struct {
	column int
	cuts   []float32 // in ascending order
	bins   []uint8   // of the rows: how many cuts are not above the value
}

// gradient is the sum of the first and the second derivatives of the loss of some rows.
type gradient struct{ first, second float64 }

// gain is what the loss falls by if the rows have a leaf of their own.
func (g gradient) gain() float64 { return float64(g.first*g.first) / (g.second + boostRidge) }

// grower grows one tree after the other.
type grower struct {
	columns []binned
	of      []gradient // of the rows
	margin  []float64  // of the rows
	nodes   []node     // of the tree
}

// boost grows trees on rows, of which row i is an attack if attack[i].
func boost(rows [][]float32, attack []bool) *boosted {
	g := &grower{columns: binColumns(rows), of: make([]gradient, len(rows)), margin: make([]float64, len(rows))}
	var b boosted
	all := make([]int32, len(rows))
	for range boostTrees {
		for i, m := range g.margin {
			all[i] = int32(i)
			p := 1 / (1 + math.Exp(-m))
			g.of[i] = gradient{p, float64(p * (1 - p))}
			if attack[i] {
				g.of[i].first--
			}
		}
		g.nodes = nil
		g.grow(all, boostDepth)
		b.trees = append(b.trees, g.nodes)
	}
	return &b
}

// grow adds the node of some rows, and what is below it, and returns its number.
func (g *grower) grow(rows []int32, depth int) int {
	var total gradient
	for _, i := range rows {
		total.first, total.second = total.first+g.of[i].first, total.second+g.of[i].second
	}
	at := len(g.nodes)
	value := -boostRate * total.first / (total.second + boostRidge)
	g.nodes = append(g.nodes, node{column: -1, value: value})
	var by *binned
	if depth > 0 {
		var cut int
		if by, cut = g.split(rows, total); by != nil {
			left, right := part(rows, by.bins, uint8(cut))
			n := node{column: by.column, cut: by.cuts[cut], left: g.grow(left, depth-1)}
			n.right = g.grow(right, depth-1)
			g.nodes[at] = n
		}
	}
	if by == nil {
		for _, i := range rows {
			g.margin[i] += value
		}
	}
	return at
}

// split finds the column and its cut that make the loss fall most; nil if none does.
func (g *grower) split(rows []int32, total gradient) (by *binned, cut int) {
	best := total.gain() + 1e-6
	for c := range g.columns {
		column := &g.columns[c]
		var sums [boostCuts + 1]gradient
		for _, i := range rows {
			s := &sums[column.bins[i]]
			s.first, s.second = s.first+g.of[i].first, s.second+g.of[i].second
		}
		var left gradient
		for k := range column.cuts {
			left.first, left.second = left.first+sums[k].first, left.second+sums[k].second
			right := gradient{total.first - left.first, total.second - left.second}
			if left.second < boostRidge || right.second < boostRidge {
				continue
			}
			if gain := left.gain() + right.gain(); gain > best {
				best, by, cut = gain, column, k
			}
		}
	}
	return by, cut
}

// part brings rows whose bin is at most cut to the front, and keeps the order otherwise.
func part(rows []int32, bins []uint8, cut uint8) (left, right []int32) {
	n := 0
	for _, i := range rows {
		if bins[i] <= cut {
			rows[n] = i
			n++
		} else {
			right = append(right, i)
		}
	}
	copy(rows[n:], right)
	return rows[:n], rows[n:]
}

// binColumns cuts the columns that have more than one value at values that part the rows evenly.
func binColumns(rows [][]float32) []binned {
	var columns []binned
	var values []float32
	for c := range rows[0] {
		values = values[:0]
		for _, row := range rows {
			if v := row[c]; v == v {
				values = append(values, v)
			}
		}
		if len(values) == 0 {
			continue
		}
		missing := len(values) < len(rows)
		slices.Sort(values)
		cuts := slices.Compact(slices.Clone(values))
		if !missing {
			cuts = cuts[1:] // nothing is below the least
		}
		if len(cuts) > boostCuts {
			cuts = cuts[:0]
			for k := range boostCuts {
				cuts = append(cuts, values[(k+1)*len(values)/(boostCuts+1)])
			}
			cuts = slices.Compact(cuts)
		}
		if len(cuts) == 0 {
			continue
		}
		column := binned{c, cuts, make([]uint8, len(rows))}
		for i, row := range rows {
			for row[c] == row[c] && int(column.bins[i]) < len(cuts) && row[c] >= cuts[column.bins[i]] {
				column.bins[i]++
			}
		}
		columns = append(columns, column)
	}
	return columns
}

// score is the probability that a row is of an attack.
func (b *boosted) score(row []float32) float32 {
	margin := 0.0
	for _, nodes := range b.trees {
		at := 0
		for nodes[at].column >= 0 {
			if n := &nodes[at]; row[n.column] >= n.cut {
				at = n.right
			} else {
				at = n.left
			}
		}
		margin += nodes[at].value
	}
	return float32(1 / (1 + math.Exp(-margin)))
}

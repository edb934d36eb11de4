package evaluate

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

const (
	maxExplained = 2000 // rows
	maxSwarm     = 300  // dots of a column
	swarmColumns = 12
	fewValues    = 6
)

// Contributions says what the model looks at: what each column adds to the margin of an attack (TreeSHAP), over a random
// sample of the flows.
type Contributions struct {
	Rows    int            `json:"rows"` // of the sample
	Columns []Contribution `json:"columns"`
}

// Contribution is that of one column.
type Contribution struct {
	Column string `json:"column"`
	Mean   Number `json:"mean_absolute"`
	// Swarm holds a dot for each of some rows, for the columns with the largest mean.
	Swarm []Dot `json:"swarm,omitempty"`
}

// Dot is one row of a column: what the column adds, and where its value stands among those of the sample, from 0, the
// lowest, to 1, the highest; NaN if it is missing.
type Dot struct {
	Contribution Number `json:"contribution"`
	Rank         Number `json:"rank"`
	Attack       bool   `json:"attack"`
}

// Explain fills r.Contributions from the rows of s that are kept. explain writes what each column of a row adds, and the
// bias behind them; names are those of the columns.
func (r *Report) Explain(s *Sample, names []string, explain func(dst, row []float32) error) error {
	n := min(len(s.picked), maxExplained)
	if n == 0 || len(names) != s.width {
		return nil
	}
	// The rows that are kept begin with the first ones of the log: of these a sample would show how it began.
	sample := rand.New(rand.NewPCG(4, 5)).Perm(len(s.picked))[:n]
	values := make([]float32, n*(s.width+1))
	for k, at := range sample {
		if err := explain(values[k*(s.width+1):(k+1)*(s.width+1)], s.row(at)); err != nil {
			return err
		}
	}
	c := &Contributions{Rows: n}
	order := make([]int, s.width)
	for i, name := range names {
		sum := 0.0
		for k := range n {
			sum += math.Abs(float64(values[k*(s.width+1)+i]))
		}
		order[i] = i
		c.Columns = append(c.Columns, Contribution{Column: name, Mean: Number(sum / float64(n))})
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.Columns[b].Mean, c.Columns[a].Mean) })
	sorted := make([]Contribution, 0, len(order))
	for place, i := range order {
		col := c.Columns[i]
		if place < swarmColumns && col.Mean > 0 {
			col.Swarm = swarm(s, i, sample, values)
		}
		sorted = append(sorted, col)
	}
	c.Columns = sorted
	r.Contributions = c
	return nil
}

func swarm(s *Sample, column int, sample []int, values []float32) []Dot {
	var known []float32
	for _, at := range sample {
		if v := s.row(at)[column]; v == v {
			known = append(known, v)
		}
	}
	slices.Sort(known)
	different := slices.Compact(slices.Clone(known))
	dots := make([]Dot, 0, min(len(sample), maxSwarm))
	for k, at := range sample[:cap(dots)] {
		d := Dot{Contribution: Number(values[k*(s.width+1)+column]), Rank: Number(math.NaN()), Attack: s.attack[s.picked[at]]}
		switch v := s.row(at)[column]; {
		case v != v:
		case len(different) <= fewValues: // a flag or a code: its values are told apart, however often each occurs
			place, _ := slices.BinarySearch(different, v)
			d.Rank = ratio(float64(place), float64(max(len(different)-1, 1)))
		default: // the middle of the places of equal values
			low, _ := slices.BinarySearch(known, v)
			high := low
			for high < len(known) && known[high] == v {
				high++
			}
			d.Rank = ratio(float64(low+high-1)/2, float64(max(len(known)-1, 1)))
		}
		dots = append(dots, d)
	}
	return dots
}

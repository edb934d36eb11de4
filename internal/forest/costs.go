package forest

import "threatdetect/internal/kernel"

// kernelCosts are the costs of a kind.
func kernelCosts(kind kernel.Kind) costs {
	return genericCosts
}

// of is what a block takes for everything but its networks. The conversions keep a compiler from fusing, for the same choice everywhere.
func (c *costs) of(groups int, s kernel.Size) float64 {
	return float64(c.overhead*float64(groups)) + float64(c.column*float64(s.Ranked)) + float64(c.load*float64(s.Columns)) +
		float64(c.plane*float64(s.Planes)) + float64(c.derive*float64(s.Sources))
}

// genericCosts are for 64 rows.
var genericCosts = costs{
	tree:     [kernel.MaxDepth + 1]float64{0, 60, 60, 62, 66, 75, 95, 140, 230},
	plane:    1,
	column:   250,
	load:     10,
	derive:   2,
	overhead: 100,
}

// rowCost is what a row takes without blocks, in nanoseconds.
func (f *Forest) rowCost(shapes []shape) float64 {
	total := 50.0
	for i := range f.runs {
		r := &f.runs[i]
		for _, t := range r.trees {
			if r.heap {
				total += 1 + float64(0.9*float64(r.wide.Depth))
			} else {
				total += 4 + float64(6*float64(shapes[t].depth))
			}
		}
	}
	return total
}

package dataset

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

const (
	maxColumnBins = 4096 // of one column
	// leastBin is how many training rows a place of the table of a column has at least: a table with a place for every row
	// would know the training rows by heart and nothing else.
	leastBin = 50
	// forgiven is the share of the other class that a value may have and still be counted as of one class only.
	forgiven = 0.001
)

// columnStats collects what one column alone has to say.
type columnStats struct {
	name    string
	values  *tally
	missing cells
	sketch  sketch

	integer   bool // all values are whole numbers
	seen      int64
	previous  float32
	rises     int64 // neighbouring rows of which the second has the larger value
	falls     int64
	unchanged int64
}

func newColumnStats(name string) *columnStats {
	return &columnStats{name: name, values: newTally(maxColumnBins), integer: true}
}

func (c *columnStats) add(v float32, part Part, class int) {
	if v != v {
		c.missing[part][class]++
		return
	}
	key := floatKey(v)
	c.values.add(key, part, class)
	switch {
	case c.sketch.registers != nil:
		c.sketch.add(mix(key))
	case len(c.values.bins) > maxColumnBins/2: // before bins become coarser, and their keys are lost
		for i := range c.values.bins {
			c.sketch.add(mix(c.values.bins[i].key))
		}
	}
	if c.integer && v != float32(math.Trunc(float64(v))) {
		c.integer = false
	}
	if c.seen > 0 {
		switch {
		case v > c.previous:
			c.rises++
		case v < c.previous:
			c.falls++
		default:
			c.unchanged++
		}
	}
	c.seen, c.previous = c.seen+1, v
}

// rows is the number of values, missing ones included.
func (c *columnStats) rows() int64 { return c.seen + c.missing.total() }

// distinct is the number of different values: exact as long as each has a bin.
func (c *columnStats) distinct() int64 {
	if c.values.exact() {
		return int64(len(c.values.bins))
	}
	return min(max(int64(c.sketch.estimate()), int64(len(c.values.bins))), c.seen) // an estimate may be above what is possible
}

// report sums up what was collected; total is the number of rows by part and class.
func (c *columnStats) report(total *cells) Column {
	r := Column{Name: c.name, Distinct: c.distinct()}
	if n := c.rows(); n > 0 {
		r.Missing = float64(c.missing.total()) / float64(n)
	}
	c.settle(&r, total)
	if auc := c.auc(total); auc == auc {
		r.AUC = &auc
	}
	return r
}

// settle finds the value of one class only that most of that class has.
func (c *columnStats) settle(r *Column, total *cells) {
	look := func(count *cells, value *float32) {
		for class := range 2 {
			own, other := count.class(class), count.class(1-class)
			share := float64(own) / float64(max(total.class(class), 1))
			if own >= leastBin && float64(other) <= forgiven*float64(own+other) && share > r.Settles {
				r.Settles, r.Class, r.Value = share, classNames[class], value
			}
		}
	}
	if c.values.exact() {
		for _, b := range c.values.sorted() {
			value := keyFloat(b.key)
			look(&b.count, &value)
		}
	}
	look(&c.missing, nil)
}

// auc measures on the rows outside training how well the shares of attacks that a table of this column found in training
// rank them; on the training rows where the others lack a class. It is NaN if there is nothing to rank.
func (c *columnStats) auc(total *cells) float64 {
	places := []cells{c.missing}
	var open cells
	for _, b := range c.values.sorted() {
		if b.count[Train][0]+b.count[Train][1] >= leastBin {
			places = append(places, b.count)
			continue
		}
		open.add(&b.count)
		if open[Train][0]+open[Train][1] >= leastBin {
			places = append(places, open)
			open = cells{}
		}
	}
	places = append(places, open)
	heldOut := total[Validation][0]+total[Test][0] > 0 && total[Validation][1]+total[Test][1] > 0
	prior := float64(total[Train][1]+1) / float64(total[Train][0]+total[Train][1]+2)
	share := func(p cells) float64 {
		return (float64(p[Train][1]) + prior) / (float64(p[Train][0]+p[Train][1]) + 1)
	}
	slices.SortFunc(places, func(a, b cells) int { return cmp.Compare(share(a), share(b)) })
	var area, below, benign, attacks float64
	for start := 0; start < len(places); {
		var b, a float64
		end := start
		for ; end < len(places) && share(places[end]) == share(places[start]); end++ {
			p := places[end]
			if heldOut {
				b, a = b+float64(p[Validation][0]+p[Test][0]), a+float64(p[Validation][1]+p[Test][1])
			} else {
				b, a = b+float64(p[Train][0]), a+float64(p[Train][1])
			}
		}
		area += float64(a * (below + b/2))
		below, benign, attacks = below+b, benign+b, attacks+a
		start = end
	}
	return area / (benign * attacks)
}

// mode is how many rows have the most frequent value.
func (c *columnStats) mode() (n int64) {
	for i := range c.values.bins {
		n = max(n, c.values.bins[i].count.total())
	}
	return n
}

// sketch estimates how many different values there are from their hashes, within about 2 %. It is a HyperLogLog
// (Flajolet and others, 2007).
type sketch struct{ registers []uint8 }

const sketchBits = 12

func (s *sketch) add(hash uint64) {
	if s.registers == nil {
		s.registers = make([]uint8, 1<<sketchBits)
	}
	i := hash >> (64 - sketchBits)
	rank := uint8(bits.LeadingZeros64(hash<<sketchBits|1<<(sketchBits-1))) + 1
	s.registers[i] = max(s.registers[i], rank)
}

func (s *sketch) estimate() float64 {
	if s.registers == nil {
		return 0
	}
	m := float64(len(s.registers))
	sum, zeros := 0.0, 0.0
	for _, r := range s.registers {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			zeros++
		}
	}
	e := 0.7213 / (1 + 1.079/m) * m * m / sum
	if e <= 2.5*m && zeros > 0 {
		return m * math.Log(m/zeros)
	}
	return e
}

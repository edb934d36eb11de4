package dataset

// maxDistinct bounds the different rows that are remembered.
const maxDistinct = 1 << 19

// duplicates counts equal rows. Once there are too many different ones, it goes on with those whose hash ends in a
// zero bit, then two, and so on: a sample that does not depend on how often a row occurs.
type duplicates struct {
	limit int
	skip  uint // zero bits that a hash must end in
	rows  map[uint64]*rowCount
}

type rowCount struct {
	parts   [numParts]uint32
	classes [2]bool
}

func newDuplicates() *duplicates {
	return &duplicates{limit: maxDistinct, rows: make(map[uint64]*rowCount)}
}

func (d *duplicates) add(row []float32, part Part, class int) {
	h := hashRow(0, row)
	if h&(1<<d.skip-1) != 0 {
		return
	}
	c := d.rows[h]
	if c == nil {
		c = new(rowCount)
		d.rows[h] = c
	}
	c.parts[part]++
	c.classes[class] = true
	for len(d.rows) > d.limit {
		d.skip++
		for h := range d.rows {
			if h&(1<<d.skip-1) != 0 {
				delete(d.rows, h)
			}
		}
	}
}

func (d *duplicates) report() Duplicates {
	r := Duplicates{Sample: 1 / float64(uint64(1)<<d.skip)}
	var part, inTrain [numParts]int64
	for _, c := range d.rows {
		r.Distinct++
		for p, n := range c.parts {
			r.Rows += int64(n)
			part[p] += int64(n)
			if c.parts[Train] > 0 {
				inTrain[p] += int64(n)
			}
		}
		if c.classes[0] && c.classes[1] {
			r.BothLabels++
		}
	}
	share := func(a, b int64) float64 { return float64(a) / float64(max(b, 1)) }
	r.Repeated = share(r.Rows-r.Distinct, r.Rows)
	r.TestInTrain, r.ValidationInTrain = share(inTrain[Test], part[Test]), share(inTrain[Validation], part[Validation])
	for _, n := range []*int64{&r.Rows, &r.Distinct, &r.BothLabels} {
		*n <<= d.skip
	}
	return r
}

package evaluate

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// From when on a column has drifted: the customary limits of the population stability index.
const (
	DriftWarn  = 0.1
	DriftAlarm = 0.25
)

// Drift says how far the flows are from those of a reference, such as the training data.
type Drift struct {
	Reference []string      `json:"reference"` // files
	Flows     int           `json:"flows"`     // of the reference
	Rows      int           `json:"rows"`      // of either, at most, that were compared
	Score     Number        `json:"score"`     // PSI of the scores
	Columns   []ColumnDrift `json:"columns"`   // the largest first
}

// ColumnDrift is that of one column.
type ColumnDrift struct {
	Column string `json:"column"`
	PSI    Number `json:"psi"`
	// Missing is the share of missing values in the reference and in the flows.
	Missing [2]Number `json:"missing"`
	// Median is that of the known values in the reference and in the flows.
	Median [2]Number `json:"median"`
}

// Drifted counts the columns whose PSI is at least limit.
func (d *Drift) Drifted(limit float64) (n int) {
	for _, c := range d.Columns {
		if float64(c.PSI) >= limit {
			n++
		}
	}
	return n
}

// DriftFrom fills r.Drift: the flows of s are compared with those of reference, which were made with the same set and scored
// by the same model. names are those of the columns.
func (r *Report) DriftFrom(reference, s *Sample, names []string) {
	if reference.width != s.width || len(names) != s.width || reference.Len() == 0 {
		return
	}
	d := &Drift{Reference: []string{}, Flows: reference.Len(), Rows: max(len(reference.picked), len(s.picked))}
	pick := func(s *Sample, column int) []float64 {
		values := make([]float64, len(s.picked))
		for k, i := range s.picked {
			if column < 0 {
				values[k] = float64(s.scores[i])
			} else {
				values[k] = float64(s.row(k)[column])
			}
		}
		return values
	}
	d.Score = PSI(pick(reference, -1), pick(s, -1))
	for c, name := range names {
		col := ColumnDrift{Column: name}
		a, b := pick(reference, c), pick(s, c)
		col.PSI = PSI(a, b)
		for k, values := range [][]float64{a, b} {
			col.Missing[k], col.Median[k] = summary(values)
		}
		d.Columns = append(d.Columns, col)
	}
	slices.SortStableFunc(d.Columns, func(a, b ColumnDrift) int { return cmp.Compare(b.PSI, a.PSI) })
	r.Drift = d
}

// summary returns the share of missing values and the median of the others. It sorts values.
func summary(values []float64) (missing, median Number) {
	n := len(values)
	values = slices.DeleteFunc(values, math.IsNaN)
	median = Number(math.NaN())
	if len(values) > 0 {
		slices.Sort(values)
		median = Number(stat.Quantile(0.5, stat.Empirical, values, nil))
	}
	return ratio(n-len(values), n), median
}

// PSI is the population stability index of got against reference: the sum of (p - q) ln(p / q) over bins, p and q being
// the shares of both. Bins are the tenths of the reference; a value that it holds often is a bin of its own, and so are
// missing values, which are NaN. Shares are taken half a value up, so that an empty bin is no infinity. It is 0 for equal
// distributions, and NaN if either is empty. Neither slice is changed.
func PSI(reference, got []float64) Number {
	if len(reference) == 0 || len(got) == 0 {
		return Number(math.NaN())
	}
	known := slices.DeleteFunc(slices.Clone(reference), math.IsNaN)
	slices.Sort(known)
	var edges []float64 // upper ends of the bins but the last, inclusive
	if len(known) > 0 {
		for i := 1; i < 10; i++ {
			edges = append(edges, stat.Quantile(float64(i)/10, stat.Empirical, known, nil))
		}
		// What is equal to its neighbours fills a bin: cut below it too.
		for _, e := range slices.Clone(edges) {
			edges = append(edges, math.Nextafter(e, math.Inf(-1)))
		}
		slices.Sort(edges)
		edges = slices.Compact(edges)
	}
	count := func(values []float64) []float64 {
		bins := make([]float64, len(edges)+2)
		for _, v := range values {
			k := len(edges) + 1
			if v == v {
				k, _ = slices.BinarySearch(edges, v)
			}
			bins[k]++
		}
		return bins
	}
	p, q := count(reference), count(got)
	sum := 0.0
	for k := range p {
		if p[k] == 0 && q[k] == 0 {
			continue
		}
		a := (p[k] + 0.5) / (float64(len(reference)) + 1)
		b := (q[k] + 0.5) / (float64(len(got)) + 1)
		sum += float64((a - b) * math.Log(a/b))
	}
	return Number(sum)
}

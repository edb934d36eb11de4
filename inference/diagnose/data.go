package diagnose

import (
	"math"
	"slices"
	"strconv"

	"threatdetect/model"
)

// Data are rows as somebody wrote them, before they are fitted to a model.
type Data struct {
	Values []float64 // n x Width, row-major; NaN is missing, or absent in a sparse form
	Width  int       // at least 1; may be more or less than the model has features
	Names  []string  // of the columns; nil if they have none
}

// NumRow is the number of rows.
func (d *Data) NumRow() int { return len(d.Values) / d.Width }

// fit makes the rows of a model out of data: column from[f] becomes feature f, and missing where from[f] is no column.
func (d *Data) fit(rows []int, from []int, clean func(float64) float64) []float64 {
	out := make([]float64, 0, len(rows)*len(from))
	for _, r := range rows {
		row := d.Values[r*d.Width : (r+1)*d.Width]
		for _, c := range from {
			v := math.NaN()
			if c >= 0 && c < d.Width {
				v = row[c]
			}
			if clean != nil {
				v = clean(v)
			}
			out = append(out, v)
		}
	}
	return out
}

// holds tells whether a value occurs.
func (d *Data) holds(like func(float64) bool) bool { return slices.ContainsFunc(d.Values, like) }

// featureNames are the model's, or those that XGBoost gives features without names.
func featureNames(b *model.Booster) []string {
	if len(b.FeatureNames) == b.NumFeature {
		return b.FeatureNames
	}
	names := make([]string, b.NumFeature)
	for i := range names {
		names[i] = "f" + strconv.Itoa(i)
	}
	return names
}

// inPlace takes column i for feature i+shift.
func inPlace(n, shift int) []int {
	from := make([]int, n)
	for f := range from {
		from[f] = f - shift
	}
	return from
}

// byName takes for each feature the column of its name; nil if one has none.
func byName(d *Data, names []string) []int {
	if len(d.Names) == 0 {
		return nil
	}
	from := make([]int, len(names))
	for f, name := range names {
		if from[f] = slices.Index(d.Names, name); from[f] < 0 {
			return nil
		}
	}
	return from
}

// sorted tells where each name goes when names are sorted: rank[i] is the place of names[i]. It is nil if they are sorted.
func sorted(names []string) (rank []int) {
	if slices.IsSorted(names) {
		return nil
	}
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if names[a] < names[b] {
			return -1
		}
		if names[a] > names[b] {
			return 1
		}
		return 0
	})
	rank = make([]int, len(names))
	for place, i := range order {
		rank[i] = place
	}
	return rank
}

func inverse(p []int) []int {
	q := make([]int, len(p))
	for i, v := range p {
		q[v] = i
	}
	return q
}

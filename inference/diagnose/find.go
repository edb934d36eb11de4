package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"threatdetect/inference"
	"threatdetect/model"
)

// Finding is a way of reading model and rows, and how well it gives the numbers that were expected.
type Finding struct {
	Changes []string // against the way that was asked for, in words; none for that way itself
	Exact   int      // rows of which every value has the bits that were expected
	Close   int      // rows that differ by no more than printing with six digits may do
}

// Findings are the answer of [Find].
type Findings struct {
	Rows    int
	AsIs    Finding
	Matches []Finding // ways that give all rows, at least closely, with the fewest changes; best first
	Nearest *Finding  // if there are none: the way that gives most rows, if that is more than AsIs
	Tried   int       // ways
}

// Differences that count as printing: to five digits, or to six decimals.
const (
	closeTo   = 1e-5 // in units of the larger number
	closeHere = 5e-7
)

const (
	sampleRows = 256     // rows on which all ways are tried
	sampleWork = 1 << 17 // these rows times trees
	maxPrefix  = 512     // rounds up to which each beginning of the model is tried
)

// finder tries plans.
type finder struct {
	data  *Data
	want  []float32
	width int
	base  plan
	opts  []option
	bad   []int // rows that the base plan does not give

	cache map[compiled]*inference.Predictor
	tried int
}

// compiled is what a predictor depends on.
type compiled struct {
	booster *model.Booster
	opts    inference.Options
}

// maxCompiled bounds the predictors that are kept.
const maxCompiled = 32

// predictor compiles what has not been compiled before; nil if that cannot be done.
func (f *finder) predictor(b *model.Booster, opts inference.Options) *inference.Predictor {
	opts.Workers = 1
	key := compiled{b, opts}
	p, ok := f.cache[key]
	if !ok {
		p, _ = inference.New(b, &opts)
		if len(f.cache) >= maxCompiled {
			clear(f.cache)
		}
		f.cache[key] = p
	}
	return p
}

// Find looks for the way to read booster and data that gives want, n x width. The options are what was asked for.
func Find(b *model.Booster, d *Data, want []float32, width int, opts *inference.Options) (*Findings, error) {
	if d.Width < 1 || width < 1 || len(d.Values)%d.Width != 0 || len(want) != d.NumRow()*width {
		return nil, fmt.Errorf("diagnose: %d values of %d columns and %d expected values of %d: want as many rows of both",
			len(d.Values), d.Width, len(want), width)
	}
	if err := b.Validate(); err != nil {
		return nil, fmt.Errorf("diagnose: %w", err)
	}
	f := &finder{data: d, want: want, width: width, cache: map[compiled]*inference.Predictor{}}
	f.base = plan{booster: b, from: byName(d, featureNames(b))}
	if opts != nil {
		f.base.opts = *opts
	}
	if f.base.from == nil {
		f.base.from = inPlace(b.NumFeature, 0)
	}
	f.opts = options(b, d, &f.base, width)

	all := make([]int, d.NumRow())
	for i := range all {
		all[i] = i
	}
	found := &Findings{Rows: len(all)}
	if asIs := f.judge(&f.base, nil, all); asIs != nil {
		found.AsIs = *asIs
	}
	if found.AsIs.Exact == len(all) {
		found.Tried = f.tried
		return found, nil
	}
	found.Matches, found.Nearest = f.search(all, found.AsIs)
	found.Tried = f.tried
	return found, nil
}

// search tries one change, then two, then three of those that are independent of each other.
func (f *finder) search(all []int, asIs Finding) (matches []Finding, nearest *Finding) {
	sample := f.sample(all)
	level := [][]option{nil}
	for range 3 {
		var next [][]option
		var found []Finding
		for _, chosen := range level {
			for i := f.after(chosen); i < len(f.opts); i++ {
				changes := append(slices.Clone(chosen), f.opts[i])
				if !compatible(changes) {
					continue
				}
				next = append(next, changes)
				f.consider(changes, sample, all, &found, &nearest, asIs)
			}
		}
		if len(level) == 1 && len(found) == 0 {
			for _, o := range f.prefixes() {
				f.consider([]option{o}, sample, all, &found, &nearest, asIs)
			}
		}
		if len(found) > 0 {
			slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(b.Exact, a.Exact) })
			found = slices.DeleteFunc(found, func(m Finding) bool { return m.Exact < found[0].Exact })
			switch {
			case found[0].Exact == len(all), matches == nil && found[0].Exact > asIs.Exact && asIs.Close == len(all):
				return found, nil
			case matches == nil && asIs.Close < len(all): // perhaps one more change gives the last bits, too
				matches = found
				level = next
				continue
			}
		}
		if matches != nil {
			return matches, nil
		}
		if asIs.Close == len(all) { // only the last bits differ: one change has to do
			return nil, nil
		}
		level = next
	}
	return matches, nearest
}

// consider judges a way on a sample, and on all rows if it does well there.
func (f *finder) consider(changes []option, sample, all []int, found *[]Finding, nearest **Finding, asIs Finding) {
	p := f.base
	for _, o := range changes {
		o.apply(&p)
	}
	first := f.judge(&p, changes, sample)
	if first == nil || first.Close == 0 {
		return
	}
	if first.Close < len(sample) && *nearest != nil && first.Close*len(all) <= (*nearest).Close*len(sample)/2 {
		return
	}
	whole := f.judge(&p, changes, all)
	f.tried--
	switch {
	case whole.Close == len(all):
		*found = append(*found, *whole)
	case whole.Close > asIs.Close && (*nearest == nil || whole.Close > (*nearest).Close):
		*nearest = whole
	}
}

// after is the first option that may follow the chosen ones: combinations are tried in one order only.
func (f *finder) after(chosen []option) int {
	if len(chosen) == 0 {
		return 0
	}
	last := chosen[len(chosen)-1]
	return 1 + slices.IndexFunc(f.opts, func(o option) bool { return o.dimension == last.dimension && o.text == last.text })
}

// compatible tells whether changes are of different dimensions, and three are only those of rows and output.
func compatible(changes []option) bool {
	for i, a := range changes {
		if slices.ContainsFunc(changes[:i], func(b option) bool { return a.dimension == b.dimension }) {
			return false
		}
		if len(changes) > 2 && a.dimension != "columns" && a.dimension != "missing" && a.dimension != "output" {
			return false
		}
	}
	return true
}

// prefixes are the beginnings of the model.
func (f *finder) prefixes() []option {
	n := f.base.booster.NumRound()
	if n > maxPrefix || f.base.booster.Kind == "gblinear" {
		return nil
	}
	var list []option
	for end := 1; end < n; end++ {
		list = append(list, option{"rounds", fmt.Sprintf("only the first %d of %d rounds count", end, n),
			func(p *plan) { p.opts.Rounds = inference.Rounds{End: end} }})
	}
	return list
}

// sample takes rows from everywhere, half of them from those that the base plan does not give.
func (f *finder) sample(all []int) []int {
	n := min(sampleRows, max(sampleWork/max(len(f.base.booster.Trees), 1), 16))
	if len(all) <= n {
		return all
	}
	var rows []int
	bad := min(n/2, len(f.bad))
	for i := range bad {
		rows = append(rows, f.bad[i*len(f.bad)/bad])
	}
	for i := range n - bad {
		rows = append(rows, all[i*len(all)/(n-bad)])
	}
	return rows
}

// judge compares what a plan gives for rows with what was expected; nil if the plan does not suit.
func (f *finder) judge(p *plan, changes []option, rows []int) *Finding {
	got := f.predict(p, rows)
	if got == nil {
		return nil
	}
	f.tried++
	r := &Finding{}
	for _, o := range changes {
		r.Changes = append(r.Changes, o.text)
	}
	for i, row := range rows {
		isExact, isClose := true, true
		for c := range f.width {
			a, b := got[i*f.width+c], f.want[row*f.width+c]
			isExact = isExact && Same(a, b)
			isClose = isClose && near(a, b)
		}
		if isExact {
			r.Exact++
		}
		if isClose {
			r.Close++
		} else if changes == nil {
			f.bad = append(f.bad, row)
		}
	}
	return r
}

func near(a, b float32) bool {
	if Same(a, b) {
		return true
	}
	x, y := float64(a), float64(b)
	difference := math.Abs(x - y)
	return difference <= closeHere || difference <= closeTo*max(math.Abs(x), math.Abs(y)) && !math.IsInf(difference, 0)
}

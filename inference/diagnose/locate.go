package diagnose

import (
	"threatdetect/inference"
	"threatdetect/model"
)

// Evidence says what points at a tree.
type Evidence string

// What may point at a tree, strongest first.
const (
	// LeafDiffers: leaves were compared, and this tree's is another one.
	LeafDiffers Evidence = "leaf differs"
	// OtherLeaf: margins or values were compared, and another leaf of this tree alone gives what was expected.
	OtherLeaf Evidence = "another leaf of this tree gives what was expected"
	// ClosestSplit: nothing but that the row comes closest to a threshold there.
	ClosestSplit Evidence = "the row is closest to a threshold there"
)

// Suspect is a tree that may have gone another way.
type Suspect struct {
	Tree     int
	Evidence Evidence
	Leaf     int32 // where the row ends
	Want     int32 // where it would end as expected; -1 if unknown
	Path     []Step
	WantPath []Step // nil if Want is -1
	Closest  int    // index in Path of the split whose threshold is nearest to the row's value; -1 if there is none
	ULP      uint32 // how many float32 numbers lie between them
}

// Locator finds the tree behind a difference.
type Locator struct {
	booster *model.Booster
	opts    inference.Options
	leaves  *inference.Predictor // nil if the booster has no trees to tell apart
	margins *inference.Predictor
	link    *inference.Predictor // margins, given as base margins, to values; nil unless values are compared
	ids     []float32
}

// NewLocator makes a locator for predictions that were made with b and opts.
func NewLocator(b *model.Booster, opts *inference.Options) (*Locator, error) {
	l := &Locator{booster: b}
	if opts != nil {
		l.opts = *opts
	}
	if b.Kind == "gblinear" || len(b.Trees) == 0 || l.opts.Rounds.Begin > 0 { // leaves count from the first tree
		return l, nil
	}
	compile := func(output inference.Output) (*inference.Predictor, error) {
		o := l.opts
		o.Output, o.Workers = output, 1
		return inference.New(b, &o)
	}
	var err error
	if l.leaves, err = compile(inference.Leaf); err != nil {
		return nil, err
	}
	if l.margins, err = compile(inference.Margin); err != nil {
		return nil, err
	}
	l.ids = zeros(l.leaves.NumOutput())
	if l.opts.Output == inference.Value {
		if l.link, err = linkOf(b, &l.opts); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Locate looks for the tree behind a difference in a column of the output for row. It returns nil where nothing can be said:
// for boosters without trees, and for rounds that do not begin with the first.
func (l *Locator) Locate(row []float32, column int, want float32) (*Suspect, error) {
	if l.leaves == nil {
		return nil, nil
	}
	if err := l.leaves.Predict(l.ids, row); err != nil {
		return nil, err
	}
	switch l.opts.Output {
	case inference.Leaf:
		s := l.suspect(row, column, LeafDiffers)
		t := &l.booster.Trees[column]
		if want >= 0 && want < float32(t.NumNode()) && t.IsLeaf(int32(want)) {
			s.point(l.booster, int32(want), row)
		}
		return s, nil
	case inference.Value, inference.Margin:
		s, err := l.otherLeaf(row, column, want)
		if s != nil || err != nil {
			return s, err
		}
	}
	best := (*Suspect)(nil)
	for t := range l.ids {
		if s := l.suspect(row, t, ClosestSplit); s.Closest >= 0 && (best == nil || s.ULP < best.ULP) {
			best = s
		}
	}
	return best, nil
}

func (l *Locator) suspect(row []float32, tree int, e Evidence) *Suspect {
	s := &Suspect{Tree: tree, Evidence: e, Leaf: int32(l.ids[tree]), Want: -1}
	s.Path = pathTo(l.booster, tree, s.Leaf, row)
	s.Closest, s.ULP = closest(s.Path)
	return s
}

func (s *Suspect) point(b *model.Booster, want int32, row []float32) {
	s.Want, s.WantPath = want, pathTo(b, s.Tree, want, row)
}

// maxSwaps bounds the leaves that are tried times the trees that are summed for each of them.
const maxSwaps = 1 << 26

// otherLeaf looks for a single leaf whose value, in place of the one that its tree gave, gives what was expected.
func (l *Locator) otherLeaf(row []float32, column int, want float32) (*Suspect, error) {
	b := l.booster
	group := column
	if l.margins.NumGroup() == 1 {
		group = 0
	}
	if b.TreeWeight != nil || group >= l.margins.NumGroup() || l.link != nil && l.link.NumOutput() != l.margins.NumGroup() {
		return nil, nil
	}
	margins := zeros(l.margins.NumGroup())
	if err := l.margins.Predict(margins, row); err != nil {
		return nil, err
	}
	sum, ok, err := l.newSum(row, group, margins[group])
	if !ok || err != nil {
		return nil, err
	}
	work := 0
	for i, tree := range sum.trees {
		t := &b.Trees[tree]
		for n := range int32(t.NumNode()) {
			if !t.IsLeaf(n) || n == int32(l.ids[tree]) {
				continue
			}
			if work += len(sum.trees); work > maxSwaps {
				return nil, nil
			}
			margins[group] = sum.with(i, t.Value[n])
			got := margins[group]
			if l.link != nil {
				out := zeros(l.link.NumOutput())
				if err := l.link.PredictFrom(out, row, margins); err != nil {
					return nil, err
				}
				got = out[column]
			}
			if Same(got, want) && pathTo(b, tree, n, row) != nil { // deleted nodes have no path
				s := l.suspect(row, tree, OtherLeaf)
				s.point(b, n, row)
				return s, nil
			}
		}
	}
	return nil, nil
}

// treeSum adds the leaves of one group as the predictor does.
type treeSum struct {
	trees    []int
	values   []float32
	base     float32
	baseLast bool
}

// newSum finds out which order of summing gives the predictor's margin; not ok if none does.
func (l *Locator) newSum(row []float32, group int, margin float32) (*treeSum, bool, error) {
	b := l.booster
	s := &treeSum{}
	for t := range l.ids {
		if b.Trees[t].LeafSize > 1 {
			return nil, false, nil
		}
		if int(b.TreeGroup[t]) == group {
			s.trees = append(s.trees, t)
			s.values = append(s.values, b.Trees[t].Value[int32(l.ids[t])])
		}
	}
	bare, err := baseOf(b, &l.opts)
	if err != nil {
		return nil, false, err
	}
	s.base = bare[group]
	for _, s.baseLast = range []bool{false, true} {
		if Same(s.with(-1, 0), margin) {
			return s, true, nil
		}
	}
	return nil, false, nil
}

// with is the sum with value in place of that of tree i.
func (s *treeSum) with(i int, value float32) float32 {
	sum := s.base
	if s.baseLast {
		sum = 0
	}
	for k, v := range s.values {
		if k == i {
			v = value
		}
		sum += v
	}
	if s.baseLast {
		sum += s.base
	}
	return sum
}

// withoutTrees is b before its first round.
func withoutTrees(b *model.Booster) *model.Booster {
	bare := *b
	bare.Trees, bare.TreeGroup, bare.TreeWeight, bare.IterationStart = nil, nil, nil, []int32{0}
	return &bare
}

// linkOf makes a predictor that turns base margins into values.
func linkOf(b *model.Booster, opts *inference.Options) (*inference.Predictor, error) {
	return inference.New(withoutTrees(b), &inference.Options{Workers: 1, Runtime: opts.Runtime})
}

// baseOf returns the base margins of b.
func baseOf(b *model.Booster, opts *inference.Options) ([]float32, error) {
	p, err := inference.New(withoutTrees(b), &inference.Options{Output: inference.Margin, Workers: 1, Runtime: opts.Runtime})
	if err != nil {
		return nil, err
	}
	base, row := zeros(p.NumOutput()), zeros(p.NumFeature())
	return base, p.Predict(base, row)
}

func zeros(n int) []float32 { return make([]float32, n) }

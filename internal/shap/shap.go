package shap

import (
	"fmt"
	"slices"

	"threatdetect/internal/forest"
	"threatdetect/model"
)

// Explainer computes the contributions of a compiled booster. It is immutable and safe for concurrent use; each call
// brings its own [Scratch].
type Explainer struct {
	forest *forest.Forest
	trees  []tree
	// straight adds every term to the output at once and knows no weights of trees, as releases before 1.0 do.
	straight bool
	// unguarded divides by the weight of a child even if that is zero, as release 0.72 does: a term is then NaN.
	unguarded  bool
	numElement int // elements of all paths of the deepest walk
	stats      Stats
}

// tree is a tree of the forest with what the training data says of it. One whose leaves are vectors is there once for each output.
type tree struct {
	nodes   []forest.Node
	cover   []float32 // sum of hessians of each node
	mean    []float32 // output of the training rows that reach a node; of a leaf, its value
	columns []int32   // that a split looks at, ascending
	group   int
	weight  float32 // of the whole tree
	table   *table  // nil: the reference walks it
}

// Stats describes an explainer.
type Stats struct {
	TableTrees int   // trees whose exact contributions are looked up
	ZeroCovers int   // splits with a cover of zero, which make NaN
	Bytes      int64 // memory, without the forest
}

// Stats returns what Build counted.
func (e *Explainer) Stats() Stats { return e.stats }

// Build makes an explainer of f, which must have been compiled from b. It keeps no reference to b. Every tree with a split must
// have SumHessian. tables tells whether to make the tables for Contributions; without them there is nothing but the reference.
func Build(b *model.Booster, f *forest.Forest, tables bool, pause func()) (*Explainer, error) {
	if pause == nil {
		pause = func() {}
	}
	e := &Explainer{forest: f, straight: b.Version.Before(1, 0), unguarded: b.Version.Known() && b.Version.Before(0, 80)}
	for i := range b.Trees {
		pause()
		if err := e.addTree(i, b.Trees[i].SumHessian); err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
	}
	if tables && !e.unguarded {
		left := maxTables
		for i := range e.trees {
			pause()
			t := &e.trees[i]
			if t.table = newTable(f, t, min(left, maxTreeTable)); t.table != nil {
				left -= len(t.table.terms)
				e.stats.TableTrees++
				e.stats.Bytes += t.table.bytes()
			}
		}
	}
	return e, nil
}

// addTree adds tree i of the forest, without a table.
func (e *Explainer) addTree(i int, cover []float32) error {
	t := tree{nodes: e.forest.Tree(i), cover: slices.Clone(cover), weight: 1}
	if cover == nil && t.nodes[0].IsLeaf() {
		t.cover = make([]float32, len(t.nodes))
	}
	if len(t.cover) != len(t.nodes) {
		return fmt.Errorf("%w: %d covers for %d nodes", model.ErrFormat, len(t.cover), len(t.nodes))
	}
	if !e.straight {
		t.weight = e.forest.Weight(i)
	}
	depth := t.survey(&e.stats)
	e.numElement = max(e.numElement, numElement(depth, len(t.columns)))
	e.stats.Bytes += int64(4*len(t.cover) + 4*len(t.columns))
	if e.forest.HasVectors() {
		for t.group = range e.forest.NumGroup {
			e.addMeans(t, func(leaf *forest.Node) float32 { return e.forest.Vector(leaf)[t.group] })
		}
		return nil
	}
	t.group = e.forest.Group(i)
	e.addMeans(t, func(leaf *forest.Node) float32 { return leaf.Value })
	return nil
}

// survey fills in the columns of t, counts what is odd, and returns the splits on the longest path.
func (t *tree) survey(stats *Stats) (depth int) {
	used := make(map[int32]struct{})
	var visit func(n int32) int
	visit = func(n int32) int {
		node := &t.nodes[n]
		if node.IsLeaf() {
			return 0
		}
		used[int32(node.Column())] = struct{}{}
		if t.cover[n] == 0 {
			stats.ZeroCovers++
		}
		return 1 + max(visit(node.Left), visit(node.Right))
	}
	depth = visit(0)
	for c := range used {
		t.columns = append(t.columns, c)
	}
	slices.Sort(t.columns)
	return depth
}

// addMeans adds t with the means that follow from the values of its leaves.
func (e *Explainer) addMeans(t tree, value func(leaf *forest.Node) float32) {
	t.mean = make([]float32, len(t.nodes))
	var visit func(n int32) float32
	visit = func(n int32) float32 {
		node := &t.nodes[n]
		if node.IsLeaf() {
			t.mean[n] = value(node)
			return t.mean[n]
		}
		sum := float32(visit(node.Left) * t.cover[node.Left])
		sum += float32(visit(node.Right) * t.cover[node.Right])
		t.mean[n] = sum / t.cover[n]
		return t.mean[n]
	}
	visit(0)
	e.trees = append(e.trees, t)
	e.stats.Bytes += int64(4 * len(t.mean))
}

// numElement is the number of elements of all paths from a root to a leaf below depth splits, by S2.
func numElement(depth, columns int) int {
	n := 0
	for d := range depth + 1 {
		n += min(d, columns) + 2 // one more than the path keeps, for a column that is met again
	}
	return n
}

// NumOutput is the number of contributions of a row: those of the columns and, last, the bias, for each output.
func (e *Explainer) NumOutput() int { return e.forest.NumGroup * (e.forest.NumFeature + 1) }

// Scratch is the memory of one call. It may be used again, for the same explainer, by one goroutine at a time.
type Scratch struct {
	phi  []float32 // of one tree; zero between uses
	path []element

	// For tables: the keys of a block of rows.
	keys  []uint32
	tally *tally

	// For interactions: the contributions if each column in turn is known and if it is unknown, and those of the row itself.
	known, unknown, plain []float32
}

// NewScratch returns memory for one call at a time. What only some calls need is made by the first of them.
func (e *Explainer) NewScratch() *Scratch {
	return &Scratch{phi: make([]float32, e.forest.NumFeature+1), path: make([]element, e.numElement)}
}

// grow returns a slice of n elements, which is s if that is long enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// Reference writes the exact contributions of one row by the reference: NumOutput values, of each group one after the other.
// base holds the base margin of each group. row has NumFeature values; none of the slices may overlap.
func (e *Explainer) Reference(dst, base, row []float32, s *Scratch) {
	clear(dst)
	e.sum(dst, row, s, free, none)
	e.addBase(dst, base)
}

// sum adds the exact contributions of all trees to dst.
func (e *Explainer) sum(dst, row []float32, s *Scratch, c condition, column int32) {
	for i := range e.trees {
		t := &e.trees[i]
		e.walkTree(e.outputs(dst, t), t, row, s, c, column)
	}
}

// walkTree adds to out the exact contributions of one tree.
func (e *Explainer) walkTree(out []float32, t *tree, row []float32, s *Scratch, c condition, column int32) {
	phi := s.phi
	if e.straight {
		phi = out
	}
	if c == free {
		phi[len(phi)-1] += t.mean[0]
	}
	p := pass{e: e, t: t, row: row, phi: phi, condition: c, column: column}
	p.walk(s.path)
	if !e.straight {
		t.addTo(out, phi)
		t.reset(phi)
	}
}

// Approximate writes the approximate contributions of one row, as Reference does the exact ones.
func (e *Explainer) Approximate(dst, base, row []float32, s *Scratch) {
	clear(dst)
	for i := range e.trees {
		t := &e.trees[i]
		out := e.outputs(dst, t)
		phi := s.phi
		if e.straight {
			phi = out
		}
		phi[len(phi)-1] += t.mean[0]
		e.approximate(phi, t, row)
		if !e.straight {
			t.addTo(out, phi)
			t.reset(phi)
		}
	}
	e.addBase(dst, base)
}

// outputs is the part of dst that a tree adds to.
func (e *Explainer) outputs(dst []float32, t *tree) []float32 {
	width := e.forest.NumFeature + 1
	return dst[t.group*width:][:width]
}

// addTo adds what is in phi to out. Columns that the tree does not use have a zero there, which changes nothing: out starts at +0, and
// no sum of it is -0.
func (t *tree) addTo(out, phi []float32) {
	for _, c := range t.columns {
		out[c] += float32(phi[c] * t.weight)
	}
	bias := len(phi) - 1
	out[bias] += float32(phi[bias] * t.weight)
}

// reset makes phi zero again.
func (t *tree) reset(phi []float32) {
	for _, c := range t.columns {
		phi[c] = 0
	}
	phi[len(phi)-1] = 0
}

// addBase adds the base margins to the biases.
func (e *Explainer) addBase(dst, base []float32) {
	width := e.forest.NumFeature + 1
	for g, m := range base {
		dst[g*width+width-1] += m
	}
}

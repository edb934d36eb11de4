package shap

import "math"

// condition tells what interactions assume of one column.
type condition int8

const (
	free condition = iota // nothing
	on                    // the row's value is known: only its side of each split on the column counts
	off                   // the value is unknown: both sides count, by their covers
)

// pass is one walk over all leaves of one tree for one row.
type pass struct {
	e         *Explainer
	t         *tree
	row       []float32
	phi       []float32 // one element for each column; terms are added to it
	condition condition
	column    int32 // that the condition is about, or none
}

// none is no column, and not the root's either.
const none = -2

// walk adds the terms of a tree. memory is for paths, of Explainer.numElement elements.
func (p *pass) walk(memory []element) {
	p.visit(0, nil, memory, rootColumn, 1, 1, 1)
}

// visit goes to node n over a split on column. above is the path of its parent and memory what paths below may use; zero and one
// extend the path; share is the part of the tree's output that the condition leaves to n.
func (p *pass) visit(n int32, above, memory []element, column int32, zero, one, share float32) {
	if share == 0 {
		return
	}
	path := memory[:copy(memory, above)]
	if column != p.column {
		path = memory[:len(path)+1]
		extend(path, column, zero, one)
	}
	memory = memory[len(path):]

	node := &p.t.nodes[n]
	if node.IsLeaf() {
		for k := 1; k < len(path); k++ {
			if p.e.unguarded && path[k].zero == 0 && path[k].one == 0 {
				p.phi[path[k].column] = float32(math.NaN())
				continue
			}
			p.phi[path[k].column] += term(path, k, p.t.mean[n], share)
		}
		return
	}

	hot, cold := node.Right, node.Left
	if p.e.forest.GoesLeft(node, p.row) {
		hot, cold = cold, hot
	}
	cover := p.t.cover
	hotZero, coldZero := cover[hot]/cover[n], cover[cold]/cover[n]
	split := int32(node.Column())
	zero, one = 1, 1
	if k := find(path, split); k >= 0 {
		zero, one = path[k].zero, path[k].one
		path = unwind(path, k)
	}
	hotShare, coldShare := share, share
	if split == p.column {
		if p.condition == on {
			coldShare = 0
		} else {
			hotShare, coldShare = hotShare*hotZero, coldShare*coldZero
		}
	}
	p.visit(hot, path, memory, split, hotZero*zero, one, hotShare)
	p.visit(cold, path, memory, split, coldZero*zero, 0, coldShare)
}

// approximate adds to phi what each split on the row's way changes in the mean of the training data.
func (e *Explainer) approximate(phi []float32, t *tree, row []float32) {
	n, value := int32(0), t.mean[0]
	split := none
	for !t.nodes[n].IsLeaf() {
		node := &t.nodes[n]
		split = node.Column()
		if e.forest.GoesLeft(node, row) {
			n = node.Left
		} else {
			n = node.Right
		}
		phi[split] += float32(t.mean[n] - value)
		value = t.mean[n]
	}
	if split != none {
		phi[split] += float32(t.mean[n] - value) // XGBoost looks at the leaf once more
	}
}

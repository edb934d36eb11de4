package model

// Cost is how many splits a row meets on average, over all trees: what a prediction costs. Training rows are the measure where
// the trees know how many came by (SumHessian); otherwise all leaves of a tree count alike. The booster must be valid.
func (b *Booster) Cost() float64 {
	total := 0.0
	var stack []costNode
	for i := range b.Trees {
		t := &b.Trees[i]
		sum, weight := 0.0, 0.0
		stack = append(stack[:0], costNode{})
		for len(stack) > 0 {
			n := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if !t.IsLeaf(n.node) {
				stack = append(stack, costNode{t.Left[n.node], n.depth + 1}, costNode{t.Right[n.node], n.depth + 1})
				continue
			}
			w := 1.0
			if t.SumHessian != nil && t.SumHessian[0] > 0 {
				w = float64(max(t.SumHessian[n.node], 0))
			}
			sum += float64(w * float64(n.depth))
			weight += w
		}
		if weight > 0 {
			total += sum / weight
		}
	}
	return total
}

type costNode struct{ node, depth int32 }

package shap

// element is one distinct column on the way from the root to a node. The first element of a path stands for the root alone.
type element struct {
	column    int32
	zero, one float32 // share of the training rows, and of the row in hand, that go this way when the column is unknown, known
	weight    float32 // of the subsets that have as many columns as there are elements before this one
}

// rootColumn is the column of a path's first element.
const rootColumn = -1

// extend fills in the last element of path and updates the weights of the others. Every conversion in this file keeps a rounding
// that XGBoost has; without it a compiler may fuse a multiplication with an addition.
func extend(path []element, column int32, zero, one float32) {
	d := len(path) - 1
	path[d] = element{column: column, zero: zero, one: one}
	if d == 0 {
		path[d].weight = 1
	}
	n := float32(d + 1)
	for i := d - 1; i >= 0; i-- {
		w := path[i].weight
		path[i+1].weight += float32(float32(float32(one*w)*float32(i+1)) / n)
		path[i].weight = float32(float32(zero*w)*float32(d-i)) / n
	}
}

// unwind undoes the extension of path by element k and returns the shorter path.
func unwind(path []element, k int) []element {
	d := len(path) - 1
	n := float32(d + 1)
	zero, one := path[k].zero, path[k].one
	next := path[d].weight
	for i := d - 1; i >= 0; i-- {
		w := path[i].weight
		if one != 0 {
			path[i].weight = float32(next*n) / float32(float32(i+1)*one)
			next = w - float32(float32(float32(path[i].weight*zero)*float32(d-i))/n)
		} else {
			path[i].weight = float32(w*n) / float32(zero*float32(d-i))
		}
	}
	for i := k; i < d; i++ { // the weights stay
		path[i].column, path[i].zero, path[i].one = path[i+1].column, path[i+1].zero, path[i+1].one
	}
	return path[:d]
}

// unwoundSum is the sum of the weights of path without element k.
func unwoundSum(path []element, k int) float32 {
	d := len(path) - 1
	n := float32(d + 1)
	zero, one := path[k].zero, path[k].one
	next, total := path[d].weight, float32(0)
	for i := d - 1; i >= 0; i-- {
		switch {
		case one != 0:
			t := float32(next*n) / float32(float32(i+1)*one)
			total += t
			next = path[i].weight - float32(float32(t*zero)*float32(float32(d-i)/n))
		case zero != 0:
			total += float32(path[i].weight/zero) / float32(float32(d-i)/n)
		}
	}
	return total
}

// term is what the column of element k gets at a leaf.
func term(path []element, k int, leaf, share float32) float32 {
	e := &path[k]
	return float32(float32(float32(unwoundSum(path, k)*float32(e.one-e.zero))*leaf) * share)
}

// find returns where path has column, or -1.
func find(path []element, column int32) int {
	for i := range path {
		if path[i].column == column {
			return i
		}
	}
	return -1
}

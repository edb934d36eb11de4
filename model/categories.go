package model

import "slices"

const (
	maxCode = 1<<24 - 1 // XGBoost keeps codes in float32 and stops where those stop being exact

	// A program that predicts keeps a bit for every code up to the greatest of a split. Models whose bits would take far more memory than
	// their codes are refused: there may be freeWords words of 32 bits, and wordsPerCode for every stored code.
	freeWords    = 1 << 22
	wordsPerCode = 64
)

// rawCategories are the categorical splits of a tree as files hold them: the codes of nodes[i] are codes[starts[i]:][:sizes[i]].
type rawCategories struct{ nodes, starts, sizes, codes []int32 }

// emptied keeps the memory for the next tree.
func (c *rawCategories) emptied() rawCategories {
	return rawCategories{c.nodes[:0], c.starts[:0], c.sizes[:0], c.codes[:0]}
}

// attach checks the categorical splits and puts them into t, whose other parts are complete. Splits that pruning has made leaves are left
// out. The types are 0 or 1 for each node, or empty if the file has none.
func (c *rawCategories) attach(t *Tree, types []int32, store *treeStore, opts *LoadOptions) error {
	splits := 0
	for n, typ := range types {
		switch {
		case typ != 0 && typ != 1:
			return misplaced(index("split_type", n), formatErrorf("unknown type of split %d", typ))
		case typ == 1 && t.Left[n] != -1:
			splits++
		}
	}
	if len(c.starts) != len(c.nodes) || len(c.sizes) != len(c.nodes) {
		return misplaced("categories_nodes", formatErrorf("%d nodes, %d segments and %d sizes", len(c.nodes), len(c.starts), len(c.sizes)))
	}
	if splits == 0 && len(c.nodes) == 0 {
		return nil
	}
	t.CategoryNodes, t.CategoryStart = store.ints.take(splits), store.ints.take(splits+1)
	t.CategoryCodes = store.ints.take(len(c.codes))
	count, used := 0, 0
	for i, n := range c.nodes {
		start, size := int64(c.starts[i]), int64(c.sizes[i])
		switch {
		case n < 0 || int(n) >= len(t.Left) || i > 0 && n <= c.nodes[i-1]:
			return misplaced(index("categories_nodes", i), formatErrorf("%d is not a node, or not above the one before it", n))
		case start < 0 || size < 1 || start+size > int64(len(c.codes)):
			return misplaced(index("categories_segments", i), formatErrorf("%d codes from %d on, of %d in all", size, start, len(c.codes)))
		case len(types) == 0 || types[n] != 1:
			return misplaced(index("categories_nodes", i), formatErrorf("node %d is not a categorical split", n))
		case t.Left[n] == -1:
			continue
		case int(size) > len(c.codes)-used:
			return misplaced(index("categories_segments", i), formatErrorf("the segments overlap"))
		}
		if err := check("categories of a split", size, int64(opts.MaxCategories)); err != nil {
			return misplaced(index("categories_sizes", i), err)
		}
		codes := t.CategoryCodes[used : used+copy(t.CategoryCodes[used:], c.codes[start:start+size])]
		if !ascending(codes) {
			slices.Sort(codes)
			codes = slices.Compact(codes)
		}
		used += len(codes)
		t.CategoryNodes[count] = n
		count++
		t.CategoryStart[count] = int32(used)
	}
	if count != splits {
		return misplaced("categories_nodes", formatErrorf("%d of %d categorical splits have categories", count, splits))
	}
	t.CategoryCodes = t.CategoryCodes[:used:used]
	if splits == 0 {
		t.CategoryNodes, t.CategoryStart, t.CategoryCodes = nil, nil, nil
	}
	return nil
}

// ascending tells whether every code is above the one before it.
func ascending(codes []int32) bool {
	for i := 1; i < len(codes); i++ {
		if codes[i] <= codes[i-1] {
			return false
		}
	}
	return true
}

// categoryValidator checks the categorical splits of trees one after the other.
type categoryValidator struct {
	limit       int   // codes of a split
	words, free int64 // of 32 bits, of all splits so far and those that codes have not paid for
}

func (v *categoryValidator) validate(t *Tree) error {
	nodes, starts, codes := t.CategoryNodes, t.CategoryStart, t.CategoryCodes
	if len(nodes) == 0 {
		if len(starts) > 1 || len(codes) > 0 {
			return misplaced("categories_nodes", formatErrorf("categories that belong to no split"))
		}
		return nil
	}
	if len(starts) != len(nodes)+1 || starts[0] != 0 || int(starts[len(nodes)]) != len(codes) {
		return misplaced("categories_segments", formatErrorf("the segments of %d splits do not cover the %d codes", len(nodes), len(codes)))
	}
	for i, n := range nodes {
		if n < 0 || int(n) >= len(t.Left) || t.Left[n] == -1 || i > 0 && n <= nodes[i-1] {
			return misplaced(index("categories_nodes", i), formatErrorf("%d is not a split, or not above the one before it", n))
		}
		if starts[i] < 0 || starts[i+1] <= starts[i] || int(starts[i+1]) > len(codes) {
			return misplaced(index("categories_segments", i), formatErrorf("from %d to %d, of %d codes in all", starts[i], starts[i+1], len(codes)))
		}
		set := codes[starts[i]:starts[i+1]]
		if err := check("categories of a split", int64(len(set)), int64(v.limit)); err != nil {
			return misplaced(index("categories_sizes", i), err)
		}
		last := set[len(set)-1]
		if set[0] < 0 || last > maxCode || !ascending(set) {
			return misplaced(index("categories", int(starts[i])),
				formatErrorf("node %d: its codes are not between 0 and %d, one above the other", n, maxCode))
		}
		v.words += int64(last)/32 + 1
		v.free += wordsPerCode * int64(len(set))
	}
	if err := check("words of category bits", v.words-v.free, freeWords); err != nil {
		return misplaced("categories", err)
	}
	return nil
}

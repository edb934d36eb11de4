package model

import (
	"encoding/binary"
	"math"
	"slices"
)

// booster reads the payload of the booster. Of trees:
//
//	GBTreeModelParam   160 bytes   num_trees i32, num_parallel_tree i32 (since 1.6), …, num_output_group i32 at 24 (before 1.0), reserved
//	trees                          TreeParam 148 bytes, nodes 20 bytes each, statistics 16 bytes each
//	tree_info                      i32 for each tree
//	weights                        u64 count, f32 each (dart with at least one tree)
//
// Of gblinear:
//
//	GBLinearModelParam 136 bytes   num_feature u32, num_output_group i32 (both before 1.0), reserved
//	weights                        u64 count, f32 each, feature by feature and the bias last
func (r *legacyReader) booster() error {
	if r.b.Kind == kindLinear {
		return r.linear()
	}
	return r.trees()
}

func (r *legacyReader) trees() error {
	const param = pathModel + "gbtree_model_param"
	b, start := r.b, r.pos
	p, err := r.take(forestParamSize, param)
	if err != nil {
		return err
	}
	n := leInt(p, 0)
	// In 64 bits the product cannot overflow, and what the trees need at least is there before anything is made for them.
	if left := len(r.data) - r.pos; n < 0 || int64(n)*(treeParamSize+nodeSize+statSize+4) > int64(left) {
		return legacyError(start, param+".num_trees", formatErrorf("%d trees do not fit into the %d bytes that are left", n, left))
	}
	if err := check("trees", int64(n), int64(r.opts.MaxTrees)); err != nil {
		return legacyError(start, param+".num_trees", err)
	}
	if !b.Version.Before(1, 6) {
		if r.forest = leInt(p, 4); r.forest < 1 {
			return legacyError(start+4, param+".num_parallel_tree", formatErrorf("expected at least 1 tree, found %d", r.forest))
		}
	}
	if err := r.oldGroups(leInt(p, 24), start+24, param); err != nil {
		return err
	}
	if leInt(p, 28) != 0 {
		return legacyError(start+28, param+".size_leaf_vector", &UnsupportedError{What: "a tree with a vector in each leaf"})
	}
	b.Trees = make([]Tree, n)
	store, nodes := &treeStore{}, 0
	for i := range b.Trees {
		if err := r.tree(&b.Trees[i], i, store); err != nil {
			return err
		}
		nodes += len(b.Trees[i].Left)
		if err := check("nodes", int64(nodes), int64(r.opts.MaxNodes)); err != nil {
			return legacyError(r.pos, treePath(i), err)
		}
	}
	if p, err = r.take(4*n, pathModel+"tree_info"); err != nil {
		return err
	}
	b.TreeGroup = make([]int32, n)
	for i := range b.TreeGroup {
		b.TreeGroup[i] = int32(le32(p, 4*i))
	}
	if b.Kind == kindDart && n > 0 {
		b.TreeWeight, err = r.floats(pathModel + "weight_drop")
	}
	return err
}

// linear reads the weights of a linear booster.
func (r *legacyReader) linear() error {
	const param = "learner.gradient_booster.model.gblinear_model_param"
	start := r.pos
	p, err := r.take(linearParamSize, param)
	if err != nil {
		return err
	}
	if err := r.oldGroups(leInt(p, 4), start+4, param); err != nil {
		return err
	}
	r.b.Linear, err = r.floats(pathModel + "weights")
	return err
}

// oldGroups takes the number of outputs from where releases before 1.0 keep it, which is byte start.
func (r *legacyReader) oldGroups(groups, start int, param string) error {
	b := r.b
	if b.Version.Known() {
		return nil
	}
	if groups < 1 || b.NumClass > 1 && groups != b.NumClass {
		return legacyError(start, param+".num_output_group", formatErrorf("%d outputs for %d classes", groups, b.NumClass))
	}
	if groups > 1 {
		b.NumClass = groups
	}
	if err := checkShape(b, r.opts); err != nil {
		return legacyError(start, param+".num_output_group", err)
	}
	return nil
}

// floats reads a count and that many numbers.
func (r *legacyReader) floats(path string) ([]float32, error) {
	n, err := r.count(4, path)
	if err != nil || n == 0 {
		return nil, err
	}
	p, err := r.take(4*n, path)
	if err != nil {
		return nil, err
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = leF32(p, 4*i)
	}
	return out, nil
}

// tree reads tree i and its statistics.
func (r *legacyReader) tree(t *Tree, i int, store *treeStore) error {
	if err := r.opts.stopped(); err != nil {
		return err
	}
	start := r.pos
	wrong := func(at int, field string, err error) error {
		return legacyError(start+at, treePath(i)+".tree_param"+field, err)
	}
	p, err := r.take(treeParamSize, "")
	if err != nil {
		_, err = r.take(treeParamSize, treePath(i)+".tree_param")
		return err
	}
	if roots := leInt(p, 0); roots != 1 {
		return wrong(0, ".num_roots", formatErrorf("expected 1 root, found %d", roots))
	}
	n := leInt(p, 4)
	if left := len(r.data) - r.pos; n < 1 || int64(n)*(nodeSize+statSize) > int64(left) {
		return wrong(4, ".num_nodes", formatErrorf("%d nodes do not fit into the %d bytes that are left", n, left))
	}
	if err := check("nodes in a tree", int64(n), int64(r.opts.MaxNodesPerTree)); err != nil {
		return wrong(4, ".num_nodes", err)
	}
	t.NumDeleted = leInt(p, 8)
	if size := leInt(p, 20); size != 0 && (size != 1 || !r.b.Version.Known()) {
		return wrong(20, ".size_leaf_vector", &UnsupportedError{What: "a tree with a vector in each leaf"})
	}
	ints, floats := store.ints.take(3*n), store.floats.take(4*n)
	t.Left, t.Right, t.Feature = slices.Clip(ints[:n]), slices.Clip(ints[n:2*n]), ints[2*n:]
	t.Value, t.LossChange = slices.Clip(floats[:n]), slices.Clip(floats[n:2*n])
	t.SumHessian, t.BaseWeight = slices.Clip(floats[2*n:3*n]), floats[3*n:]
	t.DefaultLeft = store.flags.take(n)
	nodes := r.data[r.pos : r.pos+n*nodeSize]
	stats := r.data[r.pos+n*nodeSize : r.pos+n*(nodeSize+statSize)]
	r.pos += n * (nodeSize + statSize)
	left, right, feature, value, missing := t.Left[:n], t.Right[:n], t.Feature[:n], t.Value[:n], t.DefaultLeft[:n]
	loss, hessian, weight := t.LossChange[:n], t.SumHessian[:n], t.BaseWeight[:n]
	for i := range n { // of the loads below, each takes two fields
		node, stat := nodes[:nodeSize], stats[:statSize]
		nodes, stats = nodes[nodeSize:], stats[statSize:]
		children, split := binary.LittleEndian.Uint64(node[4:]), binary.LittleEndian.Uint64(node[12:])
		left[i], right[i] = int32(children), int32(children>>32)
		feature[i], missing[i] = int32(split&math.MaxInt32), split>>31&1 == 1
		value[i] = math.Float32frombits(uint32(split >> 32))
		gain := binary.LittleEndian.Uint64(stat)
		loss[i], hessian[i] = math.Float32frombits(uint32(gain)), math.Float32frombits(uint32(gain>>32))
		weight[i] = leF32(stat, 8)
	}
	return nil
}

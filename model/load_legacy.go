package model

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// Sizes of the structures of the legacy binary form, in bytes.
const (
	learnerParamSize = 136
	forestParamSize  = 160
	treeParamSize    = 148
	nodeSize         = 20
	statSize         = 16
	maxLegacyName    = 64 // of an objective or booster; XGBoost has none above 30
)

// legacyReader reads the legacy binary form: little-endian, without padding.
//
//	LearnerModelParam  136 bytes   base_score f32, num_feature u32, num_class i32, extra attributes i32, metrics i32,
//	                               major u32, minor u32, num_target u32, reserved
//	objective, booster             u64 length and bytes, each
//	GBTreeModelParam   160 bytes   num_trees i32, num_parallel_tree i32 (since 1.6), …, num_output_group i32 at 24 (before 1.0), reserved
//	trees                          TreeParam 148 bytes, nodes 20 bytes each, statistics 16 bytes each
//	tree_info                      i32 for each tree
//	attributes                     u64 count, pairs of strings
//	metrics                        u64 count, strings (before 1.0)
type legacyReader struct {
	data []byte
	pos  int
	opts *LoadOptions
	b    *Booster

	forest    int // num_parallel_tree, 0 if the file does not have it
	plausible bool
}

// readLegacy reads a model whose header starts at byte start. The result is not validated yet. Plausible tells that the header is that of a
// legacy file, so that an error is about its contents and not about the choice of the format.
func readLegacy(data []byte, start int, opts *LoadOptions) (b *Booster, plausible bool, err error) {
	r := &legacyReader{data: data, pos: start, opts: opts, b: &Booster{
		Format: FormatLegacy, Params: map[string]string{}, Attributes: map[string]string{},
	}}
	if err := r.model(); err != nil {
		return nil, r.plausible, err
	}
	finish(r.b, nil, r.forest)
	return r.b, true, nil
}

// legacyError places err at a byte and at the field that JSON calls path.
func legacyError(offset int, path string, err error) error {
	return &ParseError{Offset: int64(offset), Path: path, Err: err}
}

// take returns the next n bytes.
func (r *legacyReader) take(n int, path string) ([]byte, error) {
	if left := len(r.data) - r.pos; n > left {
		return nil, legacyError(r.pos, path, formatErrorf("needs %d bytes, %d are left", n, left))
	}
	r.pos += n
	return r.data[r.pos-n : r.pos], nil
}

// count reads how many things of at least size bytes follow, and proves that they fit into the data.
func (r *legacyReader) count(size int, path string) (int, error) {
	at := r.pos
	p, err := r.take(8, path)
	if err != nil {
		return 0, err
	}
	n := binary.LittleEndian.Uint64(p)
	if left := len(r.data) - r.pos; n > uint64(left/size) {
		return 0, legacyError(at, path, formatErrorf("length %d does not fit into the %d bytes that are left", n, left))
	}
	return int(n), nil
}

func (r *legacyReader) text(limit int, path string) (string, error) {
	at := r.pos
	n, err := r.count(1, path)
	if err != nil {
		return "", err
	}
	if err := check("string length", int64(n), int64(limit)); err != nil {
		return "", legacyError(at, path, err)
	}
	p, err := r.take(n, path)
	return string(p), err
}

func le32(p []byte, at int) uint32   { return binary.LittleEndian.Uint32(p[at:]) }
func leInt(p []byte, at int) int     { return int(int32(le32(p, at))) }
func leF32(p []byte, at int) float32 { return math.Float32frombits(le32(p, at)) }

func (r *legacyReader) model() error {
	start := r.pos
	p, err := r.take(learnerParamSize, "learner.learner_model_param")
	if err != nil {
		return err
	}
	nameAt := r.pos
	objective, err := r.text(maxLegacyName, "learner.objective.name")
	if err != nil {
		return err
	}
	kindAt := r.pos
	if r.b.Kind, err = r.text(maxLegacyName, "learner.gradient_booster.name"); err != nil {
		return err
	}
	switch r.b.Kind {
	case "gbtree", "dart", "gblinear":
		r.plausible = true
	default:
		return legacyError(kindAt, "learner.gradient_booster.name", unsupported("booster", r.b.Kind))
	}
	if err := r.learnerParam(p, start); err != nil {
		return err
	}
	r.b.Objective = canonicalObjective(objective)
	if err := checkObjective(r.b.Objective); err != nil {
		return legacyError(nameAt, "learner.objective.name", err)
	}
	if err := checkBooster(r.b.Kind); err != nil {
		return legacyError(kindAt, "learner.gradient_booster.name", err)
	}
	if err := r.trees(); err != nil {
		return err
	}
	if leInt(p, 12) != 0 {
		if err := r.attributes(); err != nil {
			return err
		}
	}
	if leInt(p, 16) != 0 && !r.b.Version.Known() {
		if err := r.metrics(); err != nil {
			return err
		}
	}
	if left := len(r.data) - r.pos; left > 0 && !r.opts.AllowTrailing {
		return legacyError(r.pos, "", formatErrorf("%d bytes follow the model", left))
	}
	return nil
}

// learnerParam takes LearnerModelParam, which lies at byte start, apart.
func (r *legacyReader) learnerParam(p []byte, start int) error {
	b := r.b
	major, minor := le32(p, 20), le32(p, 24)
	if major > 1000 || minor > 1000 {
		return legacyError(start+20, "version", formatErrorf("%d.%d is not a release", major, minor))
	}
	b.Version = Version{int(major), int(minor), 0}
	b.BaseScore = []float32{leF32(p, 0)}
	b.BaseIsMargin = major == 0
	b.NumFeature = int(min(le32(p, 4), math.MaxInt32))
	if b.NumClass = leInt(p, 8); b.NumClass < 0 {
		return legacyError(start+8, pathParam+"num_class", formatErrorf("%d is negative", b.NumClass))
	}
	b.NumTarget = 1
	if !b.Version.Before(1, 6) {
		b.NumTarget = int(min(max(le32(p, 28), 1), math.MaxInt32))
	}
	if err := checkShape(b, r.opts); err != nil {
		return legacyError(start, pathParam[:len(pathParam)-1], err)
	}
	return nil
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
	if !b.Version.Known() {
		groups := leInt(p, 24)
		if groups < 1 || b.NumClass > 1 && groups != b.NumClass {
			return legacyError(start+24, param+".num_output_group", formatErrorf("%d outputs for %d classes", groups, b.NumClass))
		}
		if groups > 1 {
			b.NumClass = groups
		}
		if err := checkShape(b, r.opts); err != nil {
			return legacyError(start+24, param+".num_output_group", err)
		}
	}
	if leInt(p, 28) != 0 {
		return legacyError(start+28, param+".size_leaf_vector", &UnsupportedError{What: "a tree with a vector in each leaf"})
	}
	b.Trees = make([]Tree, n)
	store, nodes := &treeStore{}, 0
	for i := range b.Trees {
		if err := r.tree(&b.Trees[i], index(pathModel+"trees", i), store); err != nil {
			return err
		}
		nodes += len(b.Trees[i].Left)
		if err := check("nodes", int64(nodes), int64(r.opts.MaxNodes)); err != nil {
			return legacyError(r.pos, index(pathModel+"trees", i), err)
		}
	}
	if p, err = r.take(4*n, pathModel+"tree_info"); err != nil {
		return err
	}
	b.TreeGroup = make([]int32, n)
	for i := range b.TreeGroup {
		b.TreeGroup[i] = int32(le32(p, 4*i))
	}
	return nil
}

// isBookkeeping tells whether an attribute is one of those that XGBoost itself keeps only in the legacy form.
func isBookkeeping(key string) bool {
	return key == "objective" || key == "metrics" || strings.HasPrefix(key, "SAVED_PARAM_")
}

func (r *legacyReader) attributes() error {
	const path = "learner.attributes"
	n, err := r.count(16, path)
	if err != nil {
		return err
	}
	for range n {
		at := r.pos
		key, err := r.text(maxAttributeKey, path)
		if err != nil {
			return err
		}
		valueAt := r.pos + 8
		value, err := r.text(maxAttribute, path)
		if err != nil {
			return err
		}
		switch {
		case key == "objective" && r.b.Version.Known():
			if err := r.objective(value, valueAt); err != nil {
				return err
			}
		case !isBookkeeping(key):
			if _, ok := r.b.Attributes[key]; ok {
				return legacyError(at, path, formatErrorf("the key %.64q is given twice", key))
			}
			r.b.Attributes[key] = value
		}
	}
	return nil
}

// objective reads the JSON text that holds the parameters of the objective, which lies at byte start.
func (r *legacyReader) objective(text string, start int) error {
	header := r.b.Objective
	doc := newJSONReader([]byte(text))
	err := readObjective(doc, r.b)
	if err == nil {
		err = doc.End()
	}
	if err == nil && r.b.Objective != header {
		err = formatErrorf("the objective is %.64q, but the header says %.64q", r.b.Objective, header)
	}
	if err != nil {
		p := within("learner.attributes.objective", at(0, err))
		p.Offset += int64(start)
		return p
	}
	return nil
}

func (r *legacyReader) metrics() error {
	n, err := r.count(8, "learner.metrics")
	for ; n > 0 && err == nil; n-- {
		_, err = r.text(maxLegacyName, "learner.metrics")
	}
	return err
}

// tree reads a tree and its statistics.
func (r *legacyReader) tree(t *Tree, path string, store *treeStore) error {
	start := r.pos
	p, err := r.take(treeParamSize, path+".tree_param")
	if err != nil {
		return err
	}
	if roots := leInt(p, 0); roots != 1 {
		return legacyError(start, path+".tree_param.num_roots", formatErrorf("expected 1 root, found %d", roots))
	}
	n := leInt(p, 4)
	if left := len(r.data) - r.pos; n < 1 || int64(n)*(nodeSize+statSize) > int64(left) {
		return legacyError(start+4, path+".tree_param.num_nodes", formatErrorf("%d nodes do not fit into the %d bytes that are left", n, left))
	}
	if err := check("nodes in a tree", int64(n), int64(r.opts.MaxNodesPerTree)); err != nil {
		return legacyError(start+4, path+".tree_param.num_nodes", err)
	}
	t.NumDeleted = leInt(p, 8)
	if size := leInt(p, 20); size != 0 && (size != 1 || !r.b.Version.Known()) {
		return legacyError(start+20, path+".tree_param.size_leaf_vector", &UnsupportedError{What: "a tree with a vector in each leaf"})
	}
	ints, floats := store.ints.take(3*n), store.floats.take(4*n)
	t.Left, t.Right, t.Feature = slices.Clip(ints[:n]), slices.Clip(ints[n:2*n]), ints[2*n:]
	t.Value, t.LossChange = slices.Clip(floats[:n]), slices.Clip(floats[n:2*n])
	t.SumHessian, t.BaseWeight = slices.Clip(floats[2*n:3*n]), floats[3*n:]
	t.DefaultLeft = store.flags.take(n)
	nodes := r.data[r.pos : r.pos+n*nodeSize]
	stats := r.data[r.pos+n*nodeSize : r.pos+n*(nodeSize+statSize)]
	r.pos += n * (nodeSize + statSize)
	for i := range n {
		node, stat := nodes[i*nodeSize:][:nodeSize], stats[i*statSize:][:statSize]
		t.Left[i] = int32(le32(node, 4))
		t.Right[i] = int32(le32(node, 8))
		split := le32(node, 12)
		t.Feature[i], t.DefaultLeft[i] = int32(split&math.MaxInt32), split>>31 == 1
		t.Value[i] = leF32(node, 16)
		t.LossChange[i], t.SumHessian[i], t.BaseWeight[i] = leF32(stat, 0), leF32(stat, 4), leF32(stat, 8)
	}
	return nil
}

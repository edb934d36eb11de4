package model

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sound checks the property that all loads have: an error or a booster that passes Validate.
func sound(t testing.TB, file []byte) (*Booster, error) {
	t.Helper()
	b, err := Load(bytes.NewReader(file), nil)
	if (b == nil) == (err == nil) {
		t.Fatalf("booster %v and error %v", b, err)
	}
	if err == nil {
		if err := b.Validate(); err != nil {
			t.Fatalf("a booster that was loaded is not valid: %v", err)
		}
	}
	return b, err
}

func TestTruncation(t *testing.T) {
	for variant, b := range variants() {
		for name, file := range forms(b) {
			for n := range len(file) {
				_, err := sound(t, file[:n])
				require.Error(t, err, "%s as %s cut at %d of %d", variant, name, n, len(file))
			}
		}
	}
}

// Any bit may be wrong without harm: what still loads is valid.
func TestBitFlips(t *testing.T) {
	for variant, b := range variants() {
		step := 11
		if variant == "plain" {
			step = 1
		}
		for _, file := range forms(b) {
			for i := 0; i < len(file)*8; i += step {
				file[i/8] ^= 1 << (i % 8)
				sound(t, file)
				file[i/8] ^= 1 << (i % 8)
			}
		}
	}
}

// Numbers that often mean trouble, at one place after the other.
func TestBadWords(t *testing.T) {
	words := []uint64{0, 1, math.MaxUint64, math.MaxInt32, 1 << 31, math.MaxUint32, math.MaxInt64, 1 << 63, 1 << 50}
	for variant, b := range variants() {
		step := 29
		if variant == "plain" {
			step = 3
		}
		for name, file := range forms(b) {
			if name == "json" {
				continue
			}
			for i := 0; i+8 <= len(file); i += step {
				for _, w := range words {
					bad := bytes.Clone(file)
					binary.LittleEndian.PutUint32(bad[i:], uint32(w))
					sound(t, bad)
					binary.BigEndian.PutUint64(bad[i:], w)
					sound(t, bad)
				}
			}
		}
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// A length that is not backed by bytes costs nothing.
func TestDeclaredLengthsAllocateNothing(t *testing.T) {
	const huge = "L\x00\x00\x00\x40\x00\x00\x00\x00" // 2^38
	legacy := toLegacy(tiny())
	trees, nodes, attributes := bytes.Clone(legacy), bytes.Clone(legacy), bytes.Clone(legacy)
	params := 4 + 136 + 8 + len("binary:logistic") + 8 + len("gbtree")
	copy(trees[params:], "\xff\xff\xff\x7f")
	copy(nodes[params+160+4:], "\xff\xff\xff\x7f")
	copy(attributes[params+160+148+7*36+148+36+8:], "\xff\xff\xff\xff\xff\xff\xff\x00")
	files := map[string][]byte{"trees": trees, "nodes": nodes, "attributes": attributes}
	for name, value := range map[string]string{
		"typed": "[$l#" + huge, "counted": "[#" + huge, "text": "S" + huge, "floats": "[$d#" + huge, "bytes": "[$U#" + huge,
	} {
		for _, at := range []string{"learner.feature_names", "learner.gradient_booster.model.tree_info", "learner.gradient_booster.model.trees",
			"learner.gradient_booster.model.trees[0].left_children", "learner.gradient_booster.model.trees[0].default_left",
			"learner.gradient_booster.model.trees[0].split_conditions", "learner.objective.reg_loss_param"} {
			doc := documentOf(tiny())
			*doc.at(at) = raw(value)
			files[name+" "+at] = toUBJSON(doc, true)
		}
	}
	files["key"] = []byte("{" + huge)
	for name, file := range files {
		var err error
		n := allocated(func() { _, err = Load(bytes.NewReader(file), nil) })
		require.ErrorIs(t, err, ErrFormat, name)
		require.Less(t, n, int64(1<<20), name)
	}
}

// wide is a model of n trees of the same kind as a real one.
func wide(n int) *Booster {
	b := tiny()
	r := rand.New(rand.NewPCG(1, 2))
	b.Trees, b.TreeGroup, b.IterationStart = nil, nil, []int32{0}
	for range n {
		var t Tree
		const nodes = 127 // complete
		for i := range int32(nodes) {
			left, right := 2*i+1, 2*i+2
			if left >= nodes {
				left, right = -1, -1
			}
			t.Left, t.Right = append(t.Left, left), append(t.Right, right)
			t.Feature, t.DefaultLeft = append(t.Feature, r.Int32N(3)), append(t.DefaultLeft, r.IntN(2) == 0)
			for _, s := range []*[]float32{&t.Value, &t.LossChange, &t.SumHessian, &t.BaseWeight} {
				*s = append(*s, float32(r.NormFloat64()))
			}
		}
		b.Trees, b.TreeGroup = append(b.Trees, t), append(b.TreeGroup, 0)
		b.IterationStart = append(b.IterationStart, int32(len(b.Trees)))
	}
	return b
}

func TestMemoryAndTime(t *testing.T) {
	want := wide(2000)
	for name, file := range forms(want) {
		factor := int64(8)
		if name == "json" {
			factor = 24
		}
		start := time.Now()
		n := allocated(func() { require.Equal(t, data(want).Trees[1999], data(load(t, file, nil)).Trees[1999]) })
		require.Less(t, n, factor*int64(len(file))+16<<20, name)
		require.Less(t, time.Since(start), 5*time.Second)
	}
}

// A tree may be as deep as it is large without hurting anything.
func TestDeepTree(t *testing.T) {
	const depth = 200_000
	b := tiny()
	var tree Tree
	for i := range int32(depth) {
		tree.Left, tree.Right = append(tree.Left, 2*i+1, -1), append(tree.Right, 2*i+2, -1)
	}
	// the order is root, then pairs: move the leaf of each pair behind its split
	tree.Left, tree.Right = append(tree.Left, -1), append(tree.Right, -1)
	for i := range tree.Left {
		if i%2 == 0 && i < 2*depth {
			tree.Left[i], tree.Right[i] = int32(i+1), int32(i+2)
		} else {
			tree.Left[i], tree.Right[i] = -1, -1
		}
	}
	n := len(tree.Left)
	tree.Feature, tree.DefaultLeft, tree.Value = make([]int32, n), make([]bool, n), make([]float32, n)
	tree.LossChange, tree.SumHessian, tree.BaseWeight = make([]float32, n), make([]float32, n), make([]float32, n)
	b.Trees[0] = tree
	for name, file := range forms(b) {
		_, err := Load(bytes.NewReader(file), &LoadOptions{MaxDepth: math.MaxInt})
		require.ErrorIs(t, err, ErrTooLarge, name)
	}
	require.Equal(t, depth, b.MaxDepth())
	require.ErrorIs(t, b.Validate(), ErrTooLarge)
}

func TestLongErrorsAreCut(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for _, at := range []string{"learner.objective.name", "learner.gradient_booster.name", "learner.learner_model_param.num_class",
		"learner.learner_model_param.base_score"} {
		doc := documentOf(tiny())
		*doc.at(at) = long
		_, err := sound(t, toJSON(doc))
		require.Error(t, err)
		require.Less(t, len(err.Error()), 300)
	}
	_, err := sound(t, []byte(`{"learner":{"attributes":{"`+long+`":1}}}`))
	require.Less(t, len(err.Error()), 300)
}

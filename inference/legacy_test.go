package inference

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"threatdetect/model"
)

// writeLegacy090 returns b in the binary form of XGBoost 0.90 and before, the only one that leaves reads. The base score is
// written as it is, and is a margin in that form.
func writeLegacy090(t testing.TB, b *model.Booster) []byte {
	t.Helper()
	var out bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			if err := binary.Write(&out, binary.LittleEndian, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	str := func(s string) { put(uint64(len(s)), []byte(s)) }

	put(b.BaseScore[0], uint32(b.NumFeature), int32(b.NumClass), [31]int32{}) // LearnerModelParam
	str(b.Objective)
	str("gbtree")
	put(int32(len(b.Trees)), int32(1), int32(b.NumFeature), int32(0), int64(0), // GBTreeModelParam
		int32(b.NumGroup()), int32(0), [32]int32{})
	for i := range b.Trees {
		tree := &b.Trees[i]
		n := len(tree.Left)
		put(int32(1), int32(n), int32(tree.NumDeleted), int32(0), int32(b.NumFeature), int32(0), [31]int32{}) // TreeParam
		parent := make([]uint32, n)
		reached := make([]bool, n)
		parent[0], reached[0] = math.MaxUint32, true
		for node := range n {
			if tree.Left[node] != -1 {
				parent[tree.Left[node]] = uint32(node) | 1<<31
				parent[tree.Right[node]] = uint32(node)
				reached[tree.Left[node]], reached[tree.Right[node]] = true, true
			}
		}
		for node := range n {
			split := uint32(math.MaxUint32) // deleted
			if reached[node] {
				split = uint32(tree.Feature[node]) & math.MaxInt32
				if tree.DefaultLeft[node] {
					split |= 1 << 31
				}
			}
			right := tree.Right[node]
			if tree.Left[node] == -1 {
				right = -1
			}
			put(parent[node], tree.Left[node], right, split, tree.Value[node])
		}
		put(make([]byte, 16*n)) // NodeStat
	}
	put(b.TreeGroup)
	return out.Bytes()
}

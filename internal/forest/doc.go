// Package forest holds the compiled form of a booster and the two portable ways to walk it: the reference walker,
// which follows a tree node by node and defines what is right, and the heap walker, which gives the same bits faster.
// Package inference is the user's door to it.
//
// # Semantics
//
// At a split a missing value (NaN of any kind) takes the default child; else the row goes left if its value is less
// than the threshold, both being float32, and right otherwise. Equal goes right, -0 equals +0, and against a NaN
// threshold every value goes right. The stored child is followed, as a model file draws it. Margins are sums in
// float32, one rounding an addition, in tree order, of leaves that are multiplied by the weight of their tree (which dart boosters
// have) and rounded before; see [Forest.BaseLast] for where the sum starts. This is XGBoost's
// CPU predictor, bit for bit.
//
// # Trees
//
// All trees lie in one array of 16-byte nodes, under the numbers they have in the file, so a leaf's place is its
// leaf id. Nodes that pruning deleted keep their place and are never reached.
//
//	start:   0          7              20 ...
//	nodes:   [ tree 0  ][ tree 1       ][ ...
//	node:    left int32 | right int32 | column<<1 + (1: missing goes right) | threshold or leaf value
//
// # Heaps
//
// Four consecutive trees make a quad. The trees of a quad are padded to perfect trees of one depth D, which lie in one heap
// like sub-trees of a common root two levels above them: the root of tree k is at index 4+k, and the children of the split
// at index j are at 2j (right) and 2j+1 (left). The leaves follow in arrays of their own.
//
//	index:   0..3      4..7        8..15                    16..31                   ... 4<<D - 1
//	splits:  unused | 4 roots | 2 splits of each tree | 4 splits of each tree |    ...        uint64: key<<32 + slot
//	leaves:  0 .. 4<<D - 1, 1<<D of each tree; the one reached at index j is at j - 4<<D      float32 value; int32 leaf id
//
// A leaf that lies higher than D fills the whole sub-heap below it. The trees that fill up the last quad have leaves
// of -0, the one number whose addition changes nothing.
//
// A threshold is stored as a key: the float's bits made monotone, so that comparing keys as integers compares the
// floats. A row is expanded once to two keys for each column that some split uses (slots 2c and 2c+1): in the first,
// which default-left splits name, a missing value is smaller than everything; in the second, larger. A step then is
// one subtraction whose borrow is the way to go, with no branch on data and no question about missing values.
//
//	key 0                 missing, default left
//	key 1                 threshold NaN: below every value, above the missing one
//	007FFFFF .. FF800000  -Inf .. +Inf
//	key FFFFFFFF          missing, default right
//
// A categorical split asks a condition of its column: whether its value is a code of a set. Splits that ask the same share a
// condition, which is tested once for each row and has a slot of its own behind those of the columns, with a key below or above the
// threshold key 1. Where there are so many conditions that testing all costs more than walking, the quads with categorical
// splits have no heap; see [maxTests].
//
// Leaves that are vectors lie row by row in an array of their own, and Right is the row of a leaf. Heaps then only find the leaf.
//
// Quads that would be padded too much stay with the reference walker; see [maxPadding].
//
// # Invariants
//
// [Build] proves these, and the walkers rely on them:
//
//	F1  Tree t is nodes[start[t]:start[t+1]] and has at least one node.
//	F2  From a tree's root, every node is reached at most once, and the children of every reached split are in the
//	    tree. A walk therefore ends.
//	F3  The column of every reached split is below NumFeature; so is every used column.
//	F4  group[t] is in [0, NumGroup).
//	F5  A quad's heap is splits[off:off+4<<D] and leaves[off:off+4<<D], and its trees are [tree, tree+4), the last of
//	    which may be padding. After l steps an index is in [4<<l, 8<<l), whatever the row holds.
//	F6  Every slot in a heap is below twice the number of used columns, plus the number of tested conditions.
//	F7  The compiled size is bounded by a constant times the number of reached leaves, plus the nodes.
//	F8  The condition of every reached categorical split is in the forest, and its column is below NumFeature.
//	F9  If leaves are vectors, there are NumGroup values for every reached leaf of every tree.
package forest

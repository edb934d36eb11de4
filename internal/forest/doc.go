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
// Trees are put in order of their groups, and padded to perfect trees: ten make a pack, which package heapwalk walks. Consecutive packs of
// a group with the same depth make a run. A leaf that lies higher than the depth fills the whole sub-tree below it. Trees that would be
// padded too much make runs that the reference walker takes; see [maxPadding]. As groups are independent sums, and every group adds
// its trees in the file's order, the bits are those of the file's order.
//
// A threshold is stored as a key: the float's bits made monotone, so that comparing keys as integers compares the
// floats. A row is expanded once to two keys for each column that some split uses: in the first,
// which default-left splits name, a missing value is smaller than everything; in the second, larger.
//
//	key 0                 missing, default left
//	key 1                 threshold NaN: below every value, above the missing one
//	007FFFFF .. FF800000  -Inf .. +Inf
//	key FFFFFFFF          missing, default right
//
// Columns are expanded four at a time. The first of each four are in [Forest.quads], which leave out what no split uses:
//
//	slot: 8q + 2*(column - quads[q])      key for default-left splits
//	      8q + 2*(column - quads[q]) + 1  key for default-right splits
//
// A forest that a second-level cache would not hold has narrow splits instead, of half the size. The value of a key is then its rank among
// the thresholds of its column, which the heap walker finds as well: the thresholds are a tree. Column c of [Forest.columns] has the slots
// 2c and 2c+1.
//
// A categorical split asks a condition of its column: whether its value is a code of a set. Splits that ask the same share a
// condition, which is tested once for each row and has a slot of its own behind those of the columns, with a key below or above the
// threshold key 1. Where there are so many conditions that testing all costs more than walking, trees with categorical
// splits have no heap; see [maxTests].
//
// Leaves that are vectors lie row by row in an array of their own, and Right is the row of a leaf. Heaps then only find the leaf.
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
//	F5  Packs have the arrays that heapwalk.Packs says. After l steps in a pack of n trees an index is in [n<<l, 2n<<l), whatever
//	    the row holds.
//	F6  Every slot in a pack is below the number of keys of a row.
//	F7  The compiled size is bounded by a constant times the number of reached leaves, plus the nodes.
//	F8  The condition of every reached categorical split is in the forest, and its column is below NumFeature.
//	F9  If leaves are vectors, there are NumGroup values for every reached leaf of every tree.
package forest

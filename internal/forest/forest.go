package forest

import (
	"math"

	"threatdetect/internal/kernel"
)

// Forest is a compiled booster. It is immutable and safe for concurrent use; each call brings its own [Scratch].
type Forest struct {
	NumFeature int // columns of a row
	NumGroup   int // margins of a row

	// BaseLast tells the order of the sum. XGBoost 1.3 and later (1.4 for dart) start with the base margin and add leaf by
	// leaf; earlier releases add the leaves to zero and the sum to the base margin. The booster's Version decides.
	BaseLast bool

	nodes   []Node
	start   []int32
	group   []int32   // the output that a tree adds to
	weight  []float32 // the factor of a tree's leaves; nil if all are 1
	vectors []float32 // NumGroup values for each leaf vector; nil unless leaves are vectors

	conditions []condition // of the categorical splits

	columns []int32 // used by numeric splits, ascending; the one at c has the slots 2c and 2c+1
	tests   int     // conditions that have slots, behind those of the columns: all or none
	runs    []run

	// What a row's keys are made of; see the package comment.
	quads  []uint32
	narrow bool
	ranks  []rankPack

	kernel    Kernel
	plan      *kernel.Plan // of the block kernel; nil if there is none
	leafPlan  *kernel.Plan // the same for the numbers of leaves; there is one of the two at most
	blockRows int          // from how many rows on it is worth it
	blockCost float64      // nanoseconds that a block takes, roughly
	oneCost   float64      // nanoseconds that a row takes without it, roughly
	oneRow    bool         // a single row takes nothing but heaps, each leaf of which is a number

	zeros []float32 // of each tree; nil unless there is a leafPlan

	index func() *sparseIndex // makes it once

	stats Stats
}

// Node is a split or a leaf of a tree.
type Node struct {
	// Left and Right are the children, counted from the tree's root. On a leaf Left is -1, and Right the number of its
	// vector in the forest, or -1 if it has none.
	Left, Right int32
	split       uint32  // column<<1, plus 1 if missing values go right, plus categorical
	Value       float32 // threshold of a split, value of a leaf; no number on a categorical split
}

// categorical is the bit of Node.split that marks a categorical split. The bits of its Value are the number of its condition.
const categorical = 1 << 31

// maxColumns is the number of columns that fit below that bit.
const maxColumns = 1 << 30

// Column is the column that a split looks at.
func (n *Node) Column() int { return int(n.split &^ categorical >> 1) }

// Categorical tells that a split asks for category codes.
func (n *Node) Categorical() bool { return n.split&categorical != 0 }

// condition is the number of a categorical split's condition.
func (n *Node) condition() int32 { return int32(math.Float32bits(n.Value)) }

// DefaultLeft tells that a missing value goes left.
func (n *Node) DefaultLeft() bool { return n.split&1 == 0 }

// IsLeaf tells that n is no split.
func (n *Node) IsLeaf() bool { return n.Left == -1 }

// NumTree is the number of trees, in all groups.
func (f *Forest) NumTree() int { return len(f.group) }

// Tree returns the nodes of tree t; the first is the root. The caller must not change them.
func (f *Forest) Tree(t int) []Node { return f.nodes[f.start[t]:f.start[t+1]] }

// Group is the output that tree t adds to.
func (f *Forest) Group(t int) int { return int(f.group[t]) }

// Weight is the factor of the leaves of tree t, which dart boosters have; else 1.
func (f *Forest) Weight(t int) float32 {
	if f.weight == nil {
		return 1
	}
	return f.weight[t]
}

// Vector returns the NumGroup values of a leaf, or nil if leaves are single numbers. The caller must not change them.
func (f *Forest) Vector(leaf *Node) []float32 {
	if f.vectors == nil {
		return nil
	}
	return f.vectors[int(leaf.Right)*f.NumGroup:][:f.NumGroup]
}

// Stats describes a compiled forest.
type Stats struct {
	Trees       int
	HeapTrees   int    // trees that the heap walker takes
	WalkedTrees int    // trees that are walked node by node
	Splits      int    // reached from a root
	Leaves      int    // reached from a root
	Columns     int    // columns that some split looks at
	Conditions  int    // different questions that categorical splits ask
	MaxDepth    int    // splits on the longest path
	Bytes       int64  // memory of the compiled form
	Kernel      string // the kind of the block kernel; "" if it has nothing to do here
	BlockRows   int    // from how many rows on it is used
	BlockBytes  int64  // memory that it needs, of Bytes
}

// Stats returns what Build counted.
func (f *Forest) Stats() Stats { return f.stats }

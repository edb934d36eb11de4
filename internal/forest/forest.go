package forest

// Forest is a compiled booster. It is immutable and safe for concurrent use; each call brings its own [Scratch].
type Forest struct {
	NumFeature int // columns of a row
	NumGroup   int // margins of a row

	// BaseLast tells the order of the sum. XGBoost 1.3 and later start with the base margin and add leaf by leaf;
	// earlier releases add the leaves to zero and the sum to the base margin. The release that wrote the file decides.
	BaseLast bool

	nodes []Node
	start []int32
	group []int32 // the output that a tree adds to

	columns []int32 // used columns, ascending; the one at c has the slots 2c and 2c+1
	quads   []quad
	splits  []uint64
	leaves  []float32
	leafIDs []int32

	stats Stats
}

// Node is a split or a leaf of a tree.
type Node struct {
	Left, Right int32   // children, counted from the tree's root; Left is -1 on a leaf
	split       uint32  // column<<1, plus 1 if missing values go right
	Value       float32 // threshold of a split, value of a leaf
}

// Column is the column that a split looks at.
func (n *Node) Column() int { return int(n.split >> 1) }

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

// quad is four consecutive trees. A quad without a heap is walked node by node.
type quad struct {
	tree  int32  // the first of them
	count int32  // 4, or fewer at the end of the forest
	depth int32  // depth of the heap, or -1 if there is none
	off   uint32 // where the heap starts in splits, leaves and leafIDs
}

// Stats describes a compiled forest.
type Stats struct {
	Trees       int
	HeapTrees   int   // trees that the heap walker takes
	WalkedTrees int   // trees that are walked node by node
	Splits      int   // reached from a root
	Leaves      int   // reached from a root
	Columns     int   // columns that some split looks at
	MaxDepth    int   // splits on the longest path
	Bytes       int64 // memory of the compiled form
}

// Stats returns what Build counted.
func (f *Forest) Stats() Stats { return f.stats }

package model

// Format is the encoding that a booster was read from.
type Format string

// The formats of XGBoost's releases. The values are those that the inspect command prints.
const (
	FormatLegacy Format = "legacy-binary" // XGBoost's own binary form, written until 3.0
	FormatJSON   Format = "json"          // since 1.0
	FormatUBJSON Format = "ubjson"        // since 1.6

	FormatPickle   Format = "pickle"   // a Python pickle of a Booster or of one of its scikit-learn wrappers
	FormatSnapshot Format = "snapshot" // what is inside of a pickle: a model together with the parameters of its training
)

// Version is the XGBoost release that wrote a model: major, minor, patch. The legacy binary form stores no patch
// level, and files older than 1.0 store no version at all (the zero Version).
type Version [3]int

// Known reports whether the file said which release wrote it.
func (v Version) Known() bool { return v != Version{} }

// Before reports whether v is an earlier release than major.minor. An unknown version is older than 1.0.
func (v Version) Before(major, minor int) bool {
	return v[0] < major || v[0] == major && v[1] < minor
}

// Booster is a whole model as plain data. Treat it as read-only after [Load]; it is then safe for concurrent use.
type Booster struct {
	Format  Format
	Version Version

	// Digest is the SHA-256, in hexadecimal, of the bytes that were opened: of the file as it lies on disk (what
	// sha256sum prints), or of the chosen file of a directory. It is empty for a booster that was not loaded.
	Digest string

	Kind      string            // XGBoost's name of the booster: "gbtree", "dart" or "gblinear"
	Objective string            // XGBoost's name, for example "binary:logistic"
	Params    map[string]string // parameters of the objective, flattened, as text: "scale_pos_weight": "1"

	NumFeature int
	NumClass   int // as in the file: 0 unless the objective is a multi-class one
	NumTarget  int // 1 unless the model predicts several targets

	// BaseScore is the stored base score, one value or one for each output. BaseIsMargin tells what it means:
	// false, it is in the space of predictions (a probability for the logistic objectives) and the objective's inverse
	// link has to be applied; true, for files of releases before 1.0, it already is a margin.
	BaseScore    []float32
	BaseIsMargin bool

	FeatureNames []string          // nil if the file has none
	FeatureTypes []string          // nil if the file has none
	Attributes   map[string]string // user attributes, such as "best_iteration"; never nil after Load

	Trees []Tree
	// TreeGroup holds, for each tree, the output it adds to, in [0, NumGroup).
	TreeGroup []int32
	// NumParallelTree is the number of trees that one round adds for each output. Files of releases before 1.6 do
	// not store it; it is then inferred where that is possible, else 1.
	NumParallelTree int
	// IterationStart holds the first tree of every boosting round and ends with len(Trees). Its length is rounds + 1.
	IterationStart []int32

	// TreeWeight holds the factor of each tree of a "dart" booster; nil stands for 1 everywhere. Files of releases from 3.3 on
	// call such a booster "gbtree"; Kind is "dart" for them, too.
	TreeWeight []float32

	// Linear holds the weights of a "gblinear" booster, feature by feature and the bias last: the weight of feature f for
	// output g is at f*NumGroup + g. It has (NumFeature+1)*NumGroup values, or none if the booster was never trained.
	Linear []float32
	// LinearRounds is the number of boosting rounds of a "gblinear" booster, 0 if the file does not say.
	LinearRounds int

	// BestNtreeLimit is best_ntree_limit out of the dictionary of a pickled Booster, 0 if there is none: the SageMaker containers that
	// serve pickles use the first BestNtreeLimit / NumParallelTree rounds. Releases before 1.4 always set it, without early stopping to
	// all rounds; in 1.4 to 1.7 it is an attribute, too. BestRounds is best_iteration from the same place, plus 1.
	BestNtreeLimit int
	BestRounds     int

	// Wrapper is what a pickled scikit-learn wrapper says besides its booster; nil for all other models.
	Wrapper *Wrapper

	// Categories holds, for each feature, the categories that training data frames had, at the place of their code; nil if
	// the file has no such dictionary. Trees hold codes, and so do rows.
	Categories []CategoryList
}

// CategoryList is the categories of one feature, at the place of their codes. For a numeric feature there are none.
type CategoryList struct {
	Names  []string
	Ints   []int64
	Floats []float64 // from source: no release trains on such categories
	Kind   int       // XGBoost's code of the type of numbers: 7 and 8 Floats, 9 to 16 Ints; 0 for Names
}

// Wrapper is the part of a pickled scikit-learn wrapper that its predictions need.
type Wrapper struct {
	Class    string   // for example "XGBClassifier"
	Classes  []string // labels of the classes as text; nil if none are stored: then they are 0 to NumClass-1
	NumClass int      // 0 if it is not a classifier
	Missing  float32  // the value that is missing besides NaN; NaN if there is none
}

// MissingValue is the value that b takes for missing besides NaN, nil if there is none: a pickled scikit-learn wrapper may have one.
func (b *Booster) MissingValue() *float32 {
	if b.Wrapper == nil || b.Wrapper.Missing != b.Wrapper.Missing {
		return nil
	}
	return &b.Wrapper.Missing
}

// NumGroup is the number of outputs for one row before the link is applied: the number of classes, of targets, or 1.
func (b *Booster) NumGroup() int { return max(b.NumClass, b.NumTarget, 1) }

// NumRound is the number of boosting rounds; for a "gblinear" booster that of a file that says it, else 0.
func (b *Booster) NumRound() int {
	if b.Kind == kindLinear {
		return b.LinearRounds
	}
	return max(len(b.IterationStart)-1, 0)
}

// Tree is one regression tree in structure-of-arrays form. Node 0 is the root; all slices that are not nil have one
// element for each node. Nodes that pruning deleted keep their place and are simply not reachable.
type Tree struct {
	Left  []int32 // left child, or -1 on a leaf
	Right []int32 // right child; meaningless on a leaf
	// Feature is the column a split looks at; meaningless on a leaf and on deleted nodes, where it may be any number.
	Feature []int32
	// Value is the threshold of a split (a row goes left if its value is less) or the value of a leaf.
	Value []float32
	// DefaultLeft tells that a missing value goes left.
	DefaultLeft []bool

	// Training statistics, nil when the file has none. LossChange is the gain of a split, SumHessian the cover of a
	// node, BaseWeight the value the node would have as a leaf before shrinkage. In a tree with a vector in each leaf BaseWeight
	// has one vector for each node, of at most LeafSize values, one node after the other.
	LossChange []float32
	SumHessian []float32
	BaseWeight []float32

	NumDeleted int // nodes that pruning deleted, as the file counts them

	// CategoryNodes are the categorical splits, ascending; nil if there are none. The codes that go right at
	// CategoryNodes[i] are CategoryCodes[CategoryStart[i]:CategoryStart[i+1]], ascending and at least one; a code that is not
	// among them goes left. Value means nothing on such a split.
	CategoryNodes []int32
	CategoryStart []int32 // one more than CategoryNodes
	CategoryCodes []int32

	// LeafSize is the number of values of a leaf: 0 or 1 for a plain tree, whose leaves are in Value; else a leaf n has the
	// vector LeafVector[LeafIndex[n]*LeafSize:][:LeafSize], and Value means nothing there. Trees with vectors have one value
	// for each output of the model, and either all trees have them or none.
	LeafSize   int
	LeafIndex  []int32 // -1 on splits
	LeafVector []float32
}

// IsLeaf reports whether node n of t is a leaf.
func (t *Tree) IsLeaf(n int32) bool { return t.Left[n] == -1 }

// NumNode is the number of nodes of t, deleted ones included.
func (t *Tree) NumNode() int { return len(t.Left) }

// NumNode is the number of nodes of all trees, deleted ones included.
func (b *Booster) NumNode() int {
	n := 0
	for i := range b.Trees {
		n += b.Trees[i].NumNode()
	}
	return n
}

// MaxDepth is the number of splits on the longest way from a root to a leaf of any tree. It is meant for boosters that pass
// [Booster.Validate].
func (b *Booster) MaxDepth() int {
	deepest := 0
	var level, next []int32
	for i := range b.Trees {
		t := &b.Trees[i]
		level = append(level[:0], 0)
		for depth := 0; len(level) > 0; depth++ {
			deepest = max(deepest, depth)
			next = next[:0]
			for _, n := range level {
				if !t.IsLeaf(n) {
					next = append(next, t.Left[n], t.Right[n])
				}
			}
			level, next = next, level
		}
	}
	return deepest
}

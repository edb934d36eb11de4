package inference

import "time"

// Stats describes a compiled model.
type Stats struct {
	Engine      string // what scores a row, as [Predictor.Engine] says
	Trees       int
	HeapTrees   int           // trees in heap form
	WalkedTrees int           // trees that are walked node by node, because they are too deep or too unbalanced for a heap, or as KernelWalk was asked for
	Splits      int           // not counting those that pruning deleted
	Leaves      int           // likewise
	Columns     int           // columns that some split looks at; the others are not read. All of them for a gblinear booster
	Conditions  int           // different questions that categorical splits ask
	MaxDepth    int           // splits on the longest path from a root to a leaf
	Bytes       int64         // memory that the compiled model takes, without scratch
	Kernel      string        // what scores batches of BlockRows rows and more: "avx512", "avx2", "neon" or "generic"; else "", and Engine scores them
	BlockRows   int           // 0 if no batch is large enough
	BlockBytes  int64         // of Bytes, those that Kernel needs
	CompileTime time.Duration // that New took to compile the trees

	// For the outputs that say what the columns add: how many trees have tables for Contribution, which give the same bits
	// faster, and how many splits have a cover of zero, which makes contributions NaN, as in XGBoost.
	TableTrees int
	ZeroCovers int
}

// Engine names what scores a row: "heap" if all trees are in heap form, "walk" if none is, else "heap+walk"; "linear" for
// a gblinear booster.
func (p *Predictor) Engine() string {
	if p.linear != nil {
		return "linear"
	}
	switch s := p.forest.Stats(); {
	case s.WalkedTrees == 0:
		return "heap"
	case s.HeapTrees == 0:
		return "walk"
	}
	return "heap+walk"
}

// Stats describes the compiled model.
func (p *Predictor) Stats() Stats {
	if p.linear != nil {
		return Stats{Engine: p.Engine(), Columns: p.numFeature, Bytes: 4 * int64(len(p.linear.weights))}
	}
	s := p.forest.Stats()
	stats := Stats{
		Engine:      p.Engine(),
		Trees:       s.Trees,
		HeapTrees:   s.HeapTrees,
		WalkedTrees: s.WalkedTrees,
		Splits:      s.Splits,
		Leaves:      s.Leaves,
		Columns:     s.Columns,
		Conditions:  s.Conditions,
		MaxDepth:    s.MaxDepth,
		Bytes:       s.Bytes,
		Kernel:      s.Kernel,
		BlockRows:   s.BlockRows,
		BlockBytes:  s.BlockBytes,
		CompileTime: p.compileTime,
	}
	if p.explainer != nil {
		e := p.explainer.Stats()
		stats.TableTrees, stats.ZeroCovers = e.TableTrees, e.ZeroCovers
		stats.Bytes += e.Bytes
	}
	return stats
}

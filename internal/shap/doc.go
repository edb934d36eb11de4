// Package shap says what each column adds to the margin of a row: contributions, exact (TreeSHAP) and approximate
// (Saabas), and interactions, with the bits of XGBoost's CPU predictor. Package inference is the user's door to it.
//
// # What it computes
//
// For every output there are NumFeature+1 contributions, of which the last is the bias; they add up to the margin but for
// rounding. An [Explainer] takes a compiled forest, which decides where rows go, and the sum of hessians of every node (its
// cover), which says how the training data went.
//
// All is float32, one rounding an operation, in the order in which XGBoost 1.0 to 3.2 does it: each tree fills a vector of
// its own, of which the tree's weight times each element is added to the output. Releases before 1.0 added every term
// straight to the output; such files get that order. Releases from 3.3 on compute the exact contributions and interactions by
// another formula, so for their files only the quantity is the same, not the last bits: the difference stays below 1e-5 times
// the sum of the absolute contributions. Approximate contributions have the same bits in all releases.
//
// A split with a cover of zero makes NaN, as it does in XGBoost; [Stats] counts those that a forest has. Release 0.72 alone gives NaN, too,
// where one child has a cover of zero; in the releases since, and here unless that release is asked for, that child has no weight.
//
// # Two ways
//
// The reference (path.go, walk.go) follows XGBoost step by step and defines what is right. It visits every leaf of every tree, at
// each split the child that the row takes (hot) before the other one (cold), and carries a path of the distinct columns on
// the way. At the leaf each of them gets a term.
//
// The tables (table.go, lookup.go) have the same bits. Whatever happens on a path depends on covers, which are constants of the
// tree, and on one bit for each split: whether the row takes this path there. So for a leaf below d splits there are no more than
// 2^d lists of terms, and Build computes them all, by the functions of the reference:
//
//	pattern:  hot/cold at each split above, the root's in the lowest bit, 1 for cold
//	terms:    pair 0: [ pattern 0: if right: column 0 hot, cold, column 1 hot, cold, … | if left: … ][ pattern 1: …
//
// Two leaves below one split are a pair: they have the same columns, and the cold one is visited right after the hot one. Each
// leaf has as many terms as the longest path of the tree has columns, filled up with -0; the root's column comes first.
//
// For a row, all splits are compared first. That gives each pair its pattern and its place among the pairs, hot before cold, without a
// branch on the way. Then the terms are added pair after pair: the leaves come in the order of the reference, so every column gets
// the same terms in the same order, and every sum has the same bits.
//
// The table of a perfect tree of depth d with distinct columns takes 4^d * d * 4 bytes: 20 KB at depth 5, 96 KB at depth 6. Trees
// that would take more than [maxTreeTable], and all behind [maxTables], are left to the reference. Interactions, approximate
// contributions and splits that are no comparisons always are.
//
// # Invariants
//
//	S1  Columns, covers and means are those of the forest's trees, node by node; see F1 to F4 of package forest.
//	S2  A path has at most one element for each column, and one for the root.
//	S3  The pattern below d splits is below 2^d, so its terms are in the table.
//	S4  A tree with a table has at most 255 distinct columns, 256 leaves, and maxTableDepth splits on a path.
package shap

// Package inference scores rows with a booster, with the bits that XGBoost's CPU predictor gives.
//
// A [Predictor] is a compiled booster. [Open] makes one from any artifact that package model reads; [New] makes one
// from a [model.Booster] in memory:
//
//	p, err := inference.Open("model.tar.gz", nil)
//	...
//	value := make([]float32, p.NumOutput())
//	err = p.Predict(value, row) // row: p.NumFeature() values, NaN where a value is missing
//
// # Rows
//
// A row is NumFeature float32 values in the order of the training columns, and NaN, of any sign and payload, is the
// only spelling of a missing value. Infinities and subnormal numbers are ordinary values. Numbers of a wider type must be
// converted to float32 before, as XGBoost does: comparing them in float64 would reach other leaves.
//
// Many rows are best given in one call, in the form they have: [Predictor.PredictBatch] takes rows that lie one after the other,
// [Predictor.PredictMatrix] columns, or rows with something between them, [Predictor.PredictCSR] sparse rows, and [Predictor.PredictPacked] rows whose
// one-hot columns are bits. Each splits the rows over goroutines. A [Session] scores in the goroutine that calls it. None allocates once warm.
//
// What pays: columns, if that is how they lie in memory; sparse rows, if most values are missing and columns are many; bits, for batches of more than 64 rows with
// a hundred one-hot columns, which take half of the time of the same rows as floats. To make any of these of rows of floats for a single call takes longer than it gains.
//
// # Outputs
//
// [Value] is the prediction, for example a probability; [Margin] is the sum of leaves before the objective's link;
// [Leaf] is the number of the leaf that the row ends in, for every tree, as XGBoost's pred_leaf gives it.
//
// [Contribution] is what each column adds to the margin (pred_contribs, TreeSHAP): NumFeature values and the bias, which is the
// mean of the training data and the base margin. They add up to the margin but for rounding, for each class or target by itself.
// [ApproxContribution] is the cheaper sum along the row's way (approx_contribs), and [Interaction] splits the contribution of each
// column over pairs of columns (pred_interactions): a symmetric matrix of NumFeature+1 rows, each of which adds up to a contribution.
// All three need the statistics of the training (sum_hessian), which every file of XGBoost has but for leaf vectors before 3.2; without
// them [New] returns a [*StatisticsError]. A split that no training row reached makes NaN; see [Stats].
//
// Contribution is fast for trees up to about depth 6, of which New makes tables (up to 64 MB, in up to half a second), and takes the time of
// XGBoost's own way for deeper ones. Interaction takes time by the square of the columns that a tree uses; ask for it by the row.
//
// # Exactness
//
// Leaves, margins, values and contributions have the bits of the XGBoost release that wrote the model, running on Linux with glibc
// 2.27 or later: the order of the sum, the use of the base score and the link functions follow that release. A file
// that does not say which release wrote it is taken for one from before 1.0, as only those are silent. Neither the
// number of rows in a call nor the number of goroutines changes a bit.
//
// Releases from 3.3 on compute exact contributions and interactions by another formula. For their files these differ from XGBoost's by up to
// 1e-5 times the sum of the absolute contributions of the row; approximate contributions have the same bits.
//
// Where releases differ about the same model, [Options.Runtime] asks for another release than the one that wrote it.
//
// # Kernels
//
// A few rows go through trees that are padded to perfect heaps. Batches go in blocks of 256 rows with AVX2, of 32, 64 or 128 where there are fewer (with AVX-512 likewise, and of 512 where there are more; of 128 on arm64, 64 elsewhere) whose conditions are all
// answered at once, as bits; see [Stats.BlockRows] for the number of rows from which on this is faster. Models of deep or very many trees
// may not gain by it, and those of so many columns that a block would take too much memory; they have no blocks. The choice depends on the shape of the model and the number of rows alone, never on what is in
// them. [Options.Kernel] forces one, to test and measure, and the build tag purego leaves out all assembly.
//
// # Models
//
// Boosters gbtree, dart and gblinear; numeric and categorical splits; leaves with a value or a vector; one or several targets;
// all objectives of the releases 0.72 to 3.4. A model trained with a custom objective carries the name of the default one, so its
// values are its margins. Others are refused by [New] with an error that answers errors.Is for [model.ErrUnsupported].
//
// [Options.Rounds] and [Options.TreeLimit] choose among the trees, [Predictor.PredictFrom] takes base margins for each row, and
// [NewEnsemble] makes one model of several, as SageMaker's container combines those of cross-validation.
package inference

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
// # Outputs
//
// [Value] is the prediction, for example a probability; [Margin] is the sum of leaves before the objective's link;
// [Leaf] is the number of the leaf that the row ends in, for every tree, as XGBoost's pred_leaf gives it.
//
// # Exactness
//
// Leaves, margins and values have the bits of the XGBoost release that wrote the model, running on Linux with glibc
// 2.27 or later: the order of the sum, the use of the base score and the link functions follow that release. A file
// that does not say which release wrote it is taken for one from before 1.0, as only those are silent. Neither the
// number of rows in a call nor the number of goroutines changes a bit.
//
// # Objectives
//
// binary:logistic, binary:logitraw, reg:squarederror, reg:linear, reg:logistic, multi:softmax and multi:softprob. Others
// are refused by [New] with an error that answers errors.Is for [model.ErrUnsupported].
package inference

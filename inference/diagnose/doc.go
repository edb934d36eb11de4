// Package diagnose finds out why predictions differ.
//
// [Compare] counts by how much predictions differ from those that were expected, in bits and in units in the last place.
// [Locator] says for one row which tree may have gone another way, and through which splits the row came to its leaf. [Find]
// tries the ways in which the same model and the same rows are known to be read differently (zero as missing, libsvm
// indices from 1, a label in the first column, another order of columns, the best round, margins, the base score left out,
// float64 where XGBoost has float32, other releases) and tells which one gives the numbers that were expected.
package diagnose

// Package testkit is what the tests of several packages share: random numbers that can be repeated, comparison of
// float32 values as bits, the golden files of real XGBoost releases, and random models with the rows that are hard for
// them. Only tests import it.
package testkit

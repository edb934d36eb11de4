// Package dataset makes training data of labelled flows: it splits them, writes the rows of each part, and says what is
// wrong with the data before a model learns it.
//
//	flows, several times over ─┬─ Plan: where each part begins; no flow is in two
//	                           ├─ features.Fit on the training flows alone
//	                           └─ rows ─┬─ train, validation, test: label first, no header
//	                                    └─ Report: columns that give the label away, repeated rows, ...
//
// A flow belongs to a part by a rule that needs nothing but the flow and the [Plan] (its time, a hash of its source, of
// its row, or of its number), so that the parts of any log can be told again, on another machine, from the plan alone.
// Memory is bounded: what would grow with the data is counted in bins that become coarser, or on a sample that is chosen
// by hash, and the report says where that was so.
package dataset

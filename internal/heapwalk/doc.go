// Package heapwalk walks one row, or a few, through trees that are padded to perfect heaps.
//
// Trees lie in packs of ten, as [Packs] describes, and all trees of a pack are walked at the same time: a step waits for the step
// before it in its tree, about a dozen cycles, in which the processor takes the steps of the other nine. No control flow depends on
// data, so the time does not depend on the row.
//
// A step is a comparison of a key of the row with a split. Both are one integer, wide (64 bits) or narrow (32). The upper half is a
// value in the order of the thresholds, the lower half of a split is the slot of the key that it is compared with:
//
//	split  threshold<<half + slot
//	key    value<<half     + all ones
//
// As no slot is all ones, the difference of the two has a borrow exactly if the value is not less than the threshold. The borrow is
// added to twice the index of the split, which gives the index of the child. There are two keys for each column, which differ for
// missing values only: less than all thresholds in the one, more in the other. A split names the one that sends missing values its
// way, and the walk need not ask.
//
// With narrow splits a value is a rank among the thresholds of its column. They take half the memory, which pays for large models, and
// [Find] is what ranks values, as a heap of thresholds is a tree.
//
// Packs that come from a farther cache are asked for ahead. A single row is walked through the upper levels of the next pack, which need no choice to be
// asked for, before it goes through the last three of this one, whose lines are known by then; several rows ask for a part of the next pack each.
//
// The functions are assembly on amd64 and arm64, which asks for nothing that a processor could lack, and plain Go elsewhere and with the
// build tag purego. All give the same bits. The generator of the assembly is internal/kernel/gen.
package heapwalk

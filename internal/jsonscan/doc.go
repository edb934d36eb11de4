// Package jsonscan walks over JSON objects where they lie, without allocating and without building anything.
//
// It is for records of logs: one object, of which the reader wants a few members and checks all. [Members] gives the
// members of the outermost object one after the other; nested values are checked, and passed over or walked in turn.
//
//	{"ts":1.5,"id":{"a":[1,2]},"proto":"tcp"}
//	  Next: Key ts, Number 1.5
//	  Next: Key id, Nested {"a":[1,2]}
//	  Next: Key proto, String tcp
//	  Next: false, Closed
//
// The grammar is that of RFC 8259, but for bytes inside strings that are no UTF-8: they are tolerated.
package jsonscan

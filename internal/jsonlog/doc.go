// Package jsonlog finds the records of logs that are JSON objects: one a line, or many in an array, over as many lines as
// the writer liked. It is for formats of which both exist; the objects are taken apart by their reader.
//
//	{"a":1}            [                     [{"a":1},{"a":2},
//	{"a":2}            {                      {"a":3}]
//	                     "a" : 1
//	                   },
//
// The first record tells. If it is a line by itself, every line is a record, and a damaged line costs one. Otherwise
// braces are counted; a line that begins as the first record did, with the same indent, begins a new one even if the
// last has not ended. An array that goes on for 64 KiB without a line break is taken element by element: a line of it has no limit, an element
// has.
package jsonlog

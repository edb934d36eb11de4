// Package sketch holds the arithmetic of counters that fade and of sets that are too large to keep: decay by a power of two,
// distinct counts, and Bloom filters. Everything is a function of its input and the given seed alone, to the bit, on every machine: no
// result depends on a maths library or on fused multiply-add.
//
// The sketches are not a library's. Columns are fixed to the bit by docs/features.md, so hash, registers and estimator are theirs for good, while those
// of a library are its own affair and may get better; each row needs the estimate, which is kept up with every change here (0.2 µs) and goes through
// all registers there (hundreds of µs); a window needs two halves of which one is forgotten; and package features takes nothing beyond the standard
// library. They are compared with axiomhq/hyperloglog and bits-and-blooms/bloom in bench/sketch, which answer the same within their error.
package sketch

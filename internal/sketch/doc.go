// Package sketch holds the arithmetic of counters that fade and of sets that are too large to keep: decay by a power of two,
// distinct counts, and Bloom filters. Everything is a function of its input alone, to the bit, on every machine: no
// result depends on a maths library, on fused multiply-add or on a random seed.
package sketch

// Package rowscan reads many rows of a log at once whose fields are separated by one byte: where the fields are, and the counts, IPv4 addresses and decimals in them.
//
// A [Block] finds the separators of all lines of a text in one pass. A [Layout] says in which fields of a row the numbers are; all of them are read together,
// without a branch that depends on what they are. What is not of the usual form is only told to be so: it is for others to say what it means.
//
// On amd64 with AVX2 all is assembly, elsewhere, and with the build tag purego, Go, which leaves addresses and decimals to others; a test and a fuzz target hold both equal. The generator of the assembly
// is internal/kernel/gen.
package rowscan

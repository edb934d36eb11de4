// Package fieldscan finds the fields of a line of a log that is separated by one byte.
//
// Where the separators are is first only data, one bit a byte, so that there is a branch for a few fields at once instead of one for each. On amd64 with
// AVX2 that is assembly, elsewhere, and with the build tag purego, Go; a test and a fuzz target hold both equal. The generator of the assembly is
// internal/kernel/gen.
package fieldscan

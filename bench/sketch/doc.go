// Package sketch compares the sketches of internal/sketch with those of libraries: what they answer in the tests, what they cost in the
// benchmarks.
package sketch

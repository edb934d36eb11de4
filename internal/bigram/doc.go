// Package bigram tells how much a name looks like words, by how often letters follow one another in English. The table is
// frozen: the values of columns depend on it.
package bigram

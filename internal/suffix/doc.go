// Package suffix tells which part of a DNS name somebody registered, by a dated copy of the Public Suffix List. The copy is
// frozen: the values of columns depend on it, so a newer list needs a new version of the sets that use it.
package suffix

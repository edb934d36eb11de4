// Package suffix tells which part of a DNS name somebody registered, by a dated copy of the Public Suffix List. The copy is
// frozen: the values of columns depend on it, so a newer list needs a new version of the sets that use it.
//
// It is not golang.org/x/net/publicsuffix, as package features takes nothing beyond the standard library, and an update of a library may not change a
// column. bench/suffix compares the two at, above and below every rule of either list: they differ only where the rules of the two days do.
package suffix

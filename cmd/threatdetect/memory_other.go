//go:build !linux

package main

// forgetStart does nothing: this system is not told what a program needs no longer.
func forgetStart() {}

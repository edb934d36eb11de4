//go:build !unix

package main

import "os"

// hangups never receives: there is no such signal here.
func hangups() <-chan os.Signal { return nil }

// openFiles is not told by other systems.
func openFiles() uint64 { return fewFiles }

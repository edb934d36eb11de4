//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// hangups receives when the process is told to look at its files again.
func hangups() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}

// openFiles is how many files and connections the process may have open.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return fewFiles
	}
	return uint64(limit.Cur)
}

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

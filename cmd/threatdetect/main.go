// Command threatdetect scores network logs with models that XGBoost or SageMaker trained.
//
// It puts flags, progress bars and exit codes on what the packages of this module do, and holds nothing worth importing.
// Its names, output shapes and exit codes are a public contract.
//
//go:debug tarinsecurepath=0
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a closed pipe is then an error of the write, which ends a command quietly
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, interrupt: make(chan struct{})}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := <-signals
		signal.Stop(signals) // a second signal ends the process at once
		a.signal.Store(int32(s.(syscall.Signal)))
		close(a.interrupt)
	}()
	os.Exit(a.run(os.Args[1:]))
}

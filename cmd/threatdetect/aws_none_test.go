//go:build noaws

package main

import "github.com/rogpeppe/go-internal/testscript"

const hasAWS = false

func withAWS(commands map[string]func(*testscript.TestScript, bool, []string)) map[string]func(*testscript.TestScript, bool, []string) {
	return commands
}

//go:build noaws

package main

import "github.com/spf13/cobra"

func (a *app) fetchModel(_ *cobra.Command, address string) (string, error) {
	return "", usagef("%s: this program was built without AWS (tag noaws)", address)
}

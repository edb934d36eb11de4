//go:build noaws

package main

import "github.com/spf13/cobra"

// awsCommands say that they are left out: a build that only serves models does without the SDK of AWS.
func (a *app) awsCommands() []*cobra.Command {
	var commands []*cobra.Command
	for _, name := range []string{"init", "train", "tune", "pipeline", "trigger", "registry", "fake-aws", "endpoint", "transform", "monitor", "iam", "deploy", "destroy", "cleanup"} {
		commands = append(commands, &cobra.Command{Use: name, Hidden: true, DisableFlagParsing: true,
			RunE: func(*cobra.Command, []string) error {
				return usagef("%s: this program was built without AWS (tag noaws)", name)
			}})
	}
	return commands
}

func (a *app) awsProcessCommands() []*cobra.Command { return nil }

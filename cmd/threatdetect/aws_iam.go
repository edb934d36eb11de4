//go:build !noaws

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"threatdetect/train"
)

func (a *app) iamCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "iam",
		Short: "Print the least rights that the stack works with, or make its roles",
	}, a.iamPoliciesCommand(), a.iamApplyCommand())
}

func (a *app) iamPoliciesCommand() *cobra.Command {
	var f awsFlags
	var only, account string
	var trust bool
	cmd := &cobra.Command{
		Use:   "policies [flags]",
		Short: "Print IAM policies for the roles, people and programs of the stack",
		Long: "Policies prints, as JSON, what each role of the stack may do and who may take it (training, pipeline, events, lambda, scheduler), and what\n" +
			"people and programs need: operator runs these commands, agent fetches approved models from the registry, reader follows the pointer in the\n" +
			"bucket. With --role it is the one document, as IAM wants it. Nothing is sent but the question which account it is, where neither the file\n" +
			"nor --account says so. With --dry-run it prints the requests that would make the roles: those of iam apply.",
		Example: "  threatdetect iam policies\n" +
			"  threatdetect iam policies --role operator >operator.json",
		Args: cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			stack := aws.Stack()
			if f.dryRun {
				_, err := aws.CreateRoles(ctx)
				return awsEnd(err)
			}
			if account == "" {
				var err error
				if account, err = aws.Account(ctx); err != nil {
					return awsEnd(err)
				}
			}
			return a.printPolicies(stack, account, only, trust)
		}),
	}
	flags := cmd.Flags()
	f.add(flags)
	flags.StringVar(&only, "role", "", "only of this one: training, pipeline, events, lambda, scheduler, operator, agent or reader")
	flags.BoolVar(&trust, "trust", false, "with --role: who may take the role, in place of what it may do")
	flags.StringVar(&account, "account", "", "12 digits; then nobody is asked")
	return cmd
}

func (a *app) printPolicies(stack *train.Stack, account, only string, trust bool) error {
	var out any
	list := stack.Policies(account)
	out = list
	if only != "" {
		var names []string
		out = nil
		for _, p := range list {
			names = append(names, p.Kind)
			switch {
			case p.Kind != only:
			case !trust:
				out = p.Policy
			case p.Trust == nil:
				return usagef("--role %s --trust: it is no role, and nobody takes it", only)
			default:
				out = p.Trust
			}
		}
		if out == nil {
			return usagef("--role %q: want one of %s", only, strings.Join(names, ", "))
		}
	} else if trust {
		return usagef("--trust wants --role")
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s\n", text)
	return err
}

func (a *app) iamApplyCommand() *cobra.Command {
	var f awsFlags
	cmd := &cobra.Command{
		Use:   "apply [flags]",
		Short: "Make the stack's roles, or bring them up to date, without the rest of deploy",
		Args:  cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			stack := aws.Stack()
			if err := a.agree(&f, fmt.Sprintf("Make or change the roles %s…?", stack.Resource(""))); err != nil {
				return err
			}
			names, err := aws.CreateRoles(ctx)
			for _, name := range names {
				a.told(&f, "role %s%s\n", train.RolePath, name)
			}
			return awsEnd(err)
		}),
	}
	f.add(cmd.Flags())
	return cmd
}

// told prints a result. In a dry run standard output has the requests alone.
func (a *app) told(f *awsFlags, format string, args ...any) {
	if f.dryRun {
		a.printf(format, args...)
		return
	}
	fmt.Fprintf(a.stdout, format, args...)
}

// awsEnd is awsError for errors that say themselves what they are about, nil for nil.
func awsEnd(err error) error {
	if err == nil {
		return nil
	}
	return awsError("", err)
}

// onChange prints a status when it becomes another.
func (a *app) onChange(what string) func(status string) {
	last := ""
	return func(status string) {
		if status != last {
			a.printf("%s: %s\n", what, status)
			last = status
		}
	}
}

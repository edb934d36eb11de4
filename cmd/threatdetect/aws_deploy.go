//go:build !noaws

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"threatdetect/train"
)

func (a *app) deployCommand() *cobra.Command {
	var f awsFlags
	var template bool
	cmd := &cobra.Command{
		Use:   "deploy [flags]",
		Short: "Make bucket, roles, registry, pipeline, rule, alarms and dashboard of the stack with CloudFormation",
		Long: "Deploy shows what CloudFormation would change, asks, lets it change that, and waits. Said again, it changes what threatdetect.yaml says\n" +
			"otherwise by now, or nothing. None of what it makes costs anything worth speaking of while it is idle. A bucket and a registry that are there\n" +
			"already are left as they are. An endpoint is not among it: threatdetect endpoint create makes one.",
		Example: "  threatdetect deploy\n" +
			"  threatdetect deploy --template >threatdetect-template.yaml",
		Args: cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			stack := aws.Stack()
			if template {
				text, err := stack.DeployTemplate()
				if err != nil {
					return awsEnd(err)
				}
				_, err = a.stdout.Write(text)
				return err
			}
			d, err := aws.PlanDeploy(ctx, a.onChange("stack "+stack.StackName()))
			if err != nil {
				return awsEnd(err)
			}
			for _, logical := range d.Kept {
				a.printf("%s is there already, and left as it is\n", logical)
			}
			if len(d.Changes) == 0 {
				a.told(&f, "stack %s: nothing to change\n", d.Stack)
				return nil
			}
			for _, c := range d.Changes {
				more := ""
				if c.Replacement != "" && c.Replacement != "False" {
					more = ", made anew: " + c.Replacement
				}
				a.told(&f, "%-8s %-24s %s %s%s\n", c.Action, c.Resource, c.Type, c.Name, more)
			}
			if err := a.agree(&f, fmt.Sprintf("Make these %d changes to stack %s?", len(d.Changes), d.Stack)); err != nil {
				return joinAWS(err, aws.Discard(ctx, d))
			}
			if err := aws.Deploy(ctx, d, a.onChange("stack "+d.Stack)); err != nil {
				return awsEnd(err)
			}
			a.told(&f, "stack %s: deployed\n", d.Stack)
			return nil
		}),
	}
	f.add(cmd.Flags())
	cmd.Flags().BoolVar(&template, "template", false, "print the template, and send nothing")
	return cmd
}

// joinAWS keeps the first error; a second one while giving up is of less interest.
func joinAWS(first, second error) error {
	if first != nil {
		return first
	}
	return awsEnd(second)
}

func (a *app) destroyCommand() *cobra.Command {
	var f awsFlags
	cmd := &cobra.Command{
		Use:   "destroy [flags]",
		Short: "Delete what deploy made, but for the bucket and the registry",
		Long: "Destroy deletes the stack in CloudFormation and waits. Bucket and registry stay, as they hold data and what was approved; jobs, endpoints and\n" +
			"what other commands made stay, too: threatdetect cleanup is for everything.",
		Args: cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			stack := aws.Stack()
			if err := a.agree(&f, fmt.Sprintf("Delete stack %s: roles, pipeline, rule, alarms and dashboard?", stack.StackName())); err != nil {
				return err
			}
			deleted, left, err := aws.Destroy(ctx, a.onChange("stack "+stack.StackName()))
			if err != nil {
				return awsEnd(err)
			}
			if deleted {
				a.told(&f, "stack %s: deleted\n", stack.StackName())
			} else {
				a.told(&f, "stack %s: there is none\n", stack.StackName())
			}
			for _, l := range left {
				a.told(&f, "left: %s %s: %s\n", l.Kind, l.Name, l.Why)
			}
			return nil
		}),
	}
	f.add(cmd.Flags())
	return cmd
}

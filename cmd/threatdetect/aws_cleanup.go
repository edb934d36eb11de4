//go:build !noaws

package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"threatdetect/train"
)

func (a *app) cleanupCommand() *cobra.Command {
	var f awsFlags
	var data, asJSON bool
	cmd := &cobra.Command{
		Use:   "cleanup [flags]",
		Short: "Delete everything of the stack, or say what that would be",
		Long: "Cleanup looks for everything of the stack, whichever command made it, and lists it in the order in which it would be deleted: what could start\n" +
			"something, what runs, endpoints, the CloudFormation stack, pipeline, registry, alarms, roles. It deletes with --yes only. The bucket and\n" +
			"logs stay unless --delete-data is given as well. It says what stays and why. What is not there any more is no error: say it again after a\n" +
			"failure. With --dry-run it asks AWS nothing, and prints the requests that would delete everything that the stack can have.",
		Example: "  threatdetect cleanup\n" +
			"  threatdetect cleanup --yes --delete-data",
		Args: cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			opts := &train.CleanupOptions{DeleteData: data, PlanOnly: !f.yes && !f.dryRun}
			if !opts.PlanOnly {
				opts.Progress = func(kind, name string) { a.printf("deleting %s %s\n", kind, name) }
			}
			report, err := aws.Cleanup(ctx, opts)
			if report != nil {
				if err2 := a.printCleanup(&f, opts, report, asJSON); err2 != nil {
					return err2
				}
			}
			return awsEnd(err)
		}),
	}
	f.add(cmd.Flags())
	cmd.Flags().BoolVar(&data, "delete-data", false, "the bucket too, with all versions of all objects, and the logs")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as one JSON object")
	return cmd
}

func (a *app) printCleanup(f *awsFlags, opts *train.CleanupOptions, r *train.CleanupReport, asJSON bool) error {
	if asJSON && !f.dryRun {
		type part struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
			Why  string `json:"why,omitempty"`
		}
		found, left := []part{}, []part{}
		for _, l := range r.Found {
			found = append(found, part(l))
		}
		for _, l := range r.Left {
			left = append(left, part(l))
		}
		line, err := json.Marshal(map[string]any{"found": found, "deleted": r.Deleted, "left": left})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "%s\n", line)
		return err
	}
	word := "deleted"
	if opts.PlanOnly {
		word = "would delete"
	}
	if !f.dryRun {
		failed := map[train.Leftover]bool{}
		for _, l := range r.Left {
			failed[train.Leftover{Kind: l.Kind, Name: l.Name}] = true
		}
		for _, l := range r.Found {
			if !failed[l] {
				a.told(f, "%s: %s %s\n", word, l.Kind, l.Name)
			}
		}
	}
	for _, l := range r.Left {
		a.told(f, "left: %s %s: %s\n", l.Kind, l.Name, oneLine(l.Why))
	}
	switch {
	case len(r.Found) == 0 && len(r.Left) == 0:
		a.told(f, "there is nothing of the stack\n")
	case opts.PlanOnly && len(r.Found) > 0:
		a.told(f, "nothing was deleted: --yes does it\n")
	}
	return nil
}

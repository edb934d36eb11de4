//go:build !noaws

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"threatdetect/train"
)

func (a *app) triggerCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "trigger COMMAND",
		Short: "Start the pipeline when raw logs have arrived, or at times",
		Long: "Whoever uploads logs writes the marker last: raw/2026-01-02/_SUCCESS behind raw/2026-01-02/conn.log.gz. The bucket tells EventBridge, and a rule starts the\n" +
			"pipeline, which reads all folders that have their marker. Events that cannot be delivered go to a queue.\n\n" +
			"With a schedule in the stack (trigger.schedule) time starts the pipeline instead. With --lambda a function stands in between, which starts one run for a\n" +
			"marker however often its event comes, and one for all markers that arrive while a run is under way.",
	}, a.triggerCreateCommand(), a.triggerTestCommand(), a.triggerDeleteCommand(), a.triggerPackageCommand())
}

func (a *app) triggerCreateCommand() *cobra.Command {
	var f awsFlags
	var function bool
	var pack, arch, schedule string
	cmd := &cobra.Command{
		Use:   "create [--lambda | --schedule EXPRESSION] [flags]",
		Short: "Make the rule, or the schedule, and the queue; or bring them up to date",
		Example: "  threatdetect trigger create\n" +
			"  threatdetect trigger create --lambda\n" +
			"  threatdetect trigger create --schedule 'cron(0 3 * * ? *)'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if pack != "" {
				function = true
			}
			if arch != "arm64" && arch != "x86_64" {
				return usagef("--arch %q: want arm64 or x86_64", arch)
			}
			if function && schedule != "" {
				return usagef("--schedule goes without a function: want one of them")
			}
			ctx, done := a.context(cmd)
			defer done()
			stack, err := train.Open(f.config)
			if err != nil {
				return awsError(f.config, err)
			}
			if schedule != "" {
				if stack, err = stack.WithSchedule(schedule); err != nil {
					return awsError("--schedule", err)
				}
			}
			aws, err := a.connectTo(ctx, stack, &f)
			if err != nil {
				return err
			}
			var o train.TriggerOptions
			switch {
			case pack != "":
				data, err := os.ReadFile(pack)
				if err != nil {
					return inputError(pack, err)
				}
				if o.Function, err = train.OpenFunction(data, arch); err != nil {
					return awsError(pack, err)
				}
			case function && f.dryRun:
				o.Function = &train.FunctionPackage{Zip: []byte("built when it is sent"), Arch: arch}
			case function:
				a.printf("building the function; this takes a minute the first time\n")
				if o.Function, err = train.BuildFunction(ctx, arch); err != nil {
					return awsError("lambda", err)
				}
			}
			t, err := aws.CreateTrigger(ctx, &o)
			if err != nil {
				return awsError(f.config, err)
			}
			switch {
			case t.Schedule != "":
				return a.say(&f, "schedule %s starts pipeline %s: %s", t.Schedule, stack.Resource(train.KindPipeline), t.Expression)
			case t.Function != "":
				return a.say(&f, "rule %s starts function %s, and that pipeline %s: %s", t.Rule, stack.Resource(train.KindTrigger), stack.Resource(train.KindPipeline), t.Pattern)
			default:
				return a.say(&f, "rule %s starts pipeline %s: %s", t.Rule, stack.Resource(train.KindPipeline), t.Pattern)
			}
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&function, "lambda", false, "with a Lambda function in between, which is built with the Go of this machine")
	flags.StringVar(&pack, "package", "", "a package that trigger package made, in place of building one")
	flags.StringVar(&arch, "arch", "arm64", "architecture of the function: arm64 or x86_64")
	flags.StringVar(&schedule, "schedule", "", "in place of the stack's: rate(7 days), cron(0 3 * * ? *)")
	f.add(flags)
	return cmd
}

func (a *app) triggerPackageCommand() *cobra.Command {
	var out, arch string
	cmd := &cobra.Command{
		Use:   "package -o FILE",
		Short: "Build the Lambda function for trigger create --package, without asking AWS",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usagef("want -o FILE")
			}
			ctx, done := a.context(cmd)
			defer done()
			p, err := train.BuildFunction(ctx, arch)
			if err != nil {
				return awsError("lambda", err)
			}
			o, err := a.createOutput(out)
			if err != nil {
				return err
			}
			if _, err := o.Write(p.Zip); err != nil {
				return o.failed(err)
			}
			return o.commit()
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the zip file to write")
	cmd.Flags().StringVar(&arch, "arch", "arm64", "architecture of the function: arm64 or x86_64")
	return cmd
}

func (a *app) triggerTestCommand() *cobra.Command {
	var f awsFlags
	var key string
	var send, asJSON bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "test [--key KEY] [--send] [flags]",
		Short: "Follow an event from the bucket to the pipeline, without starting it, or with --send really",
		Long: "Test checks each part on the way of a marker, and asks EventBridge whether the rule would let its event through. With --send it writes the marker and waits\n" +
			"until a run begins, which costs what a run costs. The exit code is 1 if something is wrong.",
		Example: "  threatdetect trigger test --key raw/2026-01-02/_SUCCESS",
		Args:    cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			stack := aws.Stack()
			if key == "" {
				key = stack.Prefixes.Raw + "test/" + stack.Trigger.Marker
			}
			checks, err := aws.CheckTrigger(ctx, key)
			if err != nil {
				return awsError(f.config, err)
			}
			if f.dryRun {
				return nil
			}
			if asJSON {
				if err := a.printJSON(checks); err != nil {
					return err
				}
			}
			wrong := 0
			for _, c := range checks {
				mark := "ok   "
				if !c.OK {
					mark = "WRONG"
					wrong++
				}
				if asJSON {
					continue
				}
				if _, err := fmt.Fprintf(a.stdout, "%s %s\n", mark, strings.TrimSuffix(c.What+": "+c.Why, ": ")); err != nil {
					return err
				}
			}
			if wrong > 0 {
				return &exitError{code: exitFailure, what: "trigger", where: key, err: fmt.Errorf("%d of %d checks failed", wrong, len(checks))}
			}
			if !send {
				return nil
			}
			if err := a.agree(&f, "This writes "+stack.S3(key)+", which starts a run that costs at most "+stack.RunCost()+". Go on?"); err != nil {
				return err
			}
			run, err := aws.SendMarker(ctx, key, wait)
			if err != nil {
				return awsError(key, err)
			}
			return a.say(&f, "%s", run)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&key, "key", "", "key of a marker; raw/test/_SUCCESS by default")
	flags.BoolVar(&send, "send", false, "write the marker and wait for the run that it starts")
	flags.DurationVar(&wait, "wait", 2*time.Minute, "with --send: for how long at most")
	flags.BoolVar(&asJSON, "json", false, "as JSON")
	f.add(flags)
	return cmd
}

func (a *app) triggerDeleteCommand() *cobra.Command {
	var f awsFlags
	var all bool
	cmd := &cobra.Command{
		Use:   "delete [flags]",
		Short: "Remove rule, schedule, function and queue",
		Args:  cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			if err := a.agree(&f, "Nothing will start the pipeline by itself any more. Go on?"); err != nil {
				return err
			}
			deleted, left, err := aws.DeleteTrigger(ctx, !all)
			for _, name := range deleted {
				if err := a.say(&f, "deleted %s", name); err != nil {
					return err
				}
			}
			for _, name := range left {
				if err := a.say(&f, "left %s", oneLine(name)); err != nil {
					return err
				}
			}
			if err != nil {
				return awsError(f.config, err)
			}
			if len(left) > 0 {
				return &exitError{code: exitFailure, what: "trigger", err: errors.New("the queue holds events that nobody could deliver: look at them, or say --undelivered")}
			}
			if len(deleted) == 0 {
				return a.say(&f, "there is no trigger: nothing is left to delete")
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&all, "undelivered", false, "the queue too if events are in it that nobody could deliver")
	f.add(cmd.Flags())
	return cmd
}

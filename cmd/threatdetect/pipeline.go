//go:build !noaws

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"threatdetect/train"
	"threatdetect/train/pipeline"
)

func (a *app) pipelineCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "pipeline COMMAND",
		Short: "Train again by itself: prepare raw logs, train, check the metric, register the model",
		Long: "A SageMaker Pipeline of four steps. Prepare makes training rows of all raw logs whose folders are complete, with this program's own image; Train is\n" +
			"SageMaker's XGBoost; the gate lets the model into the registry if its metric is good enough, and ends the run with the reason if it is not.\n" +
			"People start runs with start, logs that arrive do with trigger.",
	}, a.pipelineCreateCommand(), a.pipelineStartCommand(), a.pipelineStatusCommand(), a.pipelineDefinitionCommand(), a.pipelineDeleteCommand())
}

func (a *app) pipelineCreateCommand() *cobra.Command {
	var f awsFlags
	cmd := &cobra.Command{
		Use:     "create [flags]",
		Short:   "Make the pipeline and the group of its models, or bring them up to date; costs nothing",
		Example: "  threatdetect pipeline create --dry-run\n  threatdetect pipeline create",
		Args:    cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			stack := aws.Stack()
			created, err := aws.CreatePipeline(ctx)
			if err != nil {
				return awsError(f.config, err)
			}
			if stack.Image.Own == "" && !a.quiet && !f.dryRun {
				account, err := aws.Account(ctx)
				if err != nil {
					return awsError(f.config, err)
				}
				a.printf("image.own is not set: the prepare step runs %s, which has to be there\n", stack.OwnImage(account))
			}
			return a.say(&f, "%s pipeline %s; a run costs at most %s", map[bool]string{true: "created", false: "updated"}[created], stack.Resource(train.KindPipeline), stack.RunCost())
		}),
	}
	f.add(cmd.Flags())
	return cmd
}

// say prints what was done; a dry run has nothing but requests on standard output.
func (a *app) say(f *awsFlags, format string, args ...any) error {
	if f.dryRun {
		return nil
	}
	_, err := fmt.Fprintf(a.stdout, format+"\n", args...)
	return err
}

func (a *app) pipelineStartCommand() *cobra.Command {
	var f awsFlags
	var o train.StartOptions
	var noWait bool
	cmd := &cobra.Command{
		Use:   "start [--set NAME=VALUE...] [flags]",
		Short: "Start a run, and wait for its end",
		Long: "Start begins a run and tells what its steps do. The parameters are " + strings.Join(train.Parameters(), ", ") + ".\n" +
			"The same command again, after it was stopped or killed while it waited, goes on with the same run, which it remembers in a hidden file beside\n" +
			"threatdetect.yaml. Scripts that want a start to happen once, wherever it is said again, give it a --token.\n\n" +
			"The exit code is 1 if the run fails, also when the gate refuses the model.",
		Example: "  threatdetect pipeline start\n  threatdetect pipeline start --set Minimum=0.9 --set Approval=Approved --no-wait",
		Args:    cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			stack := aws.Stack()
			if err := a.agree(&f, "A run costs at most "+stack.RunCost()+". Start it?"); err != nil {
				return err
			}
			o.Beside = f.config
			arn, err := aws.StartPipeline(ctx, &o)
			if err != nil {
				return awsError(f.config, err)
			}
			if err := a.say(&f, "%s", arn); err != nil {
				return err
			}
			if noWait {
				return awsEnd(aws.ForgetStart(&o))
			}
			run, err := aws.WaitRun(ctx, arn, a.showSteps())
			if run != nil && !run.Active() || errors.Is(err, train.ErrNotFound) {
				err = errors.Join(err, aws.ForgetStart(&o))
			}
			if err != nil {
				return awsError(arn, err)
			}
			return a.say(&f, "%s", strings.TrimSpace(run.Status+" "+registered(run)))
		}),
	}
	flags := cmd.Flags()
	flags.StringToStringVar(&o.Parameters, "set", nil, "value of a parameter: Minimum=0.9; may be given again")
	flags.StringVar(&o.Token, "token", "", "32 to 128 characters: a start with the same token begins no second run")
	flags.StringVar(&o.Name, "name", "", "name of the run for people")
	flags.BoolVar(&o.New, "new", false, "begin another run, although one that was begun was not waited for")
	flags.BoolVar(&noWait, "no-wait", false, "do not wait for its end")
	f.add(flags)
	return cmd
}

// showSteps prints each step of a run when it changes.
func (a *app) showSteps() func(*train.Run) {
	seen := map[string]string{}
	return func(r *train.Run) {
		for _, s := range r.Steps {
			text := strings.Join(strings.Fields(strings.Join([]string{s.Status, s.Outcome, s.Failure}, " ")), " ")
			if seen[s.Name] != text && !a.quiet {
				a.printf("%s: %s\n", s.Name, oneLine(text))
			}
			seen[s.Name] = text
		}
	}
}

// registered is the model package that a run registered, if it did.
func registered(r *train.Run) string {
	for _, s := range r.Steps {
		if s.Name == "Register" {
			return s.Job
		}
	}
	return ""
}

func (a *app) pipelineStatusCommand() *cobra.Command {
	var f awsFlags
	var asJSON bool
	var runs int
	cmd := &cobra.Command{
		Use:   "status [RUN]",
		Short: "Show the pipeline and its newest runs, or the steps of one run",
		Long:  "Without a RUN the steps of the newest one are shown. RUN is an ARN, or its last part.",
		Args:  cobra.MaximumNArgs(1),
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, args []string) error {
			if runs < 1 || runs > 1000 {
				return usagef("--runs %d: want 1 to 1000", runs)
			}
			state, err := aws.DescribePipeline(ctx, runs)
			if err != nil {
				return awsError(f.config, err)
			}
			arn := ""
			switch {
			case len(args) == 1 && strings.Contains(args[0], ":"):
				arn = args[0]
			case len(args) == 1:
				arn = state.ARN + "/execution/" + args[0]
			case len(state.Runs) > 0:
				arn = state.Runs[0].ARN
			}
			var run *train.Run
			if arn != "" {
				if run, err = aws.DescribeRun(ctx, arn); err != nil {
					return awsError(f.config, err)
				}
			}
			if f.dryRun {
				return nil
			}
			if asJSON {
				return a.printJSON(struct {
					*train.PipelineState
					Run *train.Run `json:"run"`
				}{state, run})
			}
			return writePipeline(a.stdout, state, run)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().IntVar(&runs, "runs", 10, "how many runs to list")
	f.add(cmd.Flags())
	return cmd
}

func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// lastPart is what stands behind the last slash.
func lastPart(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

func shortTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func writePipeline(w io.Writer, p *train.PipelineState, run *train.Run) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "pipeline %s  %s  changed %s\n", p.Name, p.Status, shortTime(p.Changed))
	if len(p.Runs) > 0 {
		fmt.Fprintf(t, "\nrun\tstatus\tstarted\treason\n")
	}
	for _, r := range p.Runs {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", lastPart(r.ARN), r.Status, shortTime(r.Started), oneLine(r.Failure))
	}
	if run != nil {
		fmt.Fprintf(t, "\nsteps of %s\nstep\tstatus\ttries\ttook\tjob\treason\n", lastPart(run.ARN))
		for _, s := range run.Steps {
			took := "-"
			if !s.Ended.IsZero() {
				took = s.Ended.Sub(s.Started).Round(time.Second).String()
			}
			fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\n", s.Name, s.Status, s.Attempts, took, cmp.Or(lastPart(s.Job), "-"), oneLine(cmp.Or(s.Failure, s.Outcome)))
		}
	}
	return t.Flush()
}

func (a *app) pipelineDefinitionCommand() *cobra.Command {
	var f awsFlags
	var check string
	var triggered bool
	cmd := &cobra.Command{
		Use:   "definition [flags]",
		Short: "Print the definition of the pipeline, or check one",
		Long: "Definition prints what create sends, without asking anybody (the account is 111122223333, unless the stack has one). With --check it says what is wrong\n" +
			"with a definition that somebody wrote: unknown steps, properties and parameters, names used twice, cycles, limits. The exit code is 4 then.",
		Example: "  threatdetect pipeline definition > definition.json\n  threatdetect pipeline definition --check definition.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if check != "" {
				return a.checkDefinition(check, triggered)
			}
			stack, err := train.Open(f.config)
			if err != nil {
				return awsError(f.config, err)
			}
			d, err := stack.Definition(cmp.Or(stack.Account, train.DryRunAccount))
			if err != nil {
				return &exitError{code: exitUsage, what: "check", where: f.config, err: err}
			}
			text, err := d.JSON()
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if err := json.Indent(&b, text, "", "  "); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, b.String())
			return err
		},
	}
	cmd.Flags().StringVar(&check, "check", "", "a file with a definition, - for standard input")
	cmd.Flags().BoolVar(&triggered, "triggered", false, "with --check: a rule or a schedule starts it, so that every parameter wants a default")
	f.add(cmd.Flags())
	return cmd
}

// checkDefinition prints every fault on a line of its own.
func (a *app) checkDefinition(name string, triggered bool) error {
	r, err := a.open(name, nil, nil)
	if err != nil {
		return err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, pipeline.MaxBytes+1))
	if err != nil {
		return inputError(name, err)
	}
	err = pipeline.Check(text, &pipeline.Options{Triggered: triggered})
	if faults, ok := errors.AsType[pipeline.Errors](err); ok {
		for _, fault := range faults {
			if _, err := fmt.Fprintln(a.stdout, oneLine(fault.Error())); err != nil {
				return err
			}
		}
		return misfit(name, "%d faults", len(faults))
	}
	if err != nil {
		return inputError(name, err)
	}
	_, err = fmt.Fprintf(a.stdout, "%s is right\n", name)
	return err
}

func (a *app) pipelineDeleteCommand() *cobra.Command {
	var f awsFlags
	cmd := &cobra.Command{
		Use:   "delete [flags]",
		Short: "Stop the runs of the pipeline and delete it; models stay in the registry",
		Args:  cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			stack := aws.Stack()
			name := stack.Resource(train.KindPipeline)
			if err := a.agree(&f, "This stops the runs of "+name+" and deletes it. Go on?"); err != nil {
				return err
			}
			found, orphans, err := aws.DeletePipeline(ctx)
			if err != nil {
				return awsError(f.config, err)
			}
			if len(orphans) > 0 && !f.dryRun {
				a.printf("%s would start it, and is still there: threatdetect trigger delete\n", strings.Join(orphans, " and "))
			}
			if !found {
				return a.say(&f, "there is no pipeline %s: nothing is left to delete", name)
			}
			return a.say(&f, "deleted pipeline %s", name)
		}),
	}
	f.add(cmd.Flags())
	return cmd
}

//go:build !noaws

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"threatdetect/train"
)

func (a *app) tuneCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "tune COMMAND",
		Short: "Let SageMaker look for better hyperparameters",
	}, a.tuneSubmitCommand(), a.tuneStatusCommand(), a.tuneStopCommand(), a.tuneBestCommand())
}

func (a *app) tuneSubmitCommand() *cobra.Command {
	var f submitFlags
	cmd := &cobra.Command{
		Use:   "submit [flags] [FILE...]",
		Short: "Start a tuning job: training jobs that try the ranges of threatdetect.yaml",
		Long: "Submit takes files like train submit, makes the tuning job and waits for it; then tune best fetches the best model.\n" +
			"The same command again, after it was stopped or killed, goes on with the same job.",
	}
	cmd.RunE = a.withAWS(&f.awsFlags, func(ctx context.Context, aws *train.AWS, args []string) error {
		return a.tuneSubmit(ctx, aws, &f, args)
	})
	f.addSubmit(cmd.Flags(), "the bundle of the best job")
	return cmd
}

func (a *app) tuneSubmit(ctx context.Context, aws *train.AWS, f *submitFlags, files []string) error {
	stack := aws.Stack()
	data, err := a.agreedData(f, stack, files, "Tune", stack.TuningCost())
	if err != nil {
		return err
	}
	bar := a.newJobProgress("tune")
	name, err := aws.SubmitTuning(ctx, &train.TuningRun{Data: data, Run: f.out, New: f.anew, Tell: bar.tell})
	bar.stop()
	switch {
	case err != nil || f.dryRun:
	case f.noWait:
		_, err = fmt.Fprintln(a.stdout, name)
		return err
	default:
		err = a.tuneBest(ctx, aws, name, f)
	}
	return a.leave("tune", err)
}

// tuneBest waits for a tuning job and writes the bundle of its best training job.
func (a *app) tuneBest(ctx context.Context, aws *train.AWS, name string, f *submitFlags) error {
	j, err := aws.WaitTuning(ctx, name, f.poll, func(j *train.TuningJob) {
		a.note("%s: %s, %d done, %d running, %d failed\n", j.Name, j.Status, j.Completed, j.InProgress, j.Failed)
	})
	if err != nil || f.dryRun {
		return err
	}
	if j.Best == nil {
		return fmt.Errorf("%w: %s is %s, and none of its jobs has a model: %s", train.ErrJob, j.Name, j.Status, j.FailureReason)
	}
	best, err := aws.Describe(ctx, j.Best.Name)
	if err != nil {
		return err
	}
	bar := a.newJobProgress("fetch")
	b, err := aws.FetchBundle(ctx, best, f.out, nil, bar.tell)
	bar.stop()
	if err != nil {
		return err
	}
	if f.asJSON {
		return printJSON(a.stdout, struct {
			tuningJSON
			Best jobJSON `json:"best"`
		}{describeTuning(j), describeJob(best, b)})
	}
	return errors.Join(printTuning(a.stdout, j), printJob(a.stdout, best, b))
}

type tuningJSON struct {
	Job        string            `json:"job"`
	Status     string            `json:"status"`
	Reason     string            `json:"failure_reason,omitempty"`
	Completed  int               `json:"completed"`
	InProgress int               `json:"in_progress"`
	Failed     int               `json:"failed"`
	BestJob    string            `json:"best_job,omitempty"`
	Metric     string            `json:"metric,omitempty"`
	Value      float64           `json:"value,omitempty"`
	Parameters map[string]string `json:"hyperparameters,omitempty"`
}

func describeTuning(j *train.TuningJob) tuningJSON {
	out := tuningJSON{Job: j.Name, Status: j.Status, Reason: j.FailureReason, Completed: j.Completed, InProgress: j.InProgress, Failed: j.Failed,
		Metric: j.Metric, Value: j.BestValue, Parameters: j.BestParameters}
	if j.Best != nil {
		out.BestJob = j.Best.Name
	}
	return out
}

func printTuning(w io.Writer, j *train.TuningJob) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "tuning\t%s\n", oneLine(j.Name))
	fmt.Fprintf(t, "status\t%s, %d done, %d running, %d failed\n", oneLine(j.Status), j.Completed, j.InProgress, j.Failed)
	if j.FailureReason != "" {
		fmt.Fprintf(t, "reason\t%s\n", oneLine(j.FailureReason))
	}
	if j.Best != nil {
		fmt.Fprintf(t, "best\t%s, %s %.6g\n", oneLine(j.Best.Name), oneLine(j.Metric), j.BestValue)
		for _, name := range slices.Sorted(maps.Keys(j.BestParameters)) {
			fmt.Fprintf(t, "  %s\t%s\n", oneLine(name), oneLine(j.BestParameters[name]))
		}
	}
	return t.Flush()
}

func (a *app) tuneStatusCommand() *cobra.Command {
	var f awsFlags
	var asJSON bool
	cmd := a.jobCommand(&cobra.Command{Use: "status JOB", Short: "Say how a tuning job is, and what its best job is so far"}, &f, func(ctx context.Context, aws *train.AWS, name string) error {
		j, err := aws.DescribeTuning(ctx, name)
		if err != nil || f.dryRun {
			return err
		}
		if asJSON {
			return printJSON(a.stdout, describeTuning(j))
		}
		return printTuning(a.stdout, j)
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as one JSON object")
	return cmd
}

func (a *app) tuneStopCommand() *cobra.Command {
	var f awsFlags
	return a.jobCommand(&cobra.Command{Use: "stop JOB", Short: "Ask a tuning job to end, with all its training jobs"}, &f, func(ctx context.Context, aws *train.AWS, name string) error {
		if err := aws.StopTuning(ctx, name); err != nil || f.dryRun {
			return err
		}
		j, err := aws.DescribeTuning(ctx, name)
		if err != nil {
			return err
		}
		return a.say(&f, "tuning job %s: %s", oneLine(j.Name), oneLine(j.Status))
	})
}

func (a *app) tuneBestCommand() *cobra.Command {
	var f submitFlags
	cmd := a.jobCommand(&cobra.Command{Use: "best JOB", Short: "Wait for a tuning job, and write the model of its best job as a bundle"}, &f.awsFlags, func(ctx context.Context, aws *train.AWS, name string) error {
		return a.tuneBest(ctx, aws, name, &f)
	})
	cmd.Flags().StringVarP(&f.out, "output", "o", "model.tar.gz", "the bundle to write")
	cmd.Flags().DurationVar(&f.poll, "poll", time.Duration(train.DefaultPoll), "how often the job is asked for")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print what became of it as one JSON object")
	return cmd
}

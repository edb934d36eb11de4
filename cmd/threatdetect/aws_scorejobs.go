//go:build !noaws

package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"threatdetect/inference/detect"
	"threatdetect/train"
)

// scoreJobFlags are those of jobs that score objects of S3.
type scoreJobFlags struct {
	awsFlags
	job    train.ScoreJob
	noWait bool
}

func (f *scoreJobFlags) add(flags *pflag.FlagSet) {
	f.awsFlags.add(flags)
	flags.StringVar(&f.job.Input, "input", "", "s3:// prefix of what is scored; without one that of raw logs")
	flags.StringVar(&f.job.Output, "output", "", "s3:// prefix for the results; without one a folder among the runs")
	flags.StringVar(&f.job.Model, "model", "", "s3:// address of a model.tar.gz; without one the newest approved model of the registry, which the same command after a kill keeps to")
	flags.StringVar(&f.job.Instance, "instance", "", "type of machine; without one that of training")
	flags.IntVar(&f.job.Count, "count", 1, "machines; each object goes to one of them")
	flags.StringVar(&f.job.Name, "name", "", "name of the job; without one it is made of what the job does, so that the same command finds it again")
	flags.BoolVar(&f.job.New, "new", false, "start another job, although there is one that did the same")
	flags.BoolVar(&f.noWait, "no-wait", false, "do not wait until the job has ended")
}

// scoreJob runs submit and waits for what it started.
func (a *app) scoreJob(cmd *cobra.Command, f *scoreJobFlags, what string, wait func(*train.AWS, context.Context, string, func(string)) (*train.JobState, error),
	submit func(context.Context, *train.AWS) (*train.JobState, error)) error {
	ctx, cancel := a.context(cmd)
	defer cancel()
	stack, aws, err := a.connect(ctx, &f.awsFlags)
	if err != nil {
		return err
	}
	a.printf("note: %s\n", stack.ScoreCost(&f.job))
	if err := a.agree(&f.awsFlags, "Start a "+what+" job?"); err != nil {
		return err
	}
	f.job.Beside = f.config
	submitted, err := submit(ctx, aws)
	if err != nil {
		return awsEnd(err)
	}
	state := submitted
	if state.Remembered != "" {
		a.printf("note: goes on with %s, the newest approved model when this command began; --new takes that of now\n", state.Remembered)
	}
	a.printf("%s job %s, results to %s\n", what, state.Name, state.Output)
	if !f.noWait {
		state, err = wait(aws, ctx, state.Name, a.onChange(what+" job "+state.Name))
	}
	if f.noWait || state != nil && state.Ended() || errors.Is(err, train.ErrNotFound) {
		err = errors.Join(err, submitted.Forget())
	}
	if err != nil {
		return awsEnd(err)
	}
	a.told(&f.awsFlags, "%s job %s: %s\n", what, state.Name, state.Status)
	if state.Message != "" {
		a.told(&f.awsFlags, "%s\n", oneLine(state.Message))
	}
	a.told(&f.awsFlags, "%s\n", state.Output)
	return nil
}

func (a *app) transformCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "transform",
		Short: "Score files of rows on SageMaker's machines with batch transform",
	}, a.transformSubmitCommand())
}

func (a *app) transformSubmitCommand() *cobra.Command {
	var f scoreJobFlags
	var o train.TransformOptions
	cmd := &cobra.Command{
		Use:   "submit [flags]",
		Short: "Start a batch transform job with this program as the container, and wait for it",
		Long: "Submit makes a model with this program's own image, which answers as SageMaker's XGBoost does, and lets batch transform send it the rows of\n" +
			"all objects below --input, in parts of up to 6 MB. Each object becomes one of the same name and .out below --output. An object goes to one\n" +
			"machine. For logs, of which rows have to be made first, see threatdetect process submit.",
		Example: "  threatdetect transform submit --input s3://bucket/rows/ --output s3://bucket/scores/ --count 4",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.scoreJob(cmd, &f, "transform", (*train.AWS).WaitTransform, func(ctx context.Context, aws *train.AWS) (*train.JobState, error) {
				return aws.SubmitTransform(ctx, &f.job, &o)
			})
		},
	}
	flags := cmd.Flags()
	f.add(flags)
	flags.StringVar(&o.ContentType, "content-type", "text/csv", "of the objects: text/csv, text/libsvm or application/x-recordio-protobuf")
	flags.StringVar(&o.Accept, "accept", "text/csv", "of the results: text/csv or application/json")
	flags.BoolVar(&o.Compressed, "gzip", false, "the objects are compressed with gzip")
	flags.BoolVar(&o.Join, "join", false, "each row of a result begins with the row of the input")
	flags.StringVar(&o.Container, "sagemaker", "", "answer as the image of this tag does; without one that of the stack")
	return cmd
}

func (a *app) processSubmitCommand() *cobra.Command {
	var f scoreJobFlags
	var o train.ProcessOptions
	cmd := &cobra.Command{
		Use:   "submit [flags]",
		Short: "Start a processing job that scores logs with this program as the container, and wait for it",
		Long: "Submit lets SageMaker divide the logs below --input among the machines, each of which scores its share as threatdetect process run says. Each log\n" +
			"becomes a file of verdicts below --output, while the job runs. With --whole each machine gets all logs and takes its share by the list of hosts.",
		Example: "  threatdetect process submit --input s3://bucket/raw/2026-01-02/ --output s3://bucket/verdicts/2026-01-02/ --count 4",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.To != "" && !slices.Contains(detect.OutputFormats(), o.To) {
				return usagef("--to %q: want one of %s", o.To, strings.Join(detect.OutputFormats(), ", "))
			}
			return a.scoreJob(cmd, &f, "processing", (*train.AWS).WaitProcess, func(ctx context.Context, aws *train.AWS) (*train.JobState, error) {
				return aws.SubmitProcess(ctx, &f.job, &o)
			})
		},
	}
	flags := cmd.Flags()
	f.add(flags)
	flags.IntVar(&f.job.VolumeGB, "volume-gb", 0, "disk of each machine; without one that of training")
	flags.DurationVar(&f.job.Runtime, "max-runtime", 0, "after which the job ends; without one that of training")
	flags.StringVar(&o.From, "from", "", "log format; without one it is told from the logs")
	flags.StringVar(&o.To, "to", "", "output format: ndjson, csv, eve, ecs, ocsf or zeek")
	flags.BoolVar(&o.All, "all", false, "every flow, not only threats")
	flags.BoolVar(&o.Strict, "strict", false, "a record that is skipped for a fault fails the job")
	flags.BoolVar(&o.Whole, "whole", false, "each machine gets all logs and takes its share by the list of hosts")
	return cmd
}

//go:build !noaws

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"threatdetect/train"
)

func (a *app) trainCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "train COMMAND",
		Short: "Train a model on SageMaker, or here as SageMaker would",
	}, a.trainSubmitCommand(), a.trainStatusCommand(), a.trainLogsCommand(), a.trainStopCommand(), a.trainFetchCommand(), a.trainListCommand(), a.trainLocalCommand())
}

type submitFlags struct {
	awsFlags
	data, out            string
	noWait, anew, asJSON bool
	poll                 time.Duration
}

func (a *app) trainSubmitCommand() *cobra.Command {
	var f submitFlags
	cmd := &cobra.Command{
		Use:   "submit [flags] [FILE...]",
		Short: "Train on SageMaker: files to S3, job, wait, and a bundle that score takes",
		Long: "Submit takes the training files that threatdetect fit wrote into --data; or logs, of which it makes them first, with the set, label\n" +
			"and split of threatdetect.yaml. All of it is checked before anything is paid for, and all faults are listed at once.\n\n" +
			"The same command again, after it was stopped or killed, goes on with the same job. It remembers it in a hidden file beside the bundle.",
		Example: "  threatdetect train submit --data data -o model.tar.gz\n" +
			"  threatdetect train submit --dry-run\n" +
			"  threatdetect train submit --yes --no-wait conn.log.labeled",
	}
	cmd.RunE = a.withAWS(&f.awsFlags, func(ctx context.Context, aws *train.AWS, args []string) error {
		return a.trainSubmit(ctx, aws, &f, args)
	})
	f.addSubmit(cmd.Flags(), "the bundle to write")
	return cmd
}

func (f *submitFlags) addSubmit(flags *pflag.FlagSet, output string) {
	f.add(flags)
	flags.StringVar(&f.data, "data", "data", "folder of training files, as fit writes them; logs that are given are made into such a folder")
	flags.StringVarP(&f.out, "output", "o", "model.tar.gz", output)
	flags.BoolVar(&f.noWait, "no-wait", false, "return when the job is accepted; the same command without it waits and fetches")
	flags.BoolVar(&f.anew, "new", false, "make a new job even if there is one for the same files and stack")
	flags.BoolVar(&f.asJSON, "json", false, "print what became of it as one JSON object")
	flags.DurationVar(&f.poll, "poll", train.DefaultPoll, "how often the job is asked for")
}

// agreedData are the files to train on, once somebody agreed to what the job costs. Verb is what it does on SageMaker.
func (a *app) agreedData(f *submitFlags, stack *train.Stack, files []string, verb string, cost train.Cost) (*train.Data, error) {
	data, err := a.trainingData(stack, f, files)
	if err != nil {
		return nil, err
	}
	a.note("%s\n", cost)
	return data, a.agree(&f.awsFlags, fmt.Sprintf("%s on SageMaker, %s?", verb, cost))
}

// leave is the end of a command that stops waiting for a job, or whose job failed.
func (a *app) leave(command string, err error) error {
	if err != nil && a.signal.Load() != 0 {
		a.note("the job goes on; the same command again waits for it, threatdetect %s stop ends it\n", command)
		return a.interrupted()
	}
	return awsEnd(err)
}

func (a *app) trainSubmit(ctx context.Context, aws *train.AWS, f *submitFlags, files []string) error {
	stack := aws.Stack()
	data, err := a.agreedData(f, stack, files, "Train", stack.TrainingCost())
	if err != nil {
		return err
	}
	bar := a.newJobProgress("train")
	result, err := aws.Train(ctx, &train.TrainingRun{
		Data: data, Output: f.out, NoWait: f.noWait, New: f.anew, Poll: f.poll, Tell: bar.tell,
		Warn: func(text string) { a.note("%s\n", text) },
	})
	bar.stop()
	if err != nil || f.dryRun {
		return a.leave("train", err)
	}
	return a.printResult(result, f.asJSON)
}

// trainingData are the files to train on, checked; nil in a dry run without any.
func (a *app) trainingData(stack *train.Stack, f *submitFlags, logs []string) (*train.Data, error) {
	if len(logs) > 0 {
		fit := fitFlags{set: stack.Features.Set, label: stack.Features.Label, split: stack.Features.Split, shares: "80,20,0", out: f.data, to: "csv", from: "auto",
			options: setFlags{nets: stack.Features.LocalNets, weights: stack.Features.Weights()}}
		stdout := a.stdout
		if f.dryRun || f.asJSON {
			a.stdout = a.stderr // the report is no request
		}
		err := a.makeDataset(&fit, logs)
		a.stdout = stdout
		if err != nil {
			return nil, err
		}
	} else if _, err := os.Stat(f.data); errors.Is(err, fs.ErrNotExist) && f.dryRun {
		a.note("no training files at %s: the requests are those for the files that fit would write\n", f.data)
		return nil, nil
	}
	data, err := train.OpenData(f.data)
	if err != nil {
		return nil, awsError(f.data, err)
	}
	if err := stack.CheckData(data); err != nil {
		return nil, awsError(f.data, err)
	}
	return data, nil
}

// note prints for people.
func (a *app) note(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.stderr, format, args...)
	}
}

// jobJSON is what --json prints of a job.
type jobJSON struct {
	Job      string             `json:"job"`
	Status   string             `json:"status,omitempty"`
	State    string             `json:"secondary_status,omitempty"`
	Reason   string             `json:"failure_reason,omitempty"`
	Artifact string             `json:"artifact,omitempty"`
	Created  *time.Time         `json:"created,omitempty"`
	Ended    *time.Time         `json:"ended,omitempty"`
	Billable float64            `json:"billable_seconds,omitempty"`
	Took     float64            `json:"training_seconds,omitempty"`
	Metrics  map[string]float64 `json:"metrics,omitempty"`
	Bundle   *bundleJSON        `json:"bundle,omitempty"`
	Already  bool               `json:"already_done,omitempty"`
}

type bundleJSON struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Trees  int    `json:"trees"`
	Set    string `json:"set,omitempty"`
}

func describeJob(j *train.Job, b *train.Bundle) jobJSON {
	out := jobJSON{Job: j.Name, Status: j.Status, State: j.Secondary, Reason: j.FailureReason, Artifact: j.Artifact, Billable: j.Billable.Seconds(), Took: j.Took.Seconds(), Metrics: j.Metrics}
	if !j.Created.IsZero() {
		out.Created = &j.Created
	}
	if !j.Ended.IsZero() {
		out.Ended = &j.Ended
	}
	if b != nil {
		out.Bundle = &bundleJSON{b.Path, b.SHA256, b.Trees, b.Set}
	}
	return out
}

func (a *app) printResult(r *train.Result, asJSON bool) error {
	if asJSON {
		out := describeJob(r.Job, r.Bundle)
		out.Already = r.Already
		return printJSON(a.stdout, out)
	}
	if r.Already {
		_, err := fmt.Fprintf(a.stdout, "job      %s, done already; --new trains again\n", r.Job.Name)
		return err
	}
	return printJob(a.stdout, r.Job, r.Bundle)
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printJob says what is known of a job.
func printJob(w io.Writer, j *train.Job, b *train.Bundle) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "job\t%s\n", oneLine(j.Name))
	fmt.Fprintf(t, "status\t%s %s\n", oneLine(j.Status), oneLine(j.Secondary))
	if j.FailureReason != "" {
		fmt.Fprintf(t, "reason\t%s\n", oneLine(j.FailureReason))
	}
	for _, name := range slices.Sorted(maps.Keys(j.Metrics)) {
		fmt.Fprintf(t, "metric\t%s %.6g\n", oneLine(name), j.Metrics[name])
	}
	if j.Billable > 0 {
		saved := ""
		if j.Spot && j.Took > j.Billable {
			saved = fmt.Sprintf(", %.0f %% less than without spot", 100*(1-j.Billable.Seconds()/j.Took.Seconds()))
		}
		fmt.Fprintf(t, "billed\t%.0f s of %d x %s%s\n", j.Billable.Seconds(), j.Count, j.Instance, saved)
	}
	if j.Artifact != "" {
		fmt.Fprintf(t, "artifact\t%s\n", oneLine(j.Artifact))
	}
	if b != nil {
		set := "no contract: scores rows, not logs"
		if b.Set != "" {
			set = "set " + b.Set
		}
		models := ""
		if b.Members > 1 {
			models = fmt.Sprintf("%d models, the first of ", b.Members)
		}
		fmt.Fprintf(t, "bundle\t%s, %s%d trees, %d features, %s\n", b.Path, models, b.Trees, b.Features, set)
		fmt.Fprintf(t, "sha256\t%s\n", b.SHA256)
	}
	return t.Flush()
}

// jobCommand is a command over one training job, whose name is the argument.
func (a *app) jobCommand(cmd *cobra.Command, f *awsFlags, run func(ctx context.Context, aws *train.AWS, name string) error) *cobra.Command {
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = a.withAWS(f, func(ctx context.Context, aws *train.AWS, args []string) error {
		return awsEnd(run(ctx, aws, args[0]))
	})
	f.add(cmd.Flags())
	return cmd
}

func (a *app) trainStatusCommand() *cobra.Command {
	var f awsFlags
	asJSON := false
	cmd := a.jobCommand(&cobra.Command{Use: "status JOB", Short: "Say how a training job is"}, &f, func(ctx context.Context, aws *train.AWS, name string) error {
		j, err := aws.Describe(ctx, name)
		if err != nil || f.dryRun {
			return err
		}
		if asJSON {
			return printJSON(a.stdout, describeJob(j, nil))
		}
		return printJob(a.stdout, j, nil)
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as one JSON object")
	return cmd
}

func (a *app) trainLogsCommand() *cobra.Command {
	var f awsFlags
	var follow bool
	var poll time.Duration
	cmd := a.jobCommand(&cobra.Command{Use: "logs JOB", Short: "Print the log of a training job"}, &f, func(ctx context.Context, aws *train.AWS, name string) error {
		var failed error
		err := aws.JobLogs(ctx, name, follow, poll, func(e train.Event) {
			if e.Line != "" && failed == nil && !f.dryRun {
				_, failed = fmt.Fprintln(a.stdout, logLine(e.Line))
			}
		})
		return errors.Join(err, failed)
	})
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the job is done")
	cmd.Flags().DurationVar(&poll, "poll", train.DefaultPoll, "how often the job is asked for")
	return cmd
}

func (a *app) trainStopCommand() *cobra.Command {
	var f awsFlags
	return a.jobCommand(&cobra.Command{Use: "stop JOB", Short: "Ask a training job to end; it has two minutes to save what it has"}, &f, func(ctx context.Context, aws *train.AWS, name string) error {
		if err := aws.StopJob(ctx, name); err != nil || f.dryRun {
			return err
		}
		j, err := aws.Describe(ctx, name)
		if err != nil {
			return err
		}
		return a.say(&f, "training job %s: %s", oneLine(j.Name), oneLine(j.Status))
	})
}

func (a *app) trainFetchCommand() *cobra.Command {
	var f awsFlags
	var out, contract string
	var poll time.Duration
	var asJSON bool
	cmd := a.jobCommand(&cobra.Command{
		Use: "fetch JOB", Short: "Wait for a training job, and write its model and contract as a bundle",
		Long: "Fetch takes the contract that was sent with the training files, unless --contract names another.",
	}, &f, func(ctx context.Context, aws *train.AWS, name string) error {
		var text []byte
		if contract != "" {
			var err error
			if text, err = os.ReadFile(contract); err != nil {
				return inputError(contract, err)
			}
		}
		bar := a.newJobProgress("fetch")
		defer bar.stop()
		j, err := aws.WaitJob(ctx, name, poll, bar.tell)
		if err == nil {
			err = j.Err()
		}
		if err != nil || f.dryRun {
			return err
		}
		b, err := aws.FetchBundle(ctx, j, out, text, bar.tell)
		if err != nil {
			return err
		}
		bar.stop()
		return a.printResult(&train.Result{Job: j, Bundle: b}, asJSON)
	})
	cmd.Flags().StringVarP(&out, "output", "o", "model.tar.gz", "the bundle to write")
	cmd.Flags().StringVar(&contract, "contract", "", "contract to put into the bundle")
	cmd.Flags().DurationVar(&poll, "poll", train.DefaultPoll, "how often the job is asked for")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what became of it as one JSON object")
	return cmd
}

func (a *app) trainListCommand() *cobra.Command {
	var f awsFlags
	var asJSON bool
	var limit int
	cmd := &cobra.Command{Use: "list", Short: "List the training jobs of the stack, newest first", Args: cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			n := 0
			var failed error
			err := aws.Jobs(ctx, func(j train.Job) bool {
				if asJSON {
					failed = printJSON(a.stdout, describeJob(&j, nil))
				} else {
					_, failed = fmt.Fprintf(a.stdout, "%s  %-10s  %s\n", j.Created.UTC().Format(time.RFC3339), oneLine(j.Status), oneLine(j.Name))
				}
				n++
				return failed == nil && (limit == 0 || n < limit)
			})
			if err != nil {
				return awsError("", err)
			}
			return failed
		})}
	f.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a job")
	cmd.Flags().IntVar(&limit, "limit", 0, "no more than this many; 0 is all")
	return cmd
}

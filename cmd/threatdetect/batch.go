package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/inference/batch"
	"threatdetect/inference/detect"
)

type batchFlags struct {
	scoreFlags
	aws           awsFlags
	out, work     string
	restart, tree bool
	workers       int
	commitSize    int // MiB
	commitEvery   time.Duration
	maxBadRatio   float64
}

func (a *app) batchCommand() *cobra.Command {
	var f batchFlags
	cmd := &cobra.Command{
		Use:   "batch --bundle BUNDLE --out DIR [flags] FILE|FOLDER|GLOB|s3://BUCKET/PREFIX...",
		Short: "Score many logs into as many files; a run that was killed goes on where it was",
		Long: "Batch writes for each log a file of verdicts, DIR/NAME.FORMAT, in the order of its flows, and where records were skipped\n" +
			"DIR/NAME.rejects.ndjson with the line and the reason of each. It uses all cores, also on a single log.\n" +
			"The same command again goes on where a run was killed or stopped, and the outputs are byte for byte those of a run that was not.\n" +
			"Of a FOLDER all files below it are logs, but for hidden ones and those in linked folders.\n" +
			"An output has its name only when it is whole; what has \"journal\" in its name is the bookkeeping.\n" +
			"With a set of features that remembers flows the logs are one stream, in order of time.\n" +
			"--out - writes to standard output, where skipped records are counted only, and cannot be resumed; a closed pipe ends it quietly with 1, as what was not read is lost.",
		Example: "  threatdetect batch --bundle model.tar.gz --all --out scored /var/log/zeek/2024-03-04\n" +
			"  threatdetect batch --bundle model.tar.gz --to parquet --out scored 'logs/conn.*.log.gz'",
		RunE: func(_ *cobra.Command, args []string) error { return a.batch(&f, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.bundle, "bundle", "", "model.tar.gz with a contract inside")
	flags.StringVar(&f.model, "model", "", "model file of any kind, together with --contract")
	flags.StringVar(&f.contract, "contract", "", "contract file for --model")
	f.addScoring(a, flags)
	flags.StringVarP(&f.out, "out", "o", "", "folder, s3://BUCKET/PREFIX, or - for standard output")
	flags.BoolVar(&f.tree, "tree", false, "keep the folders below a FOLDER or PREFIX in the names of outputs")
	flags.StringVar(&f.work, "work", "", "with --out s3://: folder for the bookkeeping and what is not whole (default: in the user's cache folder)")
	f.aws.addPlace(flags)
	return cmd
}

// addScoring adds the flags that say how logs are scored, whichever they are.
func (f *batchFlags) addScoring(a *app, flags *pflag.FlagSet) {
	f.trust.add(flags)
	flags.StringVar(&f.from, "from", "auto", "log format: "+formatNames())
	flags.StringVar(&a.pointer, "pointer", "", "where in a JSON record the object of the log is, such as /zeek or /event/original, if a shipper wrapped it")
	flags.StringVar(&a.fields, "fields", "", "fields of a VPC flow log in a custom format without a header, in order: 'version account-id interface-id ...'")
	flags.StringVar(&f.to, "to", "ndjson", "output format: "+strings.Join(detect.OutputFormats(), ", ")+" or parquet")
	flags.StringVar(&f.threshold, "threshold", "", "score from which on a flow is a threat, instead of the contract's")
	flags.BoolVar(&f.all, "all", false, "write every flow, not only threats")
	flags.IntVar(&f.explain, "explain", 0, "add the N features that contribute most to the margin, one way or the other")
	flags.BoolVar(&f.strict, "strict", false, "end at the first record that is skipped for a fault, or log that cannot be read, with exit code 4")
	flags.Float64Var(&f.maxBadRatio, "max-bad-ratio", batch.DefaultMaxBadRatio, "a log of which a larger share of 10,000 records or more is skipped for a fault has no output")
	flags.BoolVar(&f.restart, "restart", false, "begin anew: forget what an earlier run left, and replace its outputs")
	flags.IntVar(&f.workers, "workers", 0, "how many logs, or parts of logs, are worked on at a time (default: as many as there are cores)")
	flags.IntVar(&f.commitSize, "commit-size", batch.DefaultUnitBytes>>20, "MiB of output after which what was done is made durable")
	flags.DurationVar(&f.commitEvery, "commit-every", batch.DefaultUnitTime, "time after which it is, too")
	flags.IntVar(&f.state.memory, "memory", features.DefaultBudget>>20, "for a set that remembers hosts: how many MiB that may take")
}

func (f *batchFlags) check(args []string) error {
	switch {
	case f.out == "":
		return usagef("want --out DIR")
	case len(args) == 0:
		return usagef("want a FILE, a FOLDER, a pattern or s3://BUCKET/PREFIX")
	case f.explain < 0:
		return usagef("--explain %d: want 0 or more", f.explain)
	case f.workers < 0 || f.workers > maxWorkers:
		return usagef("--workers %d: want 0 to %d", f.workers, maxWorkers)
	case f.commitSize < 1 || f.commitSize > maxMemory:
		return usagef("--commit-size %d: want 1 to %d MiB", f.commitSize, maxMemory)
	case f.commitEvery <= 0:
		return usagef("--commit-every %s: want more than 0", f.commitEvery)
	case f.maxBadRatio <= 0 || f.maxBadRatio > 1:
		return usagef("--max-bad-ratio %v: want more than 0, and at most 1", f.maxBadRatio)
	case f.to == batch.Parquet && parquetRows == nil:
		return usagef("--to parquet: this program was built without Parquet")
	}
	return nil
}

const maxWorkers = 1024

// batchMemory is the bound of resident memory of a batch with defaults, in bytes.
const batchMemory = 1 << 30

func (a *app) batch(f *batchFlags, args []string) error {
	rep, err := a.runBatch(f, args, nil)
	if err != nil || rep == nil {
		return err
	}
	for _, failure := range rep.Failed {
		a.code = exitInput
		if !contentError(failure.Err) {
			a.code = exitFailure
			break
		}
	}
	if len(rep.Failed) == 0 && a.account.Lost() > 0 {
		a.code = exitSkipped
	}
	return nil
}

// runBatch scores logs. Adjust, unless nil, has the last word on options. Where there was nothing left to do, there is no report.
func (a *app) runBatch(f *batchFlags, args []string, adjust func(*batch.Options)) (rep *batch.Report, err error) {
	if err := f.check(args); err != nil {
		return nil, err
	}
	format, ok := auto.ParseFormat(f.from)
	if !ok || f.from == "" {
		return nil, usagef("--from %q: want one of %s", f.from, formatNames())
	}
	d, err := f.detector()
	if err != nil {
		return nil, err
	}
	set, err := features.LookupSet(d.Set())
	if err != nil {
		return nil, err
	}
	if err := f.state.check(set); err != nil {
		return nil, err
	}
	if format != auto.Unknown {
		if err := set.CheckFormat(string(format)); err != nil {
			return nil, usagef("%w", err)
		}
	}
	limitMemory(batchMemory + int64(max(f.state.memory<<20-features.DefaultBudget, 0)))
	forgetStart()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	go func() {
		select {
		case <-a.interrupt:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	var bar *progress
	opts := &batch.Options{
		Format: format, Fields: strings.FieldsFunc(a.fields, isSeparator), Pointer: a.pointer, ReadParquet: readParquet,
		To: f.to, All: f.all, Strict: f.strict, MaxBadRatio: f.maxBadRatio, Restart: f.restart, Tree: f.tree,
		Workers: f.workers, UnitBytes: int64(f.commitSize) << 20, UnitTime: f.commitEvery,
		Work: f.work, Stdout: a.stdout,
		OnRead: func(n int64) { bar.add(n) },
		OnFailed: func(name string, err error) {
			bar.stop()
			a.printf("no output: %s\n", oneLine(name+": "+err.Error()))
		},
	}
	opts.Bucket = func(ctx context.Context, url string) (batch.Store, error) { return a.openBucket(ctx, &f.aws, url) }
	if slices.Contains(args, "-") {
		opts.Stdin = newPatientReader(a.stdin, a.interrupt, nil)
	}
	if f.to == batch.Parquet {
		opts.Convert = parquetRows
	}
	if set.Stateful {
		opts.State = f.state.options(a, set)
		opts.State.Now = nil // logs of the past: what they say does not depend on when they are scored
	}
	if adjust != nil {
		adjust(opts)
	}
	job, err := batch.New(ctx, d, args, f.out, opts)
	if err != nil {
		return nil, a.batchError(err)
	}
	defer func() {
		if err2 := job.Close(); err == nil && err2 != nil {
			err = a.batchError(err2)
		}
	}()
	if job.Finished() {
		return nil, a.batchFinished(ctx, job)
	}
	total, done := job.Size()
	bar = a.progressFrom("scoring", total, done)
	rep, err = job.Run(ctx)
	bar.stop()
	a.batchReport(rep)
	if err != nil {
		return nil, a.batchError(err)
	}
	return rep, nil
}

// batchFinished says that there was nothing to do.
func (a *app) batchFinished(ctx context.Context, job *batch.Job) error {
	rep, err := job.Run(ctx)
	if err != nil {
		return a.batchError(err)
	}
	a.batchReport(rep)
	if !a.quiet {
		a.printf("nothing to do: all %d outputs are there\n", rep.Done)
	}
	return nil
}

func (a *app) batchReport(rep *batch.Report) {
	a.account, a.stats, a.counted = rep.Account, rep.Stats, true
	a.files = &filesJSON{Files: rep.Files, Before: rep.Done, Failed: len(rep.Failed), Written: rep.Written, Rejects: rep.Rejects}
}

func contentError(err error) bool {
	return errors.Is(err, features.ErrFormat) || errors.Is(err, features.ErrContract) || errors.Is(err, batch.ErrUnreadable)
}

// batchError makes the end of the command out of an error.
func (a *app) batchError(err error) error {
	if errors.Is(err, errInterrupted) {
		return a.interrupted()
	}
	e := &exitError{code: exitFailure, what: "score logs", err: err}
	if _, ok := errors.AsType[*exitError](err); ok {
		return err
	}
	if file, ok := errors.AsType[*batch.FileError](err); ok {
		e.what, e.where, e.err = file.Op, file.Name, file.Err
		if text := err.Error(); strings.HasPrefix(text, file.Error()) { // with a hint behind it
			e.err = fmt.Errorf("%w%s", file.Err, strings.TrimPrefix(text, file.Error()))
		}
	}
	switch {
	case errors.Is(err, errClosedPipe):
		a.code = exitFailure // what is not printed is lost
		return errClosedPipe
	case errors.Is(err, batch.ErrInputs), errors.Is(err, detect.ErrOutputFormat):
		return usagef("%w", err)
	case errors.Is(err, batch.ErrChanged), errors.Is(err, batch.ErrStrict), contentError(err):
		e.code = exitInput
	}
	return e
}

//go:build !noaws

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"threatdetect/train"
)

type localFlags struct {
	submit                submitFlags
	image, python, layout string
	log                   bool
}

func (a *app) trainLocalCommand() *cobra.Command {
	var f localFlags
	cmd := &cobra.Command{
		Use:   "local [flags] [FILE...]",
		Short: "Train on this machine, as SageMaker's container of the image version would",
		Long: "Local checks the hyperparameters and files as the container of the image version does, lays out its folders, and trains with the XGBoost\n" +
			"release that is in the image, in your Python, whose parsers read the files and whose loop trains. Rounds and metrics, early stopping, folds\n" +
			"(_kfold), checkpoints and the form of the artifact are those of the image. One machine trains on all files; there are no pipes, no GPUs and\n" +
			"no recordio-protobuf here.\n\n" +
			"Image and hyperparameters are those of threatdetect.yaml, or, with --layout, of the folder.",
		Example: "  threatdetect train local --data data -o model.tar.gz\n" +
			"  threatdetect train local --python .venv/bin/python conn.log.labeled",
		RunE: func(cmd *cobra.Command, args []string) error { return a.trainLocal(cmd, &f, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.submit.config, "config", "threatdetect.yaml", "file that describes the stack; threatdetect init writes one")
	flags.StringVar(&f.submit.data, "data", "data", "folder of training files, as fit writes them; logs that are given are made into such a folder")
	flags.StringVarP(&f.submit.out, "output", "o", "model.tar.gz", "the bundle to write")
	flags.BoolVar(&f.submit.asJSON, "json", false, "print what became of it as one JSON object")
	flags.StringVar(&f.image, "image", "", "image version, such as 1.7-1, in place of the stack's")
	flags.StringVar(&f.python, "python", "", "Python with the right XGBoost (also THREATDETECT_PYTHON); without it, one is looked for")
	flags.StringVar(&f.layout, "layout", "", "train in this folder, which is laid out like the container's /opt/ml, with hyperparameters and data in input")
	flags.BoolVar(&f.log, "log", false, "print the log of the training on standard error")
	return cmd
}

func (a *app) trainLocal(cmd *cobra.Command, f *localFlags, files []string) error {
	ctx, cancel := a.context(cmd)
	defer cancel()
	run := &train.LocalRun{Layout: f.layout, Python: f.python, Output: f.submit.out}
	version := f.image
	if f.layout == "" || version == "" {
		stack, err := train.Open(f.submit.config)
		if err != nil {
			return awsError(f.submit.config, err)
		}
		if version == "" {
			version = stack.Image.Version
		}
		if f.layout == "" {
			if run.Data, err = a.trainingData(stack, &f.submit, files); err != nil {
				return err
			}
			run.Hyperparameters = stack.Hyperparameters
		}
	}
	var err error
	if run.Image, err = train.LookupImage(version); err != nil {
		return awsError("", err)
	}
	bar := a.newJobProgress("train")
	run.Tell = func(e train.Event) {
		if e.Line != "" && f.log {
			fmt.Fprintln(a.stderr, logLine(e.Line))
		}
		bar.tell(e)
	}
	train1 := train.Local
	if f.layout != "" {
		if len(files) > 0 {
			return usagef("--layout goes without files: they lie in the folder")
		}
		if !cmd.Flags().Changed("output") {
			run.Output = ""
		}
		train1 = train.LocalLayout
	}
	b, err := train1(ctx, run)
	bar.stop()
	if err != nil {
		if a.signal.Load() != 0 {
			return a.interrupted()
		}
		if errors.Is(err, os.ErrNotExist) {
			return awsError(f.layout, err)
		}
		return awsError("local", err)
	}
	return a.printResult(&train.Result{Job: &train.Job{Name: "local", Status: "Completed", Secondary: "Completed"}, Bundle: b}, f.submit.asJSON)
}

// logLine is a line of a log as it may be printed. Tabs stay: what reads metrics out of logs looks for them.
func logLine(line string) string {
	parts := strings.Split(line, "\t")
	for i := range parts {
		parts[i] = oneLine(parts[i])
	}
	return strings.Join(parts, "\t")
}

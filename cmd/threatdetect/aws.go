//go:build !noaws

package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"threatdetect/train"
)

// awsCommands are the commands that need, or prepare, an account of AWS.
func (a *app) awsCommands() []*cobra.Command {
	return []*cobra.Command{
		a.initCommand(),
		a.trainCommand(), a.tuneCommand(),
		a.fakeAWSCommand(),
		a.endpointCommand(), a.transformCommand(), a.monitorCommand(), a.iamCommand(),
		a.deployCommand(), a.destroyCommand(), a.cleanupCommand(),
		a.pipelineCommand(),
		a.triggerCommand(),
		a.registryCommand(),
	}
}

// awsProcessCommands are the parts of process that start jobs.
func (a *app) awsProcessCommands() []*cobra.Command {
	return []*cobra.Command{a.processSubmitCommand()}
}

// awsFlags are those of every command over package train.
type awsFlags struct {
	config, endpoint, profile string
	dryRun, yes               bool
}

func (f *awsFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.config, "config", "threatdetect.yaml", "file that describes the stack; threatdetect init writes one")
	flags.StringVar(&f.endpoint, "endpoint-url", "", "ask this address in place of AWS, such as that of threatdetect fake-aws (also AWS_ENDPOINT_URL)")
	flags.StringVar(&f.profile, "profile", "", "profile of the AWS configuration files (also AWS_PROFILE)")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the requests, one JSON object a line, and send nothing")
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask before anything that costs or deletes")
}

// connect opens the stack and makes clients for it.
func (a *app) connect(ctx context.Context, f *awsFlags) (*train.Stack, *train.AWS, error) {
	stack, err := train.Open(f.config)
	if err != nil {
		return nil, nil, awsError(f.config, err)
	}
	aws, err := a.connectTo(ctx, stack, f)
	return stack, aws, err
}

// withAWS is the body of a command: clients are there, and ctx ends when a signal comes.
func (a *app) withAWS(f *awsFlags, do func(ctx context.Context, aws *train.AWS, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx, cancel := a.context(cmd)
		defer cancel()
		_, aws, err := a.connect(ctx, f)
		if err != nil {
			return err
		}
		return do(ctx, aws, args)
	}
}

func (a *app) connectTo(ctx context.Context, stack *train.Stack, f *awsFlags) (*train.AWS, error) {
	opts := &train.ConnectOptions{EndpointURL: f.endpoint, Profile: f.profile, Clock: rehearsalClock()}
	if f.dryRun {
		opts.DryRun = a.stdout
	}
	aws, err := train.Connect(ctx, stack, opts)
	if err != nil {
		return nil, awsError(cmp.Or(f.endpoint, f.config), err)
	}
	return aws, nil
}

// context ends when a signal comes.
func (a *app) context(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(cmd.Context())
	done := make(chan struct{})
	go func() {
		select {
		case <-a.interrupt:
			cancel(a.interrupted())
		case <-done:
		}
	}()
	return ctx, func() {
		close(done)
		cancel(context.Canceled)
	}
}

// awsError is the end of a command over package train. Where is what it was about, if the error does not say so itself.
func awsError(where string, err error) error {
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit
	}
	e := &exitError{code: exitFailure, what: "aws", where: where, err: err}
	if faults, ok := errors.AsType[*train.Faults](err); ok {
		e.what, e.where, e.err = "check", "", faults // which name their file
	} else if service, ok := errors.AsType[*train.ServiceError](err); ok {
		e.where, e.err = "", service // without what the SDK says around it
	}
	switch {
	case errors.Is(err, errClosedPipe):
		return err
	case errors.Is(err, train.ErrStack), errors.Is(err, train.ErrImage):
		e.code, e.what = exitUsage, "check"
	case errors.Is(err, train.ErrInput):
		e.code, e.what = exitInput, "check"
	}
	return e
}

// agree asks before something that costs or deletes. Without a terminal to ask at, the answer has to be --yes.
func (a *app) agree(f *awsFlags, question string) error {
	if f.yes || f.dryRun {
		return nil
	}
	in, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return usagef("%s There is no terminal to ask at: say --yes, or look with --dry-run first", question)
	}
	fmt.Fprintf(a.stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); err != nil || answer != "y" && answer != "yes" {
		return &exitError{code: exitFailure, what: "stopped", err: errors.New("nobody agreed")}
	}
	return nil
}

func (a *app) initCommand() *cobra.Command {
	var out string
	var force bool
	cmd := &cobra.Command{
		Use:   "init [-o threatdetect.yaml]",
		Short: "Write a complete, commented threatdetect.yaml, which describes what is wanted of AWS",
		Example: "  threatdetect init\n" +
			"  threatdetect train submit --dry-run",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if out != "-" && !force {
				return writeNew(out, train.InitFile(), 0o644)
			}
			o, err := a.createOutput(out)
			if err != nil {
				return err
			}
			if _, err := o.Write(train.InitFile()); err != nil {
				return o.failed(err)
			}
			return o.commit()
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "threatdetect.yaml", "the file to write, - for standard output")
	cmd.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	return cmd
}

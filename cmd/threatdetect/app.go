package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"threatdetect/features"
	"threatdetect/features/join"
)

// app is one run of the command: what it reads and writes, and the flags that every command has.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	signal    atomic.Int32 // the signal that asked for an end, 0 for none
	interrupt chan struct{}

	quiet   bool
	summary string
	pointer string    // where in JSON records the object of the log is
	fields  string    // --fields of log commands
	part    partFlags // of log commands that read parts
	limits  readLimits
	noColor bool
	code    int // exit code of a run that ended without an error

	rowsOnly, noVerdicts bool // what the account for people leaves out

	fetched []string          // models from S3: files of this machine, each followed by its address
	named   map[string]string // what messages call an input file, where that is not its name
	remove  func()            // what a model from standard input left behind; nil if there was none

	began   time.Time
	started bool // flags and arguments were right: what fails now is no wrong usage
	// account is what the run did; counted tells that there was something to count, so that it is printed for people too.
	account features.Account
	counted bool
	stats   features.Stats // of a set that remembers flows
	// unlabelled, unless nil, is how many flows were left out because nobody labelled them.
	unlabelled *int64
	// joins, unless nil, is what became of the records of other logs that tell more about flows.
	joins *join.Stats
	// files, unless nil, is what became of the logs of a batch.
	files *filesJSON
	// formats is what the logs were read as, and what told it.
	formats []string
}

// run executes the command line and returns the exit code.
func (a *app) run(args []string) int {
	a.began = time.Now()
	stdout := &pipeWriter{w: a.stdout}
	a.stdout = stdout
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetErr(a.stderr)
	cmd, err := root.ExecuteC()
	if a.remove != nil {
		a.remove()
	}
	if err == nil {
		err = stdout.err // of what was printed without looking, such as help
	}
	if errors.Is(err, errClosedPipe) {
		err, a.counted = nil, false
	}
	code := a.code
	if err != nil {
		exit := a.exitError(cmd, err)
		fmt.Fprintf(a.stderr, "%s: %s\n", cmd.CommandPath(), strings.TrimSpace(oneLine(a.addresses(exit.Error()))))
		code = exit.code
	}
	a.printAccount()
	return code
}

// exitError makes the end of a command out of any error: those that have no code of their own are cobra's complaints about
// the command line, or failures of writing.
func (a *app) exitError(cmd *cobra.Command, err error) *exitError {
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit
	}
	if a.started {
		return &exitError{code: exitFailure, what: "write output", where: "standard output", err: err}
	}
	return &exitError{code: exitUsage, what: "usage", err: fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "threatdetect",
		Short: "Find network threats in logs with models that XGBoost or SageMaker trained",
		Long: "threatdetect reads network logs, turns them into features and scores them with an XGBoost model, bit for bit as XGBoost would.\n" +
			"It needs no network, no account and no Python.",
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "no progress bar and no account")
	flags.StringVar(&a.summary, "summary", "text", "how to print the account of the run at the end of standard error: text or json")
	flags.BoolVar(&a.noColor, "no-color", false, "no colours (also NO_COLOR); output has none at present")
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		if a.summary != "text" && a.summary != "json" {
			return usagef("--summary %q: want text or json", a.summary)
		}
		a.started = true
		return a.fetchModels(cmd, args)
	}
	root.AddCommand(
		a.scoreCommand(),
		a.batchCommand(),
		a.predictCommand(),
		a.featuresCommand(),
		a.fitCommand(),
		a.prepareCommand(),
		a.processCommand(),
		a.evaluateCommand(),
		a.inspectCommand(),
		a.convertCommand(),
		a.verifyCommand(),
		a.doctorCommand(),
		a.bundleCommand(),
		a.serveCommand(),
		a.versionCommand(),
		a.manCommand(),
	)
	root.AddCommand(a.awsCommands()...)
	root.SetOut(a.stdout) // which completion keeps when it is made
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.Args = cobra.ArbitraryArgs
		completion.RunE = func(*cobra.Command, []string) error { return usagef("want a shell: bash, zsh, fish or powershell") }
	}
	return root
}

// oneLine keeps an error on one line, whatever text of an input it quotes.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || 0x7f <= r && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

// group is a command that holds others, and tells of them.
func group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(commands...)
	return cmd
}

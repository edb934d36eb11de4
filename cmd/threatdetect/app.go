package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
)

// app is one run of the command: what it reads and writes, and the flags that every command has.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	signal    atomic.Int32 // the signal that asked for an end, 0 for none
	interrupt chan struct{}

	quiet   bool
	summary string
	noColor bool
	code    int // exit code of a run that ended without an error

	rowsOnly, noVerdicts bool // what the account for people leaves out
}

// run executes the command line and returns the exit code.
func (a *app) run(args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	cmd, err := root.ExecuteC()
	if err == nil || errors.Is(err, errClosedPipe) {
		return a.code
	}
	var exit *exitError
	if !errors.As(err, &exit) { // cobra's own complaints: unknown commands, flags and arguments
		exit = &exitError{code: exitUsage, what: "usage", err: fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
	}
	if exit.err != nil {
		fmt.Fprintf(a.stderr, "%s: %s\n", cmd.CommandPath(), strings.TrimSpace(oneLine(exit.Error())))
	}
	if exit.after != nil {
		exit.after()
	}
	return exit.code
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
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if a.summary != "text" && a.summary != "json" {
			return usagef("--summary %q: want text or json", a.summary)
		}
		return nil
	}
	root.AddCommand(a.scoreCommand(), a.predictCommand(), a.featuresCommand(), a.inspectCommand(), a.convertCommand(), a.verifyCommand(), a.bundleCommand(), a.versionCommand())
	root.InitDefaultCompletionCmd()
	return root
}

// oneLine keeps an error on one line, whatever text of an input it quotes.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"threatdetect/features"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write manual pages of all commands",
		Long:    "Man writes a page of section 1 for each command into DIR, which is made if it is not there: threatdetect.1, threatdetect-score.1 and so on.",
		Example: "  threatdetect man man1 && man ./man1/threatdetect-score.1",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o777); err != nil {
				if path, ok := errors.AsType[*fs.PathError](err); ok {
					err = path.Err
				}
				return &exitError{code: exitFailure, what: "create output", where: args[0], err: err}
			}
			return a.writeMan(cmd.Root(), args[0])
		},
	}
}

// writeMan writes the pages of a command and of those below it.
func (a *app) writeMan(cmd *cobra.Command, dir string) error {
	cmd.InitDefaultHelpFlag()
	if err := a.writeWhole(filepath.Join(dir, pageName(cmd)+".1"), []byte(manPage(cmd))); err != nil {
		return err
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			if err := a.writeMan(sub, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// exitStatus is what the page of the whole command says of how commands end.
const exitStatus = `0   done, nothing lost
1   a failure at run time
2   wrong usage
3   the model, bundle or archive was rejected
4   the input does not fit the model or contract
5   done, but records were skipped for a fault
10  --fail-on-threat was given and a flow was judged a threat
130 stopped by SIGINT; 143 by SIGTERM`

// manPage is the page of a command in the macros of man(7).
func manPage(cmd *cobra.Command) string {
	var b strings.Builder
	_, version, _ := strings.Cut(features.Library, " ")
	name := pageName(cmd)
	fmt.Fprintf(&b, ".TH %q 1 \"\" \"threatdetect %s\" \"User Commands\"\n", strings.ToUpper(name), version)
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(cmd.Short))
	section(&b, "SYNOPSIS", cmd.UseLine())
	section(&b, "DESCRIPTION", cmd.Long)
	options(&b, "OPTIONS", cmd.NonInheritedFlags())
	options(&b, "OPTIONS OF EVERY COMMAND", cmd.InheritedFlags())
	section(&b, "EXAMPLES", cmd.Example)
	var related []string
	if cmd.HasParent() {
		related = append(related, pageName(cmd.Parent()))
	} else {
		section(&b, "EXIT STATUS", exitStatus)
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			related = append(related, pageName(sub))
		}
	}
	if len(related) > 0 {
		b.WriteString(".SH SEE ALSO\n.nh\n" + roff(strings.Join(related, "(1), ")+"(1)") + "\n")
	}
	return b.String()
}

// section writes a text as it is, line by line.
func section(b *strings.Builder, title, text string) {
	if text = strings.TrimRight(text, "\n"); text != "" {
		fmt.Fprintf(b, ".SH %s\n.nf\n%s\n.fi\n", title, roff(text))
	}
}

func options(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		b.WriteString(".TP\n")
		if f.Shorthand != "" {
			b.WriteString("\\fB" + roff("-"+f.Shorthand) + "\\fR, ")
		}
		b.WriteString("\\fB" + roff("--"+f.Name) + "\\fR")
		if kind != "" {
			b.WriteString(" \\fI" + roff(kind) + "\\fR")
		}
		b.WriteString("\n" + roff(usage))
		switch f.DefValue {
		case "", "false", "0", "0s", "[]":
		default:
			b.WriteString(roff(" (default " + f.DefValue + ")"))
		}
		b.WriteString("\n")
	})
}

// roff writes a text so that it stands for itself: no letter is an escape, and no line a request.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

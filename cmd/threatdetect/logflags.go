package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"threatdetect/features"
	"threatdetect/features/auto"
)

// addLogFlags adds the flags of every command that reads logs and writes one output.
func (a *app) addLogFlags(flags *pflag.FlagSet, from, out *string, strict, showSkip *bool) {
	a.addReadFlags(flags, from, strict, showSkip)
	a.part.add(flags)
	flags.StringVarP(out, "output", "o", "", "write to this file, which appears when it is whole")
}

// addReadFlags adds those that say how logs are read.
func (a *app) addReadFlags(flags *pflag.FlagSet, from *string, strict, showSkip *bool) {
	flags.StringVar(from, "from", "auto", "log format: "+formatNames())
	flags.StringVar(&a.pointer, "pointer", "", "where in a JSON record the object of the log is, such as /zeek or /event/original, if a shipper wrapped it")
	flags.StringVar(&a.fields, "fields", "", "fields of a VPC flow log in a custom format without a header, in order: 'version account-id interface-id ...'")
	flags.BoolVar(strict, "strict", false, "end at the first record that is skipped for a fault, with exit code 4")
	a.limits.add(flags)
	flags.BoolVar(showSkip, "show-skipped", false, "print every skipped record on standard error")
}

// openLogs checks the flags of a log command. No file is opened yet.
func (a *app) openLogs(from, label string, set *features.Set, files []string) (*logs, error) {
	format, ok := auto.ParseFormat(from)
	if !ok || from == "" {
		return nil, usagef("--from %q: want one of %s", from, formatNames())
	}
	if err := a.part.check(set); err != nil {
		return nil, err
	}
	if err := a.limits.check(); err != nil {
		return nil, err
	}
	if format != auto.Unknown {
		if err := set.CheckFormat(from); err != nil {
			return nil, usagef("%w", err)
		}
		if err := a.part.checkFormat(format); err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		files = []string{"-"}
	}
	if n := count(files, "-"); n > 1 {
		return nil, usagef("standard input is named %d times", n)
	}
	return &logs{app: a, files: files, format: format, label: label, set: set}, nil
}

func formatNames() string {
	var b strings.Builder
	for _, f := range auto.Formats() {
		b.WriteString(string(f) + ", ")
	}
	return b.String() + "auto"
}

func count(list []string, s string) (n int) {
	for _, v := range list {
		if v == s {
			n++
		}
	}
	return n
}

func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.stderr, format, args...) }

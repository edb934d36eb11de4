// Command trafficgen writes a simulated Zeek conn log.
//
//	trafficgen --records 100000 --labels labels.csv -o conn.log.gz
//
// It exits with 0, with 1 when writing fails, and with 2 when it was called
// wrongly. A closed pipe is not an error: whoever reads has enough.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"threatdetect/internal/trafficgen"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// Exit statuses.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

// request is what the command line asks for.
type request struct {
	config trafficgen.Config
	writer trafficgen.WriterOptions
	labels string // file name; "" means none
	output string // file name; "" or "-" means standard output
}

func run(args []string, stdout, stderr io.Writer) int {
	req, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		report(stderr, "usage", "command line", err)
		return exitUsage
	}
	account, attacks, err := produce(req, stdout)
	var place *placeError
	switch {
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		return exitOK
	case errors.Is(err, trafficgen.ErrConfig):
		report(stderr, "usage", "command line", err)
		return exitUsage
	case errors.As(err, &place):
		report(stderr, place.what, place.where, place.err)
		return exitFailed
	case err != nil:
		report(stderr, "write", name(req.output), err)
		return exitFailed
	}
	fmt.Fprintf(stderr, "trafficgen: %s\n", sum(account, attacks))
	return exitOK
}

// report writes an error as one line: what was done, where, and why it failed.
func report(stderr io.Writer, what, where string, why error) {
	text := strings.ReplaceAll(why.Error(), "\n", " ")
	text = strings.TrimPrefix(text, "trafficgen: ")
	fmt.Fprintf(stderr, "trafficgen: %s: %s: %s\n", what, where, text)
}

// sum says in one line what was written.
func sum(a trafficgen.Account, attacks int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "flows %d, attacks %d, records %d, bytes %d", a.Flows, attacks, a.Records, a.Bytes)
	if a.Duplicates > 0 {
		fmt.Fprintf(&b, ", duplicates %d", a.Duplicates)
	}
	if a.Late > 0 {
		fmt.Fprintf(&b, ", late %d", a.Late)
	}
	for r, n := range a.Bad {
		if n > 0 {
			fmt.Fprintf(&b, ", %v %d", trafficgen.Reason(r), n)
		}
	}
	return b.String()
}

// parse reads the command line.
func parse(args []string, stderr io.Writer) (*request, error) {
	req := &request{}
	set := flag.NewFlagSet("trafficgen", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Uint64Var(&req.config.Seed, "seed", 1, "seed of the traffic, the quirks and the faults")
	set.Int64Var(&req.config.Records, "records", 0, "number of records (default 10000 without --span)")
	set.DurationVar(&req.config.Span, "span", 0, "simulated time, such as 24h")
	set.IntVar(&req.config.Hosts, "hosts", 0, "machines at the site (default: by the number of records)")
	share := set.Float64("attack-share", trafficgen.DefaultAttackShare, "share of attack records; 0 for none")
	attacks := set.String("attacks", "", "kinds of attacks, joined by commas (default all):\n"+kinds())
	start := set.String("start", "", "first activity, as 2006-01-02T15:04:05Z (default "+trafficgen.DefaultStart.Format(time.RFC3339)+")")
	format := set.String("format", "tsv", "tsv, json or eve")
	quirks := set.String("quirks", "", "properties of real logs, joined by commas, or all; -NAME takes one away:\n"+
		strings.Join(trafficgen.QuirkNames(), " "))
	set.Float64Var(&req.writer.FaultRate, "faults", 0, "chance of a bad line after each record, 0 to 1")
	reasons := set.String("fault-kinds", "", "kinds of bad lines, joined by commas (default all):\ntoo_long truncated malformed fields missing number address time")
	set.StringVar(&req.labels, "labels", "", "file for the labels as CSV: uid,label,detailed-label")
	set.StringVar(&req.output, "o", "", "output file; gzip when it ends in .gz (default standard output)")
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "usage: trafficgen [flags]")
			set.SetOutput(stderr)
			set.PrintDefaults()
		}
		return nil, err
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}

	var err error
	if req.config.Records == 0 && req.config.Span == 0 {
		req.config.Records = 10_000
	}
	if req.config.AttackShare = *share; *share == 0 {
		req.config.NoAttacks = true
	}
	if *attacks != "" {
		for text := range strings.SplitSeq(*attacks, ",") {
			kind, err := trafficgen.ParseKind(strings.TrimSpace(text))
			if err != nil {
				return nil, err
			}
			req.config.Attacks = append(req.config.Attacks, kind)
		}
	}
	if *start != "" {
		if req.config.Start, err = time.Parse(time.RFC3339, *start); err != nil {
			return nil, fmt.Errorf("start %q is not a time like 2024-03-04T07:00:00Z", *start)
		}
	}
	if req.writer.Format, err = trafficgen.ParseFormat(*format); err != nil {
		return nil, err
	}
	if req.writer.Quirks, err = trafficgen.ParseQuirks(*quirks); err != nil {
		return nil, err
	}
	if *reasons != "" {
		for text := range strings.SplitSeq(*reasons, ",") {
			reason, err := trafficgen.ParseReason(strings.TrimSpace(text))
			if err != nil {
				return nil, err
			}
			req.writer.Faults = append(req.writer.Faults, reason)
		}
	}
	req.writer.Seed = req.config.Seed
	return req, nil
}

func kinds() string {
	var names []string
	for _, k := range trafficgen.Attacks() {
		names = append(names, k.String())
	}
	return strings.Join(names, " ")
}

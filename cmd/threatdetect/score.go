package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/spf13/cobra"

	"threatdetect/features"
	"threatdetect/inference/detect"
	"threatdetect/internal/decimal"
	"threatdetect/model"
)

type scoreFlags struct {
	trust                   trustFlags
	bundle, model, contract string
	from, to, out           string
	threshold               string
	all, strict, showSkip   bool
	failOnThreat            bool
	explain                 int
	state                   stateFlags
	contributions           bool // the command explains rows by itself
}

func (a *app) scoreCommand() *cobra.Command {
	var f scoreFlags
	cmd := &cobra.Command{
		Use:   "score --bundle BUNDLE [flags] [FILE...]",
		Short: "Judge the flows of a log with a model and its contract",
		Long: "Score prints a record for every flow that is judged a threat (with --all for every flow), in input order; with a set\n" +
			"of features that remembers flows, such as flow-context/1, in order of the ends of the flows.\n" +
			"Where the contract has a calibration (evaluate --calibrate), a record has the probability of an attack beside the score.\n" +
			"Without a FILE, or for -, it reads standard input. Inputs may be plain, gzip or zstd.",
		Example: "  threatdetect score --bundle model.tar.gz conn.log\n  zcat conn.*.log.gz | threatdetect score --bundle model.tar.gz --all --to csv -",
		RunE:    func(_ *cobra.Command, args []string) error { return a.score(&f, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.bundle, "bundle", "", "model.tar.gz with a contract inside")
	flags.StringVar(&f.model, "model", "", "model file of any kind, together with --contract")
	flags.StringVar(&f.contract, "contract", "", "contract file for --model")
	f.trust.add(flags)
	f.state.add(flags)
	a.addLogFlags(flags, &f.from, &f.out, &f.strict, &f.showSkip)
	flags.StringVar(&f.to, "to", "ndjson", "output format: ndjson, csv, eve, ecs, ocsf or zeek")
	flags.StringVar(&f.threshold, "threshold", "", "score from which on a flow is a threat, instead of the contract's")
	flags.BoolVar(&f.all, "all", false, "print every flow, not only threats")
	flags.IntVar(&f.explain, "explain", 0, "add the N features that contribute most to the margin, one way or the other")
	flags.BoolVar(&f.failOnThreat, "fail-on-threat", false, "exit with 10 if a flow is judged a threat, also where records were skipped")
	return cmd
}

func (a *app) score(f *scoreFlags, files []string) error {
	if f.explain < 0 {
		return usagef("--explain %d: want 0 or more", f.explain)
	}
	d, err := f.detector()
	if err != nil {
		return err
	}
	set, err := features.LookupSet(d.Set())
	if err != nil {
		return err
	}
	if err := f.state.check(set); err != nil {
		return err
	}
	time.AfterFunc(afterStart, forgetStart) // a pipe from a sensor never ends
	return a.readLogs(f.from, "", set, files, f.out, f.strict, f.showSkip, func(l *logs, out *output) (logWork, error) {
		w, err := detect.NewWriter(out, f.to, d)
		if err != nil {
			return logWork{}, usagef("--to: %w", err)
		}
		options := f.state.options(a, set)
		stream := d.StreamWith(options)
		if err := f.state.restore(a, func(r io.Reader) (err error) { stream, err = d.Restore(r, options); return err }); err != nil {
			return logWork{}, err
		}
		block := stream.Block(0)
		due := func() error {
			for {
				v, ok, err := block.Next()
				if !ok {
					return err
				}
				a.account.Rows++
				if v.Threat {
					a.account.Threats++
				}
				if v.Threat || f.all {
					if err := w.Write(v); err != nil {
						return err
					}
				}
			}
		}
		return logWork{
			flow: func(flow *features.Flow) error {
				if err := block.Push(flow); err != nil {
					return inputError(l.file, err)
				}
				return due()
			},
			rest: func() error {
				if f.state.finishes() {
					block.Finish()
				}
				block.Flush()
				return due()
			},
			save: func() error {
				a.stats = block.Stats()
				return f.state.save(block.Save)
			},
			flush: func() error {
				block.Flush()
				if err := due(); err != nil {
					return err
				}
				return w.Flush()
			},
			end: func() int {
				if f.failOnThreat && a.account.Threats > 0 {
					return exitThreat
				}
				return 0
			},
		}, nil
	})
}

// detector loads what the flags name.
func (f *scoreFlags) detector() (*detect.Detector, error) {
	load, err := f.trust.options()
	if err != nil {
		return nil, err
	}
	opts := &detect.Options{Explain: f.explain, Contributions: f.contributions, Load: load}
	if f.threshold != "" {
		t, ok := decimal.Real([]byte(f.threshold))
		if !ok || math.IsInf(float64(float32(t)), 0) {
			return nil, usagef("--threshold %q: want a number", f.threshold)
		}
		t32 := float32(t)
		opts.Threshold = &t32
	}
	switch {
	case f.bundle != "" && f.model == "" && f.contract == "":
		d, err := detect.Open(f.bundle, opts)
		if err != nil {
			return nil, modelError(f.bundle, err)
		}
		return d, nil
	case f.bundle == "" && f.model != "" && f.contract != "":
		b, err := model.Open(f.model, load)
		if err != nil {
			return nil, modelError(f.model, err)
		}
		text, err := os.ReadFile(f.contract)
		if err != nil {
			return nil, modelError(f.contract, err)
		}
		c, err := features.ParseContract(text)
		if err != nil {
			return nil, modelError(f.contract, err)
		}
		d, err := detect.New(b, c, opts)
		if err != nil {
			return nil, modelError(f.model, err)
		}
		return d, nil
	case f.bundle == "" && f.model != "":
		return nil, usagef("a log needs --contract FILE with --model; a model with its contract inside is a --bundle")
	case f.bundle == "":
		return nil, usagef("want --bundle BUNDLE, or --model MODEL with --contract FILE")
	}
	return nil, usagef("--bundle goes with neither --model nor --contract: the bundle has both")
}

// logWork is what a command does with the flows of its logs.
type logWork struct {
	flow  func(*features.Flow) error
	rest  func() error // at the end of the input, whole or not: what is still to come out
	flush func() error // what is buffered ahead of the output
	end   func() int   // exit code of a run that did everything; may be nil
	save  func() error // what the next run needs, once the output of this one is whole; may be nil
}

// readLogs runs work over the flows of files: it counts every record, shows progress, prints the account, and finds the
// exit code.
func (a *app) readLogs(from, label string, set *features.Set, files []string, outName string, strict, showSkip bool,
	start func(*logs, *output) (logWork, error)) error {
	l, err := a.openLogs(from, label, set, files)
	if err != nil {
		return err
	}
	if !strict && !showSkip {
		l.passed = new(skips)
	}
	out, err := a.createOutput(outName)
	if err != nil {
		return err
	}
	work, err := start(l, out)
	if err != nil {
		out.discard()
		return err
	}
	l.bar = a.newProgress("reading", totalSize(l.files))
	l.idle = func() {
		if work.flush() == nil {
			out.Flush()
		}
	}
	a.counted = true
	for flow, err2 := range l.flows() {
		if err = a.account.Add(flow, err2); err != nil {
			break
		}
		if err2 == nil {
			if err = work.flow(flow); err != nil {
				err, work.rest = out.failed(err), nil
				break
			}
			continue
		}
		if err = a.skipped(l, err2, strict, showSkip); err != nil {
			break
		}
	}
	l.passed.to(&a.account)
	l.bar.stop()
	return a.endLogs(l, out, work, err)
}

// skipped deals with a record that became no flow: it is printed, or the end of the command, or neither.
func (a *app) skipped(l *logs, err error, strict, show bool) error {
	record, _ := recordError(err)
	fatal := strict && !record.Reason.Lossless()
	if !fatal && !show {
		return nil
	}
	where, bare := fmt.Sprintf("%s:%d", cmp.Or(record.Log, l.file), record.Line), *record
	bare.Line = 0
	if fatal {
		return &exitError{code: exitInput, what: "read input", where: where, err: &bare}
	}
	l.bar.stop()
	a.printf("skipped %s: %s: %s\n", where, record.Reason, oneLine(bare.Error()))
	return nil
}

// endLogs writes out what is left and settles the exit code. A file appears only if the run came to its end; standard output
// has what was written before a failure.
func (a *app) endLogs(l *logs, out *output, work logWork, err error) error {
	if err == nil && a.account.Unreadable() && !a.part.given() { // a part may well hold nothing but the few bad records of a log
		err = l.unreadable()
	}
	if work.rest != nil {
		if err2 := work.rest(); err2 != nil && err == nil {
			err = out.failed(err2)
		}
	}
	if err2 := work.flush(); err2 != nil && err == nil {
		err = out.failed(err2)
	}
	if err2 := out.end(err == nil); err2 != nil && (err == nil || errors.Is(err2, errClosedPipe)) {
		err = err2
	}
	if err != nil {
		return err
	}
	if work.save != nil {
		if err := work.save(); err != nil {
			return err
		}
	}
	if a.account.Lost() > 0 {
		a.code = exitSkipped
	}
	if work.end != nil {
		if code := work.end(); code != 0 {
			a.code = code
		}
	}
	return nil
}

package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"threatdetect/features"
	"threatdetect/features/auto"
)

// partFlags are for an input that is a part of a log, as a cluster splits one: the rest of it is read elsewhere.
type partFlags struct {
	part   bool
	header string // file with the header that only the first part has
}

func (p *partFlags) add(flags *pflag.FlagSet) {
	flags.BoolVar(&p.part, "part", false, "the input is a part of a log whose other parts are read elsewhere: refuse sets and formats that need the whole")
	flags.StringVar(&p.header, "header", "", "the input is such a part, and the header of the log, which it may lack, is at the beginning of this file: that of Zeek TSV, CSV")
}

func (p *partFlags) given() bool { return p.part || p.header != "" }

// check refuses sets whose rows depend on more than one record.
func (p *partFlags) check(set *features.Set) error {
	if !p.given() {
		return nil
	}
	if set.Stateful {
		return usagef("a part of a log: set %s remembers flows, so its rows depend on the flows of the other parts; score the log as one stream, or per host in order of time", set.Name)
	}
	return nil
}

// checkFormat refuses formats of whose records several make a flow.
func (p *partFlags) checkFormat(f auto.Format) error {
	if p.given() && (f == auto.VPCFlow || f == auto.NetFlow) {
		return usagef("a part of a log: a flow of a %s log is made of several records, which may be in other parts; read the log as one stream", f)
	}
	return nil
}

// readHeader reads the header of the log that the inputs are parts of, after which parts without one can be read.
func (l *logs) readHeader(name string) error {
	if name == "" {
		return nil
	}
	r, err := l.app.open(name, nil, nil)
	if err != nil {
		return err
	}
	defer r.Close()
	format := auto.Unknown
	opts := &auto.Options{Format: l.format, Label: l.label, Parts: &l.parts, OnFormat: func(f auto.Format, _ string) { format = f }}
	for _, err := range auto.Read(r, opts) {
		if err != nil && !isRecordError(err) {
			l.file = name
			return l.wrap(err)
		}
		break // whatever comes behind the header is not wanted
	}
	if format == auto.Unknown {
		return inputError(name, fmt.Errorf("%w: there is no header of a log", features.ErrFormat))
	}
	l.format = format // a line of the log tells less than its header
	return nil
}

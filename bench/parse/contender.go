package main

import (
	"iter"
	"runtime/debug"
	"strings"

	"threatdetect/features"
)

// contender is a reader and the module that it comes from.
type contender struct {
	title, module string
	read          reader
	rows          rower // nil if it makes none
}

// reader reads a whole log.
type reader func(log []byte) (sum, error)

// rower makes rows of flow-portable/1 of a whole log, and gives each.
type rower func(log []byte, give func(row []float32)) error

// source gives the records of a log, as a library decodes them.
type source[T any] func(log []byte, each func(*T) error) error

func summed[T any](records source[T], add func(*sum, *T)) reader {
	return func(log []byte) (s sum, err error) {
		err = records(log, func(record *T) error {
			add(&s, record)
			return nil
		})
		return s, err
	}
}

// rowed makes rows of what a library decodes. What makes a flow of a record is our own code for all of them, so that they differ in the JSON alone; it
// returns nil for what is no flow.
func rowed[T any](records source[T], newMaker func() func(*T) (*features.Flow, error)) rower {
	return func(log []byte, give func([]float32)) error {
		flow, x := newMaker(), portable.Extractor()
		var row []float32
		return records(log, func(record *T) error {
			f, err := flow(record)
			if f == nil || err != nil {
				return err
			}
			if row, err = x.AppendRow(row[:0], f); err == nil {
				give(row)
			}
			return err
		})
	}
}

// flowsOf are the flows of a log, as one of our readers gives them.
type flowsOf func(log []byte) iter.Seq2[*features.Flow, error]

// oursSum reads flows, with their addresses, times and flags.
func oursSum(read flowsOf) reader {
	return func(log []byte) (s sum, err error) {
		for f, err := range read(log) {
			if err != nil {
				if !isRecord(err) {
					return s, err
				}
				continue
			}
			s.add(uint64(f.SrcPort)+uint64(f.DstPort), f.FwdPkts+f.RevPkts)
		}
		return s, nil
	}
}

func oursRows(read flowsOf) rower {
	return func(log []byte, give func([]float32)) error {
		x := portable.Extractor()
		var row []float32
		for f, err := range read(log) {
			if err != nil {
				if !isRecord(err) {
					return err
				}
				continue
			}
			if row, err = x.AppendRow(row[:0], f); err != nil {
				return err
			}
			give(row)
		}
		return nil
	}
}

var portable = func() *features.Pipeline {
	set, err := features.LookupSet("flow-portable/1")
	if err != nil {
		panic(err)
	}
	p, err := features.NewPipeline(set)
	if err != nil {
		panic(err)
	}
	return p
}()

// label is the title with the version of the module.
func (c *contender) label() string {
	if info, ok := debug.ReadBuildInfo(); ok && strings.Contains(c.module, ".") {
		for _, m := range info.Deps {
			if m.Path == c.module {
				return c.title + " " + m.Version
			}
		}
	}
	return c.title
}

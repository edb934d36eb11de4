package main

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"

	"threatdetect/features"
	"threatdetect/features/eve"
	"threatdetect/features/zeek"
	"threatdetect/inference/detect"
)

// stage is a part of the way from a line to its verdict, or all of it.
type stage struct {
	title string
	flows int        // of one run
	marks [2]float64 // of what show makes of the time: accept and aim
	run   func() error
	note  string
}

type format struct {
	title string
	flows flowsOf
	marks [2]float64 // verdicts a second
}

// formats are those of inputs.
var formats = []format{
	{"EVE", readEVE, [2]float64{250e3, 500e3}},
	{"Zeek TSV", readZeek, [2]float64{800e3, 1.5e6}},
	{"Zeek JSON", readZeek, [2]float64{}},
}

func readEVE(log []byte) iter.Seq2[*features.Flow, error] { return eve.Read(bytes.NewReader(log), nil) }

func readZeek(log []byte) iter.Seq2[*features.Flow, error] {
	return zeek.Read(bytes.NewReader(log), nil)
}

// keepFlows returns the flows of a log in memory, again and again, each time later than the last, until there are n of them.
func keepFlows(f format, log []byte, n int) ([]*features.Flow, error) {
	var flows []*features.Flow
	for flow, err := range f.flows(log) {
		if err == nil {
			flows = append(flows, flow.Clone())
		} else if !isRecord(err) {
			return nil, err
		}
	}
	slices.SortStableFunc(flows, func(a, b *features.Flow) int { return int(max(-1, min(1, a.End()-b.End()))) })
	first, last := flows[0].Start, flows[len(flows)-1].End()
	for _, flow := range flows {
		first = min(first, flow.Start)
	}
	for i := 0; len(flows) < n; i++ {
		c := flows[i].Clone()
		c.Start += last - first
		flows = append(flows, c)
	}
	return flows, nil
}

// rowStages make rows of flows that were read before.
func rowStages(f format, log []byte) ([]stage, error) {
	flows, err := keepFlows(f, log, 20_000)
	if err != nil {
		return nil, err
	}
	var stages []stage
	for _, set := range []struct {
		name  string
		marks [2]float64
	}{{"flow-portable/1", [2]float64{300, 150}}, {"flow-context/1", [2]float64{3000, 1500}}} {
		known, err := features.LookupSet(set.name)
		if err != nil {
			return nil, err
		}
		p, err := features.NewPipeline(known)
		if err != nil {
			return nil, err
		}
		recent := len(flows)
		if !p.Stateful() {
			recent = 500 // the same ones again and again: a flow that was just read is in the cache
		}
		stages = append(stages, stage{title: set.name + ", flows of " + f.title, flows: len(flows), marks: set.marks, run: func() error {
			x, rows := p.Extractor(), 0
			for i := range flows {
				if err := x.Push(flows[i%recent]); err != nil {
					return err
				}
				for _, ok := x.Next(); ok; _, ok = x.Next() {
					rows++
				}
			}
			x.Finish()
			for _, ok := x.Next(); ok; _, ok = x.Next() {
				rows++
			}
			if rows != len(flows) {
				return fmt.Errorf("%s: %d rows of %d flows", set.name, rows, len(flows))
			}
			return nil
		}})
	}
	return stages, nil
}

// verdictStages go from lines to verdicts, as the command does: flows are judged in blocks, and threats are written.
func verdictStages(f format, log []byte, d *detect.Detector) (judge, read stage, err error) {
	verdicts, threats := 0, 0
	judge = stage{title: f.title, marks: f.marks, run: func() error {
		verdicts, threats = 0, 0
		w, err := detect.NewWriter(io.Discard, "ndjson", d)
		if err != nil {
			return err
		}
		b := d.Stream().Block(0)
		due := func() error {
			for {
				v, ok, err := b.Next()
				if !ok {
					return err
				}
				if verdicts++; v.Threat {
					threats++
					if err := w.Write(v); err != nil {
						return err
					}
				}
			}
		}
		for flow, err := range f.flows(log) {
			if err != nil {
				if isRecord(err) {
					continue
				}
				return err
			}
			if err := b.Push(flow); err != nil {
				return err
			}
			if err := due(); err != nil {
				return err
			}
		}
		b.Flush()
		if err := due(); err != nil {
			return err
		}
		return w.Flush()
	}}
	if err := judge.run(); err != nil {
		return judge, read, err
	}
	judge.flows, judge.note = verdicts, fmt.Sprintf("%.0f %%", 100*float64(threats)/float64(verdicts))
	read = stage{title: f.title, flows: verdicts, run: func() error {
		for _, err := range f.flows(log) {
			if err != nil && !isRecord(err) {
				return err
			}
		}
		return nil
	}}
	return judge, read, nil
}

// times lets all stages run once in each round, and returns the nanoseconds a flow of each in each round.
func times(stages []stage, rounds int) ([][]float64, error) {
	took := make([][]float64, len(stages))
	for round := range rounds + 1 {
		for k := range stages {
			i := k
			if round%2 == 1 {
				i = len(stages) - 1 - k
			}
			runtime.GC()
			began := processTime()
			if err := stages[i].run(); err != nil {
				return nil, fmt.Errorf("%s: %w", stages[i].title, err)
			}
			if round > 0 { // the first one only warms up
				took[i] = append(took[i], float64(processTime()-began)/float64(stages[i].flows))
			}
		}
	}
	return took, nil
}

// measureSets writes what making a row costs.
func measureSets(r *report, logs [][]byte) error {
	var stages []stage
	for i, f := range formats[:2] {
		more, err := rowStages(f, logs[i])
		if err != nil {
			return err
		}
		stages = append(stages, more...)
	}
	took, err := times(stages, r.rounds)
	if err != nil {
		return err
	}
	r.page.WriteString("\n## Rows, of flows that were read before\n\nThe real logs, again and again up to 20,000 flows, each time later than the last; for a set that remembers nothing, their first 500 flows.\n\n" +
		"| set | ns/flow | best round |\n|---|---:|---:|\n")
	for i, s := range stages {
		fmt.Fprintf(&r.page, "| %s | %.0f | %.0f |\n", s.title, median(took[i]), slices.Min(took[i]))
	}
	for i, s := range stages {
		fmt.Fprintf(&r.page, "\n%s:\n", s.title)
		limits, err := r.profile(s.run)
		if err != nil {
			return err
		}
		r.mark(s.title+", ns", s.marks, [2]float64{median(took[i]), slices.Min(took[i])}, limits)
	}
	return nil
}

// measureVerdicts writes what the whole way costs, beside reading alone.
func measureVerdicts(r *report, logs [][]byte, bundle string) error {
	d, err := detect.Open(bundle, nil)
	if err != nil {
		return err
	}
	var stages []stage
	for i, f := range formats {
		judge, read, err := verdictStages(f, logs[i], d)
		if err != nil {
			return err
		}
		stages = append(stages, judge, read)
	}
	took, err := times(stages, r.rounds)
	if err != nil {
		return err
	}
	r.page.WriteString("\n## From line to verdict\n\nThe demo model, [testdata/demo](../testdata/demo/README.md): lines are read, rows made and scored in blocks of 256, and threats " +
		"written as NDJSON, on one core. Events of EVE that are no flows are read, too, but do not count. That model is of a simulated network: what it takes for a threat here means nothing but that it is written.\n\n" +
		"| log | verdicts/s | best round | ns/flow | of them for reading | threats |\n|---|---:|---:|---:|---:|---:|\n")
	for i := 0; i < len(stages); i += 2 {
		s := stages[i]
		fmt.Fprintf(&r.page, "| %s | %.0f | %.0f | %.0f | %.0f | %s |\n", s.title, 1e9/median(took[i]), 1e9/slices.Min(took[i]), median(took[i]), median(took[i+1]), s.note)
	}
	for i := 0; i < len(stages); i += 2 {
		s := stages[i]
		if s.marks[0] == 0 {
			continue
		}
		fmt.Fprintf(&r.page, "\n%s:\n", s.title)
		limits, err := r.profile(s.run)
		if err != nil {
			return err
		}
		r.mark(s.title+", from line to verdict, records/s", s.marks, [2]float64{1e9 / median(took[i]), 1e9 / slices.Min(took[i])}, limits)
	}
	return nil
}

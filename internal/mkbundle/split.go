package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/features/zeek"
	"threatdetect/internal/logio"
)

// split cuts a labelled Zeek TSV log by the time at which its connections began. Records that nobody labelled are
// left out of both parts.
type split struct {
	at          float64
	train, test string
}

func (s *split) run(name string) error {
	lines, flows, err := readLabelled(name)
	if err != nil {
		return err
	}
	var starts []int64
	for _, f := range flows {
		if f.known {
			starts = append(starts, f.start)
		}
	}
	if len(starts) == 0 {
		return fmt.Errorf("%s: no labelled record", name)
	}
	slices.Sort(starts)
	cut := starts[min(int(float64(len(starts))*s.at), len(starts)-1)]
	train, test := new(strings.Builder), new(strings.Builder)
	var trained, tested int
	for i, line := range lines {
		f, isRecord := flows[i]
		switch {
		case !isRecord:
			train.WriteString(line)
			test.WriteString(line)
		case !f.known:
		case f.start < cut:
			train.WriteString(line)
			trained++
		default:
			test.WriteString(line)
			tested++
		}
	}
	if err := os.WriteFile(s.train, []byte(train.String()), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: %d records train, %d later ones test, %d unlabelled ones left out\n", name, trained, tested, len(flows)-trained-tested)
	return os.WriteFile(s.test, []byte(test.String()), 0o644)
}

type labelledFlow struct {
	start int64
	known bool // somebody labelled it
}

// readLabelled returns the lines of a log, ends included, and of those that are records (by index) what is needed.
func readLabelled(name string) ([]string, map[int]labelledFlow, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	r := logio.NewReader(f)
	defer r.Close()
	var lines []string
	for in := bufio.NewReader(r); ; {
		line, err := in.ReadString('\n')
		if line != "" {
			lines = append(lines, line)
		}
		if err != nil {
			break
		}
	}
	flows := make(map[int]labelledFlow)
	at := 0
	for flow, err := range zeek.Read(strings.NewReader(strings.Join(lines, "")), &zeek.Options{Label: "label"}) {
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		for strings.HasPrefix(lines[at], "#") {
			at++
		}
		flows[at] = labelledFlow{flow.Start, flow.Label != features.Unlabelled}
		at++
	}
	return lines, flows, nil
}

// labelledRows returns the rows of a set for the records of logs, one behind the other, and which are attacks.
func labelledRows(p *features.Pipeline, names []string) (rows []float32, attack []bool, from, to int64, err error) {
	x := p.Extractor()
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, 0, 0, err
		}
		defer f.Close()
		for flow, err := range auto.Read(f, &auto.Options{Label: "label"}) {
			if err == nil && flow.Label == features.Unlabelled {
				err = errors.New("a record without a label")
			}
			if err != nil {
				return nil, nil, 0, 0, fmt.Errorf("%s: %w", name, err)
			}
			if rows, err = x.AppendRow(rows, flow); err != nil {
				return nil, nil, 0, 0, err
			}
			attack = append(attack, flow.Label == features.Attack)
			if len(attack) == 1 {
				from, to = flow.Start, flow.Start
			}
			from, to = min(from, flow.Start), max(to, flow.End())
		}
	}
	return rows, attack, from, to, nil
}

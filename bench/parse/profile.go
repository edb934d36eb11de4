package main

import (
	"bytes"
	"fmt"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

const (
	profiled = 2 * time.Second // of processor time that a profile is taken of
	topLines = 10
)

// profileOf says in which functions run spends its time, in a table of the topmost ones.
func profileOf(run func() error) (string, error) {
	var raw bytes.Buffer
	if err := pprof.StartCPUProfile(&raw); err != nil {
		return "", err
	}
	for began := processTime(); processTime()-began < profiled; {
		if err := run(); err != nil {
			pprof.StopCPUProfile()
			return "", err
		}
	}
	pprof.StopCPUProfile()
	p, err := profile.Parse(&raw)
	if err != nil {
		return "", err
	}
	flat := make(map[string]int64)
	total := int64(0)
	for _, s := range p.Sample {
		total += s.Value[0]
		flat[innermost(s)] += s.Value[0]
	}
	names := make([]string, 0, len(flat))
	for name := range flat {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := flat[b] - flat[a]; d != 0 {
			return int(max(-1, min(1, d)))
		}
		return strings.Compare(a, b)
	})
	var b strings.Builder
	fmt.Fprintf(&b, "\nWhere ours spends its time, by a profile of %d samples; functions that were put into others stand for themselves:\n\n| function | share |\n|---|---:|\n", total)
	shown := int64(0)
	for _, name := range names[:min(len(names), topLines)] {
		fmt.Fprintf(&b, "| `%s` | %.0f %% |\n", strings.TrimPrefix(name, "threatdetect/"), 100*float64(flat[name])/float64(total))
		shown += flat[name]
	}
	fmt.Fprintf(&b, "| the others | %.0f %% |\n", 100*float64(total-shown)/float64(max(1, total)))
	return b.String(), nil
}

// innermost is the function that a sample was taken in: not the one that Go's scheduler makes it call.
func innermost(s *profile.Sample) string {
	for _, location := range s.Location {
		for _, line := range location.Line { // the first one is that of the function which was put into the next
			if name := line.Function.Name; name != "runtime.asyncPreempt" {
				return name
			}
		}
	}
	return "unknown"
}

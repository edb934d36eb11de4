package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"runtime/pprof"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

const topLines = 10

// profile writes in which functions run spends its time, in a table of the topmost ones, and returns in which parts of the program.
func (r *report) profile(run func() error) (parts string, err error) {
	var raw bytes.Buffer
	if err := pprof.StartCPUProfile(&raw); err != nil {
		return "", err
	}
	for began := processTime(); processTime()-began < r.long; {
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
	inPart := make(map[string]int64)
	total := int64(0)
	for _, s := range p.Sample {
		total += s.Value[0]
		flat[innermost(s)] += s.Value[0]
		inPart[partOf(innermost(s))] += s.Value[0]
	}
	names := byShare(flat)
	fmt.Fprintf(&r.page, "\nWhere ours spends its time, by a profile of %d samples; functions that were put into others stand for themselves:\n\n| function | share |\n|---|---:|\n", total)
	shown := int64(0)
	for _, name := range names[:min(len(names), topLines)] {
		fmt.Fprintf(&r.page, "| `%s` | %.0f %% |\n", strings.TrimPrefix(name, "threatdetect/"), 100*float64(flat[name])/float64(total))
		shown += flat[name]
	}
	fmt.Fprintf(&r.page, "| the others | %.0f %% |\n", 100*float64(total-shown)/float64(max(1, total)))
	var shares []string
	for _, name := range byShare(inPart) {
		if share := 100 * float64(inPart[name]) / float64(total); share >= 4 {
			shares = append(shares, fmt.Sprintf("%s %.0f %%", name, share))
		}
	}
	return strings.Join(shares, ", "), nil
}

// byShare are the names, that of the largest number first.
func byShare(of map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		if of[a] != of[b] {
			return cmp.Compare(of[b], of[a])
		}
		return strings.Compare(a, b)
	})
}

// partOf is the part of the program that a function belongs to.
func partOf(function string) string {
	for _, p := range [...]struct{ prefix, part string }{
		{"threatdetect/internal/jsonscan.", "members of JSON"},
		{"threatdetect/internal/fieldscan.", "bytes, by vector instructions"},
		{"threatdetect/internal/rowscan.", "rows of TSV, by vector instructions"},
		{"threatdetect/internal/logio.", "lines"},
		{"threatdetect/internal/decimal.", "numbers, times, addresses and names"},
		{"threatdetect/internal/datetime.", "numbers, times, addresses and names"},
		{"threatdetect/internal/ipaddr.", "numbers, times, addresses and names"},
		{"threatdetect/internal/naming.", "numbers, times, addresses and names"},
		{"threatdetect/features/", "flows of records"},
		{"threatdetect/features.", "rows, and copies of flows"},
		{"threatdetect/internal/sketch.", "rows, and copies of flows"},
		{"threatdetect/internal/kernel.", "trees"},
		{"threatdetect/internal/forest.", "trees"},
		{"threatdetect/inference", "judging and writing"},
		{"runtime.memmove", "copying memory"},
		{"runtime.mem", "clearing and comparing memory"},
		{"memeqbody", "clearing and comparing memory"},
		{"indexbytebody", "lines"},
		{"runtime.", "the runtime"},
	} {
		if strings.HasPrefix(function, p.prefix) {
			return p.part
		}
	}
	return "others"
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

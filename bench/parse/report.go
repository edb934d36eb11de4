package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// report is the page: marks come first, and are known last.
type report struct {
	rounds int
	long   time.Duration // of processor time that a profile is taken of
	page   strings.Builder
	marks  []mark
}

// mark is what should be reached, and was.
type mark struct {
	what        string
	accept, aim float64 // less is better if aim is less
	got         [2]float64
	limits      string
}

// mark notes what was reached: in the median and in the best round.
func (r *report) mark(what string, marks, got [2]float64, limits string) {
	r.marks = append(r.marks, mark{what, marks[0], marks[1], got, limits})
}

func (m *mark) reached() string {
	sign := 1.0
	if m.aim < m.accept {
		sign = -1
	}
	of := func(x float64) string {
		switch {
		case sign*x >= sign*m.aim:
			return "aim"
		case sign*x >= sign*m.accept:
			return "accept"
		}
		return "no"
	}
	median, best := of(m.got[0]), of(m.got[1])
	if m.accept == m.aim {
		median, best = strings.ReplaceAll(median, "aim", "yes"), strings.ReplaceAll(best, "aim", "yes")
	}
	if median == best {
		return median
	}
	return median + ", " + best + " in the best round"
}

func (r *report) markTable() string {
	var b strings.Builder
	b.WriteString("\n## What was to be reached, and what limits it\n\nThe last column is of profiles, of which the sections below have the functions: in which part of the program the time is spent.\n\n" +
		"| what | accept/aim | median | best round | reached | where the time goes |\n|---|---:|---:|---:|---|---|\n")
	for _, m := range r.marks {
		wanted := fmt.Sprintf("%s/%s", number(m.accept), number(m.aim))
		if m.accept == m.aim {
			wanted = number(m.accept)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", m.what, wanted, number(m.got[0]), number(m.got[1]), m.reached(), m.limits)
	}
	b.WriteString(limits)
	return b.String()
}

// limits is what the profiles mean.
const limits = `
**JSON** is limited by finding out where members begin and end: each key and each value is looked at in turn, as where one begins depends on where the last one ended. All bytes are looked at, also those of members that nobody asked for, since a
broken record is to be refused. A log of known shape is read by what its last record looked like, so that a key costs a comparison. **TSV** is limited by the passes over the bytes with vector instructions, which find separators and convert numbers
of many rows at a time, and by what makes flows of texts. **flow-portable/1** is 70 cells, each written once: divisions, roundings and stores. **flow-context/1** keeps a flow until those that began before it have come, so it copies flows and looks windows
up in memory that is in no near cache. **From line to verdict** EVE takes most of its time for reading, TSV about half; the rest are rows, copies of flows into blocks, and trees.
`

// number writes a number with three digits, or all those before the point.
func number(x float64) string {
	switch {
	case x >= 100 || x == float64(int(x)):
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

func headOf(rounds, size int) string {
	cpu := "unknown CPU"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range bytes.Lines(text) {
			if key, value, _ := bytes.Cut(line, []byte{':'}); string(bytes.TrimSpace(key)) == "model name" {
				cpu = string(bytes.TrimSpace(value))
			}
		}
	}
	load, _ := os.ReadFile("/proc/loadavg") // tells of other work on the machine
	return fmt.Sprintf("# Readers of logs beside others\n\nWritten by `go run -C bench ./parse -rounds %d -mb %d -o ../docs/benchmarks-parse.md`. Nothing here is edited by hand.\n\n"+
		"%s, commit %s, %s, %s; load average %s. One thread with its garbage collector, medians of %d interleaved rounds of %d MB in memory; "+
		"time is that of the processor, which other work on the machine makes longer by a half and more: the best round is the one that was disturbed least. Before the clock starts, every reader must find the same flows, ports and packets. "+
		"Ours makes a flow of each record, with addresses, times and flags; the others leave these as text, but where rows are made. Some do not notice that a part of "+
		"the record that nobody asked for is broken, which is faster.\n",
		rounds, size, time.Now().UTC().Format("2006-01-02 15:04 MST"), commit(), cpu, runtime.Version(), strings.Join(strings.Fields(string(load))[:min(3, len(strings.Fields(string(load))))], " "), rounds, size)
}

// commit is that of the code, and says if it is not what is committed.
func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	name := strings.TrimSpace(string(out))
	if changed, err := exec.Command("git", "status", "--porcelain", "--untracked-files=no", "--", ":(top)", ":(top,exclude)docs").Output(); err != nil || len(changed) > 0 {
		name += " with changes"
	}
	return name
}

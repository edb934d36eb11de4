package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// print writes the page to standard output, or to dir with its plots.
func (res *results) print(dir string) error {
	if dir == "" {
		return res.write(os.Stdout)
	}
	return res.publish(dir)
}

// publish writes benchmarks.md and a plot for each model.
func (res *results) publish(dir string) error {
	var page bytes.Buffer
	if err := res.write(&page); err != nil {
		return err
	}
	for _, m := range res.Models {
		if err := res.plot(m, filepath.Join(dir, plotName(m))); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "benchmarks.md"), page.Bytes(), 0o644)
}

func plotName(model string) string { return "benchmarks-" + model + ".svg" }

// write writes the page.
func (res *results) write(out io.Writer) error {
	var b strings.Builder
	res.writeHead(&b)
	res.writeTargets(&b)
	b.WriteString("\n## Times\n\nNanoseconds of processor time per row, and in brackets how many times ours that is: medians over the rounds, " +
		"by rows per call. † is a model of the engine's own, trained on the same rows with as many trees of the same depth. ¹ is called from " +
		"Python, whose calls cost what the last column says: the time of one row with a model of one tree of depth 1.\n")
	for _, m := range res.Models {
		res.writeTimes(&b, m)
	}
	res.writeExactness(&b)
	res.writeOwn(&b)
	b.WriteString("\n" + bounds)
	_, err := io.WriteString(out, b.String())
	return err
}

func (res *results) writeHead(b *strings.Builder) {
	m := &res.Machine
	fmt.Fprintf(b, "# Benchmarks\n\nWritten by `go run -C bench . -o ../docs`; [bench/README.md](../bench/README.md) says how it measures. "+
		"Nothing here is edited by hand.\n\n")
	fmt.Fprintf(b, "- Run: %s to %s at commit %s, %d rounds, %v for an engine at a batch size in a round\n",
		res.Began.Format("2006-01-02 15:04"), res.Ended.Format("15:04 MST"), res.Commit, res.Rounds, res.Sample)
	fmt.Fprintf(b, "- Machine: %s, %d cores, %s; load average %.1f when the run began\n", m.CPU, m.Cores, strings.Join(m.Features, " "), m.Load)
	fmt.Fprintf(b, "- Built with %s; C with %s; peers in %s\n", m.Go, m.CC, m.Python)
	var versions []string
	for _, name := range res.Engines {
		e := engineNamed(name)
		for _, model := range res.Models {
			if r := res.By[model][name]; r != nil && r.Version != "" && !e.Ours {
				if !strings.Contains(e.Title, r.Version) {
					versions = append(versions, e.Title+" "+r.Version)
				} else {
					versions = append(versions, e.Title)
				}
				break
			}
		}
	}
	fmt.Fprintf(b, "- Peers: %s\n", strings.Join(versions, "; "))
	for _, model := range res.Models {
		fmt.Fprintf(b, "- Model %s: %s\n", model, spec(model).Shape)
	}
	b.WriteString("\nOne thread, one core, 100,000 distinct rows, 5 % of the numbers missing. Other work may have run on the machine: times are of the " +
		"processor, ratios are of one interleaved run.\n")
}

func spec(model string) modelSpec {
	for _, m := range append(modelSpecs, uneasyModel, callModel) {
		if m.Name == model {
			return m
		}
	}
	return modelSpec{}
}

func (res *results) writeTargets(b *strings.Builder) {
	b.WriteString("\n## Targets\n\nHow many times our time the other's is (in the last rows: our own figures), against the marks that were set " +
		"before: medians over the rounds, and in brackets the least and the most of a round. A mark or a level alone is that of all models.\n\n| what | accept/aim/moonshot | measured | reached |\n|---|---|---|---|\n")
	for i := range targets {
		b.WriteString(targets[i].row(res))
	}
	b.WriteString("\nXGBoost's single-row figures are mostly the fixed cost of its call, which the table of each model has in its last column; its time " +
		"per row of a batch stands beside it.\n")
}

func (res *results) writeTimes(b *strings.Builder, model string) {
	fmt.Fprintf(b, "\n### Model %s: %s\n\n![rows per second by batch size](%s)\n\n| engine |", model, spec(model).Shape, plotName(model))
	sizes := res.sizes(model)
	for _, n := range sizes {
		fmt.Fprintf(b, " %d |", n)
	}
	b.WriteString(" call |\n|---|" + strings.Repeat("---:|", len(sizes)+1) + "\n")
	for _, name := range res.Engines {
		e, r := engineNamed(name), res.By[model][name]
		if r == nil { // it is not for this model
			continue
		}
		if len(r.NS) == 0 {
			fmt.Fprintf(b, "| %s | not run: %s |%s\n", e.label(), r.Failed, strings.Repeat(" |", len(sizes)))
			continue
		}
		fmt.Fprintf(b, "| %s |", e.label())
		for _, n := range sizes {
			ns := res.ns(model, name, n)
			switch {
			case ns == 0:
				b.WriteString(" - |")
			case name == oursName:
				fmt.Fprintf(b, " **%s** |", digits(ns))
			default:
				fmt.Fprintf(b, " %s (%s) |", digits(ns), digits(res.ratio(model, name, oursName, n)))
			}
		}
		if call := res.call(model, name); call > 0 {
			fmt.Fprintf(b, " %s |\n", digits(call))
		} else {
			b.WriteString(" - |\n")
		}
	}
	res.cutShort(b, model)
}

// cutShort says which engines were not timed in all rounds, because their process ended.
func (res *results) cutShort(b *strings.Builder, model string) {
	for _, name := range res.Engines {
		if r := res.By[model][name]; r != nil && len(r.NS) > 0 && r.Failed != "" {
			fmt.Fprintf(b, "\n%s was not timed in all rounds: %s.\n", engineNamed(name).Title, strings.TrimRight(r.Failed, ": "))
		}
	}
}

// sizes are the batch sizes that were run with a model.
func (res *results) sizes(model string) []int {
	var sizes []int
	for _, n := range batchSizes {
		if res.ns(model, oursName, n) > 0 {
			sizes = append(sizes, n)
		}
	}
	return sizes
}

// label is the title with its marks.
func (e *engine) label() string {
	label := e.Title
	if e.Own {
		label += " †"
	}
	if e.Python {
		label += " ¹"
	}
	return label
}

func (res *results) writeExactness(b *strings.Builder) {
	b.WriteString("\n## Numbers\n\nCompared with the margins (m) or probabilities (p) of XGBoost " + trainer +
		" before anything is timed: rows with other bits, and the greatest difference.\n\n| engine |")
	for _, m := range res.Models {
		fmt.Fprintf(b, " %s |", m)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(res.Models)) + "\n")
	for _, name := range res.Engines {
		if e := engineNamed(name); !e.Own {
			fmt.Fprintf(b, "| %s |", e.Title)
			for _, m := range res.Models {
				switch r := res.By[m][name]; {
				case r == nil:
					b.WriteString(" - |")
				case r.Difference != nil:
					fmt.Fprintf(b, " %s (%s) |", r.Difference, r.Difference.Of[:1])
				default:
					fmt.Fprintf(b, " not run |")
				}
			}
			b.WriteString("\n")
		}
	}
}

// bounds says what holds the kernels back where a figure is not reached.
//
//go:embed bounds.md
var bounds string

func (res *results) writeOwn(b *strings.Builder) {
	b.WriteString("\n## Loading and memory\n\n| model | engine | load UBJSON | compile | compiled size | two threads over one | a loop in registers | at most |\n|---|---|---:|---:|---:|---:|---:|---:|\n")
	for _, m := range res.Models {
		f := res.Own[m]
		fmt.Fprintf(b, "| %s | %s | %v | %v | %d KiB | %.2f | %.2f | %.2f |\n", m, f.Engine, round(f.LoadNS), round(f.CompileNS), f.Bytes>>10, f.TwoOverOne, f.TwoLoops, f.TwoAtMost)
	}
	b.WriteString("\nTwo threads over one is of wall time: 100,000 rows in a call of one, then in a call of two, and the median ratio of many such pairs. Beside it is what the machine gave a " +
		"loop in registers that takes as long, in turns with them; a busy machine has no second core to give. What it can be at most follows from the processor time of both.\n")
}

func round(ns float64) time.Duration { return time.Duration(ns).Round(10 * time.Microsecond) }

// digits writes a number with three digits, or all those before the point.
func digits(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// plain is the title for a plot.
func (e *engine) plain() string {
	label := strings.ReplaceAll(e.Title, "**", "")
	if e.Own {
		label += " (own model)"
	}
	if e.Python {
		label += " (Python)"
	}
	return label
}

// Command conformance compares predictions with those of real XGBoost releases and writes the table docs/conformance.md.
//
//	go run ./internal/conformance [-table FILE] [-strict] [-kernels] DIR
//
// DIR holds a directory for each release, as testdata/conformance/models.py makes them. Every model in it is loaded and asked
// for everything that its release was asked for. What differs, and what is refused, is printed and counted, and ends with
// status 1 if -strict is given. With -kernels, batches are scored by each kernel of this machine, too, which must give the same.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"
)

func main() {
	table := flag.String("table", "", "write the table to `FILE`")
	strict := flag.Bool("strict", false, "end with status 1 if a number differs or a model is refused")
	kernels := flag.Bool("kernels", false, "score batches with every kernel")
	shown := flag.Int("n", 20, "print at most so many findings of a release")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: conformance [-table FILE] [-strict] [-kernels] [-n NUMBER] DIR")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if *kernels {
		forced = everyKernel
	}
	if err := run(flag.Arg(0), *table, *shown, *strict); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(dir, table string, shown int, strict bool) error {
	manifests, err := filepath.Glob(filepath.Join(dir, "*", "manifest.json"))
	if err != nil {
		return err
	}
	if len(manifests) == 0 {
		return fmt.Errorf("no */manifest.json in %s", dir)
	}
	reports := make([]*report, len(manifests))
	failures := make([]error, len(manifests))
	var group sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, name := range manifests {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			r, err := openRelease(filepath.Dir(name))
			if err != nil {
				failures[i] = err
				return
			}
			reports[i] = compare(r)
		})
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	slices.SortFunc(reports, func(a, b *report) int { return compareReleases(a.release.XGBoost, b.release.XGBoost) })

	var sum counts
	for _, r := range reports {
		total := r.total()
		sum.add(total)
		fmt.Printf("xgboost %-7s %s\n", r.release.XGBoost, total)
		for i, f := range r.findings {
			if i == shown {
				fmt.Printf("  and %d more\n", len(r.findings)-i)
				break
			}
			fmt.Println("  " + f.String())
		}
	}
	fmt.Println("all            ", sum)
	if table != "" {
		if err := os.WriteFile(table, []byte(markdown(reports, time.Now().UTC())), 0o666); err != nil {
			return err
		}
	}
	if strict && (sum.differing > 0 || sum.refused > 0) {
		return fmt.Errorf("%d numbers differ, %d questions refused", sum.differing, sum.refused)
	}
	return nil
}

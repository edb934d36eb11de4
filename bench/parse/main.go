package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// reader reads a whole log.
type reader func(log []byte) (sum, error)

// contender is a reader and the module that it comes from.
type contender struct {
	title, module string
	read          reader
}

// input is a log and those who read it, of whom the first is ours and the second what ratios are to.
type input struct {
	title, file string
	readers     []contender
	marks       [2]float64 // MB/s that our reader should reach: accept and aim
	broken      string     // a record that lacks a member which no reader wants, in place of %s; empty if this is no JSON
}

var inputs = []input{
	{"EVE", "suricata/eve-5952.json.gz", eveReaders, [2]float64{250, 400},
		`{"timestamp":"2021-06-06T15:57:37.272281+0200","flow_id":4,"event_type":"flow","src_ip":"192.0.2.1","src_port":1,"dest_ip":"192.0.2.2",` +
			`"dest_port":2,"proto":"UDP","flow":{"pkts_toserver":1,"pkts_toclient":0,"bytes_toserver":56,"bytes_toclient":0,` +
			`"start":"2021-06-06T16:38:55.855844+0200"},"more":%s}`},
	{"Zeek conn.log, TSV", "zeek/tsv/conn.log.gz", tsvReaders, [2]float64{350, 600}, ""},
	{"Zeek conn.log, JSON", "zeek/json/conn.log.gz", zeekJSONReaders, [2]float64{250, 400},
		`{"ts":1425565514.4,"uid":"C","id.orig_h":"192.0.2.1","id.orig_p":1,"id.resp_h":"192.0.2.2","id.resp_p":2,"proto":"udp","conn_state":"SF","more":%s}`},
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "parse:", err)
		os.Exit(1)
	}
}

func run() error {
	data := flag.String("data", "../../shared/data", "`directory` of the real logs")
	rounds := flag.Int("rounds", 7, "rounds, in which every reader reads every log once")
	size := flag.Int("mb", 32, "size of a log in memory: the real one is repeated")
	bundle := flag.String("bundle", "../testdata/demo/model.tar.gz", "the demo's `bundle`, which judges")
	out := flag.String("o", "", "`file` to write the page to")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	runtime.GOMAXPROCS(1) // with its collector a reader is one thread, too

	var page strings.Builder
	writeHead(&page, *rounds, *size)
	var logs [][]byte
	for i := range inputs {
		log, err := readLog(filepath.Join(*data, inputs[i].file))
		if err != nil {
			return err
		}
		logs = append(logs, repeat(log, *size<<20))
		if err := inputs[i].measure(&page, logs[i], len(log), *rounds); err != nil {
			return err
		}
	}
	if err := measureRows(&page, logs, *rounds); err != nil {
		return err
	}
	if err := measureVerdicts(&page, logs, *bundle, *rounds); err != nil {
		return err
	}
	fmt.Fprint(io.Discard, kept)
	if *out == "" {
		_, err := os.Stdout.WriteString(page.String())
		return err
	}
	return os.WriteFile(*out, []byte(page.String()), 0o644)
}

func readLog(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return io.ReadAll(z)
}

// measure lets all readers read the log once in each round, after it has checked that they find the same in it.
func (in *input) measure(page *strings.Builder, log []byte, real, rounds int) error {
	want := sum{}
	failed := make([]error, len(in.readers))
	for i, c := range in.readers {
		got, err := c.read(log)
		switch {
		case i == 0 && (err != nil || got.Flows == 0):
			return fmt.Errorf("%s: our reader found %+v: %w", in.title, got, err)
		case i == 0:
			want = got
		case err != nil:
			failed[i] = err
		case got != want:
			failed[i] = fmt.Errorf("found %+v, want %+v", got, want)
		}
	}
	took := make([][]float64, len(in.readers))
	allocated := make([]uint64, len(in.readers))
	for round := range rounds {
		for k := range in.readers {
			i := k
			if round%2 == 1 {
				i = len(in.readers) - 1 - k
			}
			if failed[i] != nil {
				continue
			}
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := processTime()
			if _, err := in.readers[i].read(log); err != nil {
				return err
			}
			took[i] = append(took[i], float64(processTime()-began))
			runtime.ReadMemStats(&after)
			allocated[i] = after.Mallocs - before.Mallocs
		}
	}

	flows := float64(want.Flows)
	fmt.Fprintf(page, "\n## %s\n\n%s, %.2g MB, repeated to %d MB with %d flows.\n\n| reader | MB/s | best round | ns/flow | allocations/flow | broken parts noticed | ours is faster |\n|---|---:|---:|---:|---:|---|---:|\n",
		in.title, filepath.Base(in.file), float64(real)/1e6, len(log)/1e6, want.Flows)
	ours := slices.Min(took[0])
	best, bestName := 0.0, ""
	for i, c := range in.readers {
		if failed[i] != nil {
			fmt.Fprintf(page, "| %s | not run: %v | | | | | |\n", c.label(), failed[i])
			continue
		}
		t := median(took[i])
		ratios := make([]float64, len(took[i]))
		for r := range ratios {
			ratios[r] = took[i][r] / took[0][r]
		}
		ratio := median(ratios)
		if i > 0 && (best == 0 || ratio < best) {
			best, bestName = ratio, c.title
		}
		fmt.Fprintf(page, "| %s | %.0f | %.0f | %.0f | %.2f | %s | %.2f |\n",
			c.label(), float64(len(log))/t*1e3, float64(len(log))/slices.Min(took[i])*1e3, t/flows, float64(allocated[i])/flows, in.checks(c.read), ratio)
	}
	mbs := float64(len(log)) / ours * 1e3
	fmt.Fprintf(page, "\nMarks for ours, accept/aim: %.0f/%.0f MB/s; reached in the best round: %s. The fastest other reader, %s, takes %.2f times our time.\n",
		in.marks[0], in.marks[1], reached(mbs, in.marks), bestName, best)
	table, err := profileOf(func() error {
		_, err := in.readers[0].read(log)
		return err
	})
	page.WriteString(table)
	return err
}

// brokenMembers are no JSON, each for another reason.
var brokenMembers = []string{`{"a":[tru]}`, `{"a":[01]}`, `{"a":["\q"]}`, `{"a":["\uZZZZ"]}`, "{\"a\":[\"\x01\"]}", `{"a":[1 2]}`, `{"a":1,}`, `{a:1}`, `["a":1]`}

// checks tells how many records a reader refuses of which a member that it does not want is broken.
func (in *input) checks(read reader) string {
	if in.broken == "" {
		return "-"
	}
	refused := 0
	for _, member := range brokenMembers {
		if found, err := read(fmt.Appendf(nil, in.broken+"\n", member)); err != nil || found.Flows == 0 {
			refused++
		}
	}
	return fmt.Sprintf("%d of %d", refused, len(brokenMembers))
}

func reached(x float64, marks [2]float64) string {
	switch {
	case x >= marks[1]:
		return "aim"
	case x >= marks[0]:
		return "accept"
	}
	return "no"
}

func median(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	return x[len(x)/2]
}

// processTime is the processor time of this process, its garbage collector included.
func processTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

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

func writeHead(page *strings.Builder, rounds, size int) {
	cpu := "unknown CPU"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range bytes.Lines(text) {
			if key, value, _ := bytes.Cut(line, []byte{':'}); string(bytes.TrimSpace(key)) == "model name" {
				cpu = string(bytes.TrimSpace(value))
			}
		}
	}
	load, _ := os.ReadFile("/proc/loadavg") // tells of other work on the machine
	fmt.Fprintf(page, "# Readers of logs beside others\n\nWritten by `go run -C bench ./parse -rounds %d -mb %d -o ../docs/benchmarks-parse.md`. Nothing here is edited by hand.\n\n"+
		"%s, %s, %s; load average %s. One thread with its garbage collector, medians of %d interleaved rounds of %d MB in memory; "+
		"time is that of the processor, which other work on the machine makes longer by a half and more: the best round is the one that was disturbed least. Before the clock starts, every reader must find the same flows, ports and packets. "+
		"Ours makes a flow of each record, with addresses, times and flags; the others leave these as text. Some do not notice that a part of "+
		"the record that nobody asked for is broken, which is faster.\n",
		rounds, size, time.Now().UTC().Format("2006-01-02 15:04 MST"), cpu, runtime.Version(), strings.Join(strings.Fields(string(load))[:min(3, len(strings.Fields(string(load))))], " "), rounds, size)
}

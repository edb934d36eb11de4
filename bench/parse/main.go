package main

import (
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// input is a log and those who read it, of whom the first is ours and the second what ratios are to.
type input struct {
	title, file string
	readers     []contender
	marks       [2]float64 // MB/s that our reader should reach: accept and aim
	ratio       float64    // how many times as fast as the second ours should make rows, and faster than every other; 0 for no mark
	broken      string     // a record that lacks a member which no reader wants, in place of %s; empty if this is no JSON
}

var inputs = []input{
	{"EVE", "suricata/eve-5952.json.gz", eveReaders, [2]float64{250, 400}, 5,
		`{"timestamp":"2021-06-06T15:57:37.272281+0200","flow_id":4,"event_type":"flow","src_ip":"192.0.2.1","src_port":1,"dest_ip":"192.0.2.2",` +
			`"dest_port":2,"proto":"UDP","flow":{"pkts_toserver":1,"pkts_toclient":0,"bytes_toserver":56,"bytes_toclient":0,` +
			`"start":"2021-06-06T16:38:55.855844+0200"},"more":%s}`},
	{"Zeek conn.log, TSV", "zeek/tsv/conn.log.gz", tsvReaders, [2]float64{350, 600}, 0, ""},
	{"Zeek conn.log, JSON", "zeek/json/conn.log.gz", zeekJSONReaders, [2]float64{250, 400}, 0,
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

	r := &report{rounds: *rounds, long: 2 * time.Second}
	head := headOf(*rounds, *size) // with the load of before
	var logs [][]byte
	for i := range inputs {
		log, err := readLog(filepath.Join(*data, inputs[i].file))
		if err != nil {
			return err
		}
		logs = append(logs, repeat(log, *size<<20))
		if err := inputs[i].measure(r, logs[i], len(log)); err != nil {
			return err
		}
	}
	if err := measureSets(r, logs); err != nil {
		return err
	}
	if err := measureVerdicts(r, logs, *bundle); err != nil {
		return err
	}
	page := head + r.markTable() + r.page.String()
	if *out == "" {
		_, err := os.Stdout.WriteString(page)
		return err
	}
	return os.WriteFile(*out, []byte(page), 0o644)
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

// measure lets all readers read the log once in each round, after it has checked that they find the same in it; and then those that make rows.
func (in *input) measure(r *report, log []byte, real int) error {
	failed := make([]error, len(in.readers))
	want, err := in.readers[0].read(log)
	if err != nil || want.Flows == 0 {
		return fmt.Errorf("%s: our reader found %+v: %w", in.title, want, err)
	}
	for i, c := range in.readers[1:] {
		got, err := c.read(log)
		if err == nil && got != want {
			err = fmt.Errorf("found %+v, want %+v", got, want)
		}
		failed[i+1] = err
	}
	runs := make([]func() error, len(in.readers))
	for i, c := range in.readers {
		if failed[i] == nil {
			runs[i] = func() error {
				_, err := c.read(log)
				return err
			}
		}
	}
	res, err := race(runs, r.rounds)
	if err != nil {
		return err
	}
	fmt.Fprintf(&r.page, "\n## %s\n\n%s, %.2g MB, repeated to %d MB with %d flows.\n\n| reader | MB/s | best round | ns/flow | allocations/flow | broken parts noticed | ours is faster |\n|---|---:|---:|---:|---:|---|---:|\n",
		in.title, filepath.Base(in.file), float64(real)/1e6, len(log)/1e6, want.Flows)
	for i, c := range in.readers {
		if failed[i] != nil {
			fmt.Fprintf(&r.page, "| %s | not run: %v | | | | | |\n", c.label(), failed[i])
			continue
		}
		fmt.Fprintf(&r.page, "| %s | %s | %s | %.2f |\n", c.label(), res.cells(i, log, want.Flows), in.checks(c.read), res.ratio(i))
	}
	r.fastestOther(in, &res, runs)
	limits, err := r.profile(runs[0])
	if err != nil {
		return err
	}
	r.mark(in.title+", parse, MB/s", in.marks, res.rate(0, log), limits)
	return in.measureRows(r, log, want.Flows)
}

// measureRows is measure for reading and making rows of flow-portable/1 in one loop.
func (in *input) measureRows(r *report, log []byte, flows uint64) error {
	want, err := in.readers[0].sumOfRows(log)
	if err != nil {
		return err
	}
	runs := make([]func() error, len(in.readers))
	failed := make([]error, len(in.readers))
	others := 0
	for i, c := range in.readers {
		if c.rows == nil {
			continue
		}
		got, err := c.sumOfRows(log)
		if err == nil && got != want {
			err = errors.New("other rows than ours")
		}
		if failed[i] = err; err != nil {
			continue
		}
		if i > 0 {
			others++
		}
		runs[i] = func() error { return c.rows(log, func([]float32) {}) }
	}
	res, err := race(runs, r.rounds)
	if err != nil {
		return err
	}
	fmt.Fprintf(&r.page, "\n### %s, with rows of flow-portable/1\n\nLines are read and rows made in one loop.", in.title)
	if others > 0 {
		r.page.WriteString(" What makes a flow of the decoded members is our own code for all of them, and every row is the same to the bit.")
	}
	r.page.WriteString("\n\n| reader | MB/s | best round | ns/flow | allocations/flow | ours is faster |\n|---|---:|---:|---:|---:|---:|\n")
	for i, c := range in.readers {
		switch {
		case failed[i] != nil:
			fmt.Fprintf(&r.page, "| %s | not run: %v | | | | |\n", c.label(), failed[i])
		case runs[i] != nil:
			fmt.Fprintf(&r.page, "| %s | %s | %.2f |\n", c.label(), res.cells(i, log, flows), res.ratio(i))
		}
	}
	fastest := 0.0
	if others > 0 {
		fastest = r.fastestOther(in, &res, runs)
	}
	limits, err := r.profile(runs[0])
	if err != nil {
		return err
	}
	r.mark(in.title+", parse and features, MB/s", in.marks, res.rate(0, log), limits)
	if in.ratio > 0 && runs[1] != nil {
		r.mark(in.title+", parse and features, times as fast as "+in.readers[1].title, [2]float64{in.ratio, in.ratio}, [2]float64{res.ratio(1), res.best(1)}, "the same")
		r.mark(in.title+", parse and features, times as fast as the fastest other", [2]float64{1, 1}, [2]float64{fastest, fastest}, "the same")
	}
	return nil
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

package auto_test

import (
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features/auto"
)

// gate stops whoever comes, until it is opened.
type gate struct {
	stopped atomic.Int32
	opened  chan struct{}
}

func (g *gate) pass() {
	g.stopped.Add(1)
	<-g.opened
}

// wait waits until so many are stopped.
func (g *gate) wait(n int32) {
	for g.stopped.Load() < n {
		time.Sleep(time.Millisecond)
	}
}

// manyLog is a log with one long record, of which a reader makes as much as it can.
type manyLog struct {
	limitedFormat
	text string
	long int // where the long record ends
}

func manyLogs() (all []manyLog) {
	const size = 900_000
	escaped := strings.Repeat(`\u0041`, size/6)
	for _, f := range limited {
		free, name, short := strings.Repeat("x", size), "x", "x"
		switch {
		case f.separator() == "": // a text that is wanted, in escapes
			name = map[string]string{"Zeek JSON": "service", "EVE": "app_proto", "VPC JSON": "interface_id", "NetFlow JSON": "peer_ip_src"}[f.name]
			free, short = `,"`+name+`":"`+escaped+`"`, ""
		case f.name == "Zeek TSV":
			free, name = strings.Repeat(`\x41`, size/4), "service"
		case f.separator() != " ": // quotes in quotes, in cells that are long
			free = strings.Repeat(`"`+strings.Repeat(`""`, 10_000)+`"`+f.separator(), size/20_000)
		}
		row := func(free string) string { return strings.ReplaceAll(f.row, "FREE", free) + "\n" }
		first := strings.ReplaceAll(f.header, "FREE", name) + row(short) + row(free)
		all = append(all, manyLog{f, first + row(short) + row(short), len(first)})
	}
	for _, f := range limited {
		if f.name == "VPC JSON" || f.name == "NetFlow JSON" {
			object := strings.ReplaceAll(f.row, "FREE", "")
			member := `"x":"` + strings.Repeat("x", 50) + `"`
			lines := strings.ReplaceAll(f.row, "FREE", ","+strings.Repeat("\n  "+member+",", size/60)+"\n"+member)
			f.name += ", objects of many lines"
			first := "[\n{\n" + object[1:] + ",\n" + lines + ",\n"
			all = append(all, manyLog{f, first + "{\n" + object[1:] + ",\n{\n" + object[1:] + "\n]", len(first)})
			f.name += ", an array without a line break"
			first = "[" + strings.ReplaceAll(f.row, "FREE", ","+strings.Repeat(member+",", 60_000/60)+member) + "," + strings.ReplaceAll(f.row, "FREE", ","+strings.Repeat(member+",", size/60)+member) + ","
			all = append(all, manyLog{f, first + object + "," + object + "]", len(first)})
		}
	}
	return all
}

// gatedLog stops in the middle of its long record, and again before its end.
type gatedLog struct {
	*manyLog
	at               int
	began            *gate // which is open: whose small buffer is full
	inLong, atTheEnd *gate
}

func (g *gatedLog) Read(p []byte) (int, error) {
	end := len(g.text)
	switch middle := g.long / 2; {
	case g.at == end:
		return 0, io.EOF
	case g.at < middle:
		end = middle
	case g.at == middle:
		g.inLong.pass()
	case g.at == end-1:
		g.atTheEnd.pass()
	}
	if g.at >= g.long/2 && g.at < len(g.text)-1 {
		end = len(g.text) - 1
	}
	n := copy(p, g.text[g.at:end])
	if g.at < 64<<10 && g.at+n >= 64<<10 {
		g.began.pass()
	}
	g.at += n
	return n, nil
}

// READ-2: 256 files full of long lines, of all formats and open at once, cost at most 80 MiB: while they read the long lines, while somebody looks at
// what was made of these, and behind them.
func TestManyFiles(t *testing.T) {
	const files, most, turns = 256, 80 << 20, 23 // turns is how many may have memory for a long line at once
	all := manyLogs()
	live := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	var began, inLong, looking, atTheEnd gate
	for _, g := range []*gate{&began, &inLong, &looking, &atTheEnd} {
		g.opened = make(chan struct{})
	}
	close(began.opened)
	before := live()
	var group sync.WaitGroup
	rows := make([]atomic.Int32, len(all))
	for i := range files {
		log := &all[i%len(all)]
		group.Go(func() {
			n := 0
			for _, err := range auto.Read(&gatedLog{log, 0, &began, &inLong, &atTheEnd}, &auto.Options{Format: log.format}) {
				if n++; n == 2 { // of flows that are paired it comes at the end
					looking.pass()
				}
				if err == nil {
					rows[i%len(all)].Add(1)
				}
			}
		})
	}
	check := func(when string) {
		cost := live() - before
		t.Logf("%s: %.1f MiB", when, float64(cost)/(1<<20))
		require.LessOrEqual(t, cost, int64(most), when)
	}
	began.wait(files)
	inLong.wait(turns)
	check("in the long lines")
	close(inLong.opened)
	looking.wait(turns)
	check("when what was made of them is looked at")
	close(looking.opened)
	atTheEnd.wait(files)
	check("behind them")
	close(atTheEnd.opened)
	group.Wait()
	for i := range all {
		require.Positive(t, rows[i].Load(), all[i].name)
	}
}

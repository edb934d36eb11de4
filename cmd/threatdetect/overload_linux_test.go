package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	overload   = flag.Duration("overload", 0, "how long TestOverloadProcess asks too much, and measures; 0 is a moment, without bounds of time")
	overloadBy = flag.Float64("overload-by", 10, "TestOverloadProcess asks so many times as much as one client gets")
)

// overloadRows are the rows of the requests, in turn.
var overloadRows = []int{1, 1, 10, 1, 1000, 1, 1, 10, 100, 1, 10_000}

// p99 of what was answered with 200: of all, and of each size.
func p99(all []asked, of func(asked) time.Duration) string {
	by := map[int][]time.Duration{}
	for _, a := range all {
		if a.status == http.StatusOK {
			by[0], by[a.rows] = append(by[0], of(a)), append(by[a.rows], of(a))
		}
	}
	text := ""
	for _, n := range []int{0, 1, 10, 100, 1000, 10_000} {
		text += fmt.Sprintf(" %d:%v(%d)", n, percentile(by[n], 0.99).Round(10*time.Microsecond), len(by[n]))
	}
	return text + " (0: all)"
}

func answers(all []asked, of func(asked) time.Duration) (times []time.Duration) {
	for _, a := range all {
		if a.status == http.StatusOK {
			times = append(times, of(a))
		}
	}
	return times
}

func percentile(times []time.Duration, p float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[int(p*float64(len(times)-1))]
}

// residentOf is how much memory a process has, in bytes.
func residentOf(t *testing.T, pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}

// TestOverloadProcess asks a server ten times as much as it can answer, of mixed sizes, whatever has become of what was asked before: nothing but 200
// and 503, and soon afterwards all is as before (L16). With -overload the server has the first core for itself, and its times are held to HTTP-7; let the
// test have another one: taskset -c 1 go test ...
func TestOverloadProcess(t *testing.T) {
	alone, length := 200*time.Millisecond, 500*time.Millisecond
	if *overload > 0 {
		alone, length = 10*time.Second, *overload
	}
	cmd := command(t, "serve", "--quiet", "--connections-per-address", "0", "--model", demo+"model.tar.gz", "--listen", "127.0.0.1:0")
	if *overload > 0 {
		program := filepath.Join(t.TempDir(), cmd.Args[0]) // this test is what its name says
		require.NoError(t, os.Symlink(cmd.Path, program))
		cmd = exec.CommandContext(t.Context(), "taskset", append([]string{"-c", "0", program}, cmd.Args[1:]...)...)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	var all []asked
	o := newOverloader(t, strings.TrimPrefix(strings.TrimSpace(line), "http://"), overloadRows, func(a asked) { all = append(all, a) })
	one := func(rows int) asked {
		for o.ask(rows); o.open > 0; {
			o.turn(time.Second)
		}
		a := all[len(all)-1]
		all = all[:len(all)-1]
		return a
	}
	for _, n := range overloadRows { // who was never asked does not know what takes how long
		a := one(n)
		require.Equal(t, http.StatusOK, a.status, "%d rows: %v", n, a.fault)
	}

	var unloaded []asked
	begin := o.now()
	for i := 0; o.now()-begin < alone; i++ {
		a := one(overloadRows[i%len(overloadRows)])
		require.Equal(t, http.StatusOK, a.status)
		unloaded = append(unloaded, a)
	}
	rate := *overloadBy * float64(len(unloaded)) / alone.Seconds()
	memory := residentOf(t, cmd.Process.Pid)

	const (
		most      = 3000 // requests at a time: the server takes 4096 connections
		pingEvery = 50 * time.Millisecond
	)
	var peak int64
	draw := rand.New(rand.NewPCG(16, 1))
	offered, unsent := 0, 0
	begin = o.now()
	due, ping := begin, begin
	for now := begin; now-begin < length; now = o.now() {
		for ; due <= now; offered++ {
			due += time.Duration(draw.ExpFloat64() / rate * float64(time.Second))
			rows := overloadRows[draw.IntN(len(overloadRows))]
			if o.open >= most {
				unsent++
				continue
			}
			o.ask(rows)
		}
		if now >= ping {
			ping += pingEvery
			o.ask(0)
			peak = max(peak, residentOf(t, cmd.Process.Pid))
		}
		o.turn(min(due, ping) - now)
	}
	for last := o.now(); o.open > 0; {
		o.turn(time.Second)
		require.Less(t, o.now()-last, time.Minute, "%d requests without an answer", o.open)
	}
	ended := time.Now()
	var pings []time.Duration
	for _, a := range all {
		if a.rows == 0 {
			require.Equal(t, http.StatusOK, a.status, "/ping")
			pings = append(pings, a.answer)
		}
	}
	all = slices.DeleteFunc(all, func(a asked) bool { return a.rows == 0 })
	answer, whole := func(a asked) time.Duration { return a.answer }, func(a asked) time.Duration { return a.whole }
	before := percentile(answers(unloaded, answer), 0.99)
	for a := one(1); a.status != http.StatusOK || a.answer > 2*before; a = one(1) {
		require.Less(t, time.Since(ended), 5*time.Second)
	}
	back := time.Since(ended)

	statuses := map[int]int{}
	for _, a := range all {
		statuses[a.status]++
	}
	t.Logf("offered %d in %v, %.0f a second, %g times what one client gets; %d could not be sent; answers %v", offered, length, rate, *overloadBy, unsent, statuses)
	t.Logf("answer, p99 alone:%s", p99(unloaded, answer))
	t.Logf("answer, p99 then: %s", p99(all, answer))
	t.Logf("whole, p99 alone:%s", p99(unloaded, whole))
	t.Logf("whole, p99 then: %s", p99(all, whole))
	tenths := make([]time.Duration, 10)
	for i := range tenths {
		from, until := begin+length*time.Duration(i)/10, begin+length*time.Duration(i+1)/10
		part := slices.DeleteFunc(slices.Clone(all), func(a asked) bool { return a.at < from || a.at >= until })
		tenths[i] = percentile(answers(part, answer), 0.99).Round(10 * time.Microsecond)
	}
	t.Logf("answer, p99 in each tenth of the time: %v", tenths)
	t.Logf("/ping p99 %v, most %v; memory %d MiB, before %d MiB; as before after %v", percentile(pings, 0.99), percentile(pings, 1), peak>>20, memory>>20, back)
	for _, a := range all {
		require.Contains(t, []int{http.StatusOK, http.StatusServiceUnavailable}, a.status, "%d rows: %v", a.rows, a.fault)
	}
	if *overload > 0 {
		require.Positive(t, statuses[503], "this was no overload")
		require.LessOrEqual(t, percentile(answers(all, answer), 0.99), 2*before)
		require.LessOrEqual(t, percentile(pings, 0.99), 100*time.Millisecond)
		require.Less(t, percentile(pings, 1), 2*time.Second)
		require.Less(t, peak-memory, int64(256<<20+8*5*6<<20+128<<20))
	}
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), "%s", &stderr)
}

package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
	"threatdetect/internal/testkit/tarball"
	"threatdetect/model"
)

var (
	reloads     = flag.Int("reloads", 0, "how many reloads TestReloadProcess measures, of a model of -reload-trees; 0 is two of a small one, without bounds of time")
	reloadTrees = flag.Int("reload-trees", 2000, "trees of 255 splits in the models of TestReloadProcess")
	reloadTar   = flag.Bool("reload-archive", false, "have the models of TestReloadProcess in a model.tar.gz")
	reloadCores = flag.String("reload-cores", "0", "processors of the server in TestReloadProcess, as taskset takes them")
)

// metric is a number of /metrics.
func metric(t *testing.T, address, name string) float64 {
	t.Helper()
	res, err := http.Get(address)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(text)
	if found == nil {
		return 0
	}
	v, err := strconv.ParseFloat(string(found[1]), 64)
	require.NoError(t, err)
	return v
}

// TestReloadProcess asks a server one row, and /ping, again and again, with reloads and without them, in turns: all is answered, and with -reloads nothing that is asked
// during a reload waits for more than 20 ms longer than the longest time without, and the memory is no more than HOT-4 allows. The server has a processor for itself
// then: let the test have another one.
func TestReloadProcess(t *testing.T) {
	count, trees, quiet := 2, 50, 50*time.Millisecond
	if *reloads > 0 {
		count, trees, quiet = *reloads, *reloadTrees, time.Second
	}
	dir := t.TempDir()
	var files [2]string
	for i := range files {
		files[i] = filepath.Join(dir, fmt.Sprint(i, ".json"))
		require.NoError(t, model.SaveFile(files[i], testkit.WideBooster(trees, 8, 70, uint64(i)), nil))
	}
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	if *reloadTar {
		for _, name := range files {
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(name, tarball.Of(t, "xgboost-model", data), 0o600))
		}
	}
	path := filepath.Join(dir, "model")
	place := func(from string) {
		require.NoError(t, os.Link(from, path+".new"))
		require.NoError(t, os.Rename(path+".new", path))
	}
	place(files[0])
	cmd := command(t, "serve", "--model", path, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--reload", "0")
	if *reloads > 0 {
		program := filepath.Join(dir, cmd.Args[0]) // this test is what its name says
		require.NoError(t, os.Symlink(cmd.Path, program))
		cmd = exec.CommandContext(t.Context(), "taskset", append([]string{"-c", *reloadCores, program}, cmd.Args[1:]...)...)
	}
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	said := bufio.NewReader(stderr)
	line, err := said.ReadString('\n')
	require.NoError(t, err)
	metrics, ok := strings.CutPrefix(strings.TrimSpace(line), "metrics at ")
	require.True(t, ok, line)
	used := make(chan string, count)
	go func() {
		for {
			line, err := said.ReadString('\n')
			if err != nil {
				return
			}
			used <- line
		}
	}()
	line, err = bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	time.Sleep(quiet + quiet/2) // until the start is forgotten
	var all []asked
	o := newOverloader(t, strings.TrimPrefix(strings.TrimSpace(line), "http://"), []int{1}, func(a asked) { all = append(all, a) })
	once := func(rows int) time.Duration {
		for o.ask(rows); o.open > 0; {
			o.turn(time.Second)
		}
		a := all[len(all)-1]
		require.Equal(t, http.StatusOK, a.status, "%v", a.fault)
		return a.answer
	}
	// What was asked for so long, one after the other, or until ended says so; and what the server itself tells.
	type times struct {
		rows, pings   []time.Duration
		slow, seconds float64 // of requests, by the server's clock; of its processor
	}
	tell := func() (all, fast, seconds float64) {
		return metric(t, metrics, `threatdetect_request_seconds_count{route="/invocations"}`), metric(t, metrics, `threatdetect_request_seconds_bucket{route="/invocations",le="0.025"}`),
			metric(t, metrics, "process_cpu_seconds_total")
	}
	during := func(to *times, ended func() bool) {
		all, fast, seconds := tell()
		for first := true; first || !ended(); first = false {
			to.rows, to.pings = append(to.rows, once(1)), append(to.pings, once(0))
			time.Sleep(2 * time.Millisecond)
		}
		all2, fast2, seconds2 := tell()
		to.slow += all2 - all - (fast2 - fast)
		to.seconds += seconds2 - seconds
	}
	once(1)
	var without, with times
	var took time.Duration
	memory, peak := residentOf(t, cmd.Process.Pid), int64(0)
	for n := range count {
		begin := time.Now()
		during(&without, func() bool { return time.Since(begin) >= quiet })
		place(files[(n+1)%2])
		begin = time.Now()
		require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
		during(&with, func() bool {
			peak = max(peak, residentOf(t, cmd.Process.Pid))
			select {
			case line := <-used:
				require.Contains(t, line, "another model is in use")
				return true
			default:
				return false
			}
		})
		took += time.Since(begin)
	}
	for _, of := range []struct {
		name          string
		without, with []time.Duration
	}{{"a row", without.rows, with.rows}, {"/ping", without.pings, with.pings}} {
		text := ""
		for _, p := range []float64{0.5, 0.9, 0.99, 1} {
			text += fmt.Sprintf(" p%g %v, with reloads %v;", 100*p, percentile(of.without, p).Round(10*time.Microsecond), percentile(of.with, p).Round(10*time.Microsecond))
		}
		t.Logf("%s, %d without reloads and %d with:%s", of.name, len(of.without), len(of.with), text)
	}
	t.Logf("%d reloads of %d KiB took %v each, with what was asked %.0f ms of processor time; by the server's clock %g and %g requests took more than 25 ms", count, info.Size()>>10,
		(took / time.Duration(count)).Round(time.Millisecond), 1000*with.seconds/float64(count), without.slow, with.slow)
	t.Logf("resident %d MiB before, %d at most", memory>>20, peak>>20)
	require.Equal(t, float64(count), metric(t, metrics, `threatdetect_model_reloads_total{outcome="used"}`))
	require.Zero(t, metric(t, metrics, "threatdetect_model_reload_failed_total"))
	if *reloads > 0 {
		for _, p := range []float64{0.99, 1} {
			require.LessOrEqual(t, percentile(with.rows, p), percentile(without.rows, p)+20*time.Millisecond)
			require.LessOrEqual(t, percentile(with.pings, p), percentile(without.pings, p)+20*time.Millisecond)
		}
		require.LessOrEqual(t, peak, 2*memory+24*info.Size()+16<<20)
	}
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait())
}

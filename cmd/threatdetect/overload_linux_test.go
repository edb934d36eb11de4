package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

var (
	overload    = flag.Duration("overload", 0, "how long TestOverloadProcess asks too much, and measures; 0 is a moment, without bounds of time")
	overloadBy  = flag.Float64("overload-by", 10, "TestOverloadProcess asks so many times as much as one client gets")
	overloadCPU = flag.Bool("overload-cpu", false, "TestOverloadProcess: all times, and the pace, by the processor time of the server, on a machine that has other things to do")
)

// overloadRows are the rows of the requests, in turn.
var overloadRows = []int{1, 1, 10, 1, 1000, 1, 1, 10, 100, 1, 10_000}

// asked is a request and what came of it.
type asked struct {
	rows, status int           // 0 is none
	answer       time.Duration // from the last byte of the request to the first of the answer, when the system has it: this process may be busy
	whole        time.Duration // from before the connection was made, or taken, to the last byte of the answer
}

// overloader asks a server, each request by a connection that nobody else uses meanwhile.
type overloader struct {
	address  string
	requests map[int][]byte
	files    map[int]string // of long requests, which the system sends without a copy: to make them must not be what takes the time
	mu       sync.Mutex
	free     []net.Conn
	start    time.Time
	pid      int // of the server, if its processor time is the clock
}

func newOverloader(t *testing.T, address string) *overloader {
	o := &overloader{address: address, requests: map[int][]byte{}, files: map[int]string{}, start: time.Now()}
	for _, n := range overloadRows {
		body := strings.Repeat(strings.Repeat("1.5,", 69)+"2\n", n)
		o.requests[n] = fmt.Appendf(nil, "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		if len(o.requests[n]) > 32<<10 {
			o.files[n] = filepath.Join(t.TempDir(), strconv.Itoa(n))
			require.NoError(t, os.WriteFile(o.files[n], o.requests[n], 0o600))
		}
	}
	return o
}

// now is the time.
func (o *overloader) now() time.Duration {
	if o.pid == 0 {
		return time.Since(o.start)
	}
	const ofProcess = 2
	var t syscall.Timespec
	if _, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(^o.pid<<3|ofProcess), uintptr(unsafe.Pointer(&t)), 0); err != 0 {
		panic(err)
	}
	return time.Duration(t.Nano())
}

func (o *overloader) conn() (c net.Conn, used bool, err error) {
	o.mu.Lock()
	if n := len(o.free); n > 0 {
		c, o.free = o.free[n-1], o.free[:n-1]
	}
	o.mu.Unlock()
	if c != nil {
		return c, true, nil
	}
	c, err = o.dial()
	return c, false, err
}

// dial makes a connection on which the system notes when something comes.
func (o *overloader) dial() (net.Conn, error) {
	c, err := net.DialTimeout("tcp", o.address, 20*time.Second)
	if err != nil {
		return nil, err
	}
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err == nil {
		raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1) })
	}
	return c, err
}

// begins waits for an answer. It returns when its first byte came, by the clock of now.
func (o *overloader) begins(c net.Conn) (r *bufio.Reader, at time.Duration, err error) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return nil, 0, err
	}
	var data [4 << 10]byte
	var control [64]byte
	var n, of int
	var fault error
	err = raw.Read(func(fd uintptr) bool {
		n, of, _, _, fault = syscall.Recvmsg(int(fd), data[:], control[:], 0)
		return fault != syscall.EAGAIN
	})
	switch {
	case err != nil:
		return nil, 0, err
	case fault != nil:
		return nil, 0, fault
	case n == 0:
		return nil, 0, io.EOF
	}
	at = o.now()
	messages, err := syscall.ParseSocketControlMessage(control[:of])
	for _, m := range messages {
		if m.Header.Type == syscall.SO_TIMESTAMPNS && o.pid == 0 {
			t := (*syscall.Timespec)(unsafe.Pointer(&m.Data[0]))
			at = time.Unix(t.Unix()).Sub(o.start.Round(0))
		}
	}
	return bufio.NewReader(io.MultiReader(bytes.NewReader(data[:n]), c)), at, err
}

// ask sends a request of some rows and reads the answer, while the request is still being sent if it comes so early.
func (o *overloader) ask(rows int) (a asked) {
	a.rows = rows
	begin := o.now()
	c, used, err := o.conn()
	if err != nil {
		return a
	}
	c.SetDeadline(time.Now().Add(60 * time.Second))
	file, long := o.files[rows]
	var sent atomic.Int64
	writing := make(chan error, 1)
	write := func() {
		sent.Store(int64(o.now() - begin)) // a short one is there at once
		if !long {
			_, err := c.Write(o.requests[rows])
			writing <- err
			return
		}
		err := sendFile(c, file)
		sent.Store(int64(o.now() - begin))
		writing <- err
	}
	if long {
		go write()
	} else if write(); used && len(writing) > 0 {
		if err := <-writing; err != nil { // it had been closed
			c.Close()
			return o.ask(rows)
		}
		writing <- nil
	}
	r, first, err := o.begins(c)
	if err != nil {
		c.Close()
		return a
	}
	first -= begin
	res, err := http.ReadResponse(r, nil)
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
	}
	if err != nil {
		c.Close()
		return a
	}
	a.status, a.whole = res.StatusCode, o.now()-begin
	if at := time.Duration(sent.Load()); at > 0 {
		a.answer = first - at
	}
	if res.Close || len(writing) == 0 {
		c.Close()
		return a
	}
	o.mu.Lock()
	o.free = append(o.free, c)
	o.mu.Unlock()
	return a
}

func sendFile(c net.Conn, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(c, f)
	return err
}

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
	o := newOverloader(t, strings.TrimPrefix(strings.TrimSpace(line), "http://"))
	if *overloadCPU {
		o.pid = cmd.Process.Pid
	}
	for _, n := range overloadRows { // who was never asked does not know what takes how long
		require.Equal(t, http.StatusOK, o.ask(n).status)
	}

	var unloaded []asked
	begin := o.now()
	for i := 0; o.now()-begin < alone; i++ {
		a := o.ask(overloadRows[i%len(overloadRows)])
		require.Equal(t, http.StatusOK, a.status)
		unloaded = append(unloaded, a)
	}
	rate := *overloadBy * float64(len(unloaded)) / alone.Seconds()
	memory := residentOf(t, cmd.Process.Pid)

	const most = 3000 // requests at a time: the server takes 4096 connections
	var mu sync.Mutex
	var wait sync.WaitGroup
	var all []asked
	var pings []time.Duration
	var open, unsent atomic.Int64
	var peak int64
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wait.Go(func() {
		for ctx.Err() == nil {
			took, err := o.ping()
			if err != nil {
				t.Errorf("/ping: %v", err)
			}
			pings = append(pings, took)
			peak = max(peak, residentOf(t, cmd.Process.Pid))
			time.Sleep(50 * time.Millisecond)
		}
	})
	draw := rand.New(rand.NewPCG(16, 1))
	offered := 0
	begin = o.now()
	for due := begin; o.now()-begin < length; offered++ {
		due += time.Duration(draw.ExpFloat64() / rate * float64(time.Second))
		for o.now() < due && (o.pid == 0 || open.Load() > 0) { // a server without work has a clock that stands still
			time.Sleep(min(max(due-o.now(), 0), time.Millisecond))
		}
		rows := overloadRows[draw.IntN(len(overloadRows))]
		if open.Load() >= most {
			unsent.Add(1)
			continue
		}
		open.Add(1)
		wait.Go(func() {
			defer open.Add(-1)
			a := o.ask(rows)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, a)
		})
	}
	cancel()
	wait.Wait()
	ended := time.Now()
	answer, whole := func(a asked) time.Duration { return a.answer }, func(a asked) time.Duration { return a.whole }
	before := percentile(answers(unloaded, answer), 0.99)
	for a := o.ask(1); a.status != http.StatusOK || a.answer > 2*before; a = o.ask(1) {
		require.Less(t, time.Since(ended), 5*time.Second)
	}
	back := time.Since(ended)

	statuses := map[int]int{}
	for _, a := range all {
		statuses[a.status]++
	}
	t.Logf("offered %d in %v, %.0f a second, %g times what one client gets; %d could not be sent; answers %v", offered, length, rate, *overloadBy, unsent.Load(), statuses)
	t.Logf("answer, p99 alone:%s", p99(unloaded, answer))
	t.Logf("answer, p99 then: %s", p99(all, answer))
	t.Logf("whole, p99 alone:%s", p99(unloaded, whole))
	t.Logf("whole, p99 then: %s", p99(all, whole))
	t.Logf("/ping p99 %v, most %v; memory %d MiB, before %d MiB; as before after %v", percentile(pings, 0.99), percentile(pings, 1), peak>>20, memory>>20, back)
	for status := range statuses {
		require.Contains(t, []int{200, 503}, status)
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

// ping asks by a connection of its own, and returns the time from the request to the answer.
func (o *overloader) ping() (time.Duration, error) {
	c, err := o.dial()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	begin := o.now()
	fmt.Fprint(c, "GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	r, at, err := o.begins(c)
	if err != nil {
		return 0, err
	}
	res, err := http.ReadResponse(r, nil)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return at - begin, err
}

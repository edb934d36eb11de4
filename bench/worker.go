package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// worker is a process with one engine and one model. It answers on lines:
//
//	(start)               ready VERSION
//	time BATCH SECONDS    the median processor time per row in nanoseconds, and how many samples that is of
//	check ROWS FILE       ok, after the outputs of that many rows have been written to the file
//
// What is no such answer is an error, and the process has ended.
type worker struct {
	Version string

	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
	stderr  bytes.Buffer
}

// startWorker runs a command on one core and waits until it is ready.
func startWorker(cpu int, argv []string) (*worker, error) {
	w := &worker{}
	w.cmd = exec.Command("taskset", append([]string{"-c", strconv.Itoa(cpu)}, argv...)...)
	w.cmd.Env = append(w.cmd.Environ(), "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "MKL_NUM_THREADS=1", "PYTHONWARNINGS=ignore")
	w.cmd.Stderr = &w.stderr
	var err error
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	w.answers = bufio.NewScanner(out)
	for { // some packages print greetings
		line, err := w.line()
		if err != nil {
			w.stop()
			return nil, err
		}
		if version, ok := strings.CutPrefix(line, "ready"); ok {
			w.Version = strings.TrimSpace(version)
			return w, nil
		}
	}
}

// line returns the next line that the process prints.
func (w *worker) line() (string, error) {
	if !w.answers.Scan() {
		w.in.Close()
		err := w.cmd.Wait()
		return "", fmt.Errorf("ended early (%v): %s", err, lastLine(w.stderr.String()))
	}
	if text, ok := strings.CutPrefix(w.answers.Text(), "error: "); ok {
		return "", errors.New(text)
	}
	return w.answers.Text(), nil
}

// time returns nanoseconds of processor time per row.
func (w *worker) time(batch int, d time.Duration) (ns float64, err error) {
	fmt.Fprintf(w.in, "time %d %g\n", batch, d.Seconds())
	line, err := w.line()
	if err != nil {
		return 0, err
	}
	var samples int
	if _, err := fmt.Sscan(line, &ns, &samples); err != nil {
		return 0, fmt.Errorf("unexpected answer %q", line)
	}
	return ns, nil
}

// check returns the outputs of the first rows.
func (w *worker) check(rows int, path string) ([]float32, error) {
	fmt.Fprintf(w.in, "check %d %s\n", rows, path)
	if line, err := w.line(); err != nil {
		return nil, err
	} else if line != "ok" {
		return nil, fmt.Errorf("unexpected answer %q", line)
	}
	return readFloats(path)
}

// stop ends the process.
func (w *worker) stop() {
	w.in.Close()
	timer := time.AfterFunc(5*time.Second, func() { w.cmd.Process.Kill() })
	w.cmd.Wait()
	timer.Stop()
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

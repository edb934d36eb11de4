package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// predictor scores the rows from begin to begin+count-1 of those that it was made with, and returns their outputs.
type predictor func(begin, count int) []float32

// answer is the engine's end of a [worker]: it prints that it is ready and obeys the commands of in until their end.
func answer(in io.Reader, out io.Writer, version string, rows int, predict predictor) error {
	fmt.Fprintln(out, "ready", version)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var (
			batch   int
			seconds float64
			count   int
			path    string
		)
		if _, err := fmt.Sscanf(lines.Text(), "time %d %g", &batch, &seconds); err == nil && batch > 0 && batch <= rows {
			median, samples := sample(rows, batch, seconds, predict)
			fmt.Fprintf(out, "%.3f %d\n", median, samples)
		} else if _, err := fmt.Sscanf(lines.Text(), "check %d %s", &count, &path); err == nil && count <= rows {
			if err := writeOutputs(path, count, predict); err != nil {
				return err
			}
			fmt.Fprintln(out, "ok")
		} else {
			return fmt.Errorf("unknown command %q", lines.Text())
		}
	}
	return nil
}

// sample returns the median of the processor time per row, in nanoseconds, over samples of at least 2 ms each that go on for the
// given time. Calls go through the rows in order, so that no branch predictor learns them.
func sample(rows, batch int, seconds float64, predict predictor) (median float64, samples int) {
	var took []float64
	at := 0
	for start := processTime(); len(took) == 0 || processTime()-start < time.Duration(seconds*float64(time.Second)); {
		calls := 0
		var d time.Duration
		for began := processTime(); d < 2*time.Millisecond; d = processTime() - began {
			for range max(256/batch, 1) { // reading the clock takes a fair part of a microsecond
				if at+batch > rows {
					at = 0
				}
				predict(at, batch)
				at += batch
				calls++
			}
		}
		took = append(took, float64(d)/float64(calls*batch))
	}
	slices.Sort(took)
	return took[len(took)/2], len(took)
}

// processTime is the processor time of this process so far, of all threads. An engine cannot hide work in a second thread.
func processTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

// writeOutputs scores the first rows in batches of 1000 into a file.
func writeOutputs(path string, rows int, predict predictor) error {
	var all []float32
	for at := 0; at < rows; at += 1000 {
		all = append(all, predict(at, min(1000, rows-at))...)
	}
	return writeFloats(path, all)
}

// readFloats reads a file of little-endian float32.
func readFloats(path string) ([]float32, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	x := make([]float32, len(data)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return x, nil
}

func writeFloats(path string, x []float32) error {
	data := make([]byte, 0, 4*len(x))
	for _, v := range x {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return os.WriteFile(path, data, 0o644)
}

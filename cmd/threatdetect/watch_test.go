package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const watchHeader = "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n"

const watchRow = "1545403816.962094\tC1\t10.0.0.1\t1\t10.0.0.2\t80\ttcp\n"

// features runs the command over a log, and returns the exit code and both outputs.
func runFeatures(log string, args ...string) (code int, rows int, stderr string) {
	var out, problems bytes.Buffer
	a := &app{stdin: strings.NewReader(log), stdout: &out, stderr: &problems}
	code = a.run(append([]string{"features", "--set", "flow-min/1", "--no-header", "--summary", "json"}, args...))
	return code, strings.Count(out.String(), "\n"), problems.String()
}

// READ-4: a file of which most records are bad is another format; below 10,000 records nobody can tell.
func TestBadRatio(t *testing.T) {
	bad := strings.Repeat(strings.Replace(watchRow, "10.0.0.2", "10.0.0.x", 1), 6000)
	good := strings.Repeat(watchRow, 5500)
	for _, bad := range []string{bad, strings.Repeat("x\n", 6000), strings.Repeat("x\n\n#\nyyyyyyyyyyy\n", 3000)} { // also where many are read at once
		code, rows, stderr := runFeatures(watchHeader + good + bad)
		require.Equal(t, exitInput, code)
		require.Contains(t, stderr, "-: format not recognised: 5501 of 11001 records are skipped for a fault, which is over --max-bad-ratio 0.5")
		require.Contains(t, stderr, `{"records":11001,"flows":5500,"rows":5500,`, "what went before is counted, the last one too")
		require.Equal(t, 5500, rows)
	}
	code, rows, stderr := runFeatures(watchHeader + bad + good)
	require.Equal(t, exitInput, code, "the 10,000th record is a good one, and none behind it is bad")
	require.Contains(t, stderr, "-: format not recognised: 6000 of 10000 records are skipped for a fault, which is over --max-bad-ratio 0.5")
	require.Equal(t, 4000, rows)
	code, _, _ = runFeatures(watchHeader+good+bad, "--max-bad-ratio", "0.6")
	require.Equal(t, exitSkipped, code)
	code, _, _ = runFeatures(watchHeader+bad+watchRow, "--max-bad-ratio", "1")
	require.Equal(t, exitSkipped, code)
	code, _, _ = runFeatures(watchHeader + watchRow + bad)
	require.Equal(t, exitSkipped, code, "too few to tell")
	for _, odd := range []string{"-1", "1.1", "NaN"} {
		code, _, _ = runFeatures(watchHeader, "--max-bad-ratio", odd)
		require.Equal(t, exitUsage, code, odd)
	}
}

// READ-3: the limit of a line is a flag, and a line over it is told of with its length, but not each one.
func TestMaxLine(t *testing.T) {
	long := strings.Replace(watchRow, "C1", strings.Repeat("C", 70_000), 1)
	code, rows, stderr := runFeatures(watchHeader + long)
	require.Zero(t, code, stderr)
	require.Equal(t, 1, rows)
	code, rows, stderr = runFeatures(watchHeader+long+watchRow+long+long, "--max-line", "64")
	require.Equal(t, exitSkipped, code)
	require.Equal(t, 1, rows)
	require.Equal(t, 1, strings.Count(stderr, "warning: -:4: a line of 70045 bytes is skipped: the limit is --max-line 64 KiB"), stderr)
	require.Equal(t, 1, strings.Count(stderr, "warning"))
	require.Contains(t, stderr, `"too_long":3`)
	huge := strings.Replace(watchRow, "C1", strings.Repeat("C", 15<<20), 1)
	code, rows, _ = runFeatures(watchHeader+huge, "--max-line", "16384")
	require.Zero(t, code)
	require.Equal(t, 1, rows)
	for _, odd := range []string{"63", "16385", "0", "x"} {
		code, _, _ = runFeatures(watchHeader, "--max-line", odd)
		require.Equal(t, exitUsage, code, odd)
	}
}

// READ-7: any time is data; one that no live network has is told of once.
func TestOddTimes(t *testing.T) {
	for first, warned := range map[string]bool{"1545403816.962094": false, "22.335000": true, "631151999.999999": true, "631152000.000000": false, "4102444800.000000": true, "-5.5": true} {
		log := watchHeader + strings.Repeat(strings.Replace(watchRow, "1545403816.962094", first, 1), 3)
		code, rows, stderr := runFeatures(log)
		require.Zero(t, code)
		require.Equal(t, 3, rows)
		require.Equal(t, warned, strings.Contains(stderr, "warning: -: times before 1990 or after 2099, such as"), first)
		require.LessOrEqual(t, strings.Count(stderr, "warning"), 1)
		_, _, stderr = runFeatures(log, "--quiet")
		require.NotContains(t, stderr, "warning")
	}
}

// READ-10: what a crash left of a log, a run of NULs, costs one record, however long it is.
func TestRunsOfNUL(t *testing.T) {
	for _, n := range []int{1, 4096, 3 << 20} {
		nuls := strings.Repeat("\x00", n)
		code, rows, stderr := runFeatures(watchHeader + watchRow + nuls + "\n" + watchRow + nuls + watchRow + watchRow)
		require.Equal(t, exitSkipped, code)
		require.Equal(t, 3, rows, stderr)
		require.Contains(t, stderr, `"records":5,"flows":3`)
	}
}

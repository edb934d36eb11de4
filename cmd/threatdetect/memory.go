package main

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// limitMemory tells the garbage collector to keep a tenth below a ceiling of bytes, or below what the control group of the process may have if
// that is less. A user's GOMEMLIMIT stands.
func limitMemory(ceiling int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(min(ceiling, groupMemory(groupFiles...)) / 10 * 9)
	}
}

// groupFiles tell, of either version of control groups, what that of this process may have, as a container sees its own.
var groupFiles = []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}

// groupMemory is the number in the first of files that has one.
func groupMemory(files ...string) int64 {
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
			return n
		}
	}
	return math.MaxInt64
}

// serveMemory is the bound of resident memory of a server with defaults beside its model, in bytes: the bodies of requests, what scoring takes beyond them, and
// the program itself.
const serveMemory = 1 << 30

// serveCeiling is the bound of the memory of a server of a model. An archive unpacks to several times its size, and during a reload there are two of it.
func serveCeiling(model string) int64 {
	info, err := os.Stat(model)
	if err != nil || !info.Mode().IsRegular() {
		return math.MaxInt64 // of several models nobody knows how many there will be
	}
	return serveMemory + 32*info.Size()
}

// afterStart is when what runs for long gives memory back: not at the start itself, which somebody may wait for.
const afterStart = time.Second

// serveGarbage is how much garbage a server lets lie before it collects, in percent of what it needs: the default would be all of it again, and a request leaves
// so little that this costs hardly any time. A user's GOGC stands.
const serveGarbage = 50

// joinGarbage is that of who remembers what joined logs say: the memory of it is up to 256 MiB in few pieces, so that collecting costs next to nothing, while as much
// garbage again, of records that wait for their flow, would be let lie (L12).
const joinGarbage = 20

func collectEarly(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// forgetLoading gives back what the start and loading took, which is more than serving takes.
func forgetLoading() {
	debug.FreeOSMemory()
	forgetStart()
}

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// machine is what a run was made on.
type machine struct {
	CPU      string
	Features []string // those that kernels of some engine use
	Cores    int
	Go, CC   string
	Python   string
	Load     float64 // load average when the run began: other work on the machine
}

func describeMachine() machine {
	m := machine{CPU: "unknown CPU", Cores: runtime.NumCPU(), Go: runtime.Version(), CC: firstLine("cc", "--version"), Python: firstLine("python3", "--version")}
	info, _ := os.ReadFile("/proc/cpuinfo") // without it the description says less
	family := map[string]string{}
	for line := range strings.Lines(string(info)) {
		key, value, _ := strings.Cut(line, ":")
		family[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	if name := family["model name"]; name != "" {
		m.CPU = fmt.Sprintf("%s (family %s, model %s)", name, family["cpu family"], family["model"])
	}
	known := []string{"avx2", "bmi2", "avx512f", "avx512bw", "avx512vl", "avx512_vbmi", "gfni"}
	for _, f := range strings.Fields(family["flags"]) {
		if slices.Contains(known, f) {
			m.Features = append(m.Features, f)
		}
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _ = strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	}
	return m
}

// has reports whether the CPU has a feature, named as Linux does.
func (m *machine) has(feature string) bool { return slices.Contains(m.Features, feature) }

func firstLine(argv ...string) string {
	out, err := exec.Command(argv[0], argv[1:]...).Output()
	if err != nil {
		return argv[0] + " not found"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// moduleVersion is the version of a module that this program is built with.
func moduleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == path {
				return m.Version
			}
		}
	}
	return ""
}

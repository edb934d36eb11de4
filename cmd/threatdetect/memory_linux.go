package main

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// forgetStart has the kernel unmap the pages of the program's file that the start has touched, most of which nothing touches again: tables of
// packages, and what reads flags and models. What is used again is mapped again, from the page cache as a rule. A mapping with pages of
// its own is left alone, as these would be lost: a debugger's breakpoints, or addresses that were moved.
func forgetStart() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return // no /proc
	}
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, m := range programMappings(text, program) {
		syscall.Syscall(syscall.SYS_MADVISE, m.start, m.size, syscall.MADV_DONTNEED)
	}
}

type mapping struct{ start, size uintptr }

// programMappings returns the parts of a program that are mapped from its file, are not written to and have not been, by what smaps tells.
func programMappings(smaps []byte, program string) (all []mapping) {
	var m mapping
	ours := false
	for lines := bufio.NewScanner(bytes.NewReader(smaps)); lines.Scan(); {
		line := lines.Text()
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		if !strings.HasSuffix(fields[0], ":") { // 00400000-02000000 r-xp 00000000 fd:00 1234    /usr/bin/threatdetect
			ours = len(fields) >= 6 && len(fields[1]) == 4 && fields[1][0] == 'r' && fields[1][1] == '-' && strings.HasSuffix(line, " "+program)
			from, to, _ := strings.Cut(fields[0], "-")
			start, err := strconv.ParseUint(from, 16, strconv.IntSize)
			end, err2 := strconv.ParseUint(to, 16, strconv.IntSize)
			if err != nil || err2 != nil || end <= start {
				ours = false
			}
			m = mapping{uintptr(start), uintptr(end - start)}
			continue
		}
		switch fields[0] {
		case "Anonymous:", "Swap:":
			ours = ours && fields[1] == "0"
		case "VmFlags:": // the last line of a mapping
			if ours {
				all = append(all, m)
			}
			ours = false
		}
	}
	return all
}

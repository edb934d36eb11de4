package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProgramMappings(t *testing.T) {
	const smaps = "00400000-00c00000 r-xp 00000000 fe:00 77 /usr/bin/a program\n" + "Rss:  10 kB\nAnonymous:             0 kB\nSwap:                  0 kB\nVmFlags: rd ex mr mw me\n" +
		"00c00000-00d00000 r--p 00800000 fe:00 77 /usr/bin/a program\n" + "Anonymous:             4 kB\nSwap:                  0 kB\nVmFlags: rd mr mw me\n" +
		"00d00000-00e00000 r--p 00900000 fe:00 77 /usr/bin/a program\n" + "Anonymous:             0 kB\nSwap:                  8 kB\nVmFlags: rd mr mw me\n" +
		"00e00000-00e08000 r--p 00a00000 fe:00 77 /usr/bin/a program\n" + "Anonymous:             0 kB\nSwap:                  0 kB\nVmFlags: rd mr mw me\n" +
		"00f00000-01000000 rw-p 00b00000 fe:00 77 /usr/bin/a program\n" + "Anonymous:             0 kB\nSwap:                  0 kB\nVmFlags: rd wr mr mw me\n" +
		"7f0000000000-7f0000001000 r--p 00000000 fe:00 78 /usr/lib/other\n" + "Anonymous:             0 kB\nSwap:                  0 kB\nVmFlags: rd mr\n" +
		"7f0000001000-7f0000002000 r--p 00000000 00:00 0 \n" + "Anonymous:             0 kB\nSwap:                  0 kB\nVmFlags: rd mr\n"
	require.Equal(t, []mapping{{0x400000, 0x800000}, {0xe00000, 0x8000}}, programMappings([]byte(smaps), "/usr/bin/a program"))
	require.Empty(t, programMappings([]byte("zz-yy r-xp 0 0 0 /p\nVmFlags: rd\n\n-\nx"), "/p"))
}

// TestForgetStart wants less of the program in memory afterwards, and a program that goes on.
func TestForgetStart(t *testing.T) {
	program, err := os.Readlink("/proc/self/exe")
	require.NoError(t, err)
	resident := func() (kilobytes int) {
		text, err := os.ReadFile("/proc/self/smaps")
		require.NoError(t, err)
		mappings := programMappings(text, program)
		require.NotEmpty(t, mappings, "the parts of %s are not found", program)
		for _, m := range mappings {
			_, of, ok := strings.Cut(string(text), fmt.Sprintf("\n%08x-", m.start))
			if !ok { // the first one
				of = string(text)
			}
			_, rss, _ := strings.Cut(of, "\nRss:")
			n, err := strconv.Atoi(strings.Fields(rss)[0])
			require.NoError(t, err)
			kilobytes += n
		}
		return kilobytes
	}
	before := resident()
	forgetStart()
	require.Less(t, resident(), before)
}

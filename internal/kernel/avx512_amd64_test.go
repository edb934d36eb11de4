//go:build !purego

package kernel

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFeatures compares what the assembly for AVX-512 needs, as its generator knows, with what is asked of the processor.
func TestFeatures(t *testing.T) {
	text, err := os.ReadFile("avx512_amd64.s")
	require.NoError(t, err)
	functions := regexp.MustCompile(`(?m)^// Requires: (.*)\nTEXT ·(\w+)\(SB\)`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, functions, strings.Count(string(text), "TEXT ·"))
	asked := []string{"AVX", "AVX512F", "AVX512BW", "AVX512VBMI"} // the first by the operating system's answer for the others
	basic := []string{"CMOV", "MMX+"}                             // of every amd64 processor; the second has PREFETCHT0
	for _, f := range functions {
		for need := range strings.SplitSeq(f[1], ", ") {
			if need == "GFNI" {
				require.Contains(t, f[2], "GFNI")
				continue
			}
			require.True(t, slices.Contains(asked, need) || slices.Contains(basic, need), "%s needs %s", f[2], need)
		}
	}
}

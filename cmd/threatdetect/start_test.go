package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the variables of this module's packages may allocate before main, in bytes: of one package, and of all. Every command pays for it at
// its start, and a server as long as it lives.
const (
	packageStart = 128 << 10
	moduleStart  = 320 << 10
)

func TestStartIsLight(t *testing.T) {
	cmd := command(t, "version")
	cmd.Env = append(cmd.Environ(), "GODEBUG=inittrace=1")
	var trace strings.Builder
	cmd.Stderr = &trace
	require.NoError(t, cmd.Run())
	all, packages := 0, 0
	for _, m := range regexp.MustCompile(`(?m)^init (threatdetect/\S+|main) @.*, (\d+) bytes, \d+ allocs$`).FindAllStringSubmatch(trace.String(), -1) {
		n, err := strconv.Atoi(m[2])
		require.NoError(t, err)
		require.Less(t, n, packageStart, "package %s: make its tables when they are first used, as with sync.OnceValue", m[1])
		all += n
		packages++
	}
	require.Greater(t, packages, 5, "%s", trace.String())
	require.Less(t, all, moduleStart)
	t.Logf("%d bytes in %d packages", all, packages)
}

package features

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// The numbers of columns in docs/features.md are those of the sets that it describes, which are all that remember.
func TestDocumentedNumbersOfColumns(t *testing.T) {
	text, err := os.ReadFile("../docs/features.md")
	require.NoError(t, err)
	documented := map[string]int{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+/[0-9])` \\| ([0-9]+)").FindAllSubmatch(text, -1) {
		documented[string(m[1])], _ = strconv.Atoi(string(m[2]))
	}
	want := map[string]int{}
	for _, name := range statefulSets() {
		want[name] = pipelineOf(t, name).NumColumn()
	}
	require.Equal(t, want, documented)
}

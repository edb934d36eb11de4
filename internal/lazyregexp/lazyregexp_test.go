package lazyregexp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/lazyregexp"
)

func Example() {
	stack := lazyregexp.New(`^[a-z]+(-[a-z]+)*$`)
	fmt.Println(stack.MatchString("threat-detect"), stack.MatchString("Threat"))
	// Output: true false
}

func TestRegexp(t *testing.T) {
	r := lazyregexp.New(`(\w+)=(\d+)`)
	require.Equal(t, `(\w+)=(\d+)`, r.String())
	require.Equal(t, []string{"a=1", "a", "1"}, r.FindStringSubmatch("a=1 b=2"))
	require.Len(t, r.FindAllStringSubmatch("a=1 b=2", -1), 2)
	require.Equal(t, "1:a 2:b", r.ReplaceAllString("a=1 b=2", "$2:$1"))
	require.Equal(t, "1:a 2:b", string(r.ReplaceAll([]byte("a=1 b=2"), []byte("$2:$1"))))
	require.Equal(t, "A=1 B=2", r.ReplaceAllStringFunc("a=1 b=2", strings.ToUpper))
	require.Equal(t, []int{2, 5, 2, 3, 4, 5}, r.FindSubmatchIndex([]byte("- a=1")))

	broken := lazyregexp.New(`(`)
	require.Panics(t, func() { broken.MatchString("") })
}

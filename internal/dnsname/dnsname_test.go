package dnsname_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/dnsname"
)

func Example() {
	code, ok := dnsname.RCode([]byte("NXDOMAIN"))
	fmt.Println(dnsname.Type([]byte("AAAA")), code, ok)
	// Output: 28 3 true
}

func TestType(t *testing.T) {
	for name, want := range map[string]uint16{"A": 1, "TYPE65": 65, "TYPE65536": 0, "TYPE": 0, "TYPEx": 0, "": 0, "a": 0, "HTTPS": 65} {
		require.Equal(t, want, dnsname.Type([]byte(name)), name)
	}
	_, ok := dnsname.RCode([]byte("x"))
	require.False(t, ok)
}

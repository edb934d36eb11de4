package ipaddr_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/ipaddr"
)

func check(t *testing.T, s string) {
	t.Helper()
	want, err := netip.ParseAddr(s)
	got, ok := ipaddr.Parse([]byte(s))
	require.Equal(t, err == nil, ok, "%q", s)
	if ok {
		require.Equal(t, want.WithZone("").Unmap(), got, "%q", s)
	}
	for range 2 {
		cached, cachedOK := cache.Parse([]byte(s))
		require.Equal(t, ok, cachedOK, "%q, cached", s)
		require.Equal(t, got, cached, "%q, cached", s)
	}
}

// cache has seen all that was checked.
var cache ipaddr.Cache

// TestQuads reads quads of all lengths, and with each byte in each place.
func TestQuads(t *testing.T) {
	for _, a := range []string{"0", "7", "00", "10", "99", "01", "100", "255", "256", "999", "1000", ""} {
		for _, b := range []string{"0", "42", "255", "260"} {
			check(t, a+"."+b+".3.4")
			check(t, "1."+a+"."+b+".4")
			check(t, "1.2."+b+"."+a)
			check(t, b+".2.1."+a)
		}
	}
	for _, s := range []string{"1.2.3.4", "192.168.100.250", "10.11.12.13"} {
		for i := range s {
			for c := range 256 {
				check(t, s[:i]+string([]byte{byte(c)})+s[i+1:])
			}
		}
	}
}

var seeds = strings.Fields(`0.0.0.0 1.2.3.4 255.255.255.255 256.1.1.1 01.2.3.4 1.2.3 1.2.3.4.5 1.2.3. .1.2.3 1..2.3 1.2.3.4%eth0 1.2.3.4x 1000.1.1.1
	:: ::1 1:: 1::2 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 ::1:2:3:4:5:6:7:8 1::2::3 : ::: 1: :1 1:::2
	fe80::1%eth0 fe80::1% fe80::1%a%b %eth0 ::%x ::ffff:1.2.3.4 ::ffff:1.2.3.4%x ::1.2.3.4 1:2:3:4:5:6:1.2.3.4 1:2:3:4:5:6:7:1.2.3.4 ::1.2.3 ::1.2.3.04
	1:2:3:4:5:1.2.3.4 1.2.3.4:: 1::1.2.3.4:5 12345:: ::abcd:EF01 ::g 0000:0000::0001 [::1] ::1/64 ::12345.1.1.1 ::1.2.3.4.5 2001:db8:0:0:1:0:0:1`)

func TestSeeds(t *testing.T) {
	check(t, "")
	check(t, " 1.2.3.4")
	for _, s := range seeds {
		check(t, s)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(check)
}

func TestNoAllocation(t *testing.T) {
	texts := [][]byte{[]byte("192.168.1.195"), []byte("2001:718:2:1663:dc58:6d9:ef13:51a5"), []byte("fe80::1%eth0"), []byte("x")}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for _, b := range texts {
			ipaddr.Parse(b)
		}
	}))
}

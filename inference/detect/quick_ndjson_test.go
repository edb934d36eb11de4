package detect

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
)

// TestQuickNDJSON compares the quick way with the long one, and counts that it is not only compared where it gives up.
func TestQuickNDJSON(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	long, quick := newNDJSONForm(binaryAbout()), newNDJSONForm(binaryAbout())
	long.quick = nil
	uids := []string{"", "C1", "CHhAvVGS1DHFjwGM9", "12345678", "123456\"8", "12345678\\0123456", "a line\nof two", "a b c d e f", "\x7f2345678", "0123456789€", "~~~~~~~~~~~~", "\x1f2345678"}
	times := []int64{0, 1, 999_999_000, 1_000_000_000, 1_709_535_620_496_777_000, 1_709_535_620_496_777_001, 253_402_300_799_000, -1000, 9_223_372_036_854_775_000}
	addrs := []string{"0.0.0.0", "9.10.99.100", "255.255.255.255", "192.168.1.20", "::ffff:10.0.0.1", "2001:db8::1", "fe80::1%eth0"}
	took := 0
	for range 20_000 {
		a, b := random.Uint64(), random.Uint64()
		f := &features.Flow{
			Start: times[random.IntN(len(times))], UID: []byte(uids[random.IntN(len(uids))]), Proto: features.Proto(random.IntN(5)), ProtoName: []string{"", "tcp", "gre"}[random.IntN(3)],
			Src: netip.MustParseAddr(addrs[random.IntN(len(addrs))]), Dst: netip.MustParseAddr(addrs[random.IntN(len(addrs))]),
			SrcPort: uint16(random.Uint32() >> random.IntN(32)), DstPort: uint16(random.Uint32() >> random.IntN(32)),
			Known: features.Field(a | a>>32 | b), // most of them
		}
		if random.IntN(9) == 0 {
			f.Src = netip.Addr{}
		}
		if random.IntN(2) == 0 {
			f.UID = make([]byte, random.IntN(70))
			for i := range f.UID {
				f.UID[i] = byte(' ' + random.IntN(95))
			}
		}
		if len(f.UID) > 0 && random.IntN(4) == 0 {
			f.UID[random.IntN(len(f.UID))] = byte(random.Uint32())
		}
		long.calibrated = random.IntN(2) == 0
		quick.calibrated = long.calibrated
		v := &Verdict{Flow: f, Probability: random.Float32(), Score: []float32{0, 1, 0.5, float32(random.IntN(1000)) / 1000, random.Float32() / 1e7}[random.IntN(5)], Threat: random.IntN(2) == 0}
		want := string(long.appendVerdict(nil, v))
		dst := make([]byte, 3, 3+random.IntN(600))
		require.Equal(t, "\x00\x00\x00"+want, string(quick.appendVerdict(dst, v)))
		if _, ok := quick.quick.appendVerdict(nil, v, quick); ok {
			took++
		}
	}
	require.Greater(t, took, 300)
	require.Nil(t, newNDJSONForm(classAbout()).quick)
}

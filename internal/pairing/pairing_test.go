package pairing_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/internal/pairing"
)

const second = int64(1e9)

// plain pairs records in the plainest way: open flows are a list of records each, and everything is looked up and
// computed anew.
type plain struct {
	opts  pairing.Options
	open  [][]pairing.Record
	clock *int64
	lost  [][3]any
	out   []string
}

func ends(list []pairing.Record) (start, end int64) {
	start, end = list[0].Start, list[0].End
	for _, r := range list {
		start, end = min(start, r.Start), max(end, r.End)
	}
	return start, end
}

func name(r *pairing.Record) string {
	a, b := fmt.Sprintf("%x|%05d", r.Src.As16(), r.SrcPort), fmt.Sprintf("%x|%05d", r.Dst.As16(), r.DstPort)
	return fmt.Sprint(r.Scope, r.Proto, r.HasProto, min(a, b), max(a, b))
}

func (p *plain) add(r pairing.Record) {
	switch {
	case p.clock != nil && float64(r.End) < float64(*p.clock)-3600e9:
		p.flush()
		p.clock = &r.End
	case p.clock == nil || r.End > *p.clock:
		p.clock = &r.End
	}
	clock := *p.clock
	p.open = slices.DeleteFunc(p.open, func(f []pairing.Record) bool {
		_, end := ends(f)
		old := clock-end > 2*int64(p.opts.Interval)
		if old {
			p.give(f)
		}
		return old
	})
	i := slices.IndexFunc(p.open, func(f []pairing.Record) bool { return name(&f[0]) == name(&r) })
	if i >= 0 {
		start, end := ends(p.open[i])
		if max(r.Start-end, start-r.End) <= int64(p.opts.Interval)+60*second && max(end, r.End)-min(start, r.Start) <= 3600*second {
			p.open[i] = append(p.open[i], r)
			return
		}
		p.give(p.open[i])
		p.open = slices.Delete(p.open, i, i+1)
	}
	p.open = append(p.open, []pairing.Record{r})
}

func (p *plain) flush() {
	for _, f := range p.open {
		p.give(f)
	}
	p.open = nil
}

// give writes what the flow is.
func (p *plain) give(list []pairing.Record) {
	first := list[0]
	from := func(r pairing.Record) bool { return r.Src == first.Src && r.SrcPort == first.SrcPort }
	var a, b []pairing.Record // of the first record's source, and of the other side
	for _, r := range list {
		if from(r) {
			a = append(a, r)
		} else {
			b = append(b, r)
		}
	}
	initiates := func(side []pairing.Record) bool {
		return slices.ContainsFunc(side, func(r pairing.Record) bool {
			return r.FlagsKnown&features.SYN != 0 && r.Flags&features.SYN != 0 && r.Flags&features.ACK == 0
		})
	}
	swap := false
	both := slices.IndexFunc(list, func(r pairing.Record) bool { return r.Both })
	switch {
	case len(b) == 0:
	case both >= 0:
		swap = !from(list[both])
	case initiates(a) != initiates(b):
		swap = initiates(b)
	case (first.SrcPort >= 32768) != (first.DstPort >= 32768):
		swap = first.DstPort >= 32768
	default:
		startA, _ := ends(a)
		startB, _ := ends(b)
		swap = startB < startA
	}
	src, dst := first.Src, first.Dst
	if swap {
		a, b, src, dst = b, a, dst, src
	}
	start, end := ends(list)
	text := fmt.Sprint(src, dst, start, end-start)
	for i, side := range [][]pairing.Record{a, b} {
		pkts, known, flags, flagsKnown := uint64(0), true, features.TCPFlags(0), ^features.TCPFlags(0)
		for _, r := range side {
			pkts += r.Pkts
			known = known && r.HasPkts
			flags |= r.Flags
			flagsKnown &= r.FlagsKnown
		}
		if len(side) == 0 {
			known, flagsKnown = false, 0
			if i == 1 && p.opts.ReverseIsZero {
				lost := false
				for _, l := range p.lost {
					lost = lost || l[0] == first.Scope && l[1].(int64) <= end && l[2].(int64) >= start
				}
				if !lost {
					known = true
					flagsKnown = ^features.TCPFlags(0)
					for _, r := range a {
						flagsKnown &= r.FlagsKnown
					}
				}
			}
		}
		if !known {
			pkts = 0
		}
		text += fmt.Sprint(" ", known, pkts, flags&flagsKnown, flagsKnown)
	}
	tags, fragmented, known, known2 := uint8(0), false, false, false
	for _, r := range list {
		tags, fragmented = max(tags, r.VLANTags), fragmented || r.Fragmented
		known, known2 = known || r.HasVLAN, known2 || r.HasFragmented
	}
	p.out = append(p.out, text+fmt.Sprint(" ", known, tags, known2, fragmented))
}

func describe(f *features.Flow) string {
	return fmt.Sprint(f.Src, f.Dst, f.Start, f.Duration) +
		fmt.Sprint(" ", f.Has(features.FieldFwdPkts), f.FwdPkts, f.FwdFlags, f.FwdFlagsKnown) +
		fmt.Sprint(" ", f.Has(features.FieldRevPkts), f.RevPkts, f.RevFlags, f.RevFlagsKnown) +
		fmt.Sprint(" ", f.Has(features.FieldVLAN), f.VLANTags, f.Has(features.FieldFragmented), f.Fragmented)
}

func randomRecord(rng *rand.Rand, now *int64) pairing.Record {
	switch rng.IntN(40) {
	case 0:
		*now += rng.Int64N(5000) - 2500
	case 1:
		*now -= 4000
	default:
		*now += rng.Int64N(60)
	}
	hosts := []string{"10.0.0.1", "2001:db8::1"}
	ports := []uint16{443, 51000}
	addr := func() netip.Addr { return netip.MustParseAddr(hosts[rng.IntN(len(hosts))]) }
	r := pairing.Record{Scope: []string{"a", "b"}[rng.IntN(2)], Src: addr(), Dst: addr(), Proto: features.Proto(rng.IntN(2)), HasProto: true,
		SrcPort: ports[rng.IntN(2)], DstPort: ports[rng.IntN(2)], HasSrcPort: true, HasDstPort: true,
		Pkts: uint64(rng.IntN(9)), HasPkts: rng.IntN(9) > 0, HasBytes: true, Flags: features.TCPFlags(rng.IntN(32)), FlagsKnown: features.AllFlags,
		Both: rng.IntN(15) == 0}
	if rng.IntN(10) == 0 {
		r.Flags, r.FlagsKnown = 0, 0
	}
	if rng.IntN(4) == 0 {
		r.HasVLAN, r.VLANTags = true, uint8(rng.IntN(3))
	}
	if rng.IntN(4) == 0 {
		r.HasFragmented, r.Fragmented = true, rng.IntN(4) == 0
	}
	r.End = *now * second
	r.Start = r.End - []int64{0, 10, 60, 300, 600, 3600, 3601}[rng.IntN(7)]*second
	return r
}

// TestPlain compares with the plain way on random records, of few hosts so that they meet.
func TestPlain(t *testing.T) {
	records, flows := 0, 0
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 1))
		opts := pairing.Options{Interval: []uint64{300e9, 600e9}[seed%2], ReverseIsZero: seed%2 == 1}
		want := &plain{opts: opts}
		var got []string
		p := pairing.New(opts, func(f *features.Flow) bool { got = append(got, describe(f)); return true })
		now := int64(1_000_000)
		for range 300 {
			r := randomRecord(rng, &now)
			if rng.IntN(20) == 0 && opts.ReverseIsZero {
				p.Lost(r.Scope, r.Start, r.End)
				want.lost = append(want.lost, [3]any{r.Scope, r.Start, r.End})
				continue
			}
			require.True(t, p.Add(&r))
			want.add(r)
			records++
		}
		require.True(t, p.Flush())
		want.flush()
		require.Equal(t, want.out, got, seed)
		flows += len(got)
	}
	require.Less(t, flows, records*9/10, "something was paired")
}

func TestRecordsAddUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	n := 0
	p := pairing.New(pairing.Options{Interval: 300e9, MaxOpen: 10}, func(f *features.Flow) bool { n += 1 + f.MoreRecords; return true })
	now := int64(0)
	for range 1000 {
		r := randomRecord(rng, &now)
		p.Add(&r)
		if r.Both {
			r.Both, r.Half = false, true
			r.Src, r.Dst, r.SrcPort, r.DstPort = r.Dst, r.Src, r.DstPort, r.SrcPort
			p.Add(&r)
		}
	}
	p.Flush()
	require.Equal(t, 1000, n)
}

func TestExtremes(t *testing.T) {
	var got []string
	p := pairing.New(pairing.Options{Interval: 300e9}, func(f *features.Flow) bool { got = append(got, fmt.Sprint(f.Start, f.End(), f.FwdPkts)); return true })
	a := netip.MustParseAddr("10.0.0.1")
	for _, r := range []pairing.Record{
		{Start: math.MinInt64, End: math.MinInt64, Src: a, Dst: a, Pkts: math.MaxUint64, HasPkts: true},
		{Start: math.MinInt64, End: math.MinInt64, Src: a, Dst: a, Pkts: 2, HasPkts: true},
		{Start: math.MaxInt64, End: math.MaxInt64, Src: a, Dst: a, Pkts: 3, HasPkts: true},
		{Start: math.MinInt64, End: math.MinInt64, Src: a, Dst: a, Pkts: 4, HasPkts: true},
	} {
		require.True(t, p.Add(&r))
	}
	p.Flush()
	require.Equal(t, []string{"-9223372036854775808 -9223372036854775808 18446744073709551615", "9223372036854775807 9223372036854775807 3",
		"-9223372036854775808 -9223372036854775808 4"}, got)
}

// TestBounded holds what is open down under records of which no two belong together.
func TestBounded(t *testing.T) {
	n := 0
	p := pairing.New(pairing.Options{Interval: 600e9, MaxOpen: 100, ReverseIsZero: true}, func(*features.Flow) bool { n++; return true })
	for i := range 100_000 {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		p.Add(&pairing.Record{Src: addr, Dst: addr, Start: int64(i), End: int64(i)})
		p.Lost(fmt.Sprint(i), int64(i), int64(i))
		require.GreaterOrEqual(t, n, i+1-100)
	}
}

func TestAllocations(t *testing.T) {
	p := pairing.New(pairing.Options{Interval: 300e9}, func(*features.Flow) bool { return true })
	i := 0
	next := func() {
		i++
		addr := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		p.Add(&pairing.Record{Src: addr, Dst: addr, Start: int64(i) * second, End: int64(i) * second})
	}
	for range 5000 {
		next()
	}
	require.Less(t, testing.AllocsPerRun(5000, next), 0.01)
}

func BenchmarkAdd(b *testing.B) {
	p := pairing.New(pairing.Options{Interval: 600e9, ReverseIsZero: true}, func(*features.Flow) bool { return true })
	rng := rand.New(rand.NewPCG(1, 1))
	records := make([]pairing.Record, 1<<16)
	for i := range records {
		addr := netip.AddrFrom4([4]byte{10, 0, byte(rng.IntN(64)), byte(rng.IntN(256))})
		records[i] = pairing.Record{Src: addr, Dst: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), SrcPort: uint16(rng.IntN(65536)), DstPort: 443, HasSrcPort: true, HasDstPort: true, Proto: features.ProtoTCP, HasProto: true}
	}
	b.ResetTimer()
	for i := range b.N {
		r := &records[i%len(records)]
		r.Start = int64(i) * 1e6
		r.End = r.Start
		p.Add(r)
	}
}

func Example() {
	p := pairing.New(pairing.Options{Interval: 300e9}, func(f *features.Flow) bool {
		fmt.Printf("%s began with %s: %d and %d packets, %d records\n", f.Src, f.Dst, f.FwdPkts, f.RevPkts, 1+f.MoreRecords)
		return true
	})
	client, server := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("192.0.2.7")
	p.Add(&pairing.Record{Src: server, Dst: client, SrcPort: 443, DstPort: 51000, HasSrcPort: true, HasDstPort: true, Pkts: 5, HasPkts: true, Start: 1e9, End: 3e9})
	p.Add(&pairing.Record{Src: client, Dst: server, SrcPort: 51000, DstPort: 443, HasSrcPort: true, HasDstPort: true, Pkts: 4, HasPkts: true, Start: 1e9, End: 3e9})
	p.Flush()
	// Output:
	// 10.1.2.3 began with 192.0.2.7: 4 and 5 packets, 2 records
}

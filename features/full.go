package features

import (
	"math"
	"net/netip"

	"threatdetect/internal/sketch"
)

// fullColumns are what flow-full/1 has beyond flow-portable/1.
var fullColumns = []Column{
	{"log_duration_s", "", "ln(1 + duration_s)"},
	{"log_fwd_pkts", "", "ln(1 + fwd_pkts)"},
	{"log_rev_pkts", "", "ln(1 + rev_pkts)"},
	{"log_fwd_bytes", "", "ln(1 + fwd_bytes)"},
	{"log_rev_bytes", "", "ln(1 + rev_bytes)"},
	{"size_asym", "", "ln((fwd_mean_size + 1) / (rev_mean_size + 1))"},
	{"ip_version", "", "4 or 6"},
	{"same_subnet", "", "1 if both addresses are of one /24, or of IPv6 one /64"},
	{"dst_is_private", "", "1 if the destination is of a private network"},
	{"dst_is_multicast_or_broadcast", "", "1 if it is a multicast address or 255.255.255.255"},
	{"dst_is_bogon", "", "1 if it is of a reserved network that nobody routes, private and multicast ones aside"},
	{"direction=out", "", "1 if the source is a host of the site and the destination is not, missing if either is not known"},
	{"direction=in", "", "1 if it is the other way round"},
	{"direction=internal", "", "1 if both are"},
	{"direction=external", "", "1 if neither is"},
	{"hour_sin", "", "sine of the hour of the day of the start, in UTC"},
	{"hour_cos", "", "cosine of it"},
	{"weekday", "", "0 on Mondays to 6 on Sundays, in UTC"},
	{"vlan_present", "", "1 if packets had a VLAN tag, missing where the log does not tell"},
	{"is_fragmented", "", "1 if a packet was a fragment, missing where the log does not tell"},
}

// bogons are reserved networks that are neither private nor multicast.
var bogons = func() (list []netip.Prefix) {
	for _, p := range []string{"0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "::/127", "100::/64", "2001:db8::/32", "fe80::/10"} {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}()

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// hourSine is the sine of the hours of a quarter of a day.
var hourSine = [7]float32{0, 0.2588190451025207623488988, 0.5, 0.7071067811865475244008443, 0.8660254037844386467637231, 0.9659258262890682867497431, 1}

// sineOfHour is the sine of an hour of the day, 0 to 23.
func sineOfHour(h int64) float32 {
	switch {
	case h > 12:
		return -sineOfHour(h - 12)
	case h > 6:
		return hourSine[12-h]
	}
	return hourSine[h]
}

// ln is the natural logarithm of x > 0, missing if x is.
func ln(x float64) float32 {
	if x != x {
		return nan32
	}
	return round(sketch.Log2(x) * math.Ln2)
}

func fillFull(row []float32, f *Flow) { fillFullOf(row, f, nil) }

func fillFullOf(row []float32, f *Flow, s site) {
	o := operandsOf(f)
	row = row[:len(portableColumns)+20]
	fillPortable(row[:len(portableColumns)], f)
	row = row[len(portableColumns):]
	for i, v := range [...]float64{o.d, o.fP, o.rP, o.fB, o.rB} {
		row[i] = ln(1 + v)
	}
	row[5] = nan32
	if o.fP != 0 && o.rP != 0 {
		row[5] = ln((o.fB/o.fP + 1) / (o.rB/o.rP + 1))
	}
	if missing(row[6:]); f.Has(FieldAddrs) {
		fillAddrs(row[6:11], f)
	}
	if src, dst, known := s.ends(f); known == FieldLocalSrc|FieldLocalDst {
		switch {
		case src && dst:
			oneHot(row[11:15], 2)
		case src:
			oneHot(row[11:15], 0)
		case dst:
			oneHot(row[11:15], 1)
		default:
			oneHot(row[11:15], 3)
		}
	}
	if f.Has(FieldStart) {
		hour := period(f.Start, 3600*1_000_000_000)
		of := ((hour % 24) + 24) % 24
		day := (hour - of) / 24
		row[15], row[16] = sineOfHour(of), sineOfHour((of+6)%24)
		row[17] = float32(((day+3)%7 + 7) % 7) // the epoch began on a Thursday
	}
	if f.Has(FieldVLAN) {
		row[18] = flag(f.VLANTags > 0)
	}
	if f.Has(FieldFragmented) {
		row[19] = flag(f.Fragmented)
	}
}

func fillAddrs(row []float32, f *Flow) {
	src, dst := f.Src.Unmap(), f.Dst.Unmap()
	bits := 64
	row[0] = 6
	if dst.Is4() {
		row[0], bits = 4, 24
	}
	row[1] = 0
	if net, err := dst.Prefix(bits); err == nil {
		row[1] = flag(net.Contains(src))
	}
	row[2], row[3] = flag(dst.IsPrivate()), flag(dst.IsMulticast() || dst == broadcast)
	row[4] = 0
	for _, p := range bogons {
		if p.Contains(dst) && dst != broadcast {
			row[4] = 1
		}
	}
}

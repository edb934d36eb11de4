package features

import (
	"math"
	"math/bits"
)

// The columns of flow-min/1 and flow-portable/1. The order is the order of the row, and fillMin and fillPortable write
// in it. fP, rP are packets, fB, rB IP bytes, d is the duration in seconds.
var (
	minColumns = []Column{
		{"duration_s", "s", "d"},
		{"fwd_pkts", "packets", "fP"},
		{"rev_pkts", "packets", "rP"},
		{"fwd_bytes", "bytes", "fB"},
		{"rev_bytes", "bytes", "rB"},
		{"total_pkts", "packets", "fP + rP"},
		{"total_bytes", "bytes", "fB + rB"},
		{"byte_ratio", "", "fB / (rB + 1)"},
		{"byte_balance", "", "(fB - rB) / (fB + rB), 0 without bytes"},
		{"pkt_balance", "", "(fP - rP) / (fP + rP), 0 without packets"},
		{"fwd_mean_size", "bytes", "fB / fP, missing without packets"},
		{"rev_mean_size", "bytes", "rB / rP, missing without packets"},
		{"flow_intensity", "packets/s", "(fP + rP) / (d + 1e-6)"},
		{"pkt_rate", "packets/s", "(fP + rP) / max(d, 0.001), missing for fewer than 2 packets"},
		{"byte_rate", "bytes/s", "(fB + rB) / max(d, 0.001), missing for fewer than 2 packets"},
		{"mean_iat_ms", "ms", "1000 * d / (fP + rP - 1), missing for fewer than 2 packets"},
		{"proto=tcp", "", "1 if the transport protocol is TCP"},
		{"proto=udp", "", "1 if it is UDP"},
		{"proto=icmp", "", "1 if it is ICMP of either version"},
		{"proto=other", "", "1 if it is another one"},
	}

	portableColumns = func() []Column {
		columns := append([]Column(nil), minColumns...)
		add := func(name, unit, doc string) { columns = append(columns, Column{name, unit, doc}) }
		add("fwd_load_bps", "bits/s", "8 * fB * (fP - 1) / fP / d, 0 if d is 0 or for fewer than 2 packets")
		add("rev_load_bps", "bits/s", "8 * rB * (rP - 1) / rP / d, 0 if d is 0 or for fewer than 2 packets")
		add("unsw_rate", "packets/s", "(fP + rP - 1) / d, 0 if d is 0 or without packets")
		for _, side := range []string{"fwd", "rev"} {
			for _, flag := range flagColumns {
				add(side+"_flag_"+flag.name, "", "1 if the flag was seen in this direction, missing unless TCP")
			}
		}
		add("flag_count", "flags", "how many of the six flags were seen in either direction")
		add("syn_no_ack", "", "1 if the initiator sent SYN and nothing came back")
		for _, state := range stateColumns {
			add("state="+state, "", "1 if the connection ended so")
		}
		for app := AppDNS; app < numApp; app++ {
			add("app="+app.String(), "", "1 if this application protocol was detected")
		}
		add("app=none", "", "1 if no application protocol was detected")
		add("dst_port_class", "", "0 below 1024, 1 below 32768, else 2; 3 for ICMP")
		add("src_port_class", "", "the same of the initiator's port")
		add("is_common_port", "", "1 if the destination port is one of the usual services'")
		add("service_port_match", "", "1 if the detected application is at home on the destination port, missing if none was detected")
		return columns
	}()

	flagColumns = []struct {
		name string
		flag TCPFlags
	}{{"syn", SYN}, {"fin", FIN}, {"rst", RST}, {"psh", PSH}, {"ack", ACK}, {"urg", URG}}

	stateColumns = []string{"attempt", "rejected", "established", "closed", "half_closed", "reset", "midstream", "request_only",
		"request_reply", "unknown"}

	// stateColumn is the index in stateColumns of each State.
	stateColumn = [...]int{StateUnknown: 9, StateAttempt: 0, StateRejected: 1, StateEstablished: 2, StateClosed: 3, StateHalfClosed: 4,
		StateResetOrig: 5, StateResetResp: 5, StateMidstream: 6, StateRequestOnly: 7, StateRequestReply: 8}

	// flagCells are the six cells of each set of flags, as bits: 1 or 0. Those of missingCells are missing or 0, so that a cell is the one or the other.
	flagCells, missingCells = func() (set, unknown [1 << 6][6]uint32) {
		for flags := range set {
			for i, c := range flagColumns {
				if TCPFlags(flags)&c.flag != 0 {
					set[flags][i] = math.Float32bits(1)
				} else {
					unknown[flags][i] = math.Float32bits(nan32)
				}
			}
		}
		return set, unknown
	}()
)

// commonPorts are those of is_common_port.
var commonPorts = []uint16{20, 21, 22, 23, 25, 53, 80, 110, 123, 143, 389, 443, 445, 465, 587, 636, 853, 993, 995, 1433, 3306, 3389, 5432, 5900, 8080, 8443}

// portUse says of each port which applications are at home on it, a bit for each, and bit 31 whether it is a common one. The ports are in pages of 256, most of
// which are the empty one.
var portUse = func() (use struct {
	page [256]uint8
	of   [16][256]uint32
}) {
	pages := uint8(0)
	add := func(port uint16, bit int) {
		if use.page[port>>8] == 0 {
			pages++
			use.page[port>>8] = pages
		}
		use.of[use.page[port>>8]][port&0xff] |= 1 << bit
	}
	for _, port := range commonPorts {
		add(port, 31)
	}
	for app, ports := range expectedPorts {
		for _, port := range ports {
			add(port, app)
		}
	}
	return use
}()

var (
	nan   = math.NaN()
	nan32 = float32(math.NaN())
)

// round makes the cell of a computed value: one rounding, and what is not finite then is missing.
func round(v float64) float32 {
	const exponent, missing = 0x7f800000, 0x7fc00000
	bits := math.Float32bits(float32(v))
	if bits&exponent == exponent { // NaN and the infinities
		bits = missing
	}
	return math.Float32frombits(bits)
}

func flag(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

// oneHot sets cell i of cells to 1 and the others to 0.
func oneHot(cells []float32, i int) {
	clear(cells)
	cells[i] = 1
}

// missing sets every cell to missing.
func missing(cells []float32) {
	for i := range cells {
		cells[i] = nan32
	}
}

// operands are the numbers of a flow that the formulas use, NaN where the flow does not know one.
type operands struct {
	d              float64 // seconds
	fP, rP, fB, rB float64
	totalP, totalB float64
}

func operandsOf(f *Flow) (o operands) {
	o.d, o.fP, o.rP, o.fB, o.rB = nan, nan, nan, nan, nan
	if f.Has(FieldDuration) {
		o.d = float64(f.Duration) / 1e9
	}
	if f.Has(FieldFwdPkts) {
		o.fP = float64(f.FwdPkts)
	}
	if f.Has(FieldRevPkts) {
		o.rP = float64(f.RevPkts)
	}
	if f.Has(FieldFwdBytes) {
		o.fB = float64(f.FwdBytes)
	}
	if f.Has(FieldRevBytes) {
		o.rB = float64(f.RevBytes)
	}
	o.totalP = o.fP + o.rP
	o.totalB = o.fB + o.rB
	return o
}

// balance is (f - r) / (f + r), 0 where both are 0.
func balance(f, r float64) float64 {
	if f == 0 && r == 0 {
		return 0
	}
	return (f - r) / (f + r)
}

// atLeast2 is v if the flow has two packets or more, else missing.
func (o *operands) atLeast2(v float64) float64 {
	if o.totalP > 1 {
		return v
	}
	return nan
}

func fillMin(row []float32, f *Flow) {
	o := operandsOf(f)
	o.fillMin(row, f)
}

func (o *operands) fillMin(row []float32, f *Flow) {
	row = row[:20]
	row[0] = round(o.d)
	row[1] = round(o.fP)
	row[2] = round(o.rP)
	row[3] = round(o.fB)
	row[4] = round(o.rB)
	row[5] = round(o.totalP)
	row[6] = round(o.totalB)
	row[7] = round(o.fB / (o.rB + 1))
	row[8] = round(balance(o.fB, o.rB))
	row[9] = round(balance(o.fP, o.rP))
	row[10] = round(o.fB / o.fP) // no packets: infinite or NaN, hence missing
	row[11] = round(o.rB / o.rP)
	row[12] = round(o.totalP / (o.d + 1e-6))
	row[13] = round(o.atLeast2(o.totalP / max(o.d, 0.001)))
	row[14] = round(o.atLeast2(o.totalB / max(o.d, 0.001)))
	row[15] = round(o.atLeast2(1000 * o.d / (o.totalP - 1)))
	proto := (*[4]float32)(row[16:20])
	*proto = [4]float32{}
	proto[(f.Proto-ProtoTCP)%4] = 1 // others come last
	if !f.Has(FieldProto) {
		missing(proto[:])
	}
}

// load is a rate in bits per second as Argus computes it.
func load(bytes, pkts, d float64) float64 {
	if d != d || bytes != bytes || pkts != pkts { // missing comes before every other rule
		return nan
	}
	if d == 0 || pkts < 2 {
		return 0
	}
	return 8 * bytes * (pkts - 1) / pkts / d
}

func (o *operands) unswRate() float64 {
	if o.d != o.d || o.totalP != o.totalP {
		return nan
	}
	if o.d == 0 || o.totalP == 0 {
		return 0
	}
	return (o.totalP - 1) / o.d
}

func fillPortable(row []float32, f *Flow) {
	row = row[:70]
	o := operandsOf(f)
	o.fillMin(row[:20], f)
	row[20] = round(load(o.fB, o.fP, o.d))
	row[21] = round(load(o.rB, o.rP, o.d))
	row[22] = round(o.unswRate())
	fillFlags(row[23:37], f, o.rP)
	hot := (*[10 + 19]float32)(row[37:66])
	*hot = [10 + 19]float32{}
	hot[stateColumn[f.State]] = 1
	hot[10+appColumn(f.App)] = 1
	fillPorts(row[66:70], f)
}

// appColumn is the place of a class among the app= columns, where none comes last.
func appColumn(a App) int {
	if a == AppNone {
		return int(numApp) - 1
	}
	return int(a) - 1
}

// fillFlags writes the twelve flag columns, flag_count and syn_no_ack.
func fillFlags(row []float32, f *Flow, rP float64) {
	row = row[:14]
	fwd, fwdMissing := &flagCells[f.FwdFlags&AllFlags], &missingCells[f.FwdFlagsKnown&AllFlags]
	rev, revMissing := &flagCells[f.RevFlags&AllFlags], &missingCells[f.RevFlagsKnown&AllFlags]
	for i := range 6 {
		row[i] = math.Float32frombits(fwd[i] | fwdMissing[i])
		row[6+i] = math.Float32frombits(rev[i] | revMissing[i])
	}
	row[12], row[13] = nan32, nan32
	if f.FwdFlagsKnown&f.RevFlagsKnown&AllFlags == AllFlags {
		row[12] = float32(bits.OnesCount8(uint8((f.FwdFlags | f.RevFlags) & AllFlags)))
	}
	if f.FwdFlagsKnown&SYN != 0 && rP == rP {
		row[13] = flag(f.FwdFlags&SYN != 0 && rP == 0)
	}
}

// fillPorts writes the two port classes, is_common_port and service_port_match.
func fillPorts(row []float32, f *Flow) {
	row = row[:4]
	missing(row)
	if f.Has(FieldProto) && f.Proto == ProtoICMP {
		row[0], row[1] = 3, 3
		return
	}
	if f.Has(FieldSrcPort) {
		row[1] = portClass(f.SrcPort)
	}
	if !f.Has(FieldDstPort) {
		return
	}
	row[0] = portClass(f.DstPort)
	use := portUse.of[portUse.page[f.DstPort>>8]%16][f.DstPort&0xff]
	row[2] = float32(use >> 31)
	if f.App != AppNone && f.App != AppOther {
		row[3] = float32(use >> (f.App & 31) & 1)
	}
}

func portClass(port uint16) float32 {
	const registered, dynamic = 1024, 32768
	return float32((uint32(port)+1<<16-registered)>>16 + (uint32(port)+1<<16-dynamic)>>16)
}

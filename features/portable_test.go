package features

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// tcpFlow is a flow of which every optional field is known.
func tcpFlow() *Flow {
	return &Flow{
		Start: 1e18, Duration: 2_500_000_000, Proto: ProtoTCP, SrcPort: 40000, DstPort: 443, FwdPkts: 10, RevPkts: 8, FwdBytes: 1500, RevBytes: 9000,
		FwdFlags: SYN | ACK | PSH | FIN, RevFlags: SYN | ACK | FIN, FwdFlagsKnown: AllFlags, RevFlagsKnown: AllFlags,
		State: StateClosed, App: AppTLS, AppName: "tls",
		Known: FieldStart | FieldDuration | FieldAddrs | FieldSrcPort | FieldDstPort | FieldProto | FieldFwdPkts | FieldRevPkts | FieldFwdBytes | FieldRevBytes,
	}
}

func portableRow(t *testing.T, f *Flow) map[string]float32 {
	t.Helper()
	set, err := LookupSet("flow-portable/1")
	require.NoError(t, err)
	p, err := NewPipeline(set)
	require.NoError(t, err)
	row, err := p.Extractor().AppendRow(nil, f)
	require.NoError(t, err)
	require.Len(t, row, 70)
	cells := make(map[string]float32)
	for i, c := range p.Schema().Columns {
		cells[c.Name] = row[i]
	}
	require.Len(t, cells, 70, "names are distinct")
	return cells
}

func TestPortableColumnsOfAWholeFlow(t *testing.T) {
	row := portableRow(t, tcpFlow())
	want := map[string]float32{
		"duration_s": 2.5, "fwd_pkts": 10, "rev_pkts": 8, "fwd_bytes": 1500, "rev_bytes": 9000, "total_pkts": 18, "total_bytes": 10500,
		"byte_ratio": 1500. / 9001, "byte_balance": -7500. / 10500, "pkt_balance": 2. / 18, "fwd_mean_size": 150, "rev_mean_size": 1125,
		"flow_intensity": 18 / 2.500001, "pkt_rate": 7.2, "byte_rate": 4200, "mean_iat_ms": 2500. / 17,
		"proto=tcp": 1, "proto=udp": 0, "proto=icmp": 0, "proto=other": 0,
		"fwd_load_bps": 4320, "rev_load_bps": 25200, "unsw_rate": 6.8,
		"fwd_flag_syn": 1, "fwd_flag_fin": 1, "fwd_flag_rst": 0, "fwd_flag_psh": 1, "fwd_flag_ack": 1, "fwd_flag_urg": 0,
		"rev_flag_syn": 1, "rev_flag_fin": 1, "rev_flag_rst": 0, "rev_flag_psh": 0, "rev_flag_ack": 1, "rev_flag_urg": 0,
		"flag_count": 4, "syn_no_ack": 0, "state=closed": 1, "state=attempt": 0, "state=unknown": 0, "app=tls": 1, "app=none": 0, "app=dns": 0,
		"dst_port_class": 0, "src_port_class": 2, "is_common_port": 1, "service_port_match": 1,
	}
	for name, v := range want {
		require.Equal(t, math.Float32bits(v), math.Float32bits(row[name]), "%s: got %v, want %v", name, row[name], v)
	}
}

func TestPortableEdgeCases(t *testing.T) {
	const M = -12345 // stands for missing below
	cases := []struct {
		name   string
		change func(*Flow)
		want   map[string]float32
	}{
		{"single packet", func(f *Flow) { f.Duration, f.FwdPkts, f.RevPkts, f.FwdBytes, f.RevBytes = 0, 1, 0, 60, 0 }, map[string]float32{
			"flow_intensity": 1e6, "pkt_rate": M, "byte_rate": M, "mean_iat_ms": M, "rev_mean_size": M, "fwd_load_bps": 0, "unsw_rate": 0, "syn_no_ack": 1,
			"byte_balance": 1, "byte_ratio": 60}},
		{"no packets at all", func(f *Flow) { f.FwdPkts, f.RevPkts, f.FwdBytes, f.RevBytes = 0, 0, 0, 0 }, map[string]float32{
			"byte_balance": 0, "pkt_balance": 0, "fwd_mean_size": M, "unsw_rate": 0, "fwd_load_bps": 0, "total_pkts": 0}},
		{"reverse side not observed", func(f *Flow) { f.Known &^= FieldRevPkts | FieldRevBytes }, map[string]float32{
			"rev_pkts": M, "total_pkts": M, "byte_ratio": M, "byte_balance": M, "pkt_rate": M, "rev_load_bps": M, "unsw_rate": M, "syn_no_ack": M, "fwd_load_bps": 4320}},
		{"missing beats zero duration", func(f *Flow) { f.Duration = 0; f.Known &^= FieldFwdPkts }, map[string]float32{
			"fwd_load_bps": M, "unsw_rate": M, "rev_load_bps": 0}},
		{"duration not known", func(f *Flow) { f.Known &^= FieldDuration }, map[string]float32{
			"duration_s": M, "flow_intensity": M, "pkt_rate": M, "mean_iat_ms": M, "fwd_load_bps": M, "unsw_rate": M}},
		{"icmp", func(f *Flow) {
			f.Proto, f.FwdFlagsKnown, f.RevFlagsKnown, f.App = ProtoICMP, 0, 0, AppNone
			f.Known &^= FieldSrcPort | FieldDstPort
		}, map[string]float32{"dst_port_class": 3, "src_port_class": 3, "is_common_port": M, "service_port_match": M, "flag_count": M, "syn_no_ack": M,
			"fwd_flag_syn": M, "proto=icmp": 1, "app=none": 1}},
		{"protocol not known", func(f *Flow) { f.Known &^= FieldProto }, map[string]float32{"proto=tcp": M, "proto=other": M, "dst_port_class": 0}},
		{"half of the flags known", func(f *Flow) { f.RevFlagsKnown = SYN | FIN | RST }, map[string]float32{"rev_flag_psh": M, "rev_flag_syn": 1, "flag_count": M}},
		{"reset by either side", func(f *Flow) { f.State = StateResetResp }, map[string]float32{"state=reset": 1, "state=closed": 0}},
		{"no application", func(f *Flow) { f.App = AppNone }, map[string]float32{"service_port_match": M, "app=none": 1, "app=tls": 0}},
		{"application of no class", func(f *Flow) { f.App = AppOther }, map[string]float32{"service_port_match": M, "app=other": 1}},
		{"application away from home", func(f *Flow) { f.DstPort = 32768 }, map[string]float32{"service_port_match": 0, "dst_port_class": 2, "is_common_port": 0}},
		{"registered port", func(f *Flow) { f.DstPort = 32767 }, map[string]float32{"dst_port_class": 1}},
		{"largest counts", func(f *Flow) { f.FwdBytes, f.RevBytes, f.Duration = math.MaxUint64, math.MaxUint64, 0 }, map[string]float32{
			"total_bytes": 3.6893488e19, "byte_rate": 3.6893488e22}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := tcpFlow()
			c.change(f)
			row := portableRow(t, f)
			for name, want := range c.want {
				got, ok := row[name]
				require.True(t, ok, name)
				if want == M {
					require.True(t, got != got, "%s: got %v, want missing", name, got)
					continue
				}
				require.Equal(t, want, got, name)
			}
		})
	}
}

func TestMinIsTheHeadOfPortable(t *testing.T) {
	set, err := LookupSet("flow-min")
	require.NoError(t, err)
	p, err := NewPipeline(set)
	require.NoError(t, err)
	row, err := p.Extractor().AppendRow(nil, tcpFlow())
	require.NoError(t, err)
	require.Len(t, row, 20)
	portable := portableRow(t, tcpFlow())
	for i, c := range p.Schema().Columns {
		require.Equal(t, portable[c.Name], row[i], c.Name)
	}
}

func TestZeroFlowKnowsNothing(t *testing.T) {
	row := portableRow(t, new(Flow))
	for name, v := range row {
		switch name {
		case "state=unknown", "app=none":
			require.Equal(t, float32(1), v, name)
		default:
			if len(name) > 6 && (name[:6] == "state=" || name[:4] == "app=") {
				require.Equal(t, float32(0), v, name)
			} else {
				require.True(t, v != v, "%s is %v", name, v)
			}
		}
	}
}

func TestParseApps(t *testing.T) {
	cases := []struct {
		text string
		app  App
		name string
	}{
		{"", AppNone, ""}, {"ssl", AppTLS, "tls"}, {"HTTP2", AppHTTP, "http"}, {"ftp_data", AppFTPData, "ftp-data"}, {"failed", AppNone, ""},
		{"smb,gssapi,ntlm", AppSMB, "smb"}, {"ntlm,gssapi", AppOther, "gssapi"}, {"gssapi,ntlm", AppOther, "gssapi"}, {"-http,dns", AppDNS, "dns"},
		{"-http", AppNone, ""}, {" ssh , ssl ", AppTLS, "tls"}, {"zzz,http", AppHTTP, "http"}, {",,", AppNone, ""}, {"other", AppOther, "other"},
		{"none", AppOther, "none"},
	}
	for _, c := range cases {
		app, name := ParseApps([]byte(c.text), nil)
		require.Equal(t, c.app, app, "%q", c.text)
		require.Equal(t, c.name, name, "%q", c.text)
	}
}

func TestInternerIsBounded(t *testing.T) {
	var in Interner
	b := make([]byte, 2)
	for i := range 1 << 16 {
		b[0], b[1] = byte(i), byte(i>>8)
		require.Equal(t, string(b), in.String(b))
	}
	require.LessOrEqual(t, len(in.names), maxInterned)
	long := make([]byte, 1000)
	require.Equal(t, string(long), in.String(long))
}

func TestAppendRowDoesNotAllocate(t *testing.T) {
	set, _ := LookupSet("flow-portable/1")
	p, err := NewPipeline(set)
	require.NoError(t, err)
	x, f := p.Extractor(), tcpFlow()
	row := make([]float32, 0, 70)
	require.Zero(t, testing.AllocsPerRun(100, func() { row, _ = x.AppendRow(row[:0], f) }))
}

func BenchmarkAppendRow(b *testing.B) {
	for _, name := range []string{"flow-min/1", "flow-portable/1"} {
		set, _ := LookupSet(name)
		p, _ := NewPipeline(set)
		x, f := p.Extractor(), tcpFlow()
		b.Run(name, func(b *testing.B) {
			row := make([]float32, 0, 70)
			for b.Loop() {
				row, _ = x.AppendRow(row[:0], f)
			}
		})
	}
}

// TestPortablePorts compares what is looked up of every port with the lists that it is made of.
func TestPortablePorts(t *testing.T) {
	var row [4]float32
	for app := AppNone; app < numApp; app++ {
		f := Flow{Proto: ProtoTCP, App: app, Known: FieldProto | FieldSrcPort | FieldDstPort}
		for port := range 1 << 16 {
			f.SrcPort, f.DstPort = uint16(port), uint16(port)
			fillPorts(row[:], &f)
			class := float32(2)
			if port < 1024 {
				class = 0
			} else if port < 32768 {
				class = 1
			}
			match := flag(slices.Contains(expectedPorts[app], f.DstPort))
			if app == AppNone || app == AppOther {
				match = nan32
			}
			want := [4]float32{class, class, flag(slices.Contains(commonPorts, f.DstPort)), match}
			if bitsOf(row) != bitsOf(want) {
				t.Fatalf("port %d, %s: %v, want %v", port, app, row, want)
			}
		}
	}
}

func bitsOf(row [4]float32) (bits [4]uint32) {
	for i, v := range row {
		bits[i] = math.Float32bits(v)
	}
	return bits
}

// TestPortableFlags compares the cells of every set of flags, known or not, with what they stand for.
func TestPortableFlags(t *testing.T) {
	var row [14]float32
	for flags := range 1 << 8 {
		for known := range 1 << 8 {
			f := Flow{FwdFlags: TCPFlags(flags), FwdFlagsKnown: TCPFlags(known), RevFlags: TCPFlags(^flags), RevFlagsKnown: TCPFlags(^known)}
			fillFlags(row[:], &f, nan)
			for i, c := range flagColumns {
				fwd, rev := nan32, nan32
				if f.FwdFlagsKnown&c.flag != 0 {
					fwd = flag(f.FwdFlags&c.flag != 0)
				}
				if f.RevFlagsKnown&c.flag != 0 {
					rev = flag(f.RevFlags&c.flag != 0)
				}
				if math.Float32bits(fwd) != math.Float32bits(row[i]) || math.Float32bits(rev) != math.Float32bits(row[6+i]) {
					t.Fatalf("%+v: %v", f, row)
				}
			}
		}
	}
}

// TestRound compares with the definition: one rounding, and what is not finite then is missing, in one pattern of bits.
func TestRound(t *testing.T) {
	for _, v := range []float64{0, math.Copysign(0, -1), 1, -1.5, 1e-320, 1e-45, 7e-46, math.MaxFloat32, 3.4028235677973366e38, 3.5e38, -3.5e38, math.Inf(1), math.Inf(-1), math.NaN(), -math.NaN(),
		math.Float64frombits(0x7ff0000000000001), math.Float64frombits(0xfff8123400000000)} {
		want := float32(v)
		if want-want != 0 {
			want = nan32
		}
		require.Equal(t, math.Float32bits(want), math.Float32bits(round(v)), v)
	}
	require.Equal(t, math.Float32bits(float32(math.NaN())), math.Float32bits(nan32))
}

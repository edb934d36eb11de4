package features

import (
	"encoding/binary"
	"net/netip"
)

// contextColumns are the columns that flow-context/1 has beyond flow-portable/1. A destination is an address, a service the
// application protocol or else transport protocol and destination port; the flow itself is counted.
var contextColumns = func() []Column {
	var columns []Column
	add := func(name, unit, doc string) { columns = append(columns, Column{name, unit, doc}) }
	const two = "of the flows of the last 2 s "
	add("kdd2_count", "flows", two+"those with the same destination")
	add("kdd2_serror_rate", "", "share of them that were not answered or not closed by both sides")
	add("kdd2_rerror_rate", "", "share of them that were rejected")
	add("kdd2_same_srv_rate", "", "share of them with the same service")
	add("kdd2_diff_srv_rate", "", "share of them with another service")
	add("kdd2_srv_count", "flows", two+"those with the same service")
	add("kdd2_srv_serror_rate", "", "share of them that were not answered or not closed by both sides")
	add("kdd2_srv_rerror_rate", "", "share of them that were rejected")
	add("kdd2_srv_diff_host_rate", "", "share of them with another destination")
	const hundred = "of the last 100 flows "
	add("kdd100_dst_host_count", "flows", hundred+"those with the same destination")
	add("kdd100_dst_host_srv_count", "flows", hundred+"those with the same destination and service")
	add("kdd100_dst_host_same_srv_rate", "", "share of those with the same destination that have the same service")
	add("kdd100_dst_host_diff_srv_rate", "", "share of them that have another service")
	add("kdd100_dst_host_same_src_port_rate", "", "share of them that have the same source port")
	add("kdd100_dst_host_srv_diff_host_rate", "", "share of those with the same service that have another destination")
	add("kdd100_dst_host_serror_rate", "", "share of those with the same destination that were not answered or not closed by both sides")
	add("kdd100_dst_host_srv_serror_rate", "", "the same of those with the same destination and service")
	add("kdd100_dst_host_rerror_rate", "", "share of those with the same destination that were rejected")
	add("kdd100_dst_host_srv_rerror_rate", "", "the same of those with the same destination and service")
	for _, c := range [][2]string{{"src", "source"}, {"dst", "destination"}, {"src_dst", "source and destination"},
		{"src_dport", "source and destination port"}, {"dst_sport", "destination and source port"},
		{"src_srv", "source and service"}, {"dst_srv", "destination and service"}} {
		add("ct100_"+c[0], "flows", hundred+"those with the same "+c[1])
	}
	return columns
}()

// defaultWindow bounds, in bytes, the window of flow-context/1.
const defaultWindow = 256 << 20

// context is the memory of flow-context/1.
type context struct{ window *window }

func newContext(_ *StateOptions, stats *Stats) memory {
	return &context{newWindow(defaultWindow, stats)}
}

func (x *context) fill(row []float32, f *Flow, t, _ int64) {
	cf := contextFlow{src: addressKey(f.Src), dst: addressKey(f.Dst), service: makeService(f), sport: -1, dport: -1}
	if f.Has(FieldSrcPort) {
		cf.sport = int32(f.SrcPort)
	}
	if f.Has(FieldDstPort) {
		cf.dport = int32(f.DstPort)
	}
	switch f.State {
	case StateAttempt, StateEstablished, StateHalfClosed:
		cf.bad = unanswered
	case StateRejected:
		cf.bad = refused
	}
	x.window.add(&cf, t).fill(row)
}

func addressKey(a netip.Addr) hostKey {
	if !a.IsValid() {
		return hostKey{}
	}
	b := a.As16()
	return hostKey{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// fill writes the cells of contextColumns.
func (c *contextCounts) fill(row []float32) {
	row = row[:26]
	share := func(part, of uint32) float32 { return portion(float64(part), float64(of)) }
	n, m, srv := c.host2, c.pair2, c.service2
	row[0] = float32(n.n)
	row[1] = share(n.serr, n.n)
	row[2] = share(n.rerr, n.n)
	row[3] = share(m, n.n)
	row[4] = share(n.n-m, n.n)
	row[5] = float32(srv.n)
	row[6] = share(srv.serr, srv.n)
	row[7] = share(srv.rerr, srv.n)
	row[8] = share(srv.n-m, srv.n)

	h, p := c.host100, c.pair100
	row[9] = float32(h.n)
	row[10] = float32(p.n)
	row[11] = share(p.n, h.n)
	row[12] = share(h.n-p.n, h.n)
	row[13] = share(c.groups[groupDstSport], h.n)
	row[14] = share(c.service100-p.n, c.service100)
	row[15] = share(h.serr, h.n)
	row[16] = share(p.serr, p.n)
	row[17] = share(h.rerr, h.n)
	row[18] = share(p.rerr, p.n)

	row[19] = float32(c.src100)
	row[20] = float32(h.n)
	row[21] = float32(c.groups[groupSrcDst])
	row[22] = float32(c.groups[groupSrcDport])
	row[23] = float32(c.groups[groupDstSport])
	row[24] = float32(c.groups[groupSrcService])
	row[25] = float32(p.n)
}

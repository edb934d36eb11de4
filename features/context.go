package features

import (
	"encoding/binary"
	"net/netip"
	"strconv"
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
	columns = append(columns, kddColumns(recentRecords)...)
	const hundred = "of the last 100 flows "
	for _, c := range [][2]string{{"src", "source"}, {"dst", "destination"}, {"src_dst", "source and destination"},
		{"src_dport", "source and destination port"}, {"dst_sport", "destination and source port"},
		{"src_srv", "source and service"}, {"dst_srv", "destination and service"}} {
		add("ct100_"+c[0], "flows", hundred+"those with the same "+c[1])
	}
	return columns
}()

// kddColumns are those of the last flows, which KDD'99 had of its last hundred connections.
func kddColumns(records int) []Column {
	var columns []Column
	add := func(name, unit, doc string) {
		columns = append(columns, Column{"kdd" + strconv.Itoa(records) + "_" + name, unit, doc})
	}
	last := "of the last " + strconv.Itoa(records) + " flows "
	add("dst_host_count", "flows", last+"those with the same destination")
	add("dst_host_srv_count", "flows", last+"those with the same destination and service")
	add("dst_host_same_srv_rate", "", "share of those with the same destination that have the same service")
	add("dst_host_diff_srv_rate", "", "share of them that have another service")
	add("dst_host_same_src_port_rate", "", "share of them that have the same source port")
	add("dst_host_srv_diff_host_rate", "", "share of those with the same service that have another destination")
	add("dst_host_serror_rate", "", "share of those with the same destination that were not answered or not closed by both sides")
	add("dst_host_srv_serror_rate", "", "the same of those with the same destination and service")
	add("dst_host_rerror_rate", "", "share of those with the same destination that were rejected")
	add("dst_host_srv_rerror_rate", "", "the same of those with the same destination and service")
	return columns
}

// wideColumns are what flow-context/2 has of a larger number of flows: the published counts run up to 255.
var wideColumns = kddColumns(wideRecords)

// defaultWindow bounds, in bytes, the window of flow-context/1.
const defaultWindow = 256 << 20

// context is the memory of flow-context/1.
type context struct{ window *window }

func newContext(_ *StateOptions, _ *settings, stats *Stats) memory {
	return &context{newWindow(defaultWindow, recentRecords, true, stats)}
}

func (x *context) fill(row []float32, f *Flow, t, _ int64) {
	cf := makeContextFlow(f)
	x.window.add(&cf, t).fill(row)
}

// wideContext is the memory of wideColumns.
type wideContext struct{ context }

func newWideContext(stats *Stats) memory {
	return &wideContext{context{newWindow(defaultWindow, wideRecords, false, stats)}}
}

func (x *wideContext) fill(row []float32, f *Flow, t, _ int64) {
	cf := makeContextFlow(f)
	x.window.add(&cf, t).fillLast(row)
}

func makeContextFlow(f *Flow) contextFlow {
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
	return cf
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
	n, m, srv := c.host2, c.pair2, c.service2
	row[0] = float32(n.n)
	row[1] = shareOf(n.serr, n.n)
	row[2] = shareOf(n.rerr, n.n)
	row[3] = shareOf(m, n.n)
	row[4] = shareOf(n.n-m, n.n)
	row[5] = float32(srv.n)
	row[6] = shareOf(srv.serr, srv.n)
	row[7] = shareOf(srv.rerr, srv.n)
	row[8] = shareOf(srv.n-m, srv.n)

	c.fillLast(row[9:19])
	h, p := c.host100, c.pair100
	row[19] = float32(c.src100)
	row[20] = float32(h.n)
	row[21] = float32(c.groups[groupSrcDst])
	row[22] = float32(c.groups[groupSrcDport])
	row[23] = float32(c.groups[groupDstSport])
	row[24] = float32(c.groups[groupSrcService])
	row[25] = float32(p.n)
}

// fillLast writes the cells of kddColumns.
func (c *contextCounts) fillLast(row []float32) {
	row = row[:10]
	h, p, srv := c.host100, c.pair100, c.service100
	row[0] = float32(h.n)
	row[1] = float32(p.n)
	row[2] = shareOf(p.n, h.n)
	row[3] = shareOf(h.n-p.n, h.n)
	row[4] = shareOf(c.groups[groupDstSport], h.n)
	row[5] = shareOf(srv-p.n, srv)
	row[6] = shareOf(h.serr, h.n)
	row[7] = shareOf(p.serr, p.n)
	row[8] = shareOf(h.rerr, h.n)
	row[9] = shareOf(p.rerr, p.n)
}

func shareOf(part, of uint32) float32 { return portion(float64(part), float64(of)) }

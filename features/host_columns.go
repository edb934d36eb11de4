package features

import "strings"

// hostColumns are the columns of hosts.
var hostColumns = func() []Column {
	var columns []Column
	add := func(name, unit, doc string) { columns = append(columns, Column{name, unit, doc}) }
	sides := [][2]string{{"src", "source"}, {"dst", "destination"}}
	for _, side := range sides {
		for _, span := range []string{"60s", "600s", "3600s"} {
			add(side[0]+"_flows_"+span, "flows", "of the "+side[1]+", fading by e in "+span)
		}
		add(side[0]+"_bytes_out_600s", "bytes", "that the "+side[1]+" sent, fading by e in 600 s")
		add(side[0]+"_bytes_in_600s", "bytes", "that the "+side[1]+" got, fading by e in 600 s")
		add(side[0]+"_fail_ratio_600s", "", "share of the "+side[1]+"'s flows that were not answered or were rejected")
	}
	add("src_pkts_600s", "packets", "of the source's flows, both ways, fading by e in 600 s")
	add("src_fanout_dst_1h", "hosts", "different destinations of the source in this half hour and the one before")
	add("src_fanout_dport_1h", "ports", "different destination ports of the source in this half hour and the one before")
	add("src_scan_vertical_1h", "ports", "most different ports of one destination that the source tried, up to 64")
	add("src_trw_score", "", "log-likelihood that the source scans, from how first contacts went")
	add("src_bytes_z", "", "bytes sent against the source's past, in standard deviations")
	add("src_duration_z", "", "duration against the source's past, in standard deviations")
	add("dst_fanin_src_1h", "hosts", "different sources of the destination in this half hour and the one before")
	add("dst_prevalence_1h", "", "share of all sources that contacted the destination")
	add("pair_flows_3600s", "flows", "between the two, fading by e in an hour")
	add("pair_duration_24h", "s", "of the flows between the two, fading by e in a day")
	add("pair_first_contact", "", "1 if the source was not seen to contact the destination before")
	add("pair_first_contact_port", "", "1 if not on this port and protocol")
	add("src_net_flows_60s", "flows", "of the source's network, /24 or /64, fading by e in 60 s; at least the true number")
	add("dst_net_flows_60s", "flows", "of the destination's network, the same")
	add("all_flows_60s", "flows", "of everybody, fading by e in 60 s")
	add("state_warm", "", "1 if an hour has passed since the first flow")
	for _, side := range sides {
		for _, span := range []string{"1s", "10s"} {
			add(side[0]+"_flows_"+span, "flows", "of the "+side[1]+", fading by e in "+span)
		}
	}
	for _, side := range sides {
		for _, sum := range [][3]string{{"bytes_out", "bytes", "that the %s sent"}, {"bytes_in", "bytes", "that the %s got"}} {
			for _, span := range []string{"1s", "10s", "60s", "3600s"} {
				add(side[0]+"_"+sum[0]+"_"+span, sum[1], strings.Replace(sum[2], "%s", side[1], 1)+", fading by e in "+span)
			}
		}
		for _, span := range []string{"1s", "10s", "60s", "600s", "3600s"} {
			if side[0] == "dst" || span != "600s" {
				add(side[0]+"_pkts_"+span, "packets", "of the "+side[1]+"'s flows, both ways, fading by e in "+span)
			}
		}
		if side[0] == "src" {
			for _, span := range []string{"1s", "10s", "60s", "3600s"} {
				add("src_fail_ratio_"+span, "", "share of the source's flows, fading by e in "+span+", that were not answered or were rejected")
			}
		}
	}
	addFans := func(spans ...string) {
		for _, c := range [][3]string{
			{"src_fanout_dst_", "hosts", "different destinations of the source"},
			{"src_fanout_dport_", "ports", "different destination ports of the source"},
			{"src_fanout_net_", "networks", "different networks, /24 or /64, of the source's destinations"},
			{"dst_fanin_src_", "hosts", "different sources of the destination"},
		} {
			for _, span := range spans {
				if span != "3600s" || c[1] == "networks" { // src_fanout_dst_1h and the like are counts of another kind
					add(c[0]+span, c[1], c[2]+", each fading by e in "+span+" since it came up last")
				}
			}
		}
	}
	addFans("60s", "600s", "3600s")
	add("dst_prevalence_24h", "", "share of the site's own hosts that contacted the destination, each fading by e in a day since it did last")
	add("src_iat_z", "", "time since the source's flow before, against its past, in standard deviations")
	for _, c := range [][2]string{{"bytes", "bytes"}, {"duration", "s"}, {"iat", "s"}} {
		add("src_"+c[0]+"_mean", c[1], "mean that src_"+c[0]+"_z is told from")
		add("src_"+c[0]+"_sd", c[1], "standard deviation that it is told in")
	}
	for _, c := range [][3]string{{"bytes", "bytes", "bytes sent"}, {"duration", "s", "duration"}, {"iat", "s", "time since the pair's flow before"}} {
		add("pair_"+c[0]+"_z", "", c[2]+" against the past of the two, in standard deviations")
		add("pair_"+c[0]+"_mean", c[1], "mean that it is told from")
		add("pair_"+c[0]+"_sd", c[1], "standard deviation that it is told in")
	}
	addFans("1s", "10s")
	return columns
}()

// numHostColumns is their number.
const numHostColumns = 96

// Where the columns begin that came after the first 33.
const (
	srcSums    = 33 // bytes out, bytes in, packets, share of failures: of 1, 10, 60, 3600 s each
	dstSums    = 49 // bytes out, bytes in: of 1, 10, 60, 3600 s each; packets of 1, 10, 60, 600, 3600 s
	fanColumns = 62 // of destinations, of ports, of networks, of sources
	prevalence = 71
	srcSpreads = 72 // z of the interval; then mean and deviation of bytes, duration, interval
	pairSpread = 79 // z, mean, deviation of bytes, duration, interval

	soonColumns = 88 // of destinations, of ports, of networks, of sources: of 1 and 10 s each
)

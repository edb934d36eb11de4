package cicflow

// The columns that a flow is made of. Those up to colDstPort are checked.
const (
	colDuration = iota
	colFwdPkts
	colRevPkts
	colProto
	colSrcPort
	colDstPort
	colFlowID
	colSrcIP
	colDstIP
	colTimestamp
	colFwdPayload
	colRevPayload
	colLabel
	numColumns
)

// columnOf holds the columns by their names in normal form.
var columnOf = map[string]int{
	"flow_duration":     colDuration,
	"total_fwd_packets": colFwdPkts, "total_fwd_packet": colFwdPkts, "tot_fwd_pkts": colFwdPkts,
	"total_backward_packets": colRevPkts, "total_bwd_packets": colRevPkts, "tot_bwd_pkts": colRevPkts,
	"protocol":    colProto,
	"source_port": colSrcPort, "src_port": colSrcPort,
	"destination_port": colDstPort, "dst_port": colDstPort,
	"flow_id":   colFlowID,
	"source_ip": colSrcIP, "src_ip": colSrcIP,
	"destination_ip": colDstIP, "dst_ip": colDstIP,
	"timestamp":                   colTimestamp,
	"total_length_of_fwd_packets": colFwdPayload, "total_length_of_fwd_packet": colFwdPayload, "totlen_fwd_pkts": colFwdPayload,
	"total_length_of_bwd_packets": colRevPayload, "total_length_of_bwd_packet": colRevPayload, "totlen_bwd_pkts": colRevPayload,
	"label": colLabel,
}

// lookup returns the column of a name, -1 if it is none.
func lookup(name string) int {
	var buf [64]byte
	if c, ok := columnOf[string(normal(append(buf[:0], name...)))]; ok {
		return c
	}
	return -1
}

// normal makes a name its normal form: lower case, with one underscore for whatever is neither letter nor digit.
func normal(name []byte) []byte {
	n := 0
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			if n > 0 && name[n-1] == '_' {
				continue
			}
			c = '_'
		}
		name[n] = c
		n++
	}
	return name[:n]
}

// isHeader reports whether a cell is the name of the column of durations, which every header has.
func isHeader(cells [][]byte) bool {
	var buf [64]byte
	for _, c := range cells {
		// Most cells are numbers and fail here.
		if len(c) >= len("flow_duration") && c[0]|0x20 == 'f' && string(normal(append(buf[:0], c...))) == "flow_duration" {
			return true
		}
	}
	return false
}

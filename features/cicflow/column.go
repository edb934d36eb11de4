package cicflow

import (
	"bytes"

	"threatdetect/internal/celllog"
)

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
	if c, ok := columnOf[string(normal([]byte(name)))]; ok {
		return c
	}
	return -1
}

// normal is the normal form of a name: lower case, with one underscore for whatever is neither letter nor digit.
func normal(name []byte) []byte {
	b := celllog.AppendLower(nil, name)
	n := 0
	for _, c := range b {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			if n > 0 && b[n-1] == '_' {
				continue
			}
			c = '_'
		}
		b[n] = c
		n++
	}
	return b[:n]
}

// isHeader reports whether a cell is the name of the column of durations, which every header has.
func isHeader(cells [][]byte) bool {
	for _, c := range cells {
		// Most cells are numbers and fail here.
		if len(c) >= len("flow_duration") && c[0]|0x20 == 'f' && bytes.Equal(normal(c), []byte("flow_duration")) {
			return true
		}
	}
	return false
}

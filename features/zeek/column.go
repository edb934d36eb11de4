package zeek

import "threatdetect/internal/jsonscan"

// column is a column of a conn log that a flow is made of.
type column uint8

// The columns, first those that are checked, in the order in which their faults are reported.
const (
	colTS column = iota
	colOrigH
	colOrigP
	colRespH
	colRespP
	colProto
	colService
	colDuration
	colOrigBytes
	colRespBytes
	colState
	colLocalOrig
	colLocalResp
	colMissed
	colHistory
	colOrigPkts
	colOrigIPBytes
	colRespPkts
	colRespIPBytes
	colVLAN // of a script that asks for it, as the next
	colInnerVLAN
	colUID
	colPath // JSON only: a TSV log names its path in the header
	colKind
	colLabel // whatever column the label was asked of
	numColumns

	noColumn = numColumns
)

// columnNames are the names of the columns: Zeek's own, then those that another scope separator and the usual renaming
// give them.
var columnNames = [numColumns][3]string{
	colTS: {"ts"}, colOrigH: {"id.orig_h", "id_orig_h", "src"}, colOrigP: {"id.orig_p", "id_orig_p", "src_port"},
	colRespH: {"id.resp_h", "id_resp_h", "dst"}, colRespP: {"id.resp_p", "id_resp_p", "dst_port"}, colProto: {"proto"},
	colService: {"service"}, colDuration: {"duration"}, colOrigBytes: {"orig_bytes"}, colRespBytes: {"resp_bytes"},
	colState: {"conn_state"}, colLocalOrig: {"local_orig"}, colLocalResp: {"local_resp"}, colMissed: {"missed_bytes"},
	colHistory: {"history"}, colOrigPkts: {"orig_pkts"}, colOrigIPBytes: {"orig_ip_bytes"}, colRespPkts: {"resp_pkts"},
	colRespIPBytes: {"resp_ip_bytes"}, colVLAN: {"vlan"}, colInnerVLAN: {"inner_vlan"}, colUID: {"uid"}, colPath: {"_path"}, colKind: {"detailed-label", "detailedlabel"},
}

// required are the columns without which a record is no flow.
var required = [...]column{colTS, colOrigH, colRespH, colProto}

// lookup returns the column of a name and the rank of the name: Zeek's own before its aliases. If a record has
// several names of one column, the one of lowest rank counts, of equal names the last. It says the same as columnNames,
// as fast as the compiler can.
func lookup(name []byte) (c column, rank uint8) {
	switch string(name) {
	case "ts":
		return colTS, 0
	case "uid":
		return colUID, 0
	case "id.orig_h":
		return colOrigH, 0
	case "id_orig_h":
		return colOrigH, 1
	case "src":
		return colOrigH, 2
	case "id.orig_p":
		return colOrigP, 0
	case "id_orig_p":
		return colOrigP, 1
	case "src_port":
		return colOrigP, 2
	case "id.resp_h":
		return colRespH, 0
	case "id_resp_h":
		return colRespH, 1
	case "dst":
		return colRespH, 2
	case "id.resp_p":
		return colRespP, 0
	case "id_resp_p":
		return colRespP, 1
	case "dst_port":
		return colRespP, 2
	case "proto":
		return colProto, 0
	case "service":
		return colService, 0
	case "duration":
		return colDuration, 0
	case "orig_bytes":
		return colOrigBytes, 0
	case "resp_bytes":
		return colRespBytes, 0
	case "conn_state":
		return colState, 0
	case "local_orig":
		return colLocalOrig, 0
	case "local_resp":
		return colLocalResp, 0
	case "missed_bytes":
		return colMissed, 0
	case "history":
		return colHistory, 0
	case "orig_pkts":
		return colOrigPkts, 0
	case "orig_ip_bytes":
		return colOrigIPBytes, 0
	case "resp_pkts":
		return colRespPkts, 0
	case "resp_ip_bytes":
		return colRespIPBytes, 0
	case "vlan":
		return colVLAN, 0
	case "inner_vlan":
		return colInnerVLAN, 0
	case "_path":
		return colPath, 0
	case "detailed-label":
		return colKind, 0
	case "detailedlabel":
		return colKind, 1
	}
	return noColumn, 0
}

// kind is what a cell holds: one of the kinds of JSON values, or text.
type kind uint8

const (
	kindUnset  = kind(jsonscan.Null)
	kindString = kind(jsonscan.String) // without the quotes and the escapes
	kindNumber = kind(jsonscan.Number) // as written
	kindTrue   = kind(jsonscan.True)
	kindFalse  = kind(jsonscan.False)
	kindNested = kind(jsonscan.Nested)
	kindText   = kindNested + 1 // of a TSV log, which has one type: any value
)

// cell is the value of one column of one record.
type cell struct {
	text []byte
	kind kind
}

// record is a record before it is a flow.
type record struct {
	cells [numColumns]cell
	// names are the columns' names in this log.
	names *[numColumns]string
	// noDuration says that the log has no such column, so that an unset duration is not that of a single packet.
	noDuration bool
}

package netflow

import "strings"

// The columns that a flow is made of, in the order in which faults in them are found.
const (
	colStart = iota
	colDuration
	colEnd
	colSrc
	colDst
	colSrcPort
	colDstPort
	colProto
	colFlags
	colInPkts
	colInBytes
	colOutPkts
	colOutBytes
	colExporter
	colSamplingRate // of goflow2
	colType         // of goflow2: what the record came in
	colVLAN
	colSrcVLAN        // another name of it, which goflow2 has as well
	colFragmentOffset // of goflow2, as the next
	colIPFlags
	numColumns
)

// csvNames are the columns of nfdump's CSV by their names in lower case.
var csvNames = map[string]int{
	"ts": colStart, "firstseen": colStart, "td": colDuration, "duration": colDuration, "te": colEnd, "lastseen": colEnd,
	"sa": colSrc, "srcaddr": colSrc, "da": colDst, "dstaddr": colDst, "sp": colSrcPort, "srcport": colSrcPort, "dp": colDstPort, "dstport": colDstPort,
	"pr": colProto, "proto": colProto, "flg": colFlags, "flags": colFlags,
	"ipkt": colInPkts, "packets": colInPkts, "ibyt": colInBytes, "bytes": colInBytes,
	"opkt": colOutPkts, "outpackets": colOutPkts, "obyt": colOutBytes, "outbytes": colOutBytes, "ra": colExporter, "routerip": colExporter,
	"svln": colSrcVLAN, "srcvlan": colSrcVLAN,
}

// csvRequired are the columns without which a record is no flow, with the names that messages use.
var csvRequired = [...]struct {
	column int
	name   string
}{{colStart, "ts or firstSeen"}, {colSrc, "sa or srcAddr"}, {colDst, "da or dstAddr"}, {colProto, "pr or proto"}}

func lookupCSV(name string) int {
	if c, ok := csvNames[strings.ToLower(name)]; ok {
		return c
	}
	return -1
}

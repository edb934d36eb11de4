package vpcflow

import (
	"strings"

	"threatdetect/internal/celllog"
)

// The columns that a flow is made of, in the order in which faults in them are found.
const (
	colInterface = iota
	colSrc
	colDst
	colPktSrc
	colPktDst
	colSrcPort
	colDstPort
	colProtocol
	colPackets
	colBytes
	colStart
	colEnd
	colFlags
	colStatus
	numColumns
)

// Columns are the fields that a flow is made of. Others are passed over.
var Columns = [numColumns]string{"interface-id", "srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr", "srcport", "dstport", "protocol",
	"packets", "bytes", "start", "end", "tcp-flags", "log-status"}

// defaultFields are those of a log in the default format.
var defaultFields = strings.Fields(`version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end
	action log-status`)

// lookup returns the column of a name, -1 if it is none. In names '_' is as good as '-'.
func lookup(name string) int { return columnOf([]byte(name)) }

// newSchema finds the columns in a list of fields, and says if one is lacking.
func newSchema(fields [][]byte) (s *celllog.Schema, fault string) {
	s = celllog.NewSchema(fields, numColumns, lookup, "")
	switch {
	case !s.Has(colSrc) && !s.Has(colPktSrc):
		fault = Columns[colSrc]
	case !s.Has(colDst) && !s.Has(colPktDst):
		fault = Columns[colDst]
	case !s.Has(colStart):
		fault = Columns[colStart]
	case !s.Has(colEnd):
		fault = Columns[colEnd]
	default:
		return s, ""
	}
	return s, celllog.Lacking(fault, s.Names)
}

// isHeader reports whether the words are a header: both addresses are named.
func isHeader(words [][]byte) bool {
	var src, dst bool
	for _, w := range words {
		if len(w) < len("srcaddr") || len(w) > len("pkt-srcaddr") {
			continue
		}
		switch lookup(string(w)) {
		case colSrc, colPktSrc:
			src = true
		case colDst, colPktDst:
			dst = true
		}
	}
	return src && dst
}

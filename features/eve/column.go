package eve

import (
	"threatdetect/internal/datetime"
	"threatdetect/internal/ipaddr"
	"threatdetect/internal/jsonscan"
)

// column is a column of an event that a flow is made of.
type column uint8

// The columns, in the order in which their faults are reported but for the protocol, which comes first.
const (
	colSrcIP column = iota
	colSrcPort
	colDestIP
	colDestPort
	colProto
	colApp
	colVLAN
	colFlow // only whether it is there
	colPktsToServer
	colPktsToClient
	colBytesToServer
	colBytesToClient
	colStart
	colEnd
	colTCP // only whether it is there
	colFlagsToServer
	colFlagsToClient
	colEvent
	colFlowID
	colICMPType
	colICMPCode
	colLabel // whatever key the label was asked of
	numColumns

	noColumn = numColumns
)

// columnNames are the keys of the columns; those of the objects flow and tcp have that before a dot.
var columnNames = [numColumns]string{
	colSrcIP: "src_ip", colSrcPort: "src_port", colDestIP: "dest_ip", colDestPort: "dest_port", colProto: "proto", colApp: "app_proto",
	colVLAN: "vlan", colFlow: "flow", colPktsToServer: "flow.pkts_toserver", colPktsToClient: "flow.pkts_toclient",
	colBytesToServer: "flow.bytes_toserver", colBytesToClient: "flow.bytes_toclient", colStart: "flow.start", colEnd: "flow.end", colTCP: "tcp",
	colFlagsToServer: "tcp.tcp_flags_ts", colFlagsToClient: "tcp.tcp_flags_tc", colEvent: "event_type", colFlowID: "flow_id",
	colICMPType: "icmp_type", colICMPCode: "icmp_code",
}

// required are the columns without which an event is no flow.
var required = [...]column{colSrcIP, colDestIP, colProto, colFlow, colStart}

// Sets of columns as bits: those that are required, and those of the objects flow and tcp.
const (
	requiredColumns = 1<<colSrcIP | 1<<colDestIP | 1<<colProto | 1<<colFlow | 1<<colStart
	flowColumns     = 1<<(colEnd+1) - 1<<colPktsToServer
	tcpColumns      = 1<<(colFlagsToClient+1) - 1<<colFlagsToServer
)

// scope is an object of which the reader wants members.
type scope uint8

const (
	scopeEvent scope = iota
	scopeFlow
	scopeTCP
	numScopes
)

// prefixes are what is before the keys of a scope in columnNames.
var prefixes = [numScopes]string{scopeEvent: "", scopeFlow: "flow.", scopeTCP: "tcp."}

// columnsByKey finds the column of a key, for each scope.
var columnsByKey = func() (byKey [numScopes]map[string]column) {
	for s, prefix := range prefixes {
		byKey[s] = make(map[string]column)
		for c, name := range columnNames[:colLabel] {
			own := scopeEvent
			switch {
			case column(c) > colFlow && column(c) < colTCP:
				own = scopeFlow
			case column(c) > colTCP && column(c) < colEvent:
				own = scopeTCP
			}
			if own == scope(s) {
				byKey[s][name[len(prefix):]] = column(c)
			}
		}
	}
	return byKey
}()

// idLabel is added to the ID of a key, its column, if it is also the one that the label was asked of.
const idLabel = 0x80

// cells are the values of one event by column.
type cells struct {
	text    []byte // where the spans lie: the event itself, or the texts that were read of one that is not usual
	scratch []byte // of those texts
	spans   jsonscan.Spans

	addresses ipaddr.Cache
	clock     datetime.Recent
}

func (c *cells) set(col column, s jsonscan.Span) {
	c.spans.Values[col] = s
	if c.spans.Seen |= 1 << col; s.Kind == jsonscan.Null {
		c.spans.Seen &^= 1 << col
	}
}

func (c *cells) has(col column) bool { return c.spans.Seen>>col&1 != 0 }

func (c *cells) kind(col column) jsonscan.Kind {
	if !c.has(col) {
		return jsonscan.Null
	}
	return c.spans.Values[col].Kind
}

func (c *cells) value(col column) []byte {
	s := &c.spans.Values[col]
	return c.text[s.Start:s.End]
}

func (c *cells) isText(col column) bool { return c.kind(col) == jsonscan.String }

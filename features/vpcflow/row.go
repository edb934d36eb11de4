package vpcflow

import (
	"crypto/sha256"
	"net/netip"

	"threatdetect/features"
	"threatdetect/internal/celllog"
	"threatdetect/internal/decimal"
)

// Record gives the fields of one record in a form of its own: Get returns the text of the field that [Columns] has at the
// given place, nil if the log has no such field or the record no value for it. The text is valid until the next record.
type Record interface{ Get(column int) []byte }

// cellValues are those of a line of text.
type cellValues struct {
	schema *celllog.Schema
	cells  [][]byte
}

func (v *cellValues) Get(column int) []byte {
	text := v.schema.Get(v.cells, column)
	if len(text) == 0 || len(text) == 1 && text[0] == '-' {
		return nil
	}
	return text
}

// build makes r.rec of a record, or finds the first fault in it.
func (r *reader) build(v Record) celllog.Fault {
	fault := func(column int, reason features.Reason) celllog.Fault {
		return celllog.Fault{Column: column, Reason: reason}
	}
	rec := &r.rec
	rec.Scope = r.scope(v.Get(colInterface))
	switch string(v.Get(colStatus)) {
	case "NODATA":
		return fault(celllog.NoColumn, features.ReasonNoData)
	case "SKIPDATA":
		r.lost(v)
		return fault(celllog.NoColumn, features.ReasonSkipData)
	}
	switch {
	case v.Get(colSrc) == nil && v.Get(colPktSrc) == nil:
		return fault(colSrc, features.ReasonMissing)
	case v.Get(colDst) == nil && v.Get(colPktDst) == nil:
		return fault(colDst, features.ReasonMissing)
	case v.Get(colStart) == nil:
		return fault(colStart, features.ReasonMissing)
	case v.Get(colEnd) == nil:
		return fault(colEnd, features.ReasonMissing)
	}
	ports, ok := true, true // a protocol that is not known may have ports
	if text := v.Get(colProtocol); text != nil {
		r.flow.Known = 0
		if ports, ok = celllog.Protocol(&r.flow, text, &r.names); !ok {
			return fault(colProtocol, features.ReasonNumber)
		}
		rec.Proto, rec.ProtoName, rec.HasProto = r.flow.Proto, r.flow.ProtoName, true
	}
	for c, addr := range [...]*netip.Addr{colSrc: &rec.Src, colDst: &rec.Dst, colPktSrc: &rec.Src, colPktDst: &rec.Dst} {
		if addr == nil {
			continue
		}
		// The interface's own address is checked even where the packet's takes its place.
		if text := v.Get(c); text != nil {
			if *addr, ok = celllog.Addr(text); !ok {
				return fault(c, features.ReasonAddress)
			}
		}
	}
	if ports {
		if rec.SrcPort, rec.HasSrcPort, ok = port(v.Get(colSrcPort)); !ok {
			return fault(colSrcPort, features.ReasonNumber)
		}
		if rec.DstPort, rec.HasDstPort, ok = port(v.Get(colDstPort)); !ok {
			return fault(colDstPort, features.ReasonNumber)
		}
	}
	if rec.Pkts, rec.HasPkts, ok = count(v.Get(colPackets)); !ok {
		return fault(colPackets, features.ReasonNumber)
	}
	if rec.Bytes, rec.HasBytes, ok = count(v.Get(colBytes)); !ok {
		return fault(colBytes, features.ReasonNumber)
	}
	if rec.Start, ok = decimal.Fixed(v.Get(colStart), 9); !ok {
		return fault(colStart, features.ReasonTime)
	}
	if rec.End, ok = decimal.Fixed(v.Get(colEnd), 9); !ok || rec.End < rec.Start || rec.End-rec.Start < 0 {
		return fault(colEnd, features.ReasonTime)
	}
	if rec.HasProto && rec.Proto == features.ProtoTCP {
		flags, known, ok := count(v.Get(colFlags))
		if !ok {
			return fault(colFlags, features.ReasonNumber)
		}
		if known {
			// ACK is told with SYN only, which says which side began; that it was not seen says nothing.
			rec.Flags = features.TCPFlags(flags) & (features.SYN | features.FIN | features.RST | features.ACK)
			rec.FlagsKnown = features.SYN | features.FIN | features.RST
		}
	}
	return celllog.Sound
}

// scope is the name of the interface. It is kept for as long as a flow is open, so a long one is made short.
func (r *reader) scope(text []byte) string {
	if len(text) > 128 {
		sum := sha256.Sum256(text)
		text = append(text[:64:64], sum[:]...)
	}
	return r.names.String(text)
}

// lost notes that records were lost, as far as the record says when.
func (r *reader) lost(v Record) {
	start, ok := decimal.Fixed(v.Get(colStart), 9)
	end, ok2 := decimal.Fixed(v.Get(colEnd), 9)
	if ok && ok2 && start <= end {
		r.pairer.Lost(r.rec.Scope, start, end)
	}
}

func port(text []byte) (v uint16, known, ok bool) {
	if text == nil {
		return 0, false, true
	}
	v, ok = celllog.Port(text)
	return v, true, ok
}

func count(text []byte) (v uint64, known, ok bool) {
	if text == nil {
		return 0, false, true
	}
	v, ok = decimal.Count(text)
	return v, true, ok
}

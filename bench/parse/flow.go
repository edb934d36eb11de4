package main

import (
	"fmt"
	"math"
	"strconv"

	"threatdetect/features"
	"threatdetect/internal/datetime"
	"threatdetect/internal/decimal"
	"threatdetect/internal/ipaddr"
	"threatdetect/internal/naming"
)

// The makers of flows take what a library has decoded, and know less than our readers: a number that is not there is 0 to them. Of the real logs, whose
// flows have all numbers, the rows are the same.

// newEventMaker makes flows of EVE events.
func newEventMaker() func(*event) (*features.Flow, error) {
	var (
		names     naming.Names
		clock     datetime.Recent
		addresses ipaddr.Cache
		f         features.Flow
	)
	return func(e *event) (*features.Flow, error) {
		if e.EventType != "flow" {
			return nil, nil
		}
		f = features.Flow{Known: features.FieldStart | features.FieldAddrs | features.FieldProto | features.FieldVLAN |
			features.FieldFwdPkts | features.FieldRevPkts | features.FieldFwdBytes | features.FieldRevBytes}
		var ports, ok [4]bool
		f.Proto, f.ProtoName, ports[0], ok[0] = names.Proto([]byte(e.Proto))
		f.Src, ok[1] = addresses.Parse([]byte(e.SrcIP))
		f.Dst, ok[2] = addresses.Parse([]byte(e.DestIP))
		f.Start, ok[3] = clock.ISO([]byte(e.Flow.Start), 9, datetime.Colonless)
		if ok != [4]bool{true, true, true, true} {
			return nil, fmt.Errorf("no flow: %+v", e)
		}
		if end, ok := clock.ISO([]byte(e.Flow.End), 9, datetime.Colonless); ok {
			f.Duration = end - f.Start
			f.Known |= features.FieldDuration
		}
		if ports[0] {
			f.SrcPort, f.DstPort = e.SrcPort, e.DestPort
			f.Known |= features.FieldSrcPort | features.FieldDstPort
		}
		f.App, f.AppName = names.Apps([]byte(e.AppProto))
		f.VLANTags = uint8(len(e.VLAN))
		f.FwdPkts, f.RevPkts = e.Flow.PktsToServer, e.Flow.PktsToClient
		f.FwdBytes = features.IPBytes(e.Flow.BytesToServer, f.FwdPkts, len(e.VLAN), f.Src.Is6())
		f.RevBytes = features.IPBytes(e.Flow.BytesToClient, f.RevPkts, len(e.VLAN), f.Src.Is6())
		if f.Proto == features.ProtoTCP {
			f.FwdFlags, f.FwdFlagsKnown = hexFlags(e.TCP.FlagsToServer)
			f.RevFlags, f.RevFlagsKnown = hexFlags(e.TCP.FlagsToClient)
		}
		f.State = features.StateFromFlags(&f)
		return &f, nil
	}
}

func hexFlags(text string) (flags, known features.TCPFlags) {
	if v, err := strconv.ParseUint(text, 16, 8); err == nil {
		return features.TCPFlags(v), features.AllFlags
	}
	return 0, 0
}

// newConnMaker makes flows of records of conn.log.
func newConnMaker() func(*conn) (*features.Flow, error) {
	var (
		names     naming.Names
		addresses ipaddr.Cache
		f         features.Flow
	)
	return func(c *conn) (*features.Flow, error) {
		f = features.Flow{Known: features.FieldStart | features.FieldAddrs | features.FieldProto | features.FieldDuration |
			features.FieldFwdPkts | features.FieldRevPkts | features.FieldFwdBytes | features.FieldRevBytes}
		var ports bool
		var ok [4]bool
		f.Proto, f.ProtoName, ports, ok[0] = names.Proto([]byte(c.Proto))
		f.Src, ok[1] = addresses.Parse([]byte(c.OrigH))
		f.Dst, ok[2] = addresses.Parse([]byte(c.RespH))
		f.Start, ok[3] = decimal.Fixed([]byte(c.TS), 9)
		if ok != [4]bool{true, true, true, true} {
			return nil, fmt.Errorf("no flow: %+v", c)
		}
		f.Duration = int64(math.Round(c.Duration*1e6)) * 1000
		if ports {
			f.SrcPort, f.DstPort = c.OrigP, c.RespP
			f.Known |= features.FieldSrcPort | features.FieldDstPort
		}
		f.App, f.AppName = names.Apps([]byte(c.Service))
		f.FwdPkts, f.RevPkts, f.FwdBytes, f.RevBytes = c.OrigPkts, c.RespPkts, c.OrigIPBytes, c.RespIPBytes
		f.State = features.StateUnknown
		if tcp := f.Proto == features.ProtoTCP; tcp {
			f.State = states[c.ConnState]
		} else if c.ConnState == "S0" {
			f.State = features.StateRequestOnly
		} else if c.ConnState == "SF" {
			f.State = features.StateRequestReply
		}
		if f.Proto == features.ProtoTCP && c.History != "" {
			for _, letter := range []byte(c.History) {
				f.FwdFlags |= historyFlags[letter]
				f.RevFlags |= historyFlags[letter&^0x20] * features.TCPFlags(letter>>5&1)
			}
			f.FwdFlagsKnown = features.SYN | features.FIN | features.RST | features.ACK
			f.RevFlagsKnown = f.FwdFlagsKnown
		}
		return &f, nil
	}
}

var states = map[string]features.State{
	"S0": features.StateAttempt, "SH": features.StateAttempt, "REJ": features.StateRejected, "S1": features.StateEstablished, "SF": features.StateClosed,
	"S2": features.StateHalfClosed, "S3": features.StateHalfClosed, "RSTO": features.StateResetOrig, "RSTOS0": features.StateResetOrig,
	"RSTR": features.StateResetResp, "RSTRH": features.StateResetResp, "SHR": features.StateMidstream, "OTH": features.StateMidstream,
}

var historyFlags = [256]features.TCPFlags{
	'S': features.SYN, 'H': features.SYN | features.ACK, 'Q': features.SYN, 'F': features.FIN, 'R': features.RST, 'A': features.ACK,
}

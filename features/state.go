package features

// State is how a connection ended, or what is known of it, in terms that every source shares.
type State uint8

// The states. The last two of the list before StateUnknown are for protocols without connections.
const (
	StateUnknown State = iota
	StateAttempt
	StateRejected
	StateEstablished
	StateClosed
	StateHalfClosed
	StateResetOrig
	StateResetResp
	StateMidstream
	StateRequestOnly
	StateRequestReply
)

func (s State) String() string {
	names := [...]string{"unknown", "attempt", "rejected", "established", "closed", "half_closed", "reset_orig", "reset_resp",
		"midstream", "request_only", "request_reply"}
	if int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}

// StateFromFlags is how a connection ended, as far as the TCP flags and the packets of both directions tell: for sources
// that do not say it themselves, such as Suricata, VPC flow logs and NetFlow.
func StateFromFlags(f *Flow) State {
	return StateFromReply(f, f.RevPkts > 0, f.Has(FieldRevPkts))
}

// StateFromReply is [StateFromFlags] for a source that knows whether there was a reply, but not of how many packets.
func StateFromReply(f *Flow, replied, known bool) State {
	const decisive = SYN | FIN | RST
	switch {
	case !f.Has(FieldProto):
		return StateUnknown
	case f.Proto != ProtoTCP:
		switch {
		case !known:
			return StateUnknown
		case replied:
			return StateRequestReply
		}
		return StateRequestOnly
	case !known:
		if f.FwdFlagsKnown&(SYN|ACK) == SYN|ACK && f.FwdFlags&(SYN|ACK) == SYN {
			return StateAttempt
		}
		return StateUnknown
	case f.FwdFlagsKnown&f.RevFlagsKnown&decisive != decisive:
		return StateUnknown
	case f.FwdFlags&SYN == 0:
		return StateMidstream
	case !replied:
		return StateAttempt
	case f.RevFlags&SYN == 0:
		if f.RevFlags&RST != 0 {
			return StateRejected
		}
		return StateUnknown
	case f.FwdFlags&f.RevFlags&FIN != 0:
		return StateClosed
	case f.FwdFlags&RST != 0:
		return StateResetOrig
	case f.RevFlags&RST != 0:
		return StateResetResp
	case (f.FwdFlags|f.RevFlags)&FIN != 0:
		return StateHalfClosed
	}
	return StateEstablished
}

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

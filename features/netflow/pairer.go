package netflow

import (
	"threatdetect/features"
	"threatdetect/internal/pairing"
)

// Record is one direction of a connection in one interval, as an exporter sends it: for collectors that have records and
// no log. See [NewPairer].
type Record = pairing.Record

// Pairer turns records into flows: Add takes the next record, Flush gives out what is open. It has one owner.
type Pairer = pairing.Pairer

// NewPairer returns a Pairer of NetFlow records that gives its flows to yield, until that returns false. The flow is valid
// during the call. Only MaxOpen of the options matters; nil is as good as the zero value.
func NewPairer(opts *Options, yield func(*features.Flow) bool) *Pairer {
	if opts == nil {
		opts = &Options{}
	}
	return pairing.New(pairing.Options{Interval: interval, MaxOpen: opts.MaxOpen}, yield)
}

// interval is how long, in nanoseconds, a record may be at most by the timeouts that exporters usually have.
const interval = 300e9

package vpcflow

import (
	"iter"

	"threatdetect/features"
	"threatdetect/internal/celllog"
	"threatdetect/internal/pairing"
)

// ReadRecords returns the flows of records that are not text, for readers of other forms of the same log. Records are
// numbered from 1, which is the Line of a [*features.RecordError]. An error of records ends them: it is the last thing
// yielded, as a [*features.InputError], behind the flows that were still open. Options.Fields and MaxLine do not matter.
func ReadRecords(records iter.Seq2[Record, error], opts *Options) iter.Seq2[*features.Flow, error] {
	if opts == nil {
		opts = &Options{}
	}
	return func(yield func(*features.Flow, error) bool) {
		rd := newReader(opts, yield)
		rd.state.open.Part(opts.State == nil, yield, func(yield func(*features.Flow, error) bool) {
			n := int64(0)
			var bad features.RecordError
			for record, err := range records {
				if err != nil {
					input, ok := err.(*features.InputError)
					if !ok {
						input = &features.InputError{Line: n, Err: err}
					}
					yield(nil, input)
					return
				}
				n++
				rd.rec = pairing.Record{}
				fault := rd.build(record)
				if fault == celllog.Sound {
					if !rd.pairer.Add(&rd.rec) {
						return
					}
					continue
				}
				bad = features.RecordError{Line: n, Reason: fault.Reason}
				if fault.Column >= 0 {
					text := record.Get(fault.Column)
					bad.Field, bad.Text = Columns[fault.Column], text[:min(len(text), 128)]
				}
				if !yield(nil, &bad) {
					return
				}
			}
		})
	}
}

package features

import (
	"errors"
	"maps"
	"slices"
)

// Account is the exact count of a run: Records = Flows + the sum of Skipped, always. The zero value is ready.
type Account struct {
	Records int64            // data records read
	Flows   int64            // records that became flows or, where directions and intervals are records of their own, part of one
	Rows    int64            // rows made of them, as many as flows were yielded; counted by whoever makes rows
	Threats int64            // rows judged a threat; counted by whoever judges
	Skipped map[Reason]int64 // the other records
}

// Add counts what one step of a reader yielded. It returns nil for a flow and for a record that was skipped, and
// err itself for anything else.
func (a *Account) Add(f *Flow, err error) error {
	if err == nil {
		n := 1 + int64(f.MoreRecords)
		a.Flows += n
		a.Records += n
		return nil
	}
	record, ok := err.(*RecordError) // as nearly always: it is quicker than to look for one
	if !ok {
		if record, ok = errors.AsType[*RecordError](err); !ok {
			return err
		}
	}
	if a.Skipped == nil {
		a.Skipped = make(map[Reason]int64)
	}
	a.Skipped[record.Reason] += 1 + record.More
	a.Records += 1 + record.More
	return nil
}

// Lost is the number of records that were skipped for a fault.
func (a *Account) Lost() int64 {
	var n int64
	for reason, count := range a.Skipped {
		if !reason.Lossless() {
			n += count
		}
	}
	return n
}

// Unreadable reports whether there were records and every one of them was malformed, cut off or had a wrong number of
// fields: the input is in another format than it was read as.
func (a *Account) Unreadable() bool {
	return a.Records > 0 && a.Skipped[ReasonMalformed]+a.Skipped[ReasonFields]+a.Skipped[ReasonTruncated] == a.Records
}

// Reasons returns the reasons that occurred, sorted.
func (a *Account) Reasons() []Reason { return slices.Sorted(maps.Keys(a.Skipped)) }

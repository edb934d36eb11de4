package dataset

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"threatdetect/features"
)

// Part is where a row belongs.
type Part uint8

// The parts. A model is trained on the first, its rounds and its threshold are chosen on the second, and what it is worth
// is measured on the third, once.
const (
	Train Part = iota
	Validation
	Test
	numParts
)

var partNames = [numParts]string{"train", "validation", "test"}

func (p Part) String() string { return partNames[p] }

// ParsePart returns the part of a name.
func ParsePart(name string) (Part, bool) {
	for p, n := range partNames {
		if n == name {
			return Part(p), true
		}
	}
	return 0, false
}

// By is what decides to which part a flow belongs.
type By string

// The ways to split.
const (
	// Time puts the earlier flows into training and the latest into test, as a model meets them.
	Time By = "time"
	// Host keeps all flows of a source address together.
	Host By = "host"
	// Group keeps equal rows together, so that no row of the test was seen in training.
	Group By = "group"
	// Random is an upper bound and no measurement: copies of a row land on both sides.
	Random By = "random"
	// Auto is Time where every flow has a time, else Group.
	Auto By = "auto"
)

// ErrSplit says that flows cannot be split as asked.
var ErrSplit = errors.New("cannot split")

// Shares are how much of the rows each part is to get. They add up to 1; that of Validation or Test may be 0.
type Shares [numParts]float64

// DefaultShares are those of plans that ask for none.
var DefaultShares = Shares{0.7, 0.1, 0.2}

// Check reports whether the shares make sense.
func (s Shares) Check() error {
	sum := 0.0
	for _, v := range s {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("%w: a share of %v", ErrSplit, v)
		}
		sum += v
	}
	if math.Abs(sum-1) > 1e-9 || s[Train] == 0 {
		return fmt.Errorf("%w: shares %v: they must add up to 1, and that of training must be above 0", ErrSplit, s)
	}
	return nil
}

// Plan tells the part of every flow. It is plain data, is a part of the report, and is safe for concurrent use.
type Plan struct {
	By     By     `json:"by"`
	Shares Shares `json:"shares"`
	// Cuts are the times from which on flows belong to validation and to test, in nanoseconds since the epoch; for Time.
	Cuts [2]int64 `json:"cuts"`
	// Seed is that of the hash; for the others.
	Seed uint64 `json:"seed"`
	// Records tells that Group compares the values of UNSW-NB15 records, because the columns of the set's rows are taken
	// from the training part.
	Records bool `json:"records"`
}

// Part returns the part of a flow with its row, which only Group looks at; n is the number of the labelled flow, from 1,
// in the whole input.
func (p *Plan) Part(f *features.Flow, row []float32, n int64) Part {
	switch p.By {
	case Time:
		switch {
		case f.Start < p.Cuts[0]:
			return Train
		case f.Start < p.Cuts[1]:
			return Validation
		}
		return Test
	case Host:
		return p.at(hostHash(p.Seed, f.Src))
	case Group:
		if p.Records && f.UNSW != nil {
			return p.at(hashRecord(p.Seed, f.UNSW))
		}
		return p.at(hashRow(p.Seed, row))
	}
	return p.at(hashWords(p.Seed, uint64(n)))
}

// at returns the part at a place of the hash's range.
func (p *Plan) at(hash uint64) Part {
	u := float64(hash>>11) / (1 << 53)
	switch {
	case u < p.Shares[Train]:
		return Train
	case u < p.Shares[Train]+p.Shares[Validation]:
		return Validation
	case p.Shares[Test] == 0: // the shares' sum is a little under 1
		return Train
	}
	return Test
}

// Words says how the parts were told apart, for contracts and reports.
func (p *Plan) Words() string {
	switch p.By {
	case Time:
		return fmt.Sprintf("by time: flows that began before %s train, those from %s on test", clock(p.Cuts[0]), clock(p.Cuts[1]))
	case Host:
		return fmt.Sprintf("by source host: no address is in two parts (hash, seed %d)", p.Seed)
	case Group:
		return fmt.Sprintf("by equal rows: no row is in two parts (hash, seed %d)", p.Seed)
	}
	return fmt.Sprintf("at random (seed %d): repeated rows are in several parts, so that figures are too good", p.Seed)
}

func clock(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

func hostHash(seed uint64, a netip.Addr) uint64 {
	b := a.As16()
	var hi, lo uint64
	for i := range 8 {
		hi, lo = hi<<8|uint64(b[i]), lo<<8|uint64(b[i+8])
	}
	return hashWords(seed, hi, lo)
}

// hashRecord is hashRow for the values of a record.
func hashRecord(seed uint64, u *features.UNSW) uint64 {
	h := seed
	for _, v := range u.Values {
		w := math.Float64bits(v + 0)
		if v != v {
			w = 0x7ff8000000000000
		}
		h = hashWords(h, w)
	}
	for _, s := range [...]string{u.Proto, u.Service, u.State} {
		h = hashWords(h, uint64(len(s)))
		for i := range len(s) {
			h = hashWords(h, uint64(s[i]))
		}
	}
	return h
}

package evaluate

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"

	"threatdetect/features"
)

// Bounds of a sample.
const (
	maxFlows = 1 << 27
	maxHosts = 1 << 20
	maxKinds = 256
	maxRows  = 20_000 // that are kept as they are
	maxValue = 4 << 20
)

// noKind stands for the kind of attacks that have none.
const noKind = "(no kind)"

// ErrSample says that flows cannot be evaluated.
var ErrSample = errors.New("cannot evaluate")

// Sample collects scored flows. About 30 bytes a flow are kept, and the rows of some thousands, chosen at random, with the records of
// UNSW-NB15 that they came from. The zero value is ready; it has one owner.
type Sample struct {
	scores []float32
	attack []bool
	kind   []uint16 // of an attack, index into kinds
	host   []int32  // that the flow came from, index; -1 if it is not known
	start  []int64  // when it began, nanoseconds since the epoch; 0 if it has no time
	repeat []bool   // its row is equal to an earlier one
	seen   []bool   // its row is equal to one that Exclude was given

	// Unlabelled counts flows that Add was given and that nobody labelled.
	Unlabelled int

	kinds    []string
	kindOf   map[string]uint16
	hosts    map[netip.Addr]int32
	rowHash  map[uint64]struct{}
	excluded map[uint64]struct{}
	from, to int64 // when the first and the last flow began
	timed    int   // flows that have a time

	called []uint16 // which class the model gives the flow; of all of them or of none

	width  int
	rows   []float32 // of the flows whose numbers are in picked
	picked []int
	random *rand.Rand

	records []features.UNSW // of the flows in picked, for the columns of the project's origin
	foreign bool            // some flow is no record of UNSW-NB15
}

// Exclude remembers a row that the model was trained on: flows with an equal row are told apart in the report.
func (s *Sample) Exclude(row []float32) {
	if s.excluded == nil {
		s.excluded = make(map[uint64]struct{})
	}
	s.excluded[hash(row)] = struct{}{}
}

// Len is the number of labelled flows.
func (s *Sample) Len() int { return len(s.scores) }

// Add takes a flow with its kind of attack, its row and its score. It keeps none of them. Flows that are unlabelled are
// only counted. It fails with ErrSample if the score is not a number, or there are too many flows.
func (s *Sample) Add(f *features.Flow, kind []byte, row []float32, score float32) error {
	if f.Label == features.Unlabelled {
		s.Unlabelled++
		return nil
	}
	switch {
	case score != score:
		return fmt.Errorf("%w: the score of a flow is not a number", ErrSample)
	case len(s.scores) == maxFlows:
		return fmt.Errorf("%w: more than %d flows", ErrSample, maxFlows)
	case s.random == nil:
		s.random = rand.New(rand.NewPCG(2, 3))
		s.kindOf, s.hosts, s.rowHash = make(map[string]uint16), make(map[netip.Addr]int32), make(map[uint64]struct{})
		s.width = len(row)
	}
	s.scores = append(s.scores, score)
	s.attack = append(s.attack, f.Label == features.Attack)
	s.kind = append(s.kind, s.kindIndex(f, kind))
	s.host = append(s.host, s.hostIndex(f))
	h := hash(row)
	_, repeat := s.rowHash[h]
	if !repeat {
		s.rowHash[h] = struct{}{}
	}
	_, seen := s.excluded[h]
	s.repeat, s.seen = append(s.repeat, repeat), append(s.seen, seen)
	start := int64(0)
	if f.Has(features.FieldStart) {
		if s.timed == 0 {
			s.from, s.to = f.Start, f.Start
		}
		s.timed++
		s.from, s.to = min(s.from, f.Start), max(s.to, f.Start)
		start = f.Start
	}
	s.start = append(s.start, start)
	s.keep(f, row)
	return nil
}

// keep takes the row into the random sample, in place of another if that is full.
func (s *Sample) keep(f *features.Flow, row []float32) {
	n := len(s.scores) - 1
	limit := min(maxRows, maxValue/max(s.width, 1))
	if s.foreign = s.foreign || f.UNSW == nil; s.foreign {
		s.records = nil
	}
	if n < limit {
		s.rows, s.picked = append(s.rows, row...), append(s.picked, n)
		if !s.foreign {
			s.records = append(s.records, *f.UNSW)
		}
	} else if i := s.random.IntN(n + 1); i < limit {
		copy(s.rows[i*s.width:], row)
		s.picked[i] = n
		if !s.foreign {
			s.records[i] = *f.UNSW
		}
	}
}

func (s *Sample) kindIndex(f *features.Flow, kind []byte) uint16 {
	if f.Label != features.Attack {
		return 0
	}
	i, ok := s.kindOf[string(kind)]
	if !ok {
		name := string(kind[:min(len(kind), 256)])
		if len(s.kinds) >= maxKinds-1 {
			name = "(others)"
		} else if name == "" {
			name = noKind
		}
		if i, ok = s.kindOf[name]; !ok {
			i = uint16(len(s.kinds))
			s.kinds = append(s.kinds, name)
		}
		if len(s.kindOf) < 4*maxKinds {
			s.kindOf[string(kind)] = i
		}
		s.kindOf[name] = i
	}
	return i
}

func (s *Sample) hostIndex(f *features.Flow) int32 {
	if !f.Has(features.FieldAddrs) {
		return -1
	}
	i, ok := s.hosts[f.Src]
	if !ok {
		if len(s.hosts) == maxHosts {
			return int32(maxHosts) // the hosts beyond count as one
		}
		i = int32(len(s.hosts))
		s.hosts[f.Src] = i
	}
	return i
}

// hash is a hash of the bits of a row; all NaNs are one value, and both zeros.
func hash(row []float32) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, v := range row {
		w := uint64(math.Float32bits(v + 0))
		if v != v {
			w = 0x7fc00000
		}
		h ^= w * 0xbf58476d1ce4e5b9
		h ^= h >> 30
		h *= 0xbf58476d1ce4e5b9
		h ^= h >> 27
		h *= 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// Distinct returns the numbers of the rows that are not equal to an earlier one, nor to one of the rows in not (which may be
// nil). Rows are of width values each, one behind the other.
func Distinct(rows []float32, width int, not []float32) []int {
	seen := make(map[uint64]bool)
	for row := range slices.Chunk(not, width) {
		seen[hash(row)] = true
	}
	var kept []int
	i := 0
	for row := range slices.Chunk(rows, width) {
		if h := hash(row); !seen[h] {
			seen[h] = true
			kept = append(kept, i)
		}
		i++
	}
	return kept
}

// row returns row i of those kept.
func (s *Sample) row(i int) []float32 { return s.rows[i*s.width : (i+1)*s.width] }

// view is some of the flows of a sample, the highest score first. Flows of equal scores stand in the order in which they
// were added.
type view struct {
	s     *Sample
	order []int32
	// scores and attack are those of the flows in order: the threshold sweeps over them hundreds of times.
	scores []float32
	attack []bool
}

// view returns the flows that keep wants; nil wants all.
func (s *Sample) view(keep func(i int) bool) *view {
	v := &view{s: s}
	for i := range s.scores {
		if keep == nil || keep(i) {
			v.order = append(v.order, int32(i))
		}
	}
	slices.SortStableFunc(v.order, func(a, b int32) int {
		switch x, y := s.scores[a], s.scores[b]; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	v.scores, v.attack = make([]float32, len(v.order)), make([]bool, len(v.order))
	for k, i := range v.order {
		v.scores[k], v.attack[k] = s.scores[i], s.attack[i]
	}
	return v
}

func (v *view) classes() (benign, attacks int) {
	for _, i := range v.order {
		if v.s.attack[i] {
			attacks++
		} else {
			benign++
		}
	}
	return benign, attacks
}

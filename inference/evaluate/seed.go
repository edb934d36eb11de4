package evaluate

import (
	"time"

	"threatdetect/features"
)

// maxBoosted bounds the values that trees are grown on: it takes a second or so.
const maxBoosted = 2_000_000

// origin returns the records of UNSW-NB15 that the kept rows came from, in their order; nil if some flow came from elsewhere.
func (s *Sample) origin() []features.UNSW {
	if s.foreign {
		return nil
	}
	return s.records
}

// seed grows and measures trees on the columns of the project's origin. Their vocabulary is that of the flows to train on.
func (s *Sample) seed(b *Baseline, h halves, attack []bool) {
	pipeline, err := s.seedPipeline(h.train)
	if err != nil {
		b.Missing = err.Error()
		return
	}
	x := pipeline.Extractor()
	row := func(dst []float32, k int) []float32 {
		dst, _ = x.AppendRow(dst, &features.Flow{UNSW: &s.records[k]}) // which fails without such a record only
		return dst
	}
	var rows [][]float32
	var of []bool
	for _, k := range h.learn(maxBoosted / pipeline.NumColumn()) {
		rows, of = append(rows, row(nil, k)), append(of, attack[k])
	}
	trees := boost(rows, of)
	var buf []float32
	h.measure(b, attack, func(k int) float32 {
		buf = row(buf[:0], k)
		return trees.score(buf)
	})
}

// seedPipeline makes rows of the set of the origin's columns, with the categories of some of the kept flows.
func (s *Sample) seedPipeline(train []int) (*features.Pipeline, error) {
	set, err := features.LookupSet(seedSet)
	if err != nil {
		return nil, err
	}
	contract, err := features.Fit(set, func(yield func(*features.Flow, error) bool) {
		for _, k := range train {
			if !yield(&features.Flow{UNSW: &s.records[k]}, nil) {
				return
			}
		}
	}, time.Time{})
	if err != nil {
		return nil, err
	}
	return contract.Pipeline()
}

package features

import (
	"fmt"
	"iter"
)

// Pipeline is an immutable recipe that turns flows into rows. It is safe for concurrent use.
type Pipeline struct {
	schema  Schema
	fill    func(row []float32, f *Flow)
	source  source   // that flows have to be of
	replace *float32 // a value that counts as missing besides NaN
}

// NewPipeline returns the pipeline of a set whose columns are fixed. A set that needs a fit (Set.NeedsFit) has a
// pipeline only through a contract, see [Contract.Pipeline].
func NewPipeline(set *Set) (*Pipeline, error) {
	if set.NeedsFit {
		return nil, fmt.Errorf("features: set %s takes its columns from data: fit it, or use a contract", set.Name)
	}
	return &Pipeline{schema: Schema{Set: set.Name, Columns: set.columns}, fill: set.fill, source: set.source}, nil
}

// Pipeline returns the pipeline that the contract describes: that of its set, with its vocabularies, scales and missing
// policy. It fails with ErrContract, and the difference, if this version of the set does not make the columns that the
// contract lists.
func (c *Contract) Pipeline() (*Pipeline, error) {
	set, err := LookupSet(c.Set)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrContract, err)
	}
	var p *Pipeline
	if set.NeedsFit {
		s, err := newSeed(c, set.Name == "seed-compat/1")
		if err != nil {
			return nil, err
		}
		p = &Pipeline{schema: Schema{Set: set.Name, Columns: s.columns()}, fill: s.fill, source: set.source}
	} else if p, err = NewPipeline(set); err != nil {
		return nil, err
	}
	if diff := DiffNames(c.columnNames(), p.schema.Names()); diff != "" {
		return nil, fmt.Errorf("%w: columns of the contract and of set %s differ: %s", ErrContract, c.Set, diff)
	}
	p.replace, err = c.Missing.value()
	return p, err
}

// Schema returns the columns of the rows. Treat it as read-only.
func (p *Pipeline) Schema() *Schema { return &p.schema }

// NumColumn is the length of a row.
func (p *Pipeline) NumColumn() int { return len(p.schema.Columns) }

// Extractor returns a new run of the pipeline. Each goroutine and each stream of flows takes its own.
func (p *Pipeline) Extractor() *Extractor { return &Extractor{pipeline: p} }

// Extractor is one run of a pipeline over a stream of flows. It has one owner: it is not safe for concurrent use.
type Extractor struct {
	pipeline *Pipeline
	row      []float32
}

// AppendRow appends the row of f to dst and returns it. It keeps neither, and allocates only to grow dst. It fails
// with ErrContract if f comes from a source that the set cannot be computed from.
func (x *Extractor) AppendRow(dst []float32, f *Flow) ([]float32, error) {
	p := x.pipeline
	if p.source == sourceUNSW && f.UNSW == nil || p.source == sourceNSL && f.NSL == nil {
		return dst, fmt.Errorf("%w: set %s needs %s records", ErrContract, p.schema.Set, p.source)
	}
	n, m := len(dst), len(dst)+len(p.schema.Columns)
	if m > cap(dst) {
		dst = append(dst, make([]float32, m-n)...)
	}
	dst = dst[:m]
	row := dst[n:m:m]
	p.fill(row, f)
	if p.replace != nil {
		for i, v := range row {
			if v == *p.replace {
				row[i] = nan32
			}
		}
	}
	return dst, nil
}

// Row is a row together with the flow it was made from.
type Row struct {
	Flow   *Flow
	Values []float32
}

// Rows turns a sequence of flows into rows. It is single-use if flows is; a row and its flow are valid until the next
// step. Errors of flows are passed on, and the sequence goes on behind a [*RecordError].
func (x *Extractor) Rows(flows iter.Seq2[*Flow, error]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for f, err := range flows {
			var row Row
			if err == nil {
				x.row, err = x.AppendRow(x.row[:0], f)
				row = Row{f, x.row}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

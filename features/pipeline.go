package features

import (
	"fmt"
	"time"
)

// Pipeline is an immutable recipe that turns flows into rows. It is safe for concurrent use.
type Pipeline struct {
	schema    Schema
	fill      func(row []float32, f *Flow)
	stateless int                                                        // columns that fill writes
	memory    func(o *StateOptions, with *settings, stats *Stats) memory // fills the others; nil if there are none
	settings  *settings
	source    source   // that flows have to be of
	replace   *float32 // a value that counts as missing besides NaN
}

// NewPipeline returns the pipeline of a set whose columns are fixed. A set that needs a fit (Set.NeedsFit) has a
// pipeline only through a contract, see [Contract.Pipeline].
func NewPipeline(set *Set) (*Pipeline, error) {
	if set.NeedsFit {
		return nil, fmt.Errorf("features: set %s takes its columns from data: fit it, or use a contract", set.Name)
	}
	p := &Pipeline{schema: Schema{Set: set.Name, Columns: set.columns}, fill: set.fill, stateless: set.stateless, memory: set.memory, settings: set.set(), source: set.source}
	if s := p.settings.site; s != nil && set.fillSite != nil {
		p.fill = func(row []float32, f *Flow) { set.fillSite(row, f, s) }
	}
	return p, nil
}

// Pipeline returns the pipeline that the contract describes: that of its set, with its options, vocabularies, scales and
// missing policy. It fails with ErrContract, and the difference, if this version of the set does not make the columns that the
// contract lists.
func (c *Contract) Pipeline() (*Pipeline, error) {
	set, err := LookupSet(c.Set)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrContract, err)
	}
	if set, err = set.With(c.Options); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrContract, err)
	}
	var p *Pipeline
	if set.NeedsFit {
		s, err := newSeed(c, set.Name == "seed-compat/1")
		if err != nil {
			return nil, err
		}
		p = &Pipeline{schema: Schema{Set: set.Name, Columns: s.columns()}, fill: s.fill, settings: noSettings, source: set.source}
	} else if p, err = NewPipeline(set); err != nil {
		return nil, err
	}
	if diff := DiffNames(c.columnNames(), p.schema.Names()); diff != "" {
		return nil, fmt.Errorf("%w: columns of the contract and of set %s differ: %s", ErrContract, c.Set, diff)
	}
	if want := newContract(set, time.Time{}).State; want != nil && (c.State == nil || *c.State != *want) {
		return nil, fmt.Errorf("%w: set %s needs the state %+v", ErrContract, c.Set, *want)
	}
	p.replace, err = c.Missing.value()
	return p, err
}

// Schema returns the columns of the rows. Treat it as read-only.
func (p *Pipeline) Schema() *Schema { return &p.schema }

// NumColumn is the length of a row.
func (p *Pipeline) NumColumn() int { return len(p.schema.Columns) }

// Ends tells which ends of f are the site's own: by the networks of the site (SetOptions.LocalNets) if the pipeline has any, or else by what
// the log says. known is false if that does not tell it of both.
func (p *Pipeline) Ends(f *Flow) (src, dst, known bool) {
	src, dst, fields := p.settings.site.ends(f)
	return src, dst, fields == FieldLocalSrc|FieldLocalDst
}

package dataset

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"time"

	"threatdetect/features"
)

// Pass is one reading of the data.
type Pass uint8

// The passes, of which only the last always happens.
const (
	Planning Pass = iota // to find out where the parts begin
	Fitting              // to learn vocabularies and scales of the training part
	Writing
)

func (p Pass) String() string { return [...]string{"planning", "fitting", "writing"}[p] }

// Options say how data is made. Set is wanted; the zero values of the others are good.
type Options struct {
	Set    *features.Set
	By     By     // "" is Auto
	Shares Shares // zero is DefaultShares
	Seed   uint64
	// Labels is the truth where it does not stand in the logs; nil: the flows say it themselves.
	Labels  *Labels
	Created time.Time // of the contract
	// Kinds makes the kind of an attack its class, instead of one for all: 0 is benign, 1 and up the kinds of the whole input in the order of
	// their bytes, of which there may be MaxClasses-1. The contract and the report name them.
	Kinds bool
}

// Row is a row with its flow and the part where it belongs. It is valid until write returns.
type Row struct {
	Flow   *features.Flow
	Values []float32
	Part   Part
	Attack bool
	Class  int // the label: 0 benign, 1 attack, or with Options.Kinds 1 and up
}

// Make splits labelled flows and hands out the row of each to write, in their order. It returns the contract, fitted to the
// training part, and what was found in the data.
//
// flows is called once for each pass, at most four times, and must give the same flows each time; a
// [*features.RecordError] among them is passed over, any other error is the end. Flows that are unlabelled are counted and
// left out, except that they count in the state of sets that remember flows. Errors answer errors.Is for ErrSplit and
// ErrLabels, and for the kinds of package features.
func Make(flows func(Pass) iter.Seq2[*features.Flow, error], opts *Options, write func(*Row) error) (*features.Contract, *Report, error) {
	m := maker{Options: *opts, flows: flows}
	if m.By == "" {
		m.By = Auto
	}
	if m.Shares == (Shares{}) {
		m.Shares = DefaultShares
	}
	if err := m.Shares.Check(); err != nil {
		return nil, nil, err
	}
	plan, err := m.plan()
	if err != nil {
		return nil, nil, err
	}
	contract, err := features.Fit(m.Set, m.training(plan), m.Created)
	if err != nil {
		return nil, nil, err
	}
	report, err := m.write(plan, contract, write)
	return contract, report, err
}

type maker struct {
	Options
	flows   func(Pass) iter.Seq2[*features.Flow, error]
	classes *classes // nil where kinds are not told apart
	other   string   // the first label that says neither benign nor attack
}

// labelled yields the flows of a pass with their labels; n counts those that have one.
func (m *maker) labelled(pass Pass, n *int64) iter.Seq2[*features.Flow, error] {
	return func(yield func(*features.Flow, error) bool) {
		records := int64(0)
		if m.Labels != nil {
			m.Labels.Used = 0
		}
		for f, err := range m.flows(pass) {
			records++
			if err == nil {
				records += int64(f.MoreRecords)
				if m.Labels != nil {
					m.Labels.Apply(f, records)
				} else {
					Judge(f)
				}
				if f.Label != features.Unlabelled {
					*n++
				} else if m.other == "" {
					m.other = string(OtherLabel(f))
				}
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// plan reads the flows once, unless neither the split nor the classes need anything of them.
func (m *maker) plan() (*Plan, error) {
	unplanned := m.By == Group || m.By == Random
	plan := &Plan{By: m.By, Shares: m.Shares, Seed: m.Seed, Records: m.Set.NeedsFit}
	if unplanned && !m.Kinds {
		return plan, nil
	}
	p, kinds := newPlanner(), make(map[string]bool)
	var n int64
	for f, err := range m.labelled(Planning, &n) {
		switch {
		case err != nil && !isRecordError(err):
			return nil, err
		case err == nil && f.Label != features.Unlabelled:
			p.add(f)
			if m.Kinds {
				if err := learnKind(kinds, f); err != nil {
					return nil, err
				}
			}
		}
	}
	if m.Kinds {
		var err error
		if m.classes, err = newClasses(kinds); err != nil {
			return nil, err
		}
	}
	if unplanned {
		return plan, nil
	}
	plan, err := p.plan(m.By, m.Shares, m.Seed)
	if err != nil {
		return nil, m.hint(err, p.n)
	}
	plan.Records = m.Set.NeedsFit
	return plan, nil
}

// hint adds what may be wrong if no flow met its label, or labels of a class are not understood; n counts the flows of both classes.
func (m *maker) hint(err error, n [2]int64) error {
	if l := m.Labels; l != nil && l.Used == 0 {
		by := "row"
		if l.ByUID() {
			by = "uid"
		}
		return fmt.Errorf("%w: none of the %d labels, which go by %s, belongs to a flow of the input", ErrLabels, l.Entries, by)
	}
	if m.other != "" && (n[0] == 0 || n[1] == 0) {
		return fmt.Errorf("%w; %s", err, WantLabel(m.other))
	}
	return err
}

// isRecordError reports whether reading goes on behind an error. One that wraps a record error is somebody's reason to end.
func isRecordError(err error) bool {
	_, ok := err.(*features.RecordError)
	return ok
}

// training yields the flows of the training part.
func (m *maker) training(plan *Plan) iter.Seq2[*features.Flow, error] {
	return func(yield func(*features.Flow, error) bool) {
		var n int64
		for f, err := range m.labelled(Fitting, &n) {
			if err == nil && (f.Label == features.Unlabelled || plan.Part(f, nil, n) != Train) {
				continue
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// write makes the rows.
func (m *maker) write(plan *Plan, contract *features.Contract, write func(*Row) error) (*Report, error) {
	pipeline, err := contract.Pipeline()
	if err != nil {
		return nil, err
	}
	c := newCollector(pipeline.Schema().Names())
	var n int64
	for row, err := range pipeline.Extractor().Rows(m.numbered(&n, c)) {
		if err != nil {
			if isRecordError(err) {
				continue
			}
			return nil, err
		}
		f := row.Flow
		if f.Label == features.Unlabelled {
			continue
		}
		c.rows++
		part := plan.Part(f, row.Values, c.rows)
		c.add(f, row.Values, part)
		if err := write(&Row{Flow: f, Values: row.Values, Part: part, Attack: f.Label == features.Attack, Class: m.classes.of(f)}); err != nil {
			return nil, err
		}
	}
	if err := checkClasses(c.class); err != nil {
		return nil, m.hint(err, c.class)
	}
	for class, n := range c.total[Train] {
		if n == 0 {
			return nil, fmt.Errorf("%w by %s: the training part got no %s flow", ErrSplit, plan.By, classNames[class])
		}
	}
	r := c.report(m.Set.Name, plan)
	contract.Output.Classes = slices.Clone(classNames[:])
	if m.classes != nil {
		r.Classes, contract.Output.Classes = m.classes.names, slices.Clone(m.classes.names)
	}
	if m.Labels != nil {
		r.LabelsUnused = m.Labels.Entries - m.Labels.Used
	}
	r.Findings = c.find(r, slices.Contains(m.Set.Formats, "unsw") && len(m.Set.Formats) == 1)
	return r, nil
}

// numbered yields all flows, unlabelled ones too, and counts those.
func (m *maker) numbered(n *int64, c *collector) iter.Seq2[*features.Flow, error] {
	return func(yield func(*features.Flow, error) bool) {
		for f, err := range m.labelled(Writing, n) {
			if err == nil && f.Label == features.Unlabelled {
				c.unlabelled++
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// collector counts what the report needs.
type collector struct {
	columns    []*columnStats
	duplicates *duplicates
	total      cells
	class      [2]int64
	rows       int64
	unlabelled int64
	from, to   [numParts]int64
	timed      [numParts]bool
	kinds      map[string]*[numParts]int64
	attackers  map[netip.Addr]bool // sources of attacks, a few more than fewHosts at most
}

func newCollector(names []string) *collector {
	c := &collector{duplicates: newDuplicates(), kinds: make(map[string]*[numParts]int64), attackers: make(map[netip.Addr]bool)}
	for _, name := range names {
		c.columns = append(c.columns, newColumnStats(name))
	}
	return c
}

// otherKinds collects the kinds of attack beyond maxReportKinds.
const (
	maxReportKinds = 256
	otherKinds     = "(others)"
	noKind         = "(no kind)"
)

func (c *collector) add(f *features.Flow, row []float32, part Part) {
	class := classOf(f)
	c.total[part][class]++
	c.class[class]++
	for i, v := range row {
		c.columns[i].add(v, part, class)
	}
	c.duplicates.add(row, part, class)
	if f.Has(features.FieldStart) {
		if !c.timed[part] {
			c.from[part], c.to[part], c.timed[part] = f.Start, f.Start, true
		}
		c.from[part], c.to[part] = min(c.from[part], f.Start), max(c.to[part], f.Start)
	}
	if class == 0 {
		return
	}
	if f.Has(features.FieldAddrs) && len(c.attackers) <= fewHosts {
		c.attackers[f.Src] = true
	}
	kind := KindOf(f)
	n := c.kinds[string(kind)]
	if n == nil {
		name := string(kind[:min(len(kind), 256)])
		if len(c.kinds) >= maxReportKinds {
			name = otherKinds
		} else if name == "" {
			name = noKind
		}
		if n = c.kinds[name]; n == nil {
			n = new([numParts]int64)
			c.kinds[name] = n
		}
	}
	n[part]++
}

func (c *collector) report(set string, plan *Plan) *Report {
	r := &Report{Set: set, Benign: c.class[0], Attacks: c.class[1], Unlabelled: c.unlabelled, Split: plan, SplitWords: plan.Words(),
		Duplicates: c.duplicates.report(), Kinds: []KindReport{}, Columns: []Column{}}
	for part := range numParts {
		n := c.total[part]
		p := PartReport{Part: part.String(), Rows: n[0] + n[1], Benign: n[0], Attacks: n[1]}
		if c.timed[part] {
			p.From, p.To = clock(c.from[part]), clock(c.to[part])
		}
		r.Parts = append(r.Parts, p)
	}
	for kind, n := range c.kinds {
		r.Kinds = append(r.Kinds, KindReport{kind, n[Train], n[Validation], n[Test]})
	}
	slices.SortFunc(r.Kinds, func(a, b KindReport) int {
		if d := (b.Train + b.Validation + b.Test) - (a.Train + a.Validation + a.Test); d != 0 {
			return int(max(-1, min(1, d)))
		}
		if a.Kind < b.Kind {
			return -1
		}
		return 1
	})
	for _, col := range c.columns {
		r.Columns = append(r.Columns, col.report(&c.total))
	}
	return r
}

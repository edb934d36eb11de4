package trafficgen

import (
	"iter"
	"time"
)

// actor is something that makes flows at points in time.
type actor interface {
	// act does what is due at now, which never decreases, and returns the time
	// of its next turn, or never. Flows it makes start at now or later.
	act(g *Generator, now int64) (next int64)
}

const never = int64(-1)

// A Generator makes the records of one log, in the order in which the
// connections end. It is not safe for concurrent use.
type Generator struct {
	cfg   Config
	start int64   // microseconds since the epoch
	span  int64   // microseconds; estimated when the configuration has none
	pace  float64 // factor on the rate of all habits

	rates [numRhythms]float64 // benign records per hour at full activity

	site   *site
	benign maker
	attack maker

	actors queue[actor]
	open   queue[*Record]
	free   []*Record
	last   *Record // the record the caller holds

	made    int64 // records handed out
	attacks int64 // of them, attacks
}

// New returns a generator for cfg. It checks cfg; the error wraps ErrConfig.
func New(cfg Config) (*Generator, error) {
	cfg, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	g := &Generator{cfg: cfg, start: cfg.Start.UnixMicro()}
	g.site = newSite(cfg.Seed, cfg.Hosts)
	g.benign = newMaker(g, 1)
	g.attack = newMaker(g, 2)
	g.measure()
	g.plan()
	g.settle()
	if !cfg.NoAttacks {
		g.actors.push(g.start, newScheduler(g))
	}
	return g, nil
}

// plan fixes the simulated span and the pace from what the configuration gives.
func (g *Generator) plan() {
	benign := float64(g.cfg.Records)
	if !g.cfg.NoAttacks {
		benign *= 1 - g.cfg.AttackShare
	}
	g.pace = 1
	g.span = g.cfg.Span.Microseconds()
	switch {
	case g.span == 0:
		g.span = g.timeFor(benign)
	case g.cfg.Records > 0:
		g.pace = benign / max(g.expected(g.start, g.start+g.span), 1)
	}
}

// Next returns the next record, or false at the end of the log. The record
// belongs to the generator and is valid until the next call.
func (g *Generator) Next() (*Record, bool) {
	if g.last != nil {
		g.free = append(g.free, g.last)
		g.last = nil
	}
	if g.cfg.Records > 0 && g.made == g.cfg.Records {
		return nil, false
	}
	for {
		due, some := g.actors.min()
		if end, ready := g.open.min(); ready && (!some || end <= due) {
			_, r := g.open.pop()
			g.last = r
			g.made++
			if r.Kind.Malicious() {
				g.attacks++
			}
			return r, true
		}
		if !some {
			return nil, false
		}
		now, a := g.actors.pop()
		if g.cfg.Records == 0 && now >= g.start+g.span {
			continue
		}
		if next := a.act(g, now); next != never {
			g.actors.push(max(next, now), a)
		}
	}
}

// All returns the remaining records. The yielded record is valid until the next
// step; ranging again continues where the last range stopped.
func (g *Generator) All() iter.Seq[*Record] {
	return func(yield func(*Record) bool) {
		for r, ok := g.Next(); ok; r, ok = g.Next() {
			if !yield(r) {
				return
			}
		}
	}
}

// Config returns the configuration with all defaults filled in. Span is the
// simulated time the generator planned for.
func (g *Generator) Config() Config {
	cfg := g.cfg
	cfg.Span = time.Duration(g.span) * time.Microsecond
	cfg.Attacks = append([]Kind(nil), cfg.Attacks...)
	return cfg
}

// Made returns how many records were handed out, and how many of them were
// attacks.
func (g *Generator) Made() (records, attacks int64) { return g.made, g.attacks }

// record returns a cleared record.
func (g *Generator) record() *Record {
	if n := len(g.free); n > 0 {
		r := g.free[n-1]
		g.free = g.free[:n-1]
		*r = Record{}
		return r
	}
	return new(Record)
}

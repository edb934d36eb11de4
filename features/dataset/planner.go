package dataset

import (
	"fmt"
	"math"
	"net/netip"

	"threatdetect/features"
)

// Bounds of what planning remembers.
const (
	maxTimeBins = 1 << 16
	maxHosts    = 1 << 20
)

// planner looks at every labelled flow once to find out where the parts begin.
type planner struct {
	times   *tally
	hosts   map[netip.Addr]*[2]int64
	n       [2]int64 // flows by class
	noTime  int64
	noHost  int64
	tooMany bool // there are more hosts than are remembered
}

func newPlanner() *planner {
	return &planner{times: newTally(maxTimeBins), hosts: make(map[netip.Addr]*[2]int64)}
}

func (p *planner) add(f *features.Flow) {
	class := classOf(f)
	p.n[class]++
	if f.Has(features.FieldStart) {
		p.times.add(timeKey(f.Start), Train, class)
	} else {
		p.noTime++
	}
	if !f.Has(features.FieldAddrs) {
		p.noHost++
		return
	}
	h := p.hosts[f.Src]
	if h == nil {
		if p.tooMany = p.tooMany || len(p.hosts) == maxHosts; p.tooMany {
			return
		}
		h = new([2]int64)
		p.hosts[f.Src] = h
	}
	h[class]++
}

func classOf(f *features.Flow) int {
	if f.Label == features.Attack {
		return 1
	}
	return 0
}

// plan settles a split.
func (p *planner) plan(by By, shares Shares, seed uint64) (*Plan, error) {
	if err := checkClasses(p.n); err != nil {
		return nil, err
	}
	if by == Auto {
		by = Time
		if p.noTime > 0 {
			by = Group
		}
	}
	plan := &Plan{By: by, Shares: shares, Seed: seed}
	switch by {
	case Time:
		if p.noTime > 0 {
			return nil, fmt.Errorf("%w by time: %d of %d labelled flows have no time; split by group", ErrSplit, p.noTime, p.n[0]+p.n[1])
		}
		plan.Seed = 0
		return plan, p.cut(plan)
	case Host:
		if p.noHost > 0 {
			return nil, fmt.Errorf("%w by host: %d of %d labelled flows have no addresses; split by group", ErrSplit, p.noHost, p.n[0]+p.n[1])
		}
		return plan, p.seed(plan)
	}
	return plan, nil
}

// checkClasses refuses what nothing can be learned of.
func checkClasses(n [2]int64) error {
	switch {
	case n[0]+n[1] == 0:
		return fmt.Errorf("%w: no labelled flow: every label is missing, says that nobody knows, or is not understood", ErrSplit)
	case n[1] == 0:
		return fmt.Errorf("%w: none of the %d labelled flows is an attack", ErrSplit, n[0])
	case n[0] == 0:
		return fmt.Errorf("%w: none of the %d labelled flows is benign", ErrSplit, n[1])
	}
	return nil
}

// cut finds the times at which the parts begin: the borders of bins that come nearest to the shares.
func (p *planner) cut(plan *Plan) error {
	bins := p.times.sorted()
	total := float64(p.n[0] + p.n[1])
	plan.Cuts = [2]int64{math.MaxInt64, math.MaxInt64}
	from := 1 // the first bin always trains
	for k, share := range [2]float64{plan.Shares[Train], plan.Shares[Train] + plan.Shares[Validation]} {
		if share > 1-1e-9 {
			continue
		}
		best, sum, distance := -1, 0.0, math.Inf(1)
		for i := range bins {
			if d := math.Abs(sum - share*total); i >= from && d < distance {
				best, distance = i, d
			}
			sum += float64(bins[i].count.total())
		}
		if best < 0 {
			return fmt.Errorf("%w by time: the flows begin at too few different times, from %s on", ErrSplit, clock(p.time(bins[0].key)))
		}
		plan.Cuts[k], from = p.time(bins[best].key), best
		if k == 0 && plan.Shares[Validation] > 0 {
			from++
		}
	}
	var train [2]int64
	for _, b := range bins {
		if p.time(b.key) < plan.Cuts[0] {
			train[0] += b.count[Train][0]
			train[1] += b.count[Train][1]
		}
	}
	for class, name := range classNames {
		if train[class] == 0 {
			return fmt.Errorf("%w by time: no %s flow began before %s, so that the training part would have none; give other shares, or split by host or group",
				ErrSplit, name, clock(plan.Cuts[0]))
		}
	}
	return nil
}

func (p *planner) time(key uint64) int64 { return keyTime(key << p.times.shift) }

var classNames = [2]string{"benign", "attack"}

// seeds is how many seeds are tried to give every part its share of hosts.
const seeds = 64

// seed chooses, for a split by host, the first of the best seeds: hosts are few and unlike each other, so that most seeds
// leave a part without attacks or much too small.
func (p *planner) seed(plan *Plan) error {
	best, at := math.Inf(1), plan.Seed
	first := plan.Seed
	for i := range uint64(seeds) {
		plan.Seed = first + i
		var n cells
		for host, classes := range p.hosts {
			part := plan.at(hostHash(plan.Seed, host))
			n[part][0] += classes[0]
			n[part][1] += classes[1]
		}
		if d := distance(&n, plan.Shares); d < best {
			best, at = d, plan.Seed
		}
	}
	plan.Seed = at
	if best >= lacking && !p.tooMany {
		var by [2]int
		for _, classes := range p.hosts {
			for class, n := range classes {
				if n > 0 {
					by[class]++
				}
			}
		}
		return fmt.Errorf("%w by host: the benign flows come from %d source hosts and the attacks from %d, which is too few for each part to have both; split by time or group",
			ErrSplit, by[0], by[1])
	}
	return nil
}

// lacking is the distance of a split in which training or test lacks a class.
const lacking = 100

// distance is how far the parts are from the shares.
func distance(n *cells, shares Shares) float64 {
	total := max(n.total(), 1)
	d := 0.0
	for part, of := range n {
		d += math.Abs(float64(of[0]+of[1])/float64(total) - shares[part])
		if shares[part] > 0 && (of[0] == 0 || of[1] == 0) {
			if Part(part) == Validation {
				d++
			} else {
				d += lacking
			}
		}
	}
	return d
}

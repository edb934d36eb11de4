package trafficgen

// scheduler launches attack campaigns so that their flows stay in proportion to
// the benign ones. It takes the kinds in turns, in an order that changes with
// every round.
type scheduler struct {
	tick     int64 // between two decisions, microseconds
	ratio    float64
	ahead    float64 // benign flows that may be counted before they are made
	small    int64   // most flows of one campaign
	longest  int64   // most time of one campaign, microseconds
	order    []Kind
	turn     int
	size     int64 // flows of the next campaign; 0: not drawn yet
	launched int64 // flows of all campaigns so far
}

func newScheduler(g *Generator) *scheduler {
	share := g.cfg.AttackShare
	total := float64(g.cfg.Records)
	if total == 0 {
		total = g.expected(g.start, g.start+g.span) / (1 - share)
	}
	budget := int64(total * share)
	kinds := int64(len(g.cfg.Attacks))
	return &scheduler{
		tick:    min(max(g.span/200, 100*millisecond), 10*minute),
		ratio:   share / (1 - share),
		ahead:   total * (1 - share) * 0.03,
		small:   min(max(budget/(3*kinds), 4), 60_000),
		longest: min(max(g.span/8, 30*second), 4*day),
		order:   append([]Kind(nil), g.cfg.Attacks...),
	}
}

func (s *scheduler) act(g *Generator, now int64) int64 {
	m := &g.attack
	benign := float64(g.made-g.attacks) + s.ahead
	for {
		if s.size == 0 {
			if s.turn == 0 {
				s.shuffle(m.rnd)
			}
			s.size = s.draw(m.rnd, s.order[s.turn])
		}
		if float64(s.launched+s.size) > float64(benign*s.ratio) {
			return now + m.rnd.between(s.tick/2, s.tick+s.tick/2)
		}
		at := now + m.rnd.between(0, s.tick)
		g.actors.push(at, newCampaign(m, s.order[s.turn], s.size, s.longest))
		s.launched += s.size
		s.size = 0
		s.turn = (s.turn + 1) % len(s.order)
	}
}

func (s *scheduler) shuffle(rnd stream) {
	for i := len(s.order) - 1; i > 0; i-- {
		j := rnd.below(i + 1)
		s.order[i], s.order[j] = s.order[j], s.order[i]
	}
}

// Flows of a campaign.
var campaignFlows = [numKinds]curve{
	HorizontalScan: {{0, 12}, {0.4, 250}, {0.9, 4_000}, {1, 60_000}},
	VerticalScan:   {{0, 12}, {0.4, 120}, {0.8, 1_000}, {1, 65_000}},
	SSHBruteForce:  {{0, 8}, {0.4, 100}, {0.9, 1_500}, {1, 15_000}},
	SYNFlood:       {{0, 40}, {0.4, 1_000}, {0.9, 12_000}, {1, 60_000}},
	TelnetWorm:     {{0, 15}, {0.4, 400}, {0.9, 6_000}, {1, 60_000}},
	Beacon:         {{0, 10}, {0.5, 80}, {0.9, 500}, {1, 5_000}},
	Exfiltration:   {{0, 2}, {0.5, 8}, {0.9, 60}, {1, 400}},
	DNSTunnel:      {{0, 12}, {0.5, 300}, {0.9, 3_000}, {1, 30_000}},
}

func (s *scheduler) draw(rnd stream, k Kind) int64 {
	return min(max(rnd.size(campaignFlows[k]), 2), s.small)
}

// campaign is one attack: a number of flows with gaps between them.
type campaign struct {
	left int64
	// step makes one flow and returns the time to the next.
	step func(at int64) int64
	most int64 // longest gap, so that the campaign fits the log
}

func (c *campaign) act(_ *Generator, now int64) int64 {
	gap := c.step(now)
	c.left--
	if c.left == 0 {
		return never
	}
	return now + min(max(gap, 1), c.most)
}

// newCampaign prepares a campaign of n flows that takes no longer than longest.
func newCampaign(m *maker, k Kind, n, longest int64) *campaign {
	c := &campaign{left: n, most: max(2*longest/n, 1)}
	mean := max(longest/n, 1) // longest mean gap
	switch k {
	case HorizontalScan:
		c.step = m.horizontalScan(mean)
	case VerticalScan:
		c.step = m.verticalScan(mean)
	case SSHBruteForce:
		c.step = m.bruteForce(mean)
	case SYNFlood:
		c.step = m.synFlood(mean)
	case TelnetWorm:
		c.step = m.telnetWorm(mean)
	case Beacon:
		c.step = m.beacon(mean)
	case Exfiltration:
		c.step = m.exfiltrate(mean)
	default:
		c.step = m.dnsTunnel(mean)
	}
	return c
}

// hostile is a host of the Internet that attacks or serves attackers. Some of
// them come again and again.
func (m *maker) hostile() peer {
	return m.site.peer(classHostile, m.rnd.rank(numHostile), 0)
}

// infected is a machine of the site that somebody else commands: mostly the same
// few ones.
func (m *maker) infected(r role) *host { return m.site.one(m.rnd, r) }

// target is an address of the site, in use with the given chance.
func (m *maker) target(inUse float64) (end, *host) {
	if m.rnd.chance(inUse) {
		h := &m.site.hosts[m.rnd.below(len(m.site.hosts))]
		return end{h.v4, 0, h.stamps}, h
	}
	nets := [...]byte{1, 8, 16, 17, 128}
	a := m.site.addr4(nets[m.rnd.below(len(nets))], byte(m.rnd.between(1, 254)))
	return end{addr: a}, m.site.at(a)
}

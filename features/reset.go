package features

// Reset forgets everything, as if the extractor were new, and keeps the memory that it has: whoever reads one log after the other need not
// take and clear as much for each. Its options stay. It may be called at any time, and what was yielded before is no longer valid.
func (x *Extractor) Reset() {
	x.flow, x.pushed = nil, 0
	if x.memory != nil {
		x.memory.reset()
		x.order.reset()
	}
	x.stats = Stats{}
}

// Reuse returns a new run of the pipeline in the memory of x, whose run is over, and which is not to be used any more: with the StateOptions of x, or its seed if it was
// restored. Where x is nil, of another set, or of one with other SetOptions, it is a run with the defaults, as [Pipeline.Extractor] returns.
func (p *Pipeline) Reuse(x *Extractor) *Extractor {
	if x == nil || x.memory == nil || x.pipeline.schema.Set != p.schema.Set || x.pipeline.settings.text() != p.settings.text() {
		return p.Extractor()
	}
	x.Reset()
	x.pipeline = p
	return x
}

// spareText is how many bytes the texts of a flow may take that is kept to be used again: nobody may make it keep more by long ones.
const spareText = 256

func (r *reorder) reset() {
	if r.out != nil {
		r.spare = append(r.spare, r.out)
	}
	for _, h := range r.heap {
		r.spare = append(r.spare, h.flow)
	}
	clear(r.heap)
	for _, f := range r.spare {
		f.AppName, f.ProtoName, f.NSL, f.Joined = "", "", nil, nil
		if cap(f.UID)+cap(f.History)+cap(f.LabelText)+cap(f.Kind) > spareText {
			*f = Flow{}
		}
	}
	*r = reorder{heap: r.heap[:0], spare: r.spare, stats: r.stats, now: r.now}
}

func (m *twoMemories) reset() {
	m.first.reset()
	m.second.reset()
}

func (w *warming) reset() {
	w.memory.reset()
	w.began, w.begun = 0, false
}

func (x *context) reset() { x.window.reset() }

func (w *window) reset() {
	w.hosts.reset()
	w.services.reset()
	w.pairs.reset()
	for g := range w.groups {
		w.groups[g].reset()
	}
	w.first, w.n, w.nth, w.count = 0, 0, 0, 0
}

func (t *table[K, V]) reset() {
	if len(t.entries) > 1 {
		clear(t.heads)
		clear(t.entries)
		t.entries, t.free, t.used = t.entries[:1], 0, 0
	}
}

func (h *hosts) reset() {
	for _, p := range h.parts {
		p.reset()
	}
	h.common.reset()
	h.pressure.reset()
}

func (h *hostPart) reset() {
	h.sources.reset()
	h.pairs.reset()
	h.used.reset()
	h.dests.reset()
	h.pool.reset()
	h.faninPool.reset()
	h.contacts.Reset()
	h.days, h.lost, h.lostDests, h.flow = 0, h.lost[:0], h.lostDests[:0], 0
}

func (c *hostCommon) reset() {
	if c.begun { // or there is nothing
		for i := range c.nets {
			clear(c.nets[i][0][:])
			clear(c.nets[i][1][:])
		}
		c.pool.reset()
		c.active, c.all, c.ofSite, c.began, c.begun = distinct{}, fading{}, fading{}, 0, false
	}
}

func (m *callMemory) reset() {
	m.calls.reset()
	m.pressure.reset()
}

func (m *names) reset() {
	m.callMemory.reset()
	m.contacts.Reset()
	m.days = 0
}

func (m *lookups) reset() {
	m.sources.reset()
	m.domains.reset()
	m.answers.reset()
	m.pool.reset()
	m.seen.Reset()
	m.followed.Reset()
	m.pressure.reset()
}

func (m *handshakes) reset() {
	m.values.reset()
	m.answers.Reset()
	m.totals, m.hours = [numRare]fadingDay{}, 0
	m.pressure.reset()
}

// reset leaves the seed of the hashes as it is: no result depends on it. Only what was used is cleared, which may be little of much.
func (s *store[K, V]) reset() {
	if used := s.nodes[1:]; len(used) < len(s.heads)/8 {
		for i := range used {
			*s.head(used[i].hash) = 0
		}
	} else {
		clear(s.heads)
	}
	clear(s.values)
	s.nodes, s.values = s.nodes[:1], s.values[:1]
	s.free, s.trial, s.kept = 0, storeList{}, storeList{}
	s.gone.Reset()
}

func (p *sketchPool) reset() {
	for i := range p.sketches {
		p.sketches[i].owner = nil
	}
	p.sketches = p.sketches[:1]
	p.free, p.oldest, p.newest = 0, 0, 0
}

func (p *pressure) reset() { *p = pressure{report: p.report} }

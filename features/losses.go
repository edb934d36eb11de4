package features

// loss is something that had to go for a flow.
type loss struct {
	flow int // its number in the batch
	key  hostKey
	host bool // or else a sketch
}

// losses of a part wait, in the order of flows, to be told: parts may be filled at the same time, and what they lose is to be
// counted in the order of flows.
type losses []loss

// tell hands over the losses of one flow.
func (l *losses) tell(p *pressure, flow int) {
	n := 0
	for n < len(*l) && (*l)[n].flow == flow {
		if x := &(*l)[n]; x.host {
			p.evicted(x.key, false)
		} else {
			p.evictedSketch()
		}
		n++
	}
	if n < len(*l) {
		*l = (*l)[n:]
	} else {
		*l = (*l)[:0]
	}
}

// host notes a key that went.
func (l *losses) host(flow int, key hostKey, idle bool) {
	if !idle {
		*l = append(*l, loss{flow, key, true})
	}
}

// sketch notes a sketch that was taken from its owner.
func (l *losses) sketch(flow int) { *l = append(*l, loss{flow: flow}) }

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

func (h *hostPart) evicted(key hostKey, idle bool) {
	if !idle {
		h.lost = append(h.lost, loss{h.flow, key, true})
	}
}

func (h *hostPart) evictedSketch() { h.lost = append(h.lost, loss{flow: h.flow}) }

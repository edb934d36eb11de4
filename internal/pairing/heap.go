package pairing

// The heap of p.ends orders open flows by their ends, which only grow: a flow lies where its end was when it was queued.

func (p *Pairer) less(a, b int) bool { return p.flows[p.ends[a]].queued < p.flows[p.ends[b]].queued }

func (p *Pairer) swap(a, b int) {
	p.ends[a], p.ends[b] = p.ends[b], p.ends[a]
	p.flows[p.ends[a]].place, p.flows[p.ends[b]].place = int32(a), int32(b)
}

func (p *Pairer) push(i int32) {
	p.flows[i].place = int32(len(p.ends))
	p.ends = append(p.ends, i)
	p.up(len(p.ends) - 1)
}

func (p *Pairer) remove(i int32) {
	at, last := int(p.flows[i].place), len(p.ends)-1
	if at != last {
		p.swap(at, last)
	}
	p.ends = p.ends[:last]
	if at != last {
		p.down(at)
		p.up(at)
	}
}

func (p *Pairer) up(at int) {
	for at > 0 {
		parent := (at - 1) / 2
		if !p.less(at, parent) {
			return
		}
		p.swap(at, parent)
		at = parent
	}
}

func (p *Pairer) down(at int) {
	for {
		child := 2*at + 1
		if child >= len(p.ends) {
			return
		}
		if child+1 < len(p.ends) && p.less(child+1, child) {
			child++
		}
		if !p.less(child, at) {
			return
		}
		p.swap(child, at)
		at = child
	}
}

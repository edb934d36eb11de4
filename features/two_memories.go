package features

// twoMemories are those of a set that has the columns of two.
type twoMemories struct {
	first, second memory
	columns       int // of first
}

func newContextAndHosts(o *StateOptions, with *settings, stats *Stats) memory {
	narrow := &twoMemories{newContext(o, with, stats), newHosts(o, with, stats), len(contextColumns)}
	return &twoMemories{narrow, newWideContext(stats), len(contextColumns) + len(hostColumns)}
}

func (m *twoMemories) fill(row []float32, f *Flow, t, late int64) {
	m.first.fill(row[:m.columns], f, t, late)
	m.second.fill(row[m.columns:], f, t, late)
}

func (m *twoMemories) encode(e *encoder) {
	m.first.encode(e)
	m.second.encode(e)
}

func (m *twoMemories) decode(d *decoder, t int64, any bool) {
	m.first.decode(d, t, any)
	m.second.decode(d, t, any)
}

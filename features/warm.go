package features

// warmColumns say whether what is remembered goes back far enough to be trained on.
var warmColumns = []Column{{"state_warm", "", "1 if an hour has passed since the first flow"}}

// warming adds warmColumns, behind its own, to a memory that does not have them.
type warming struct {
	memory
	columns int // of memory
	began   int64
	begun   bool
}

// warmed is a maker of memories with warmColumns.
func warmed(make func(o *StateOptions, with *settings, stats *Stats) memory, columns []Column) func(o *StateOptions, with *settings, stats *Stats) memory {
	n := len(columns)
	return func(o *StateOptions, with *settings, stats *Stats) memory {
		return &warming{memory: make(o, with, stats), columns: n}
	}
}

func (w *warming) fill(row []float32, f *Flow, t, late int64) {
	w.memory.fill(row[:w.columns], f, t, late)
	if !w.begun && late <= maxLate {
		w.begun, w.began = true, t
	}
	row[w.columns] = flag(w.begun && since(t, w.began) >= warmUp)
}

func (w *warming) encode(e *encoder) {
	e.flag(w.begun)
	e.time(w.began)
	w.memory.encode(e)
}

func (w *warming) decode(d *decoder, t int64, any bool) {
	w.begun, w.began = d.flag(), d.time()
	if w.begun && (!any || w.began > t) {
		d.fail("a memory that begins later than it ends")
	}
	w.memory.decode(d, t, any)
}

package batch

import (
	"errors"
	"sync"
)

// feed gives the tasks of all logs out, in order, to whichever worker asks next. The pieces of a plain file are read by the worker that asks, so that they
// are in the cache of the core that parses them. What has to be unpacked, comes from elsewhere, or cannot be split, is read ahead meanwhile.
type feed struct {
	run   *run
	mutex sync.Mutex
	logs  []*log     // that are not read to their ends
	open  []*reading // of the first of these
	most  int        // logs that are open at the same time
}

// maxAhead bounds how many logs are read at the same time.
const maxAhead = 16

func newFeed(r *run) *feed {
	f := &feed{run: r, most: min(r.job.opts.Workers, maxAhead)}
	for _, l := range r.job.logs {
		if !l.p.Done && !l.p.Read {
			f.logs = append(f.logs, l)
		}
	}
	return f
}

// next returns the next task, which run.order has by then as well; nil if there is none, or the run is over.
func (f *feed) next() *task {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for len(f.logs) > 0 && f.run.ctx.Err() == nil {
		for len(f.open) < min(f.most, len(f.logs)) {
			f.open = append(f.open, f.run.read(f.logs[len(f.open)]))
		}
		t := f.open[0].next()
		if t == nil {
			f.open[0].close()
			f.logs, f.open = f.logs[1:], f.open[1:]
			continue
		}
		if t.err != nil && f.run.ctx.Err() != nil { // which may be why
			return nil
		}
		select {
		case f.run.order <- t:
			return t
		case <-f.run.ctx.Done():
		}
	}
	return nil
}

// close closes what is open still. No worker may ask any more.
func (f *feed) close() {
	for _, r := range f.open {
		r.close()
	}
}

// reading is a log that is being read, one way or the other.
type reading struct {
	run    *run
	log    *log
	direct *reader      // by whoever asks; nil once it came to its end
	err    error        // why there is no reader
	ahead  <-chan *task // by a goroutine; nil if by whoever asks
}

// read begins to read a log.
func (r *run) read(l *log) *reading {
	g := &reading{run: r, log: l}
	if l.in.local() {
		var err error
		if g.direct, err = r.open(l); err != nil {
			g.err = err
			return g
		}
		if g.direct.direct() {
			return g
		}
	}
	ahead, rd := make(chan *task, 1), g.direct
	g.direct, g.ahead = nil, ahead
	if l.in.once() { // a read of a pipe may never end
		go r.readAhead(l, rd, ahead)
	} else {
		r.readers.Go(func() { r.readAhead(l, rd, ahead) })
	}
	return g
}

// next returns the next task of the log, nil behind the last one.
func (g *reading) next() *task {
	if g.ahead != nil {
		select {
		case t := <-g.ahead:
			return t
		case <-g.run.ctx.Done():
			return nil
		}
	}
	var t *task
	err := g.err
	switch {
	case err != nil:
		g.err = nil
	case g.direct == nil || g.log.stop.Load():
		return nil
	default:
		t, err = g.direct.next()
	}
	if err != nil {
		t = &task{err: err, last: true}
	}
	if t.last {
		g.close()
	}
	return g.log.own(t)
}

func (g *reading) close() {
	if g.direct != nil {
		g.direct.close()
		g.direct = nil
	}
}

// own makes a task one of a log.
func (l *log) own(t *task) *task {
	t.log, t.ready = l, make(chan struct{})
	return t
}

// errStop ends the reading of a log.
var errStop = errors.New("stop")

// readAhead sends the tasks of one log and closes the channel. The last one says so. The log may be open already.
func (r *run) readAhead(l *log, rd *reader, to chan<- *task) {
	defer close(to)
	send := func(t *task) error {
		if r.ctx.Err() != nil { // the end of reading may look like a record that is cut short
			return errStop
		}
		select {
		case to <- l.own(t):
			if !l.stop.Load() {
				return nil
			}
		case <-r.ctx.Done():
		}
		return errStop
	}
	var err error
	if rd == nil {
		rd, err = r.open(l)
	}
	if err == nil {
		err = rd.readAll(send)
		rd.close()
	}
	if err != nil && err != errStop && r.ctx.Err() == nil {
		send(&task{err: err, last: true})
	}
}

package batch

import (
	"context"
	"io"
	"path/filepath"
)

// publish gives the outputs of logs that are done their names; of those that failed, it takes away what there is. It may be called again for the same
// logs, wherever it stopped before. When ctx is done in the middle of something long, it returns the cause, and what has no name gets it from the next
// run. Files of skipped records come first, so that whoever sees an output sees that as well.
func (j *Job) publish(ctx context.Context, logs []*log) error {
	n := &naming{job: j, ctx: ctx, dirs: map[string]bool{}}
	var ended error // why some have to wait
	var next []*log
	for _, l := range logs {
		switch err := n.rejects(l); {
		case err != nil && err == context.Cause(ctx):
			ended = err
		case err != nil:
			return err
		case l.failed == nil:
			next = append(next, l)
		}
	}
	if err := n.settle(); err != nil {
		return err
	}
	for _, l := range next {
		switch err := n.output(l); {
		case err != nil && err == context.Cause(ctx):
			ended = err
		case err != nil:
			return err
		}
		if n.size >= j.opts.UnitBytes { // the rows of many large tables need not lie beside these
			if err := n.settle(); err != nil {
				return err
			}
		}
	}
	if err := n.settle(); err != nil {
		return err
	}
	return ended
}

// naming gives names, and makes them durable: with one sync of a folder for all that it got.
type naming struct {
	job  *Job
	ctx  context.Context
	dirs map[string]bool // in which there are names that are not durable
	logs []*log          // whose outputs have such names, or had durable ones before
	rows []string        // files that are of no use once the names are durable
	size int64           // of these outputs
}

// settle makes durable what has been done.
func (n *naming) settle() error {
	if err := n.job.syncFolders(n.dirs); err != nil {
		return err
	}
	for _, name := range n.rows {
		if err := n.job.disk.Remove(name); err != nil {
			return &FileError{"write output", name, bare(err)}
		}
	}
	if len(n.rows) > 0 {
		if err := n.job.syncFolders(n.dirs); err != nil {
			return err
		}
	}
	for _, l := range n.logs {
		l.named = true
	}
	clear(n.dirs)
	n.logs, n.rows, n.size = n.logs[:0], n.rows[:0], 0
	return nil
}

// rejects names the file of skipped records, or takes away all there is of a log that failed.
func (n *naming) rejects(l *log) error {
	j := n.job
	out, rejects := j.outName(l.in.key), j.rejectsName(l.in.key)
	switch {
	case l.failed != nil:
		for _, name := range []string{rejects + partialEnd, out + partialEnd, out + convertedEnd} {
			if err := j.disk.Remove(name); err != nil {
				return &FileError{"write output", name, bare(err)}
			}
		}
		return nil
	case l.p.Rejects.Length > 0:
		return n.name(rejects, false)
	}
	return j.removeOld(rejects)
}

// output names the output of a log.
func (n *naming) output(l *log) error {
	out := n.job.outName(l.in.key)
	if l.p.Out.Length == 0 {
		// Nothing was written, and so no file made.
		ok, err := n.job.published(out)
		if err == nil && !ok {
			err = n.empty(out + partialEnd)
		}
		if err != nil {
			return err
		}
		if ok {
			n.logs = append(n.logs, l)
			return nil
		}
	}
	if err := n.name(out, n.job.opts.Convert != nil); err != nil {
		return err
	}
	n.logs = append(n.logs, l)
	n.size += l.p.Out.Length
	return nil
}

// empty makes a partial file with nothing in it, with the folders that it is in.
func (n *naming) empty(name string) error {
	disk := n.job.disk
	ok, err := disk.Exists(name)
	if err == nil && !ok {
		if err = disk.MkdirAll(filepath.Dir(name)); err == nil {
			var f file
			if f, err = disk.Create(name); err == nil {
				err = f.Close()
			}
		}
	}
	if err != nil {
		return &FileError{"write output", name, bare(err)}
	}
	return nil
}

// removeOld removes what a run left that was dropped with --restart.
func (j *Job) removeOld(name string) error {
	if j.bucket != nil {
		return nil
	}
	ok, err := j.disk.Exists(name)
	if err == nil && ok {
		err = j.disk.Remove(name)
	}
	if err != nil {
		return &FileError{"write output", name, bare(err)}
	}
	return nil
}

// published reports whether an output that is done has its name.
func (j *Job) published(name string) (bool, error) {
	if j.bucket != nil {
		return false, nil
	}
	ok, err := j.disk.Exists(name)
	if err == nil && ok {
		var partial bool
		partial, err = j.disk.Exists(name + partialEnd)
		ok = !partial
	}
	if err != nil {
		return false, &FileError{"write output", name, bare(err)}
	}
	return ok, nil
}

// name moves a partial file that is whole to its name.
func (n *naming) name(name string, convert bool) error {
	j := n.job
	fail := func(err error) error {
		if _, ok := err.(*FileError); ok || err == nil || err == context.Cause(n.ctx) {
			return err
		}
		return &FileError{"write output", name, bare(err)}
	}
	from := name + partialEnd
	ok, err := j.disk.Exists(from)
	if err != nil {
		return fail(err)
	}
	if !ok {
		if j.bucket != nil {
			return nil // it is removed when the object is there
		}
		if ok, err = j.disk.Exists(name); err == nil && !ok {
			err = errGone
		}
		return fail(err)
	}
	whole := from
	if convert {
		whole = name + convertedEnd
		if err := j.convert(n.ctx, whole, from); err != nil {
			return fail(err)
		}
		n.rows = append(n.rows, from)
	}
	n.dirs[filepath.Dir(name)] = true
	if j.bucket == nil {
		return fail(j.disk.Rename(whole, name))
	}
	if err := j.put(n.ctx, name, whole); err != nil {
		return fail(err)
	}
	return fail(j.disk.Remove(whole))
}

// convert makes the whole file of rows.
func (j *Job) convert(ctx context.Context, whole, from string) error {
	src, err := j.disk.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	if err := j.disk.Remove(whole); err != nil {
		return err
	}
	dst, err := j.disk.Create(whole)
	if err != nil {
		return err
	}
	err = j.opts.Convert(dst, &endingReader{ctx, src})
	if err == nil {
		err = dst.Sync()
	}
	if err2 := dst.Close(); err == nil {
		err = err2
	}
	return causeOf(ctx, err)
}

// endingReader ends when ctx is done.
type endingReader struct {
	ctx context.Context
	r   io.Reader
}

func (e *endingReader) Read(p []byte) (int, error) {
	if e.ctx.Err() != nil {
		return 0, context.Cause(e.ctx)
	}
	return e.r.Read(p)
}

// causeOf is err, unless that is because ctx is done.
func causeOf(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// put writes a whole file to the bucket.
func (j *Job) put(ctx context.Context, name, whole string) error {
	key := j.url(name)
	err := j.bucket.Put(ctx, key, whole)
	if err = causeOf(ctx, err); err == nil || ctx.Err() != nil {
		return err
	}
	return &FileError{"write output", key, err}
}

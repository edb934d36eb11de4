package batch

import (
	"context"
	"io"
	"path/filepath"
)

// publish gives the outputs of a log that is done their names; of one that failed, it takes away what there is. It may be called again
// for the same log, wherever it stopped before, as it does when ctx is done in the middle of something long. The file of skipped records comes
// first, so that whoever sees the output sees that as well.
func (j *Job) publish(ctx context.Context, l *log) error {
	out, rejects := j.outName(l.in.key), j.rejectsName(l.in.key)
	if l.failed != nil {
		for _, name := range []string{rejects + partialEnd, out + partialEnd, out + convertedEnd} {
			if err := j.disk.Remove(name); err != nil {
				return &FileError{"write output", name, bare(err)}
			}
		}
		return nil
	}
	if l.p.Rejects.Length > 0 {
		if err := j.name(ctx, rejects, false); err != nil {
			return err
		}
	} else if err := j.removeOld(rejects); err != nil {
		return err
	}
	if l.p.Out.Length == 0 {
		// Nothing was written, and so no file made.
		if ok, err := j.published(out); err != nil || ok {
			return err
		}
		f, err := j.disk.Create(out + partialEnd)
		if err == nil {
			err = f.Close()
		} else if ok, err2 := j.disk.Exists(out + partialEnd); ok && err2 == nil {
			err = nil
		}
		if err != nil {
			return &FileError{"write output", out, bare(err)}
		}
	}
	return j.name(ctx, out, j.opts.Convert != nil)
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
func (j *Job) name(ctx context.Context, name string, convert bool) error {
	fail := func(err error) error {
		if _, ok := err.(*FileError); ok || err == nil {
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
		if err := j.convert(ctx, whole, from); err != nil {
			return fail(err)
		}
	}
	if j.bucket != nil {
		if err := j.put(ctx, name, whole); err != nil {
			return fail(err)
		}
		if err := j.disk.Remove(whole); err != nil {
			return fail(err)
		}
	} else if err := j.disk.Rename(whole, name); err != nil {
		return fail(err)
	}
	if err := j.disk.SyncDir(filepath.Dir(name)); err != nil {
		return fail(err)
	}
	if whole != from {
		if err := j.disk.Remove(from); err != nil {
			return fail(err)
		}
		return fail(j.disk.SyncDir(filepath.Dir(name)))
	}
	return nil
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
	if err := j.bucket.Put(ctx, key, whole); err != nil {
		return &FileError{"write output", key, causeOf(ctx, err)}
	}
	return nil
}

package batch

import (
	"context"
	"path/filepath"
)

// publish gives the outputs of a log that is done their names; of one that failed, it takes away what there is. It may be called again
// for the same log, wherever it stopped before. The file of skipped records comes first, so that whoever sees the output sees that as well.
func (j *Job) publish(l *log) error {
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
		if err := j.name(rejects, false); err != nil {
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
	return j.name(out, j.opts.Convert != nil)
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
func (j *Job) name(name string, convert bool) error {
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
		if err := j.convert(whole, from); err != nil {
			return fail(err)
		}
	}
	if j.bucket != nil {
		if err := j.put(name, whole); err != nil {
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
func (j *Job) convert(whole, from string) error {
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
	err = j.opts.Convert(dst, src)
	if err == nil {
		err = dst.Sync()
	}
	if err2 := dst.Close(); err == nil {
		err = err2
	}
	return err
}

// put writes a whole file to the bucket.
func (j *Job) put(name, whole string) error {
	key := j.url(name)
	if err := j.bucket.Put(context.Background(), key, whole); err != nil {
		return &FileError{"write output", key, err}
	}
	return nil
}

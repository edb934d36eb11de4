package serve

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"threatdetect/model"
)

// Reloader keeps a [Live] at the newest good state of a file or directory. A model that cannot be loaded, or that does not prove
// itself, is refused: the one in use stays. It has one owner.
type Reloader struct {
	Live    *Live
	Path    string // of a model, bundle or directory
	Load    *model.LoadOptions
	Metrics *Metrics     // nil counts nothing
	Log     *slog.Logger // nil logs nothing
	// Settle is the time between the two looks at a file that have to see the same: what is still being written is not loaded. 0 is
	// 200 ms.
	Settle time.Duration
	// Cache, unless empty, is a directory that keeps a copy of the last good artifact, for a start when Path is not there.
	Cache string

	refused string // digest of what was refused, which is not tried again
	started string // digest of what Start loaded, until that was looked at again
	seen    string // what the file system told of the files at the last look
	looked  time.Time
}

// lookAgain is after what time a file is read although the file system tells of no change.
const lookAgain = time.Minute

// Start loads the first model, from the cache if Path is not there, or cannot be read. If somebody has just written to it, Start waits for Settle, and longer
// if it changes meanwhile; what has been there for longer is used at once, and Run looks at it again.
func (r *Reloader) Start() error {
	r.seen, r.looked = r.state(), time.Now()
	m, content, err := openSettled(r.Path, r.Load, r.settle())
	if _, unreachable := errors.AsType[*fs.PathError](err); unreachable && r.Cache != "" {
		cached, err2 := newest(r.Cache)
		if err2 != nil {
			return fmt.Errorf("%w (and no copy in the cache: %w)", err, err2)
		}
		if m, err2 = openModel(cached, r.Load); err2 != nil {
			return err2
		}
		r.log(slog.LevelWarn, "the model cannot be read; the last good copy is used", "path", r.Path, "digest", m.Digest())
		r.Live.Swap(m)
		r.Metrics.Using(m.Digest())
		return nil
	} else if err != nil {
		return err
	} else {
		r.started = content
	}
	r.Live.Swap(m)
	r.Metrics.Using(m.Digest())
	return r.keep(m, nil)
}

// state is what the file system tells of the files.
func (r *Reloader) state() string {
	state, _, _ := stateOf(r.Path)
	return state
}

func (r *Reloader) settle() time.Duration { return cmp.Or(r.Settle, settleTime) }

// Run looks at the file once more Settle after the start, then every interval (never if that is 0), and whenever now receives, until ctx ends.
func (r *Reloader) Run(ctx context.Context, interval time.Duration, now <-chan os.Signal) {
	var ticks <-chan time.Time
	if interval > 0 {
		t := time.NewTicker(interval)
		defer t.Stop()
		ticks = t.C
	}
	again := time.After(r.settle())
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
			if content := contentOf(r.Path, nil); r.started == "" || content == "" || content == r.started {
				continue
			}
			r.log(slog.LevelWarn, "the model has changed since it was read at the start", "path", r.Path)
		case <-ticks:
			if r.state() == r.seen && time.Since(r.looked) < lookAgain {
				continue
			}
		case <-now:
			r.refused = ""
		}
		r.Check(ctx)
	}
}

// Check loads what is at Path if it is another model than the one in use, and tells whether it is used now.
func (r *Reloader) Check(ctx context.Context) (swapped bool, err error) {
	r.seen, r.looked = r.state(), time.Now()
	r.started = ""
	pace := NewPace()
	content := contentOf(r.Path, pace)
	if content != "" && (content == r.refused || content == r.digest()) {
		return false, nil
	}
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-time.After(r.settle()):
	}
	b, err := model.OpenBundle(r.Path, r.options(pace))
	if whole := err == nil && b.Digest == content || contentOf(r.Path, pace) == content; !whole {
		r.seen = "" // it is being written: look again soon
		return false, nil
	}
	if err != nil {
		return false, r.refuse(content, err)
	}
	if b.Digest == r.digest() {
		return false, nil
	}
	m, err := newModel(b, pace)
	if err == nil {
		err = r.fits(m)
	}
	if err != nil {
		return false, r.refuse(content, err)
	}
	old := r.Live.Model()
	if old != nil && old.explained.Load() { // no request has to wait for that
		m.explain(pace)
	}
	m.inherit(old)
	r.Live.Swap(m)
	r.Metrics.Reloaded("used", m.Digest())
	r.log(slog.LevelInfo, "another model is in use", "path", r.Path, "digest", m.Digest())
	return true, r.keep(m, pace)
}

// digest is that of the model in use; empty if there is none.
func (r *Reloader) digest() string {
	if m := r.Live.Model(); m != nil {
		return m.Digest()
	}
	return ""
}

// fits tells whether a model may take the place of the one in use: it takes the same rows.
func (r *Reloader) fits(m *Model) error {
	old := r.Live.Model()
	switch {
	case old == nil:
		return nil
	case old.scorer.NumFeature() != m.scorer.NumFeature():
		return fmt.Errorf("it takes %d columns, the model in use %d", m.scorer.NumFeature(), old.scorer.NumFeature())
	case old.detector != nil && m.detector == nil:
		return errors.New("it has no contract, the model in use has one")
	case old.detector != nil && old.detector.Set() != m.detector.Set():
		return fmt.Errorf("it is for set %s, the model in use for %s", m.detector.Set(), old.detector.Set())
	}
	return nil
}

func (r *Reloader) options(pauser model.Pauser) *model.LoadOptions {
	var o model.LoadOptions
	if r.Load != nil {
		o = *r.Load
	}
	o.AllowEnsemble, o.Pauser = true, pauser
	return &o
}

// refuse counts and logs a model that is not used.
func (r *Reloader) refuse(digest string, err error) error {
	r.refused = digest
	r.Metrics.Reloaded("refused", r.digest())
	r.log(slog.LevelWarn, "a model was refused; the one before it stays", "path", r.Path, "digest", digest, "error", err.Error())
	return err
}

func (r *Reloader) log(level slog.Level, text string, args ...any) {
	if r.Log != nil {
		r.Log.Log(context.Background(), level, text, args...)
	}
}

// keep copies what is in use into the cache, and removes older copies.
func (r *Reloader) keep(m *Model, pauser model.Pauser) error {
	if r.Cache == "" {
		return nil
	}
	if err := os.MkdirAll(r.Cache, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(r.Cache, ".model-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	var w io.Writer = f
	if pauser != nil {
		w = pausing{f, pauser}
	}
	same, err := r.copyTo(w, m)
	if err2 := f.Sync(); err == nil {
		err = err2
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err != nil {
		return err
	}
	if !same {
		return nil // another one is there by now, which is looked at soon
	}
	name := filepath.Join(r.Cache, m.Digest()+cacheEnd)
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	old, _ := filepath.Glob(filepath.Join(r.Cache, "*"+cacheEnd))
	for _, other := range old {
		if other != name {
			os.Remove(other)
		}
	}
	return nil
}

// cacheEnd is how the name of a copy in a cache ends, behind its digest.
const cacheEnd = ".model"

// copyTo writes what a model was loaded from: a file byte for byte, so that it has its digest and its signature, and a directory as an archive without
// signature. It returns false if the file is another one by now.
func (r *Reloader) copyTo(w io.Writer, m *Model) (same bool, err error) {
	if info, err := os.Stat(r.Path); err != nil || !info.Mode().IsRegular() {
		return true, model.WriteBundle(w, m.Bundle)
	}
	f, err := os.Open(r.Path)
	if err != nil {
		return false, err
	}
	defer f.Close() // only read from
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(w, h), f)
	return hex.EncodeToString(h.Sum(nil)) == m.Digest(), err
}

// newest returns the newest copy in a cache.
func newest(dir string) (path string, err error) {
	all, err := filepath.Glob(filepath.Join(dir, "*"+cacheEnd))
	if err != nil {
		return "", err
	}
	var latest time.Time
	for _, name := range all {
		if info, err := os.Stat(name); err == nil && (path == "" || info.ModTime().After(latest)) {
			path, latest = name, info.ModTime()
		}
	}
	if path == "" {
		return "", fs.ErrNotExist
	}
	return path, nil
}

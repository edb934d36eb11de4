package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"threatdetect/model"
)

// Release is an approved bundle, whole and checked, on this machine.
type Release struct {
	Version int       `json:"version"`
	Path    string    `json:"path"` // of the bundle; it stays until the release after the next one
	SHA256  string    `json:"sha256"`
	Source  string    `json:"source"` // ARN in the registry, or address of the pointer
	At      time.Time `json:"at"`     // when it was fetched
	// Offline tells that AWS did not answer, and that this is the newest one of before.
	Offline bool `json:"-"`
}

// WatchOptions say what is watched. Dir is wanted.
type WatchOptions struct {
	Dir string // for bundles; made with rights for its owner alone if it is not there
	// Pointer is the address of a pointer object (see [Pointer]) in the stack's bucket. "": the registry, which takes few requests: many agents should
	// watch the pointer.
	Pointer string
	Every   time.Duration // between looks, give or take a tenth; 0 is a minute
	// Load is how the bundle is read before it is handed out: keys, limits. nil is the default.
	Load *model.LoadOptions
	// Verify looks at a bundle besides; an error refuses it.
	Verify func(*model.Bundle) error
}

// Watch yields the newest approved bundle whenever it is another one, for as long as ctx lasts and the caller wants. It first yields what there is: if AWS does not
// answer, the last good one in Dir. The highest approved version of the registry counts, so that rejecting it leads back to the one before it.
//
// Errors are yielded without a release, each once until something changes; the caller keeps what it has and goes on. A version that is refused (damaged, not signed, of
// another set than its contract) is not fetched again before another one is approved.
func Watch(ctx context.Context, a *AWS, o *WatchOptions) iter.Seq2[*Release, error] {
	return func(yield func(*Release, error) bool) {
		w := watcher{AWS: a, WatchOptions: *o}
		if w.Every == 0 {
			w.Every = time.Minute
		}
		if err := os.MkdirAll(w.Dir, 0o700); err != nil {
			yield(nil, err)
			return
		}
		w.current = w.lastGood()
		shown, said := false, ""
		for {
			r, err := w.look(ctx)
			if ctx.Err() != nil {
				return
			}
			switch {
			case r != nil:
				said, shown = "", true
				if !yield(r, nil) {
					return
				}
			case err != nil:
				if !shown && w.current != nil { // start with what there was
					shown = true
					offline := *w.current
					offline.Offline = true
					if !yield(&offline, nil) {
						return
					}
				}
				if text := err.Error(); text != said {
					said = text
					if !yield(nil, err) {
						return
					}
				}
			case !shown && w.current != nil:
				shown = true
				if !yield(w.current, nil) {
					return
				}
			}
			if err == nil {
				said = ""
			}
			if a.clock.Sleep(ctx, w.Every*9/10+rand.N(w.Every/5+1)) != nil {
				return
			}
		}
	}
}

type watcher struct {
	*AWS
	WatchOptions
	current *Release // nil before there is one
	tag     string   // entity tag of the pointer that current belongs to
	refused string   // what was refused last, and is not tried again
	why     error
}

const stateFile = "current.json"

// lastGood is the release that an earlier run left, if it is whole.
func (w *watcher) lastGood() *Release {
	text, err := os.ReadFile(filepath.Join(w.Dir, stateFile))
	var r Release
	if err != nil || json.Unmarshal(text, &r) != nil {
		return nil
	}
	r.Path = filepath.Join(w.Dir, filepath.Base(r.Path))
	data, err := os.ReadFile(r.Path)
	if err != nil || digest(data) != r.SHA256 {
		return nil
	}
	if _, err := model.LoadBundle(bytes.NewReader(data), w.Load); err != nil {
		return nil
	}
	return &r
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// look returns a release that is another one than the current, nil if there is none.
func (w *watcher) look(ctx context.Context) (*Release, error) {
	if w.Pointer != "" {
		return w.followPointer(ctx)
	}
	m, err := w.NewestApproved(ctx)
	switch {
	case err != nil:
		return nil, err
	case m == nil:
		return nil, fmt.Errorf("%w: no version of %s is approved", ErrNotFound, w.stack.Resource(KindModels))
	case w.current != nil && w.current.Source == m.ARN:
		return nil, nil
	case w.refused == m.ARN:
		return nil, w.why
	}
	data, err := w.Bundle(ctx, m, nil)
	if err == nil {
		err = w.check(data)
	}
	if err != nil {
		return nil, w.refuse(m.ARN, m.Version, err)
	}
	return w.keep(&Release{Version: m.Version, Source: m.ARN, SHA256: digest(data)}, data)
}

// refuse remembers what is not fit for use. What only could not be fetched is tried again.
func (w *watcher) refuse(what string, version int, err error) error {
	if _, ok := errors.AsType[*ServiceError](err); ok || errors.Is(err, ErrNetwork) || errors.Is(err, context.Canceled) {
		return err
	}
	w.refused, w.why = what, fmt.Errorf("version %d is not used: %w", version, err)
	return w.why
}

// check loads a bundle as whoever uses it will.
func (w *watcher) check(data []byte) error {
	b, err := model.LoadBundle(bytes.NewReader(data), w.Load)
	if err == nil && w.Verify != nil {
		err = w.Verify(b)
	}
	return err
}

const maxPointer = 64 << 10 // bytes

// followPointer asks for the pointer, if it is another than the last one.
func (w *watcher) followPointer(ctx context.Context) (*Release, error) {
	key, ok := strings.CutPrefix(w.Pointer, w.stack.S3(""))
	if !ok || key == "" {
		return nil, fmt.Errorf("%w: pointer %q: want one in the bucket %s", ErrStack, clip(w.Pointer), w.stack.Bucket)
	}
	in := &s3.GetObjectInput{Bucket: &w.stack.Bucket, Key: &key}
	if w.tag != "" {
		in.IfNoneMatch = &w.tag
	}
	out, err := w.S3().GetObject(ctx, in)
	if notModified(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	var p Pointer
	text, err := readBounded(out.Body, maxPointer)
	if err != nil {
		return nil, err
	}
	tag := aws.ToString(out.ETag)
	if w.refused == tag && tag != "" {
		return nil, w.why
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, w.refuse(tag, 0, fmt.Errorf("%w: %s: %w", ErrIntegrity, w.Pointer, err))
	}
	if w.current != nil && w.current.SHA256 == p.SHA256 {
		w.tag = tag
		return nil, nil
	}
	data, err := w.pointed(ctx, &p)
	if err == nil {
		err = w.check(data)
	}
	if err != nil {
		return nil, w.refuse(tag, p.Version, err)
	}
	r, err := w.keep(&Release{Version: p.Version, Source: w.Pointer, SHA256: p.SHA256}, data)
	if err == nil {
		w.tag = tag
	}
	return r, err
}

// pointed fetches the bundle and compares it with what the pointer says of it.
func (w *watcher) pointed(ctx context.Context, p *Pointer) ([]byte, error) {
	if p.Size < 0 || p.Size > maxArtifact || len(p.SHA256) != 64 {
		return nil, fmt.Errorf("%w: the pointer says %d bytes, sha256 %q", ErrIntegrity, p.Size, clip(p.SHA256))
	}
	data, err := w.fetchObject(ctx, w.stack.S3(p.Key), "", p.Size)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != p.Size || digest(data) != p.SHA256 {
		return nil, fmt.Errorf("%w: %s has %d bytes, sha256 %s; the pointer says %d, %s", ErrIntegrity, p.Key, len(data), digest(data), p.Size, p.SHA256)
	}
	return data, nil
}

// keep writes the bundle and remembers it. The one before it stays, for whoever still reads it.
func (w *watcher) keep(r *Release, data []byte) (*Release, error) {
	r.Path = filepath.Join(w.Dir, fmt.Sprintf("%d-%s.tar.gz", r.Version, r.SHA256[:12]))
	r.At = w.clock.Now().UTC().Truncate(time.Second)
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = writeWhole(r.Path, data)
	}
	if err == nil {
		err = writeWhole(filepath.Join(w.Dir, stateFile), append(text, '\n'))
	}
	if err != nil {
		return nil, err
	}
	before := w.current
	w.current = r
	all, _ := filepath.Glob(filepath.Join(w.Dir, "*.tar.gz"))
	for _, name := range all {
		if name != r.Path && (before == nil || name != before.Path) {
			os.Remove(name)
		}
	}
	return r, nil
}

// writeWhole writes a file that appears when all of it is on disk.
func writeWhole(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err2 := f.Sync(); err == nil {
		err = err2
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}

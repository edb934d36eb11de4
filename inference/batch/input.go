package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// stdinName is what standard input is called as an input, and what its output is named for.
const stdinName = "-"

// input is one log.
type input struct {
	name string // as messages call it
	key  string // its output's name below the folder of outputs, with slashes, without an ending; unique
	size int64  // bytes, as they lie there; 0 if that is not known

	stream io.Reader // standard input
	pipe   bool      // a file of no size, such as a FIFO: it can be read once, like standard input
	bucket Store     // nil for files
	object Object
}

// once reports whether the input can be read one time only.
func (in *input) once() bool { return in.stream != nil || in.pipe }

// local reports whether the input is a file that lies on this machine's disk, or one that looks like it.
func (in *input) local() bool { return !in.once() && in.bucket == nil }

// identity tells whether an input is still what it was.
type identity struct {
	Size int64  `json:"size"`
	Tag  string `json:"tag,omitempty"`  // of an object
	Head string `json:"head,omitempty"` // hash of the first bytes
	// Mark is the hash of the bytes ahead of MarkAt.
	Mark   string `json:"mark,omitempty"`
	MarkAt int64  `json:"mark_at,omitempty"`
}

// markSize is how many bytes the hashes of an identity are of.
const markSize = 1024

// identify returns the identity of an input, with a mark ahead of the byte at, or at the end if at is negative.
func (in *input) identify(at int64) (identity, error) {
	if in.once() {
		return identity{}, nil
	}
	if in.bucket != nil {
		return identity{Size: in.object.Size, Tag: in.object.Tag}, nil
	}
	f, err := os.Open(in.name)
	if err != nil {
		return identity{}, err
	}
	defer f.Close()
	id := identity{Size: in.size, MarkAt: at}
	if at < 0 {
		id.MarkAt = in.size
	}
	if id.Head, err = hashOf(f, 0, min(in.size, markSize)); err != nil {
		return identity{}, err
	}
	from := max(id.MarkAt-markSize, 0)
	id.Mark, err = hashOf(f, from, id.MarkAt-from)
	return id, err
}

// hashOf is the first half of the SHA-256 of n bytes of a file; fewer, if it is shorter.
func hashOf(f io.ReaderAt, at, n int64) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, at, n)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:sha256.Size/2]), nil
}

// check reports whether the input is still the one of an identity.
func (in *input) check(was identity) error {
	is, err := in.identify(was.MarkAt)
	if err != nil {
		return &FileError{"read input", in.name, bare(err)}
	}
	what := ""
	switch {
	case in.bucket != nil && is != was:
		what = "the object is another one"
	case is.Size != was.Size:
		what = fmt.Sprintf("it had %d bytes, and has %d now", was.Size, is.Size)
	case is.Head != was.Head || is.Mark != was.Mark:
		what = "its content is another one"
	default:
		return nil
	}
	return &FileError{"read input", in.name, fmt.Errorf("%w: %s", ErrChanged, what)}
}

// bare takes the name out of an error of a file, which says it itself.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

// open opens an input at a byte.
func (in *input) open(ctx context.Context, offset int64) (io.ReadCloser, error) {
	switch {
	case in.stream != nil:
		return io.NopCloser(in.stream), nil
	case in.bucket != nil:
		return in.bucket.Open(ctx, in.object, offset)
	}
	f, err := os.Open(in.name)
	if err != nil || in.pipe {
		return f, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, err
	}
	return &section{f, in.size - offset, in.size}, nil
}

// section is a log as far as it went when the run began, whether it grows meanwhile or not. That it shrinks is an error.
type section struct {
	f          *os.File
	left, size int64
}

func (s *section) Close() error { return s.f.Close() }

func (s *section) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.f.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	if err == io.EOF {
		err = fmt.Errorf("%w: it had %d bytes, and ended %d before that", ErrChanged, s.size, s.left)
	}
	return n, err
}

// finder finds inputs.
type finder struct {
	opts    *Options
	dir     string          // of the journal
	own     map[string]bool // names of outputs of earlier runs; nil: the journal was not read
	skip    string          // a folder that holds outputs, as an absolute path
	prefix  string          // of a bucket that does, as a URL with a slash at its end
	inputs  []*input
	found   int // with those that were named before
	ofKey   map[string]*input
	buckets map[string]Store
}

// find returns the inputs that args name, in order of args, and of names within each.
func find(ctx context.Context, args []string, out string, opts *Options) ([]*input, error) {
	dir, err := opts.folder(out)
	if err != nil {
		return nil, err
	}
	f := &finder{opts: opts, dir: dir, ofKey: map[string]*input{}, buckets: map[string]Store{}}
	if strings.Contains(out, "://") {
		f.prefix = strings.TrimSuffix(out, "/") + "/"
	} else if dir != "" {
		f.skip, _ = filepath.Abs(dir)
	}
	for _, arg := range args {
		var err error
		switch {
		case arg == stdinName:
			err = f.add(&input{name: "standard input", key: "stdin", stream: opts.Stdin})
		case strings.Contains(arg, "://"):
			err = f.object(ctx, arg)
		default:
			err = f.local(arg)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := f.checkPlaces(); err != nil {
		return nil, err
	}
	if len(f.inputs) == 0 {
		return nil, fmt.Errorf("%w: nothing is there in %s", ErrInputs, strings.Join(args, ", "))
	}
	return f.inputs, f.checkNames()
}

func (f *finder) add(in *input) error {
	f.found++
	if f.isOwn(in) { // also where another log has its name: the command is the one before, and goes on
		return nil
	}
	if other := f.ofKey[in.key]; other != nil {
		if other.same(in) {
			return nil // it was named twice, or two patterns found it
		}
		return fmt.Errorf("%w: %s and %s would both be scored to %s; keep the folders below a folder or a prefix with --tree, or run them apart", ErrInputs, other.name, in.name, in.key)
	}
	f.ofKey[in.key] = in
	f.inputs = append(f.inputs, in)
	return nil
}

// same reports whether two inputs are one file or object.
func (in *input) same(other *input) bool {
	if in.once() || other.once() || (in.bucket == nil) != (other.bucket == nil) {
		return false
	}
	if in.bucket != nil {
		return in.name == other.name
	}
	a, err := os.Stat(in.name)
	b, err2 := os.Stat(other.name)
	return err == nil && err2 == nil && os.SameFile(a, b)
}

// maxName is how many bytes a name may have on usual file systems.
const maxName = 255

// checkNames makes sure that no output is called as the file of skipped records of another log, and that all of them can have their names.
func (f *finder) checkNames() error {
	longest := max(len(f.opts.To)+1+len(convertedEnd), len(rejectsEnd)+len(partialEnd))
	for _, in := range f.inputs {
		if base := path.Base(in.key); f.dir != "" && len(base)+longest > maxName {
			return fmt.Errorf("%w: %s: its outputs would have names of up to %d bytes, want %d at most", ErrInputs, in.name, len(base)+longest, maxName)
		}
		key, ok := strings.CutSuffix(in.key+"."+f.opts.To, rejectsEnd)
		if other := f.ofKey[key]; ok && other != nil {
			return fmt.Errorf("%w: the verdicts on %s and the skipped records of %s would both go to %s; run them apart", ErrInputs, in.name, other.name, in.key+"."+f.opts.To)
		}
	}
	return nil
}

func (f *finder) local(arg string) error {
	info, err := os.Stat(arg)
	if errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(arg, "*?[") {
		return f.pattern(arg)
	}
	switch {
	case err != nil:
		return &FileError{"read input", arg, bare(err)}
	case !info.IsDir():
		return f.file(arg, filepath.Base(arg), info)
	}
	return f.folder(arg)
}

// pattern adds what a shell would find: hidden files only if they are asked for.
func (f *finder) pattern(arg string) error {
	names, err := filepath.Glob(arg)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInputs, arg, err)
	}
	if err := lookInto(filepath.Dir(arg)); err != nil {
		return err
	}
	before := f.found
	for _, name := range names {
		if strings.HasPrefix(filepath.Base(name), ".") && !strings.HasPrefix(filepath.Base(arg), ".") {
			continue
		}
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			continue // a link to nowhere
		}
		if err := f.local(name); err != nil {
			return err
		}
	}
	if f.found == before {
		return fmt.Errorf("%w: nothing is there in %s", ErrInputs, arg)
	}
	return nil
}

// lookInto tells of a folder that a pattern is about and that may not be read: Glob takes it for an empty one.
func lookInto(pattern string) error {
	folders, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, name := range folders {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrPermission) {
			return &FileError{"read input", name, bare(err)}
		}
		if err == nil {
			f.Close()
		}
	}
	if strings.ContainsAny(pattern, "*?[") {
		return lookInto(filepath.Dir(pattern))
	}
	return nil
}

// folder adds the files below a folder. Links to folders that lie in it are not followed; it may be one itself.
func (f *finder) folder(arg string) error {
	root := arg
	if info, err := os.Lstat(arg); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		root += string(filepath.Separator)
	}
	return filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return &FileError{"read input", name, bare(err)}
		}
		if name != root && strings.HasPrefix(entry.Name(), ".") {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if entry.IsDir() {
			abs, err := filepath.Abs(name)
			switch {
			case err != nil || f.skip == "" || resolved(abs) != resolved(f.skip):
				return nil
			case name == root:
				return fmt.Errorf("%w: outputs would be among the logs of %s; name another folder for them, or the logs by a pattern", ErrInputs, arg)
			}
			return filepath.SkipDir
		}
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() || f.opts.Choose != nil && !f.opts.Choose(name) {
			return nil // a link to nowhere, a socket
		}
		key := filepath.Base(name)
		if rel, err := filepath.Rel(arg, name); err == nil && f.opts.Tree {
			key = filepath.ToSlash(rel)
		}
		return f.file(name, key, info)
	})
}

func (f *finder) file(name, key string, info fs.FileInfo) error {
	return f.add(&input{name: name, key: key, size: max(info.Size(), 0), pipe: !info.Mode().IsRegular()})
}

// object adds an object, or all objects below a prefix. A pattern is one of the last part of keys.
func (f *finder) object(ctx context.Context, url string) error {
	scheme, rest, _ := strings.Cut(url, "://")
	bucket, key, _ := strings.Cut(rest, "/")
	store, err := f.opts.bucket(ctx, scheme+"://"+bucket)
	if err != nil {
		return err
	}
	prefix, pattern := key, ""
	if i := strings.IndexAny(key, "*?["); i >= 0 {
		prefix, pattern = key[:i], key
	} else if key != "" && !strings.HasSuffix(key, "/") {
		o, err := store.Stat(ctx, key)
		if err == nil {
			return f.add(&input{name: url, key: path.Base(key), size: o.Size, bucket: store, object: o})
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return &FileError{"read input", url, err}
		}
		prefix += "/"
	}
	objects, err := store.List(ctx, prefix)
	if err != nil {
		return &FileError{"read input", url, err}
	}
	place := scheme + "://" + bucket + "/"
	if pattern == "" && place+prefix == f.prefix {
		return fmt.Errorf("%w: outputs would be among the logs of %s; name another prefix for them, or the logs by a pattern", ErrInputs, url)
	}
	slices.SortFunc(objects, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	for _, o := range objects {
		if o.Key == "" || strings.HasSuffix(o.Key, "/") || o.Size == 0 && strings.HasSuffix(o.Key, "_SUCCESS") {
			continue
		}
		if strings.HasPrefix(f.prefix, place+prefix) && pattern == "" && strings.HasPrefix(place+o.Key, f.prefix) {
			continue // an output
		}
		if pattern != "" {
			if ok, err := path.Match(pattern, o.Key); err != nil {
				return fmt.Errorf("%w: %s: %w", ErrInputs, url, err)
			} else if !ok {
				continue
			}
		}
		name := path.Base(o.Key)
		if f.opts.Tree {
			name = strings.TrimPrefix(o.Key, prefix)
			if !filepath.IsLocal(filepath.FromSlash(name)) {
				return fmt.Errorf("%w: %s://%s/%s: its key is no name of a file", ErrInputs, scheme, bucket, o.Key)
			}
		}
		if err := f.add(&input{name: scheme + "://" + bucket + "/" + o.Key, key: name, size: o.Size, bucket: store, object: o}); err != nil {
			return err
		}
	}
	return nil
}

package model

import (
	"archive/tar"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"threatdetect/internal/safeio"
)

// Limits of an archive.
const (
	maxMembers    = 1024
	maxMemberName = 255
	maxExpanded   = 4 << 30 // bytes of the whole archive after decompression
	blockSize     = 512     // tar's unit
)

// isTar tells whether data begins with a tar header, by its check sum, or with the empty blocks of an archive without members.
func isTar(data []byte) bool {
	if len(data) < blockSize {
		return false
	}
	const sumAt, sumEnd = 148, 156
	sum, zero := int64(0), true
	for i, c := range data[:blockSize] {
		zero = zero && c == 0
		if i >= sumAt && i < sumEnd {
			c = ' '
		}
		sum += int64(c)
	}
	if zero {
		return true
	}
	var stored int64
	digits := strings.Trim(string(data[sumAt:sumEnd]), " \x00")
	for _, c := range []byte(digits) {
		if c < '0' || c > '7' {
			return false
		}
		stored = stored<<3 | int64(c-'0')
	}
	return digits != "" && stored == sum
}

// archiveReader goes through an archive once and keeps only what it needs.
type archiveReader struct {
	stream  *safeio.Counter // the tar stream
	opts    *LoadOptions
	models  candidates
	src     source
	files   map[string][]byte     // what may be the model
	left    int64                 // bytes that files may still take
	members map[string]fileDigest // regular files
	seen    map[string]bool       // all names
	record  []byte                // manifest.json
}

// readArchive finds the model, and the other parts of a bundle, in a tar stream. It reads the stream to its end, so that a
// cut or changed archive is found out even if the model itself is complete.
func readArchive(stream io.Reader, opts *LoadOptions) (*source, error) {
	a := &archiveReader{
		stream: &safeio.Counter{R: stream, Name: "bytes of an archive", Limit: maxExpanded}, opts: opts,
		files: map[string][]byte{}, left: opts.MaxBytes, members: map[string]fileDigest{}, seen: map[string]bool{},
		models: candidates{hidden: opts.Pick == PickHidden},
	}
	t := tar.NewReader(a.stream)
	bodyEnd := int64(0)
	for {
		h, err := t.Next()
		if err == io.EOF {
			if err := a.end(bodyEnd); err != nil {
				return nil, err
			}
			break
		}
		if err != nil {
			return nil, a.tarError(err)
		}
		if err := a.member(h, t); err != nil {
			return nil, err
		}
		bodyEnd = a.stream.N
	}
	names, err := a.models.choose(opts)
	if err != nil {
		return nil, err
	}
	if a.record != nil {
		if err := a.src.checkManifest(a.record, a.members); err != nil {
			return nil, within(manifestName, at(-1, err))
		}
	}
	for _, name := range names {
		a.src.models = append(a.src.models, modelFile{name: name, data: a.files[name]})
	}
	return &a.src, nil
}

// tarError gives what the tar reader complains about the kind ErrFormat.
func (a *archiveReader) tarError(err error) error {
	if a.stream.Err != nil || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return formatErrorf("at byte %d of the archive: %w", a.stream.N, err)
}

// end checks the end of the stream. An archive ends with two empty blocks; the tar reader does not insist on them. What pads the
// stream after them has to be empty, too.
func (a *archiveReader) end(bodyEnd int64) error {
	padding := -bodyEnd & (blockSize - 1)
	if a.stream.N-bodyEnd-padding < 2*blockSize {
		return io.ErrUnexpectedEOF
	}
	buf := make([]byte, bufferSize)
	for {
		n, err := a.stream.Read(buf)
		for _, c := range buf[:n] {
			if c != 0 {
				return formatErrorf("data follow the end of the archive")
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// memberName checks a name and brings it to its shortest form.
func memberName(name string) (string, error) {
	bad := len(name) > maxMemberName || strings.ContainsAny(name, "\x00\\") || !filepath.IsLocal(name) || path.IsAbs(name) ||
		len(name) > 1 && name[1] == ':'
	for _, part := range strings.Split(name, "/") {
		bad = bad || part == ".."
	}
	if bad {
		return "", formatErrorf("the archive has a member with the unsafe name %.64q", name)
	}
	return path.Clean(name), nil
}

// member takes one member in.
func (a *archiveReader) member(h *tar.Header, body io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return formatErrorf("the archive has a global PAX header")
	}
	name, err := memberName(h.Name)
	if err != nil {
		return err
	}
	if err := check("members of an archive", int64(len(a.seen))+1, maxMembers); err != nil {
		return err
	}
	if a.seen[name] {
		return formatErrorf("the archive has two members called %.64q", name)
	}
	a.seen[name] = true
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return formatErrorf("member %.64q is a sparse file", name)
		}
	}
	switch h.Typeflag {
	case tar.TypeReg:
		if err := a.regular(name, h.Size, body); err != nil {
			return within(name, at(-1, a.bodyError(err)))
		}
	case tar.TypeDir:
	case tar.TypeGNUSparse:
		return formatErrorf("member %.64q is a sparse file", name)
	default: // links and devices: no use for them
		if isModelName(name) || strings.HasPrefix(name, bundleDir) {
			return formatErrorf("member %.64q is a link or a special file", name)
		}
	}
	return nil
}

// bodyError is tarError for what the body of a member fails with.
func (a *archiveReader) bodyError(err error) error {
	if errors.Is(err, tar.ErrHeader) {
		return a.tarError(err)
	}
	return err
}

// regular reads the body of a regular file: into memory if it is of use, else only through the digest.
func (a *archiveReader) regular(name string, size int64, body io.Reader) error {
	digest := sha256.New()
	body = io.TeeReader(body, digest)
	var err error
	switch {
	case a.models.may(name):
		keep, others := a.models.offer(name)
		if !others && len(a.models.named) == 1 && a.opts.Pick == PickNamed {
			clear(a.files) // a file of another name is out of the question now
			a.left = a.opts.MaxBytes
		}
		if keep || a.opts.AllowEnsemble && !others || a.opts.Pick != PickNamed {
			if err := check("bytes of a model", size, a.left); err != nil {
				return err
			}
			a.files[name], err = safeio.ReadAllPausing(body, "bytes of a model", a.left, 0, a.opts.pause)
			a.left -= int64(len(a.files[name]))
		}
	case name == contractName:
		a.src.contract, err = safeio.ReadAll(body, "file size", maxBundleFile, 0)
	case name == cardName:
		a.src.card, err = safeio.ReadAll(body, "file size", maxBundleFile, 0)
	case name == manifestName:
		a.record, err = safeio.ReadAll(body, "file size", maxBundleFile, 0)
	case name == signatureName:
		a.src.signature, err = safeio.ReadAll(body, "file size", maxBundleFile, 0)
	}
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return err
	}
	a.members[name] = fileDigest{SHA256: hex.EncodeToString(digest.Sum(nil)), Size: size}
	return nil
}

// candidates collects the files that may be the model.
type candidates struct {
	named  []string // xgboost-model, xgboost-model-N
	others []string
	hidden bool // a name may begin with a dot
}

// isCandidate tells whether a regular file with that name may be a model: it is at the top and does not begin with a dot.
func isCandidate(name string) bool {
	return name != "" && name[0] != '.' && !strings.Contains(name, "/")
}

// may tells whether a regular file with that name may be a model under the rule.
func (c *candidates) may(name string) bool {
	return isCandidate(name) || c.hidden && name != "" && !strings.Contains(name, "/")
}

// isModelName tells whether name is xgboost-model or xgboost-model-N.
func isModelName(name string) bool {
	rest, ok := strings.CutPrefix(name, modelName)
	if !ok || rest == "" {
		return ok
	}
	return len(rest) > 1 && rest[0] == '-' && strings.Trim(rest[1:], "0123456789") == ""
}

// offer adds a file. It returns whether this one is now the best, and whether its name is not one of those that models have.
func (c *candidates) offer(name string) (best, other bool) {
	switch {
	case !c.may(name):
		return false, true
	case isModelName(name):
		c.named = append(c.named, name)
		return len(c.named) == 1, false
	}
	c.others = append(c.others, name)
	return len(c.named) == 0 && len(c.others) == 1, true
}

// choose returns the name of the model, or those of an ensemble in the order of their numbers.
func (c *candidates) choose(opts *LoadOptions) ([]string, error) {
	if opts.Pick != PickNamed {
		return c.pick(opts.Pick)
	}
	slices.SortFunc(c.named, compareNumbered)
	switch {
	case len(c.named) > 1 && !opts.AllowEnsemble:
		return nil, &EnsembleError{Members: c.named}
	case len(c.named) > 0:
		return c.named, nil
	case len(c.others) == 1:
		return c.others, nil
	case len(c.others) > 1:
		return nil, formatErrorf("%d files may be the model, and none is called %q: %s", len(c.others), modelName, list(c.others))
	}
	return nil, c.none()
}

// pick chooses as SageMaker's container does.
func (c *candidates) pick(rule Pick) ([]string, error) {
	all := slices.Concat(c.named, c.others)
	slices.Sort(all)
	if len(all) == 0 {
		return nil, c.none()
	}
	if rule == PickFirst {
		all = all[:1]
	}
	return all, nil
}

func (c *candidates) none() error {
	return formatErrorf("no file in it can be a model: expected %q at the top", modelName)
}

// compareNumbered orders model names by their numbers, of whatever length; the one without a number comes first.
func compareNumbered(a, b string) int {
	number := func(name string) string { return strings.TrimLeft(name[len(modelName):], "-0") }
	x, y := number(a), number(b)
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y), cmp.Compare(len(a), len(b)))
}

// list quotes the first names.
func list(names []string) string {
	const most = 8
	var quoted []string
	for i, name := range names {
		if i == most {
			quoted = append(quoted, "…")
			break
		}
		quoted = append(quoted, fmt.Sprintf("%.64q", name))
	}
	return strings.Join(quoted, ", ")
}

package model

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"threatdetect/internal/safeio"
)

// Open reads the booster in the file or directory at path, in whatever form it is: the legacy binary form, JSON or UBJSON, bare or
// gzip-compressed, or one of these in a tar archive such as SageMaker's model.tar.gz. The bytes tell which; names do not matter.
//
// In an archive or a directory the model is the top-level regular file called xgboost-model, or xgboost-model-N; if there is none, the only
// top-level regular file whose name does not start with a dot. Sub-directories are ignored, except that the digests in
// threatdetect/manifest.json are checked if it is there. Nothing is written to disk.
//
// Failures of the contents are *[ParseError]. A nil opts means the defaults.
func Open(path string, opts *LoadOptions) (*Booster, error) {
	b, err := OpenBundle(path, opts)
	if err != nil {
		return nil, err
	}
	return b.Booster, nil
}

// Load is [Open] for a stream, which it reads to the end. It does not close r.
func Load(r io.Reader, opts *LoadOptions) (*Booster, error) {
	b, err := LoadBundle(r, opts)
	if err != nil {
		return nil, err
	}
	return b.Booster, nil
}

// source is what has been taken out of an input before it is parsed.
type source struct {
	model    []byte // of the one model file
	name     string // of the model's member if the input is an archive
	contract []byte
	card     []byte
	digest   string // SHA-256 of the input; empty if the input is model itself, and not hashed yet
}

// bundle parses the model.
func (s *source) bundle(opts *LoadOptions) (*Bundle, error) {
	sum := make(chan string, 1)
	if s.digest != "" {
		sum <- s.digest
	} else {
		go func() { sum <- digestOf(s.model).SHA256 }() // takes as long as parsing does
	}
	b, err := parse(s.model, opts)
	digest := <-sum
	if err != nil {
		return nil, err
	}
	b.Digest = digest
	name := s.name
	if name == "" {
		name = modelName
	}
	return &Bundle{Booster: b, Artifact: s.model, ArtifactName: name, Contract: s.contract, Card: s.card, Digest: digest}, nil
}

// openPath reads a file or directory. The name is what errors call it.
func openPath(path string, opts *LoadOptions) (_ *source, name string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, path, fmt.Errorf("model: %w", err)
	}
	if info.IsDir() {
		return openDirectory(path, opts)
	}
	s, err := openFile(path, opts)
	return s, path, err
}

func openFile(path string, opts *LoadOptions) (*source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	defer f.Close() // only read from
	var size int64
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	return readSource(f, size, opts)
}

// openDirectory chooses the model by the rule for archives.
func openDirectory(path string, opts *LoadOptions) (*source, string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, path, fmt.Errorf("model: %w", err)
	}
	var c candidates
	for _, e := range entries {
		// Unlike in an archive a link is followed: it is the user's own, and mounted volumes are full of them.
		info, err := os.Stat(filepath.Join(path, e.Name()))
		if err == nil && info.Mode().IsRegular() {
			c.offer(e.Name())
		}
	}
	name, err := c.choose()
	if err != nil {
		return nil, path, misplaced("", err)
	}
	file := filepath.Join(path, name)
	s, err := openFile(file, opts)
	if err != nil {
		return nil, file, err
	}
	for member, dst := range map[string]*[]byte{contractName: &s.contract, cardName: &s.card} {
		*dst, err = readSmallFile(filepath.Join(path, filepath.FromSlash(member)))
		if err != nil {
			return nil, filepath.Join(path, member), err
		}
	}
	return s, file, s.checkDirectory(path, name)
}

// checkDirectory compares the files of a directory with its manifest, if there is one.
func (s *source) checkDirectory(path, name string) error {
	record, err := readSmallFile(filepath.Join(path, filepath.FromSlash(manifestName)))
	if record == nil || err != nil {
		return err
	}
	model := digestOf(s.model)
	if s.digest != "" { // compressed: what was hashed is the file itself
		info, err := os.Stat(filepath.Join(path, name))
		if err != nil {
			return fmt.Errorf("model: %w", err)
		}
		model = fileDigest{SHA256: s.digest, Size: info.Size()}
	}
	files := map[string]fileDigest{name: model}
	if s.contract != nil {
		files[contractName] = digestOf(s.contract)
	}
	if s.card != nil {
		files[cardName] = digestOf(s.card)
	}
	if err := checkManifest(record, files); err != nil {
		return within(manifestName, at(-1, err))
	}
	return nil
}

// readSmallFile reads a file that belongs to a bundle, or nil if there is none.
func readSmallFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	defer f.Close() // only read from
	data, err := safeio.ReadAll(f, "file size", maxBundleFile, 0)
	var limit *safeio.LimitError
	if errors.As(err, &limit) {
		return nil, at(-1, err)
	}
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return data, nil
}

// readSource reads r to its end, through gzip and tar if the bytes ask for it. Size is the length of r if the file system knows it.
func readSource(r io.Reader, size int64, opts *LoadOptions) (*source, error) {
	in := &safeio.Counter{R: r, Name: "file size", Limit: opts.MaxBytes}
	s, err := readLayers(in, size, opts)
	if err != nil {
		return nil, at(-1, inputError(in, err))
	}
	return s, nil
}

// readLayers takes gzip off, if it is there, and then tar.
func readLayers(in *safeio.Counter, size int64, opts *LoadOptions) (*source, error) {
	raw := bufio.NewReaderSize(in, bufferSize)
	head, _ := raw.Peek(blockSize) // an error comes again when the bytes are read
	if !isGzip(head) && !isTar(head) {
		data, err := safeio.ReadAll(raw, "bytes of a model", opts.MaxBytes, size)
		return &source{model: data}, err
	}
	digest := sha256.New()
	content := bufio.NewReaderSize(io.TeeReader(raw, digest), bufferSize)
	layers := content
	if isGzip(head) {
		z, err := gzip.NewReader(content)
		if err != nil {
			return nil, err
		}
		layers = bufio.NewReaderSize(&safeio.Expansion{R: z, In: in, Free: expansionFree, Ratio: expansionRatio}, bufferSize)
		head, _ = layers.Peek(blockSize)
	}
	s, err := &source{}, error(nil)
	if isTar(head) {
		s, err = readArchive(layers, opts)
	} else {
		s.model, err = safeio.ReadAll(layers, "bytes of a model", opts.MaxBytes, 0)
	}
	if err != nil {
		return nil, err
	}
	// Both readers have met the end of what they read; this proves that nothing is left in between.
	n, err := io.Copy(io.Discard, content)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		return nil, formatErrorf("%d bytes follow the compressed data", n)
	}
	s.digest = hex.EncodeToString(digest.Sum(nil))
	return s, nil
}

const (
	bufferSize     = 16 << 10
	expansionFree  = 16 << 20 // bytes that may come out of gzip whatever went in
	expansionRatio = 200      // what may come out beyond, per byte that went in; real models stay below 20
)

// inputError tells a source that broke from contents that are wrong.
func inputError(in *safeio.Counter, err error) error {
	switch {
	case in.Err != nil:
		return &ParseError{Offset: -1, Err: in.Err}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return formatErrorf("the compressed file or archive is cut short")
	}
	return err
}

// inSource names the input in an error of its contents.
func inSource(err error, name, member string) error {
	var p *ParseError
	if !errors.As(err, &p) {
		return err
	}
	p.Source = name
	if member != "" {
		if p.Source != "" {
			p.Source += ":"
		}
		p.Source += member
	}
	return p
}

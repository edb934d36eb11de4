package model

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path/filepath"

	"threatdetect/internal/safeio"
)

// Open reads the booster in the file or directory at path, in whatever form it is: the legacy binary form, JSON, UBJSON, or a pickle, bare or
// gzip-compressed, or one of these in a tar archive such as SageMaker's model.tar.gz. The bytes tell which; names do not matter.
//
// In an archive or a directory the model is the top-level regular file called xgboost-model, or xgboost-model-N; if there is none, the only
// top-level regular file whose name does not start with a dot. Several of the former are an ensemble, for which [OpenAll] is there.
// Sub-directories are ignored, except that the digests in threatdetect/manifest.json are checked if it is there. Nothing is
// written to disk.
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

// OpenAll is [Open] for ensembles, as k-fold training leaves them: it reads every xgboost-model-N of an archive or a directory, in the order of
// their numbers. Anything else gives one booster.
func OpenAll(path string, opts *LoadOptions) ([]*Booster, error) {
	b, err := OpenBundle(path, opts.forEnsembles())
	if err != nil {
		return nil, err
	}
	return b.boosters(), nil
}

// LoadAll is [OpenAll] for a stream, which it reads to the end. It does not close r.
func LoadAll(r io.Reader, opts *LoadOptions) ([]*Booster, error) {
	b, err := LoadBundle(r, opts.forEnsembles())
	if err != nil {
		return nil, err
	}
	return b.boosters(), nil
}

// source is what has been taken out of an input before it is parsed.
type source struct {
	models   []modelFile // at least one
	contract []byte
	card     []byte
	digest   string // SHA-256 of the input; empty as long as sum has it
	sum      <-chan string
	size     int64 // of the input

	manifest, signature []byte // nil if there are none
	version, notBefore  int64  // out of the manifest
}

// wait makes sure that digest is set.
func (s *source) wait() string {
	if s.digest == "" {
		s.digest = <-s.sum
	}
	return s.digest
}

// modelFile is one model of a source.
type modelFile struct {
	name   string // of the member of an archive, or of the file of a directory; else empty
	data   []byte
	digest string // SHA-256 of its file if the input is a directory
}

// bundle parses the models. Errors name them as members of the input called path.
func (s *source) bundle(path string, opts *LoadOptions) (*Bundle, error) {
	key, err := s.trust(opts)
	if err != nil {
		return nil, inSource(err, path, "")
	}
	out := &Bundle{Contract: s.contract, Card: s.card, Version: s.version, NotBefore: s.notBefore, SignedBy: key}
	for i := range s.models {
		m := &s.models[i]
		b, err := parse(m.data, opts)
		switch {
		case err == nil:
		case m.digest != "":
			return nil, inSource(err, filepath.Join(path, m.name), "")
		default:
			return nil, inSource(err, path, m.name)
		}
		if b.Digest = m.digest; b.Digest == "" {
			b.Digest = s.wait()
		}
		name := m.name
		if name == "" {
			name = modelName
		}
		out.Members = append(out.Members, Member{Name: name, Artifact: m.data, Booster: b})
	}
	first := &out.Members[0]
	out.Booster, out.Artifact, out.ArtifactName, out.Digest = first.Booster, first.Artifact, first.Name, s.wait()
	return out, nil
}

// readSource reads r to its end, through gzip and tar if the bytes ask for it. Size is the length of r if the file system knows it.
func readSource(r io.Reader, size int64, opts *LoadOptions) (*source, error) {
	if opts.Done != nil || opts.Pauser != nil {
		r = stoppable{r, opts}
	}
	in := &safeio.Counter{R: r, Name: "file size", Limit: opts.MaxBytes}
	s, err := readLayers(in, size, opts)
	if err != nil {
		return nil, at(-1, inputError(in, err))
	}
	s.size = in.N
	return s, nil
}

// readLayers takes gzip or zstd off, if it is there, and then tar.
func readLayers(in *safeio.Counter, size int64, opts *LoadOptions) (*source, error) {
	raw := bufio.NewReaderSize(in, bufferSize)
	head, _ := raw.Peek(blockSize) // an error comes again when the bytes are read
	packed := isGzip(head) || isZstd(head)
	if !packed && !isTar(head) {
		if opts.Pauser != nil { // nobody waits for this, and others for the processors
			digest := sha256.New()
			data, err := safeio.ReadAllPausing(pieces{io.TeeReader(raw, digest)}, "bytes of a model", opts.MaxBytes, size, opts.pause)
			return &source{models: []modelFile{{data: data}}, digest: hex.EncodeToString(digest.Sum(nil))}, err
		}
		h := newHasher(raw)
		data, err := safeio.ReadAll(h, "bytes of a model", opts.MaxBytes, size)
		close(h.blocks)
		return &source{models: []modelFile{{data: data}}, sum: h.sum}, err
	}
	digest := sha256.New()
	content := bufio.NewReaderSize(io.TeeReader(raw, digest), bufferSize)
	layers := content
	if packed {
		z, err := decompressor(head, content, opts)
		if err != nil {
			return nil, err
		}
		layers = bufio.NewReaderSize(&safeio.Expansion{R: z, In: in, Free: expansionFree, Ratio: expansionRatio}, bufferSize)
		head, _ = layers.Peek(blockSize)
	}
	s, err := &source{models: make([]modelFile, 1)}, error(nil)
	if isTar(head) {
		s, err = readArchive(layers, opts)
	} else {
		s.models[0].data, err = safeio.ReadAllPausing(layers, "bytes of a model", opts.MaxBytes, 0, opts.pause)
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

// decompressor opens the compressed data in r, which begin with head.
func decompressor(head []byte, r io.Reader, opts *LoadOptions) (io.Reader, error) {
	switch {
	case isGzip(head):
		return gzip.NewReader(r)
	case opts.Zstd == nil:
		return nil, &UnsupportedError{What: "a model compressed with zstd, without LoadOptions.Zstd,"}
	}
	return opts.Zstd(r)
}

// pieces reads no more at a time than takes a moment.
type pieces struct{ io.Reader }

func (r pieces) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), pieceSize)]) }

// hasher computes the SHA-256 of what is read through it at the same time as the reader goes on, and then parses: that takes about as
// long. The buffers that were read into must not be written to again.
type hasher struct {
	r      io.Reader
	blocks chan []byte // to be closed at the end
	sum    chan string
}

func newHasher(r io.Reader) *hasher {
	h := &hasher{r, make(chan []byte, 16), make(chan string, 1)}
	go func() {
		digest := sha256.New()
		for block := range h.blocks {
			digest.Write(block)
		}
		h.sum <- hex.EncodeToString(digest.Sum(nil))
	}()
	return h
}

func (h *hasher) Read(p []byte) (int, error) {
	n, err := h.r.Read(p[:min(len(p), hashBlock)])
	if n > 0 {
		h.blocks <- p[:n]
	}
	return n, err
}

const (
	hashBlock      = 1 << 20 // bytes that are read before they are hashed
	pieceSize      = 64 << 10
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

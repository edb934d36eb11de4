package model

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// Names of the members of a bundle. SageMaker's container takes every top-level file for a model, so all but the model lie in a directory.
const (
	modelName    = "xgboost-model"
	bundleDir    = "threatdetect/"
	contractName = bundleDir + "contract.json"
	cardName     = bundleDir + "card.md"
	manifestName = bundleDir + "manifest.json"

	maxBundleFile = 16 << 20 // bytes of a member in bundleDir
)

// Bundle is what travels between training and scoring: a model and what is needed to use it.
//
//	model.tar.gz
//	├── xgboost-model                the artifact, byte for byte as the training container wrote it
//	└── threatdetect/
//	    ├── contract.json            how a log record becomes a row
//	    ├── card.md                  what people should know about the model
//	    ├── manifest.json            sizes and SHA-256 digests of the others, and the version of the bundle
//	    └── manifest.sig             signatures of the manifest; absent if there are none
//
// SageMaker's container loads such an archive like any other. An archive with the model alone is a bundle without contract. The fields
// are the caller's; the slices may share memory with each other.
type Bundle struct {
	Booster      *Booster // the artifact, read; [WriteBundle] does not look at it
	Artifact     []byte   // the model file
	ArtifactName string   // its name in the archive, "xgboost-model" if empty
	Contract     []byte   // nil if there is none
	Card         []byte   // Markdown, nil if there is none
	Digest       string   // SHA-256 of the input; for a directory with several models, of what sha256sum prints for them

	// Version is the number of the bundle among those that follow each other, 0 if it has none. NotBefore is the least version that
	// its maker wants to be loaded after it: a program that remembers it, and gives it to [LoadOptions], cannot be led back.
	Version, NotBefore int64
	// SignedBy is the key of [LoadOptions] whose signature was found right; nil if none was looked for or found.
	SignedBy ed25519.PublicKey

	// Members are all models, in the order of their numbers: one, unless [LoadOptions] allow an ensemble. The first is also in
	// Booster, Artifact and ArtifactName. [WriteBundle] writes all if there are several.
	Members []Member
}

// Member is one model of an archive or a directory.
type Member struct {
	Name     string
	Artifact []byte
	Booster  *Booster
}

func (b *Bundle) boosters() []*Booster {
	var all []*Booster
	for i := range b.Members {
		all = append(all, b.Members[i].Booster)
	}
	return all
}

// OpenBundle is [Open] that also returns the other parts of a bundle. For a model without contract Contract is nil; whether that
// will do is for the caller to decide. In a directory the parts are looked for under the same names as in an archive.
func OpenBundle(path string, opts *LoadOptions) (*Bundle, error) {
	o := opts.resolved()
	s, err := openPath(path, o)
	if err != nil {
		return nil, err
	}
	return s.bundle(path, o)
}

// LoadBundle is [OpenBundle] for a stream, which it reads to the end. It does not close r.
func LoadBundle(r io.Reader, opts *LoadOptions) (*Bundle, error) {
	o := opts.resolved()
	s, err := readSource(r, 0, o)
	if err != nil {
		return nil, err
	}
	return s.bundle("", o)
}

// manifest is what manifest.json holds. Unknown keys are ignored.
type manifest struct {
	Files     map[string]fileDigest `json:"files"` // by name; encoding/json sorts them
	Version   int                   `json:"version"`
	Bundle    int64                 `json:"bundle_version,omitzero"`
	NotBefore int64                 `json:"not_before_version,omitzero"`
}

type fileDigest struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

func digestOf(data []byte) fileDigest {
	sum := sha256.Sum256(data)
	return fileDigest{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}
}

const manifestVersion = 1

// WriteBundle writes b as a model.tar.gz. Equal bundles give equal bytes: owner, mode and times are fixed. The artifact is written as it
// is, without being read; what [OpenBundle] would refuse because of its name or its form as a whole is an error.
func WriteBundle(w io.Writer, b *Bundle) error {
	files, err := b.files()
	if err != nil {
		return fmt.Errorf("model: bundle: %w", err)
	}
	return writeArchive(w, files)
}

func writeArchive(w io.Writer, files []bundleFile) error {
	z := gzip.NewWriter(w) // its header holds neither name nor time
	t := tar.NewWriter(z)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.data)), Mode: 0o644,
			ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return fmt.Errorf("model: bundle: %w", err)
		}
		if _, err := t.Write(f.data); err != nil {
			return fmt.Errorf("model: bundle: %w", err)
		}
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("model: bundle: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("model: bundle: %w", err)
	}
	return nil
}

type bundleFile struct {
	name string
	data []byte
}

// models are the artifacts to write.
func (b *Bundle) models() []Member {
	if len(b.Members) > 1 {
		return b.Members
	}
	name := b.ArtifactName
	if name == "" {
		name = modelName
	}
	return []Member{{Name: name, Artifact: b.Artifact}}
}

// files lists the members in the order in which they are written.
func (b *Bundle) files() ([]bundleFile, error) {
	var files []bundleFile
	for _, m := range b.models() {
		if clean, err := memberName(m.Name); err != nil || clean != m.Name || !isCandidate(m.Name) {
			return nil, formatErrorf("%.64q cannot be the name of a model", m.Name)
		}
		if len(m.Artifact) == 0 || isGzip(m.Artifact) || isTar(m.Artifact) {
			return nil, formatErrorf("the artifact is empty or an archive; expected a model file")
		}
		if len(b.Members) > 1 && !isModelName(m.Name) || slices.ContainsFunc(files, func(f bundleFile) bool { return f.name == m.Name }) {
			return nil, formatErrorf("%.64q cannot be the name of one of several models", m.Name)
		}
		files = append(files, bundleFile{m.Name, m.Artifact})
	}
	for _, f := range []bundleFile{{contractName, b.Contract}, {cardName, b.Card}} {
		if err := check(f.name, int64(len(f.data)), maxBundleFile); err != nil {
			return nil, err
		}
		if f.data != nil {
			files = append(files, f)
		}
	}
	if b.Version < 0 || b.NotBefore < 0 || b.NotBefore > b.Version {
		return nil, formatErrorf("version %d of a bundle that wants version %d at least", b.Version, b.NotBefore)
	}
	m := manifest{Files: map[string]fileDigest{}, Version: manifestVersion, Bundle: b.Version, NotBefore: b.NotBefore}
	for _, f := range files {
		m.Files[f.name] = digestOf(f.data)
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, err
	}
	return append(files, bundleFile{manifestName, text.Bytes()}), nil
}

// checkManifest compares the members of an archive with what its manifest says: it has to name all that matter, and they have to
// be there as it describes them.
func (s *source) checkManifest(text []byte, members map[string]fileDigest) error {
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return formatErrorf("the manifest is not valid: %w", err)
	}
	if m.Version != manifestVersion {
		return &UnsupportedError{What: fmt.Sprintf("version %d of the manifest", m.Version)}
	}
	if m.Bundle < 0 || m.NotBefore < 0 || m.NotBefore > m.Bundle {
		return formatErrorf("the manifest says version %d of a bundle that wants version %d at least", m.Bundle, m.NotBefore)
	}
	s.manifest, s.version, s.notBefore = text, m.Bundle, m.NotBefore
	for name, want := range m.Files {
		got, ok := members[name]
		switch {
		case !ok:
			return formatErrorf("the manifest names %.64q, which is not there", name)
		case got != want:
			return formatErrorf("%.64q is not what the manifest describes: %d bytes with SHA-256 %s, expected %d with %.64q",
				name, got.Size, got.SHA256, want.Size, want.SHA256)
		}
	}
	for name := range members {
		if _, ok := m.Files[name]; !ok && (isCandidate(name) || name == contractName || name == cardName) {
			return formatErrorf("the manifest does not name %.64q", name)
		}
	}
	return nil
}

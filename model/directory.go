package model

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"threatdetect/internal/safeio"
)

// openPath reads a file or directory.
func openPath(path string, opts *LoadOptions) (*source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if info.IsDir() {
		return openDirectory(path, opts)
	}
	s, err := openFile(path, opts)
	return s, inSource(err, path, "")
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

// openDirectory chooses the models by the rule for archives.
func openDirectory(path string, opts *LoadOptions) (*source, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	c := candidates{hidden: opts.Pick == PickHidden}
	for _, e := range entries {
		// Unlike in an archive a link is followed: it is the user's own, and mounted volumes are full of them.
		info, err := os.Stat(filepath.Join(path, e.Name()))
		if err == nil && info.Mode().IsRegular() {
			c.offer(e.Name())
		}
	}
	names, err := c.choose(opts)
	if err != nil {
		return nil, inSource(misplaced("", err), path, "")
	}
	s := &source{}
	members := map[string]fileDigest{}
	left := *opts
	for _, name := range names {
		file := filepath.Join(path, name)
		m, err := openFile(file, &left)
		if err != nil {
			return nil, inSource(err, file, "")
		}
		digest := fileDigest{SHA256: m.wait(), Size: m.size}
		members[name] = digest
		for _, model := range m.models {
			left.MaxBytes -= int64(len(model.data))
			s.models = append(s.models, modelFile{name: name, data: model.data, digest: digest.SHA256})
		}
		s.digest = digest.SHA256
	}
	if len(names) > 1 {
		s.digest = listDigest(names, members)
	}
	return s, s.companions(path, members)
}

// listDigest stands for several files: it is the SHA-256 of what sha256sum prints for them.
func listDigest(names []string, members map[string]fileDigest) string {
	sum := sha256.New()
	for _, name := range names {
		fmt.Fprintf(sum, "%s  %s\n", members[name].SHA256, name)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// companions reads the other parts of an unpacked bundle and compares all with its manifest, if there is one.
func (s *source) companions(path string, members map[string]fileDigest) error {
	var record []byte
	for _, part := range []struct {
		name string
		dst  *[]byte
	}{{contractName, &s.contract}, {cardName, &s.card}, {manifestName, &record}, {signatureName, &s.signature}} {
		file := filepath.Join(path, filepath.FromSlash(part.name))
		data, err := readSmallFile(file)
		if err != nil {
			return inSource(err, file, "")
		}
		if *part.dst = data; data != nil && part.name != manifestName && part.name != signatureName {
			members[part.name] = digestOf(data)
		}
	}
	if record == nil {
		return nil
	}
	if err := s.checkManifest(record, members); err != nil {
		return inSource(within(manifestName, at(-1, err)), path, "")
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

package serve

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"threatdetect/model"
)

// A model file that somebody is still writing may load, with less in it than is meant, and nobody says when it is whole. It counts as whole when
// it holds the same twice, some time apart. Of a file that was not touched for longer than that the file system knows this already.

const (
	// settleTime is how far the two looks are apart.
	settleTime = 200 * time.Millisecond
	// settleMost is how many times as long somebody who writes is waited for.
	settleMost = 50
)

var errBeingWritten = errors.New("the model is still being written")

// settled opens what is at path when it is whole. content is what it holds, by which another look tells whether it still does; empty if open tells that
// itself, by the digest of a single file.
func settled[T any](path string, settle time.Duration, open func() (T, error)) (opened T, content string, err error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() && !info.Mode().IsRegular() { // a pipe is read once
		opened, err = open()
		return opened, "", err
	}
	for end := time.Now().Add(settleMost * settle); ; {
		begin := time.Now()
		content = "" // of an earlier look, which may be of other bytes
		before, touched, isDir := stateOf(path)
		fresh := begin.Sub(touched) < 2*settle // or in the future, by another machine's clock
		if fresh || isDir {
			content = contentOf(path, nil)
		}
		opened, err = open()
		if after, _, _ := stateOf(path); !fresh && after == before {
			return opened, content, err
		}
		if fresh {
			time.Sleep(settle - time.Since(begin))
			if content == contentOf(path, nil) {
				return opened, content, err
			}
		}
		if time.Now().After(end) {
			var none T
			return none, "", fmt.Errorf("%s: %w", path, errBeingWritten)
		}
	}
}

// stateOf is what the file system tells of a file, or of a directory's, without reading them, and when one of them was touched last.
func stateOf(path string) (state string, touched time.Time, isDir bool) {
	info, err := os.Stat(path)
	if err != nil {
		return err.Error(), touched, false
	}
	add := func(name string, info os.FileInfo) {
		at := touchedAt(info)
		if at.After(touched) {
			touched = at
		}
		state += fmt.Sprintf("%s %d %d %d\n", name, info.Size(), info.ModTime().UnixNano(), at.UnixNano())
	}
	add("", info)
	if !info.IsDir() {
		return state, touched, false
	}
	for name, file := range modelFiles(path) {
		if info, err := os.Stat(file); err == nil {
			add(name, info)
		}
	}
	return state, touched, true
}

// contentOf is the SHA-256 of a file, or of the names and digests of a directory's files. What is not there has none. pauser, if it is not
// nil, is asked for every read.
func contentOf(path string, pauser model.Pauser) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	h := sha256.New()
	if !info.IsDir() {
		if !info.Mode().IsRegular() || !hashFile(h, path, pauser) {
			return ""
		}
		return hex.EncodeToString(h.Sum(nil))
	}
	for name, file := range modelFiles(path) {
		each := sha256.New()
		fmt.Fprintf(h, "%s %v %x\n", name, hashFile(each, file, pauser), each.Sum(nil))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func hashFile(h io.Writer, path string, pauser model.Pauser) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close() // only read from
	if pauser != nil {
		h = pausing{h, pauser}
	}
	_, err = io.Copy(h, f)
	return err == nil
}

// pausing is a writer that pauses before it writes.
type pausing struct {
	io.Writer
	pauser model.Pauser
}

func (p pausing) Write(b []byte) (int, error) {
	p.pauser.Pause()
	return p.Writer.Write(b)
}

// modelFiles are the regular files of a directory that a model may be made of, by name: those at its top, and those of the contract.
func modelFiles(dir string) func(yield func(name, path string) bool) {
	return func(yield func(name, path string) bool) {
		for _, below := range []string{"", "threatdetect"} {
			entries, _ := os.ReadDir(filepath.Join(dir, below)) // in the order of names
			for _, e := range entries {
				path := filepath.Join(dir, below, e.Name())
				if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
					continue // a link counts as what it leads to
				}
				if !yield(filepath.Join(below, e.Name()), path) {
					return
				}
			}
		}
	}
}

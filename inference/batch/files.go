package batch

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// disk is what a job needs of a file system, so that tests can break it.
type disk interface {
	// Create makes a file that was not there, for this user alone; OpenFile opens one to read and write it. Neither follows a link, nor does Open.
	Create(name string) (file, error)
	OpenFile(name string) (file, error)
	Open(name string) (file, error)
	Rename(from, to string) error
	Remove(name string) error // no error if there is none
	Exists(name string) (bool, error)
	MkdirAll(dir string) error
	Names(dir string) ([]string, error) // of the files in a folder
	// SyncDir makes the names in a folder durable.
	SyncDir(dir string) error
}

type file interface {
	io.Reader
	io.Writer
	io.ReaderAt
	Size() (int64, error)
	// Cut makes the file n bytes long, and the next write begin there.
	Cut(n int64) error
	Sync() error
	Close() error
}

// osDisk is the real one.
type osDisk struct{}

type osFile struct{ *os.File }

func wrap(f *os.File, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osDisk) Create(name string) (file, error) {
	return wrap(os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL|noFollow, 0o600))
}

func (osDisk) OpenFile(name string) (file, error) {
	return wrap(os.OpenFile(name, os.O_RDWR|noFollow, 0))
}

func (osDisk) Open(name string) (file, error) {
	return wrap(os.OpenFile(name, os.O_RDONLY|noFollow, 0))
}
func (osDisk) Rename(from, to string) error     { return os.Rename(from, to) }
func (osDisk) MkdirAll(dir string) error        { return os.MkdirAll(dir, 0o700) }
func (osDisk) Exists(name string) (bool, error) { return exists(os.Lstat(name)) }

func exists(_ fs.FileInfo, err error) (bool, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (osDisk) Remove(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (osDisk) Names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (osDisk) SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	if syncsDirs {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	return err
}

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f osFile) Cut(n int64) error {
	if err := f.Truncate(n); err != nil {
		return err
	}
	_, err := f.Seek(n, io.SeekStart)
	return err
}

// makeFolder makes a folder, with those above it, and makes their names durable.
func makeFolder(d disk, dir string) error {
	var parents []string // of those that are not there
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		ok, err := d.Exists(at)
		if err != nil {
			return err
		}
		if ok || at == filepath.Dir(at) {
			break
		}
		parents = append(parents, filepath.Dir(at))
	}
	if err := d.MkdirAll(dir); err != nil {
		return err
	}
	for _, parent := range parents {
		if err := d.SyncDir(parent); err != nil && !errors.Is(err, fs.ErrPermission) { // one that may be written in, but not opened
			return err
		}
	}
	return nil
}

// writeFile makes a file durable under a name, whole or not at all.
func writeFile(d disk, name string, b []byte) error {
	temporary := name + ".new"
	if err := d.Remove(temporary); err != nil {
		return err
	}
	f, err := d.Create(temporary)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = d.Rename(temporary, name)
	}
	if err != nil {
		return err
	}
	return d.SyncDir(filepath.Dir(name))
}

// readFile reads a whole file through a disk.
func readFile(d disk, name string) ([]byte, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	if err2 := f.Close(); err == nil {
		err = err2
	}
	return b, err
}

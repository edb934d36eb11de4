package batch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

var errKilled = errors.New("killed")

// faultyDisk is a real folder in which the operation number at fails: with err alone, or, if err is errKilled, with all that come
// after it, as if the process had ended there. It counts every operation that changes something, or makes it durable.
type faultyDisk struct {
	osDisk
	mutex sync.Mutex
	at    int
	err   error
	n     int
	short bool // a write that fails writes its first half
	tore  bool // something failed

	files map[string]*durable // by name; nil: not followed
}

// durable is what a file would hold after a loss of power.
type durable struct {
	size  int64  // that was synced
	named bool   // its name was
	was   string // the name that it had before, if the new one is not durable
}

// step counts an operation and fails it if it is its turn.
func (d *faultyDisk) step() error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.n++
	if d.n == d.at || d.tore && errors.Is(d.err, errKilled) {
		d.tore = true
		return d.err
	}
	return nil
}

func (d *faultyDisk) follow(name string, f func(s *durable)) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.files == nil {
		return
	}
	s := d.files[name]
	if s == nil {
		s = &durable{}
		d.files[name] = s
	}
	f(s)
}

func (d *faultyDisk) Create(name string) (file, error) {
	if err := d.step(); err != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: err}
	}
	f, err := d.osDisk.Create(name)
	if err != nil {
		return nil, err
	}
	d.follow(name, func(s *durable) { *s = durable{} })
	return &faultyFile{f, d, name}, nil
}

func (d *faultyDisk) OpenFile(name string) (file, error) {
	if err := d.step(); err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	f, err := d.osDisk.OpenFile(name)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	d.follow(name, func(s *durable) {
		if s.size == 0 && !s.named {
			*s = durable{size: size, named: true} // it is of an earlier run
		}
	})
	return &faultyFile{f, d, name}, nil
}

func (d *faultyDisk) Rename(from, to string) error {
	if err := d.step(); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	if err := d.osDisk.Rename(from, to); err != nil {
		return err
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.files != nil {
		s := d.files[from]
		if s == nil {
			s = &durable{named: true} // it is of an earlier run
			if info, err := os.Stat(to); err == nil {
				s.size = info.Size()
			}
		}
		if s.was == "" {
			s.was = from
		}
		d.files[to] = s
		delete(d.files, from)
	}
	return nil
}

func (d *faultyDisk) Remove(name string) error {
	if err := d.step(); err != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
	d.mutex.Lock()
	if d.files != nil {
		delete(d.files, name)
	}
	d.mutex.Unlock()
	return d.osDisk.Remove(name)
}

func (d *faultyDisk) SyncDir(dir string) error {
	if err := d.step(); err != nil {
		return &fs.PathError{Op: "sync", Path: dir, Err: err}
	}
	d.mutex.Lock()
	for name, s := range d.files {
		if filepath.Dir(name) == dir {
			s.named, s.was = true, ""
		}
	}
	d.mutex.Unlock()
	return d.osDisk.SyncDir(dir)
}

// losePower cuts every file back to what was synced of it, and a share of the rest; files whose names were not made durable go, if keep is 0. Those
// that were moved are where they were before, some of them at least: a file system may have done one and not another.
func (d *faultyDisk) losePower(keep int64) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	for name, s := range d.files {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if !s.named && keep == 0 {
			if err := os.Remove(name); err != nil {
				return err
			}
			continue
		}
		if moved := name; s.was != "" && (keep == 0 || len(name)%2 == 0) {
			name = s.was
			if err := os.Rename(moved, name); err != nil {
				return err
			}
		}
		if n := s.size + (info.Size()-s.size)*keep/100; n < info.Size() {
			if err := os.Truncate(name, n); err != nil {
				return err
			}
		}
	}
	return nil
}

type faultyFile struct {
	file
	disk *faultyDisk
	name string
}

func (f *faultyFile) Write(b []byte) (int, error) {
	if err := f.disk.step(); err != nil {
		n := 0
		if f.disk.short {
			n, _ = f.file.Write(b[:len(b)/2])
		}
		return n, &fs.PathError{Op: "write", Path: f.name, Err: err}
	}
	return f.file.Write(b)
}

func (f *faultyFile) Cut(n int64) error {
	if err := f.disk.step(); err != nil {
		return &fs.PathError{Op: "truncate", Path: f.name, Err: err}
	}
	f.disk.follow(f.name, func(s *durable) { s.size = min(s.size, n) })
	return f.file.Cut(n)
}

func (f *faultyFile) Sync() error {
	if err := f.disk.step(); err != nil {
		return &fs.PathError{Op: "sync", Path: f.name, Err: err}
	}
	size, err := f.Size()
	if err == nil {
		err = f.file.Sync()
	}
	f.disk.follow(f.name, func(s *durable) { s.size = size })
	return err
}

func (f *faultyFile) Close() error {
	err := f.file.Close() // the descriptor goes in any case
	if err2 := f.disk.step(); err2 != nil && !errors.Is(err2, errKilled) {
		return &fs.PathError{Op: "close", Path: f.name, Err: err2}
	}
	return err
}

//go:build unix

package batch

import (
	"errors"
	"os"
	"syscall"
)

const (
	noFollow  = syscall.O_NOFOLLOW
	syncsDirs = true
)

// lock takes the file at name for this process alone, until the file is closed or the process ends, however it does.
func lock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLocked
	}
	return nil, err
}

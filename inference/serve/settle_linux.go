package serve

import (
	"os"
	"syscall"
	"time"
)

// touchedAt is when the file system noted a change of a file last: nobody sets that back, as a copy that keeps times does with that of its content.
func touchedAt(info os.FileInfo) time.Time {
	at := info.ModTime()
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		if changed := time.Unix(s.Ctim.Unix()); changed.After(at) {
			return changed
		}
	}
	return at
}

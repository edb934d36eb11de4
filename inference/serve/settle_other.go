//go:build !linux

package serve

import (
	"os"
	"time"
)

// touchedAt is when a file was written last, as far as that is known here.
func touchedAt(info os.FileInfo) time.Time { return info.ModTime() }

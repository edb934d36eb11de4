//go:build !linux

package features

import "time"

var begun = time.Now()

func threadTime() time.Duration { return time.Since(begun) }

func processTime() time.Duration { return time.Since(begun) }

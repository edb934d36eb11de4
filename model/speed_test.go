package model

import "runtime/debug"

// The sweeps load small files by the hundred thousand. Collecting what each leaves behind is most of their time.
func init() { debug.SetGCPercent(1600) }

//go:build !linux

package serve

import (
	"io"
	"net"
)

// refuseNew does nothing here.
func refuseNew(net.Listener) {}

// discard reads something and throws it away.
func discard(c net.Conn) (int64, error) { return io.CopyN(io.Discard, c, scrap) }

const scrap = 8 << 10

// isReset does not know here.
func isReset(net.Conn) bool { return false }

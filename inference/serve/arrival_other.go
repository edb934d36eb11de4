//go:build !linux

package serve

import (
	"net"
	"time"
)

// arrivals reads from a connection. This system does not tell since when what is read was there.
type arrivals struct{ conn net.Conn }

func (a *arrivals) init(c net.Conn) { a.conn = c }

func (a *arrivals) read(b []byte) (n int, waited time.Duration, err error) {
	n, err = a.conn.Read(b)
	return n, 0, err
}

package serve

import (
	"encoding/binary"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// arrivals reads from a connection, always the same, and knows when what it read had come to this machine. One goroutine uses it. The zero value is ready.
type arrivals struct {
	asked   bool
	raw     syscall.RawConn // nil where the system does not tell
	receive func(fd uintptr) bool
	into    []byte
	control [64]byte
	n, told int
	fault   error
}

// ask has the system note from now on when something comes.
func (a *arrivals) ask(c net.Conn) {
	a.asked = true
	raw := rawOf(c)
	if raw == nil {
		return
	}
	var fault error
	if raw.Control(func(fd uintptr) { fault = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) }) != nil || fault != nil {
		return
	}
	a.raw = raw
	a.receive = func(fd uintptr) bool {
		for {
			a.n, a.told, _, _, a.fault = unix.Recvmsg(int(fd), a.into, a.control[:], 0)
			if a.fault != unix.EINTR {
				return a.fault != unix.EAGAIN
			}
		}
	}
}

// read is as Read of the connection, and returns how long what was read had been waiting for that.
func (a *arrivals) read(c net.Conn, b []byte) (n int, waited time.Duration, err error) {
	if !a.asked {
		a.ask(c)
	}
	if a.raw == nil {
		n, err = c.Read(b)
		return n, 0, err
	}
	a.into = b
	err = a.raw.Read(a.receive)
	a.into = nil
	switch {
	case err != nil:
		return 0, 0, err
	case a.fault != nil:
		return 0, 0, a.fault
	case a.n == 0:
		return 0, 0, io.EOF
	}
	return a.n, a.waited(), nil
}

// longestWait is more than anything waits. Clocks that are set do not matter.
const longestWait = 10 * time.Second

func (a *arrivals) waited() time.Duration {
	if a.told < unix.CmsgLen(0) { // it came before this was asked for
		return 0
	}
	h, data, _, err := unix.ParseOneSocketControlMessage(a.control[:a.told])
	if err != nil || h.Level != unix.SOL_SOCKET || h.Type != unix.SO_TIMESTAMPNS || len(data) != 16 {
		return 0
	}
	at := time.Unix(int64(binary.NativeEndian.Uint64(data)), int64(binary.NativeEndian.Uint64(data[8:])))
	if waited := time.Since(at); waited > 0 && waited < longestWait {
		return waited
	}
	return 0
}

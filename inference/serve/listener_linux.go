package serve

import (
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawOf is the descriptor of a connection or a listener, nil if there is none.
func rawOf(c any) syscall.RawConn {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// refuseNew has the kernel leave requests for new connections to a listener unanswered: the clients ask again a second later, and hear that
// nobody listens. Those that are there, or in the middle of their handshake, are not touched.
func refuseNew(l net.Listener) {
	raw := rawOf(l)
	if raw == nil {
		return
	}
	const flags, syn = 13, 2 // where in a TCP header they are
	raw.Control(func(fd uintptr) {
		program := []unix.SockFilter{
			{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
			{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, Jf: 1, K: syn},
			{Code: unix.BPF_RET | unix.BPF_K, K: 0},
			{Code: unix.BPF_RET | unix.BPF_K, K: 1<<31 - 1},
		}
		// Where this fails, what comes at the last moment may be reset.
		unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	})
}

// scrap is where nothing is written.
var scrap [1 << 20]byte

// discard throws away what has come, which the kernel need not copy for that, or waits for it.
func discard(c net.Conn) (n int64, err error) {
	raw := rawOf(c)
	if raw == nil {
		return io.CopyN(io.Discard, c, 8<<10)
	}
	var fault error
	err = raw.Read(func(fd uintptr) bool {
		var read int
		read, _, fault = syscall.Recvfrom(int(fd), scrap[:], syscall.MSG_TRUNC)
		n = int64(read)
		return fault != syscall.EAGAIN && fault != syscall.EINTR
	})
	switch {
	case err != nil:
		return 0, err
	case fault != nil:
		return 0, fault
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// isReset throws away what has come, and tells whether the other side has said that nobody is there any more.
func isReset(c net.Conn) bool {
	raw := rawOf(c)
	if raw == nil {
		return false
	}
	var fault error
	raw.Control(func(fd uintptr) {
		_, _, fault = syscall.Recvfrom(int(fd), scrap[:], syscall.MSG_TRUNC|syscall.MSG_DONTWAIT)
	})
	return fault == syscall.ECONNRESET || fault == syscall.EPIPE
}

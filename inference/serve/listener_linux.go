package serve

import (
	"io"
	"net"
	"syscall"
)

// refuseNew has the kernel leave requests for new connections to a listener unanswered: the clients ask again a second later, and hear that
// nobody listens. Those that are there, or in the middle of their handshake, are not touched.
func refuseNew(l net.Listener) {
	c, ok := l.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	const flags, syn = 13, 2 // where in a TCP header they are
	raw.Control(func(fd uintptr) {
		syscall.AttachLsf(int(fd), []syscall.SockFilter{
			*syscall.LsfStmt(syscall.BPF_LD|syscall.BPF_B|syscall.BPF_ABS, flags),
			*syscall.LsfJump(syscall.BPF_JMP|syscall.BPF_JSET|syscall.BPF_K, syn, 0, 1),
			*syscall.LsfStmt(syscall.BPF_RET|syscall.BPF_K, 0),
			*syscall.LsfStmt(syscall.BPF_RET|syscall.BPF_K, 1<<31-1),
		}) // where this fails, what comes at the last moment may be reset
	})
}

// scrap is where nothing is written.
var scrap [1 << 20]byte

// discard throws away what has come, which the kernel need not copy for that, or waits for it.
func discard(c net.Conn) (n int64, err error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return io.CopyN(io.Discard, c, 8<<10)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, err
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

package serve

import (
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

package serve

import (
	"os"
	"runtime"
	"sync"
)

// breath lets work that takes long wait until everybody was served who has something to say now. The runtime looks at the network when there is nothing else to do, or
// 10 ms later: with a busy goroutine on each processor that would be the time in which /ping is answered. Who takes a breath waits for a byte that another goroutine sends
// it, and so for the network: it comes after all who were there before. The zero breath is ready.
type breath struct {
	pipe sync.Once
	turn chan struct{}
	in   *os.File // nil without a pipe
}

func (b *breath) take() {
	b.pipe.Do(func() {
		in, out, err := os.Pipe()
		if err != nil {
			return
		}
		b.in, b.turn = in, make(chan struct{})
		go func() {
			defer out.Close()
			for range b.turn {
				out.Write([]byte{0})
			}
		}()
	})
	if b.in == nil {
		return
	}
	b.turn <- struct{}{}
	var one [1]byte
	b.in.Read(one[:])
	runtime.Gosched() // of all that the network tells of at once, the runtime has the last one run first
}

// close ends what take has begun. Nobody may take a breath any more.
func (b *breath) close() {
	b.pipe.Do(func() {})
	if b.in != nil {
		close(b.turn)
		b.in.Close()
	}
}

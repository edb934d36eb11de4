package model

import "io"

// stopped returns ErrStopped once o.Done is closed. It is asked for every tree and every read, which are short, and pauses there.
func (o *LoadOptions) stopped() error {
	o.pause()
	select {
	case <-o.Done: // a nil channel is never ready
		return ErrStopped
	default:
		return nil
	}
}

func (o *LoadOptions) pause() {
	if o.Pauser != nil {
		o.Pauser.Pause()
	}
}

// Pauser lets others go first, if it is time to. Work that takes long, and that a program does beside other things, calls it after each short piece.
type Pauser interface{ Pause() }

// stoppable is a reader that ends when its options say so.
type stoppable struct {
	r    io.Reader
	opts *LoadOptions
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.opts.stopped(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

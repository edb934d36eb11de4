package pairing

import (
	"iter"

	"threatdetect/features"
)

// State is a Pairer that goes on from one part of a log to the next. The zero value holds nothing. It has one owner.
type State struct {
	pairer *Pairer
	yield  func(*features.Flow, error) bool
}

// Pairer returns the Pairer, which keeps to opts unless it holds something already. From now on it gives its flows to yield.
func (s *State) Pairer(opts Options, yield func(*features.Flow, error) bool) *Pairer {
	s.yield = yield
	if s.pairer == nil {
		s.pairer = New(opts, func(f *features.Flow) bool { return s.yield(f, nil) })
	} else if !s.pairer.ticking { // nothing was read with the options before
		s.pairer.opts = opts.resolved()
	}
	return s.pairer
}

// Flush returns the flows that are still open, and leaves s without them.
func (s *State) Flush() iter.Seq2[*features.Flow, error] {
	return func(yield func(*features.Flow, error) bool) {
		if s.pairer == nil {
			return
		}
		s.yield = yield
		s.pairer.Flush()
		s.Reset()
	}
}

// Reset forgets what s holds, as if it were new, and keeps the memory for it.
func (s *State) Reset() {
	if s.pairer != nil {
		s.pairer.reset()
		s.yield = nil
	}
}

// Part reads one part of a log: read yields record errors, and an error that ends the input as the last thing, while
// flows come from the Pairer. If this is the last part, or there was such an error, the flows that are open are given out,
// before the error.
func (s *State) Part(last bool, yield func(*features.Flow, error) bool, read func(yield func(*features.Flow, error) bool)) {
	var end error
	enough := false
	read(func(f *features.Flow, err error) bool {
		if _, ok := err.(*features.InputError); ok {
			end = err
			return false
		}
		enough = enough || !yield(f, err)
		return !enough
	})
	if enough || s.pairer != nil && s.pairer.ended {
		return
	}
	if last || end != nil {
		for f, err := range s.Flush() {
			if !yield(f, err) {
				return
			}
		}
	}
	if end != nil {
		yield(nil, end)
	}
}

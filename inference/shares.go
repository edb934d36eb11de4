package inference

import "sync/atomic"

// shares are the rows of a batch as goroutines take them, in parts. Each goroutine begins with a share of its own and takes the parts of that from its front, so that rows come one after
// the other and the next ones can be asked for ahead. Who has none left takes the hinder half of another's share for its own.
type shares struct {
	of   []share
	most int // parts at a time
}

// share is some consecutive parts that nobody took yet: the number of the first one, and in the upper half that of the one behind the last. There are less than
// 1<<32 parts, as one has at least 32 rows, and so many do not fit in memory. No two shares lie in one line of a cache.
type share struct {
	parts atomic.Uint64
	_     [56]byte
}

// split makes the shares of some workers, which are about equal.
func (s *shares) split(parts, most, workers int) {
	if cap(s.of) < workers {
		s.of = make([]share, workers)
	}
	s.of, s.most = s.of[:workers], most
	for i := range s.of {
		s.of[i].parts.Store(span(uint64(parts)*uint64(i)/uint64(workers), uint64(parts)*uint64(i+1)/uint64(workers)))
	}
}

func span(first, end uint64) uint64 { return first | end<<32 }

// take returns the next parts for a worker: from first on, and how many, or 0 if there are none left. The last ones of a share are taken one at a time, as
// a goroutine that is late costs the others little then.
func (s *shares) take(worker int) (first, n int) {
	own := &s.of[worker].parts
	for {
		was := own.Load()
		from, end := was&(1<<32-1), was>>32
		if from == end {
			if was = s.half(); was == 0 {
				return 0, 0
			}
			own.Store(was)
			continue
		}
		k := min(max((end-from)/4, 1), uint64(s.most))
		if own.CompareAndSwap(was, span(from+k, end)) {
			return int(from), int(k)
		}
	}
}

// half takes the hinder half, or the only part, of the largest share away, and returns it; 0 if all are empty.
func (s *shares) half() uint64 {
	for {
		var largest *share
		var from, end uint64
		for i := range s.of {
			if is := s.of[i].parts.Load(); is>>32-is&(1<<32-1) > end-from {
				largest, from, end = &s.of[i], is&(1<<32-1), is>>32
			}
		}
		if largest == nil {
			return 0
		}
		middle := (from + end) / 2
		if largest.parts.CompareAndSwap(span(from, end), span(from, middle)) {
			return span(middle, end)
		}
	}
}

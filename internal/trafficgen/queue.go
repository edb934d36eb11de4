package trafficgen

// queue is a binary heap ordered by time, and by order of arrival within one
// microsecond.
type queue[T any] struct {
	items []queued[T]
	seq   uint64
}

type queued[T any] struct {
	at  int64
	seq uint64
	v   T
}

func (a *queued[T]) before(b *queued[T]) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	return a.seq < b.seq
}

// min returns the earliest time, or false when the queue is empty.
func (q *queue[T]) min() (int64, bool) {
	if len(q.items) == 0 {
		return 0, false
	}
	return q.items[0].at, true
}

func (q *queue[T]) push(at int64, v T) {
	q.items = append(q.items, queued[T]{at, q.seq, v})
	q.seq++
	s := q.items
	i := len(s) - 1
	x := s[i]
	for i > 0 {
		up := (i - 1) / 2
		if !x.before(&s[up]) {
			break
		}
		s[i] = s[up]
		i = up
	}
	s[i] = x
}

// pop removes and returns the earliest item of a queue that is not empty.
func (q *queue[T]) pop() (int64, T) {
	s := q.items
	top := s[0]
	n := len(s) - 1
	x := s[n]
	s[n] = queued[T]{}
	s = s[:n]
	q.items = s
	if n == 0 {
		return top.at, top.v
	}
	i := 0
	for {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && s[c+1].before(&s[c]) {
			c++
		}
		if !s[c].before(&x) {
			break
		}
		s[i] = s[c]
		i = c
	}
	s[i] = x
	return top.at, top.v
}

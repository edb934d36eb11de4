package features

import (
	"math/rand/v2"
	"unsafe"

	"threatdetect/internal/sketch"
)

// store remembers a value for each of a fixed number of keys. Its memory is taken at once and never grows.
//
// Keys that were seen once are on trial, those that came again are kept. When the store is full, the oldest on trial has to go,
// so that a flood of keys that never come again cannot drive out the ones that do. A filter remembers, for longer than the
// store itself can, which keys went: one that returns is kept from then on. The oldest of those kept goes if it was idle for the
// retention, or back on trial if they are more than nine tenths of all.
type store[K comparable, V any] struct {
	heads     []uint32
	nodes     []storeNode[K]
	values    []V
	free      uint32 // first of a chain through next
	trial     storeList
	kept      storeList
	gone      *sketch.Bloom
	seed      [2]uint64
	retention int64 // nanoseconds
	evict     func(i uint32, idle bool)
}

type storeNode[K comparable] struct {
	key          K
	last         int64  // event time of the latest touch
	hash, next   uint32 // hash has keptBit, or not, in place of its own
	older, newer uint32
}

// keptBit is set in the hash of a key that is kept, which saves the eight bytes of a flag.
const keptBit = 1 << 31

func (n *storeNode[K]) isKept() bool { return n.hash&keptBit != 0 }

// storeList is a list of entries by the time of their latest touch.
type storeList struct {
	oldest, newest uint32
	n              int
}

// newStore returns a store that takes so many bytes, of which filter go to the generations of its filter.
func newStore[K comparable, V any](bytes, filter int, retention int64) *store[K, V] {
	var k storeNode[K]
	var v V
	n := max(16, bytes/int(unsafe.Sizeof(k)+unsafe.Sizeof(v)+8))
	heads := 16
	for heads < n {
		heads *= 2
	}
	s := &store[K, V]{heads: make([]uint32, heads), nodes: make([]storeNode[K], 1, n+1), values: make([]V, 1, n+1), retention: retention,
		seed: [2]uint64{rand.Uint64(), rand.Uint64()}, gone: sketch.NewBloom(filter)}
	return s
}

// capacity is how many keys there is room for.
func (s *store[K, V]) capacity() int { return cap(s.nodes) - 1 }

func (s *store[K, V]) len() int { return s.trial.n + s.kept.n }

// head is where the chain of a hash begins. There are fewer heads than keptBit.
func (s *store[K, V]) head(hash uint32) *uint32 {
	return &s.heads[hash&^keptBit&uint32(len(s.heads)-1)]
}

// find returns the entry of a key, or 0.
func (s *store[K, V]) find(key K, hash uint32) uint32 {
	for i := *s.head(hash); i != 0; i = s.nodes[i].next {
		if n := &s.nodes[i]; (n.hash^hash)&^keptBit == 0 && n.key == key {
			return i
		}
	}
	return 0
}

// touch returns the entry of a key at time t, made with a zero value if there is none, and the time of the touch before, which is
// t of a fresh one; fixed is a hash that does not depend on the process.
func (s *store[K, V]) touch(key K, hash uint32, fixed uint64, t int64) (i uint32, before int64, fresh bool) {
	if i = s.find(key, hash); i != 0 {
		n := &s.nodes[i]
		before, n.last = n.last, t
		if n.isKept() {
			s.remove(&s.kept, i)
		} else {
			s.remove(&s.trial, i)
			n.hash |= keptBit
		}
		s.append(&s.kept, i)
		s.demote()
		return i, before, false
	}
	if s.len() == s.capacity() {
		s.makeRoom(t)
	}
	i = s.insert(key, hash, t, s.gone.Add(fixed))
	s.demote()
	return i, t, true
}

// insert makes an entry as the newest of its list.
func (s *store[K, V]) insert(key K, hash uint32, t int64, kept bool) uint32 {
	i := s.free
	if i != 0 {
		s.free = s.nodes[i].next
	} else {
		i = uint32(len(s.nodes))
		s.nodes = s.nodes[:i+1]
		s.values = s.values[:i+1]
	}
	if hash &^= keptBit; kept {
		hash |= keptBit
	}
	head := s.head(hash)
	s.nodes[i] = storeNode[K]{key: key, last: t, hash: hash, next: *head}
	*head = i
	if kept {
		s.append(&s.kept, i)
	} else {
		s.append(&s.trial, i)
	}
	return i
}

// demote puts the oldest of the kept on trial if they are too many.
func (s *store[K, V]) demote() {
	if s.kept.n > s.capacity()/10*9 {
		i := s.kept.oldest
		s.remove(&s.kept, i)
		s.nodes[i].hash &^= keptBit
		s.append(&s.trial, i)
	}
}

// makeRoom evicts one entry of a full store.
func (s *store[K, V]) makeRoom(t int64) {
	i := s.trial.oldest
	if k := s.kept.oldest; i == 0 || k != 0 && uint64(t)-uint64(s.nodes[k].last) > uint64(s.retention) {
		i = k
	}
	n := &s.nodes[i]
	s.evict(i, uint64(t)-uint64(n.last) > uint64(s.retention))
	if n.isKept() {
		s.remove(&s.kept, i)
	} else {
		s.remove(&s.trial, i)
	}
	link := s.head(n.hash)
	for *link != i {
		link = &s.nodes[*link].next
	}
	*link = n.next
	var zero V
	s.values[i] = zero
	n.next, s.free = s.free, i
}

func (s *store[K, V]) remove(l *storeList, i uint32) {
	n := &s.nodes[i]
	if n.older == 0 {
		l.oldest = n.newer
	} else {
		s.nodes[n.older].newer = n.newer
	}
	if n.newer == 0 {
		l.newest = n.older
	} else {
		s.nodes[n.newer].older = n.older
	}
	n.older, n.newer = 0, 0
	l.n--
}

func (s *store[K, V]) append(l *storeList, i uint32) {
	n := &s.nodes[i]
	n.older, n.newer = l.newest, 0
	if l.newest == 0 {
		l.oldest = i
	} else {
		s.nodes[l.newest].newer = i
	}
	l.newest = i
	l.n++
}

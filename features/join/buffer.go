package join

import (
	"math"

	"threatdetect/features"
)

// Bounds of a buffer.
const (
	MaxKeys  = 100_000
	MaxBytes = 64 << 20 // of records that wait for their flow
	MaxText  = 1024     // bytes of one text; the rest is cut off
	Keep     = 60e9     // nanoseconds for which the key of a flow that has come is kept
)

// Stats say what became of the records of other logs: Records = Joined + Late + Lost + those that still wait.
type Stats struct {
	Records int64 // added
	Joined  int64 // that a flow took
	Flows   int64 // that took records
	Late    int64 // came after their flow
	Lost    int64 // had to go before their flow came, or had no room
}

// Buffer joins records to flows by a key, such as Zeek's uid. It has one owner. New makes one.
type Buffer struct {
	entries map[string]*entry
	waiting list // least recently added to first
	done    list // oldest first
	free    *entry
	waits   int // entries in waiting
	bytes   int
	clock   int64
	stats   Stats
}

// New returns an empty buffer.
func New() *Buffer {
	b := &Buffer{entries: make(map[string]*entry), clock: math.MinInt64}
	b.waiting.init()
	b.done.init()
	return b
}

// entry is what is known of one key.
type entry struct {
	key        string
	joined     *features.Joined // nil once the flow has come
	records    int64
	bytes      int
	until      int64 // when it goes, once the flow has come
	prev, next *entry
}

// Stats says what became of the records so far.
func (b *Buffer) Stats() Stats { return b.stats }

// Full reports whether adding more would soon make others go before their flow has come.
func (b *Buffer) Full() bool { return b.waits > MaxKeys*9/10 || b.bytes > MaxBytes/10*9 }

// Add counts a record about the connection of a key, and returns what to add it to; nil if it is too late. time is the
// record's own, in nanoseconds since the Unix epoch, and size about how many bytes it takes.
func (b *Buffer) Add(key []byte, time int64, size int) *features.Joined {
	b.stats.Records++
	b.advance(time)
	e := b.entries[string(key)]
	switch {
	case e == nil:
		e = b.insert(string(key))
		e.joined = new(features.Joined)
		b.waits++
		b.waiting.push(e)
	case e.joined == nil:
		b.stats.Late++
		return nil
	default:
		e.unlink()
		b.waiting.push(e)
	}
	e.records++
	e.bytes += size
	b.bytes += size
	for b.bytes > MaxBytes && b.waiting.first() != e {
		b.lose(b.waiting.first())
	}
	return e.joined
}

// Take returns what is known about the connection of a key, nil if nothing is, and remembers that its flow, which ended at
// the given time, has come.
func (b *Buffer) Take(key []byte, end int64) *features.Joined {
	if len(key) == 0 {
		return nil
	}
	b.advance(end)
	e := b.entries[string(key)]
	if e == nil {
		e = b.insert(string(key))
	} else {
		e.unlink()
	}
	joined := e.joined
	if joined != nil {
		b.stats.Joined += e.records
		b.stats.Flows++
		b.bytes -= e.bytes
		b.waits--
		e.joined, e.records, e.bytes = nil, 0, 0
	}
	e.until = b.clock + min(Keep, math.MaxInt64-max(b.clock, 0))
	b.done.push(e)
	return joined
}

// advance moves the clock, which is the latest time seen, and forgets flows that came long ago.
func (b *Buffer) advance(time int64) {
	if time <= b.clock {
		return
	}
	b.clock = time
	for e := b.done.first(); e != nil && e.until < time; e = b.done.first() {
		b.remove(e)
	}
}

func (b *Buffer) insert(key string) *entry {
	if len(b.entries) >= MaxKeys {
		if e := b.done.first(); e != nil {
			b.remove(e)
		} else {
			b.lose(b.waiting.first())
		}
	}
	e := b.free
	if e == nil {
		e = new(entry)
	} else {
		b.free = e.next
	}
	*e = entry{key: key}
	b.entries[key] = e
	return e
}

func (b *Buffer) lose(e *entry) {
	b.stats.Lost += e.records
	b.bytes -= e.bytes
	b.waits--
	b.remove(e)
}

func (b *Buffer) remove(e *entry) {
	delete(b.entries, e.key)
	e.unlink()
	*e = entry{next: b.free}
	b.free = e
}

// list is a ring of entries around a sentinel.
type list struct{ root entry }

func (l *list) init() { l.root.prev, l.root.next = &l.root, &l.root }

func (l *list) first() *entry {
	if l.root.next == &l.root {
		return nil
	}
	return l.root.next
}

func (l *list) push(e *entry) {
	e.prev, e.next = l.root.prev, &l.root
	e.prev.next, e.next.prev = e, e
}

func (e *entry) unlink() { e.prev.next, e.next.prev = e.next, e.prev }

package jsonscan

import "encoding/binary"

// ID stands for a key, as the reader of a log numbers the keys that it wants.
type ID uint8

// Unknown is the ID of a key that a layout remembers nothing of.
const Unknown ID = 0xff

const (
	maxEntries = 64
	maxRaw     = 40 // bytes of a key with what is around it
	maxNext    = 8

	nowhere = maxEntries - 1 // the entry of a key that is not remembered: nothing is known to come after it
)

// Layout remembers in which order the keys of a kind of object came, so that the same keys in the same order need only be
// compared, not read: records of one log are much alike. What it remembers never changes what is read, only how fast.
// The zero value is ready. It keeps 62 keys of at most 40 bytes, and has one owner.
//
//	{"ts":1.5,"proto":"tcp"}
//	^^^^^^               entry 1, which came after entry 0, the beginning
//	         ^^^^^^^^^   entry 2, which came after entry 1
type Layout struct {
	entries [maxEntries]entry
	n       uint8 // entries in use behind the first
	inner   []inner
}

// inner is the layout of the objects behind a key, and the spans of their members.
type inner struct {
	id     ID
	layout *Layout
	within uint32
}

// entry is a key with what is before it, from the brace or comma on, and what is behind it, up to its value. The same
// bytes at the same place mean the same wherever they are.
type entry struct {
	words, masks [4]uint64      // the first 32 bytes of raw, and which of them are used
	next         [maxNext]uint8 // what came after it, 0 for nothing
	size         uint8
	id           ID
	short        bool // it is known, and words are all of raw
	raw          [maxRaw]byte

	within uint32 // see [Layout.Inner]
	inner  *Layout
}

// begins reports whether b begins with the words of the entry.
func (e *entry) begins(b *[maxRaw]byte) bool {
	return (binary.LittleEndian.Uint64(b[:])^e.words[0])&e.masks[0]|(binary.LittleEndian.Uint64(b[8:])^e.words[1])&e.masks[1]|
		(binary.LittleEndian.Uint64(b[16:])^e.words[2])&e.masks[2]|(binary.LittleEndian.Uint64(b[24:])^e.words[3])&e.masks[3] == 0
}

// Inner says that the objects behind keys that will be learnt as id have members of a layout of their own, whose values are the spans of
// within. Objects in them have none.
func (l *Layout) Inner(id ID, layout *Layout, within uint32) {
	l.inner = append(l.inner, inner{id, layout, within})
}

// learn sets what entry at stands for.
func (l *Layout) learn(at uint8, id ID) {
	e := &l.entries[at]
	e.id, e.short, e.inner, e.within = id, id != Unknown && e.size <= 32, nil, 0
	for _, of := range l.inner {
		if of.id == id {
			e.inner, e.within = of.layout, of.within
		}
	}
}

// match returns the entry that b begins with, of those that came after entry at; nowhere if it is none of them.
func (l *Layout) match(at uint8, b *[maxRaw]byte) uint8 {
	for _, next := range &l.entries[at%maxEntries].next {
		e := &l.entries[next%maxEntries]
		if !e.begins(b) {
			continue
		}
		if next == 0 { // which is equal to everything
			break
		}
		if e.size > 32 && string(b[32:e.size]) != string(e.raw[32:e.size]) {
			continue
		}
		if e.id == Unknown {
			break
		}
		return next
	}
	return nowhere
}

// matchShort is match near the end of a record.
func (l *Layout) matchShort(at uint8, b []byte) uint8 {
	for _, next := range &l.entries[at%maxEntries].next {
		e := &l.entries[next%maxEntries]
		if n := int(e.size); next != 0 && n <= len(b) && string(b[:n]) == string(e.raw[:n]) {
			if e.id == Unknown {
				break
			}
			return next
		}
	}
	return nowhere
}

// find returns the entry of raw, which came after entry at, and makes a new one if there is none; nowhere if there is no
// room for it.
func (l *Layout) find(at uint8, raw []byte) uint8 {
	if l.n == 0 {
		for i := range l.entries {
			l.entries[i].id = Unknown
		}
	}
	if at == nowhere || len(raw) > maxRaw {
		return nowhere
	}
	found := uint8(0)
	for i := uint8(1); i <= l.n && found == 0; i++ {
		if e := &l.entries[i]; string(e.raw[:e.size]) == string(raw) {
			found = i
		}
	}
	if found == 0 {
		if l.n+1 == nowhere {
			return nowhere
		}
		l.n++
		found = l.n
		e := &l.entries[found]
		e.size = uint8(copy(e.raw[:], raw))
		for i := range min(len(raw), 32) {
			e.masks[i/8] |= 0xff << (i % 8 * 8)
		}
		for i := range e.words {
			e.words[i] = binary.LittleEndian.Uint64(e.raw[8*i:])
		}
	}
	// The newest takes the place of the oldest.
	next := &l.entries[at].next
	for i, n := range next {
		if n == found {
			return found
		}
		if n == 0 {
			next[i] = found
			return found
		}
	}
	copy(next[:], next[1:])
	next[maxNext-1] = found
	return found
}

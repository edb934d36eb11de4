package features

import "math/bits"

// table is a hash table whose entries keep their number until they are released, so that other tables can refer to them.
// Number 0 is no entry. It allocates only to grow. The seed is random, so that nobody can choose keys that collide; no
// result depends on it.
type table[K comparable, V any] struct {
	heads   []uint32 // by hash: the first entry of a chain
	entries []tableEntry[K, V]
	free    uint32 // first of the chain of released entries
	used    int
}

type tableEntry[K comparable, V any] struct {
	key        K
	value      V
	hash, next uint32
}

// find returns the entry of a key, or 0.
func (t *table[K, V]) find(key K, hash uint32) uint32 {
	if len(t.heads) == 0 {
		return 0
	}
	for i := t.heads[hash&uint32(len(t.heads)-1)]; i != 0; {
		e := &t.entries[i]
		if e.hash == hash && e.key == key {
			return i
		}
		i = e.next
	}
	return 0
}

// obtain returns the entry of a key, which it makes, with a zero value, if there is none. Pointers to entries are valid
// until the next call.
func (t *table[K, V]) obtain(key K, hash uint32) uint32 {
	if i := t.find(key, hash); i != 0 {
		return i
	}
	if t.used >= len(t.heads) {
		t.grow()
	}
	i := t.free
	if i != 0 {
		t.free = t.entries[i].next
	} else {
		i = uint32(len(t.entries))
		t.entries = append(t.entries, tableEntry[K, V]{})
	}
	head := &t.heads[hash&uint32(len(t.heads)-1)]
	t.entries[i] = tableEntry[K, V]{key: key, hash: hash, next: *head}
	*head = i
	t.used++
	return i
}

// at returns the value of an entry.
func (t *table[K, V]) at(i uint32) *V { return &t.entries[i].value }

// release drops an entry. Its number goes to the next new key.
func (t *table[K, V]) release(i uint32) {
	e := &t.entries[i]
	link := &t.heads[e.hash&uint32(len(t.heads)-1)]
	for *link != i {
		link = &t.entries[*link].next
	}
	*link = e.next
	*e = tableEntry[K, V]{next: t.free}
	t.free = i
	t.used--
}

const minTable = 256

func (t *table[K, V]) grow() {
	if len(t.heads) == 0 {
		t.heads = make([]uint32, minTable)
		t.entries = make([]tableEntry[K, V], 1, minTable)
		return
	}
	old := t.heads
	t.heads = make([]uint32, 2*len(old))
	for _, i := range old {
		for i != 0 {
			e := &t.entries[i]
			next := e.next
			head := &t.heads[e.hash&uint32(len(t.heads)-1)]
			e.next, *head = *head, i
			i = next
		}
	}
}

// mix hashes 16 bytes with a secret seed.
func mix(a, b uint64, seed *[2]uint64) uint32 {
	hi, lo := bits.Mul64(a^seed[0], b^seed[1])
	hi, lo = bits.Mul64(hi^lo^seed[1], 0x9e3779b97f4a7c15)
	return uint32(hi ^ lo)
}

package pickle

// Value is one of [None], [Bool], [Int], [BigInt], [Float], [String], [Bytes], [*List], [*Tuple], [*Dict], [*Object], [*Array], [*Opaque] and [*Global].
// Values are read-only.
type Value interface{ isValue() }

type (
	None  struct{}
	Bool  bool
	Int   int64
	Float float64
	// BigInt is an integer beyond 64 bits as text: decimal, or hexadecimal with its bytes in two's complement behind "0x" if it was stored in binary.
	BigInt string
	// String is text in valid UTF-8.
	String string
	// Bytes stands for both bytes and bytearray. It may be part of the input.
	Bytes []byte
)

// List is a Python list.
type List struct {
	Items []Value
	node
}

// Tuple is a Python tuple.
type Tuple struct {
	Items []Value
	node
}

// Dict holds keys and values in the order in which they were stored, repeated keys included.
type Dict struct {
	Items []Item
	node
}

// Item is one entry of a [Dict].
type Item struct{ Key, Value Value }

// Get returns what d has for a key, and how often the key occurs. Of several the last one counts, as in Python.
func (d *Dict) Get(key string) (v Value, n int) {
	for _, item := range d.Items {
		if k, ok := item.Key.(String); ok && string(k) == key {
			v = item.Value
			n++
		}
	}
	return v, n
}

// Object is an instance of a class of the allow list.
type Object struct {
	Class *Global
	Args  *Tuple // of its constructor, which Python would have called
	State Value  // nil, a *Dict, or a *Tuple of two: dictionary or None, dictionary of the slots or None
	node
}

// Dict returns the attributes of o, or nil if it has none.
func (o *Object) Dict() *Dict {
	state := o.State
	if pair, ok := state.(*Tuple); ok {
		state = pair.Items[0]
	}
	d, _ := state.(*Dict)
	return d
}

// Opaque is a value whose contents were not kept: a set, or an array of a kind that no model needs.
type Opaque struct{ What string }

// node is what containers have in common: the number by which [Walk] knows them again.
type node struct{ id int32 }

func (None) isValue()    {}
func (Bool) isValue()    {}
func (Int) isValue()     {}
func (BigInt) isValue()  {}
func (Float) isValue()   {}
func (String) isValue()  {}
func (Bytes) isValue()   {}
func (*List) isValue()   {}
func (*Tuple) isValue()  {}
func (*Dict) isValue()   {}
func (*Object) isValue() {}
func (*Array) isValue()  {}
func (*Opaque) isValue() {}
func (*Global) isValue() {}

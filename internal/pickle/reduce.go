package pickle

import (
	"errors"
	"unicode/utf8"
)

// global reads a name and pushes what it stands for.
func (m *machine) global(op byte) error {
	var module, name string
	if op == opGlobal {
		first, err := m.line()
		if err != nil {
			return err
		}
		second, err := m.line()
		if err != nil {
			return err
		}
		module, name = string(first), string(second)
	} else {
		parts, err := m.popN(2)
		if err != nil {
			return err
		}
		first, ok := parts[0].(String)
		second, ok2 := parts[1].(String)
		if !ok || !ok2 {
			return errors.New("a name that is not text")
		}
		module, name = string(first), string(second)
	}
	g, err := global(module, name)
	if err != nil {
		return err
	}
	return m.push(g)
}

// reduce replaces a callable and its arguments by what the allow list says that it makes of them.
func (m *machine) reduce() error {
	parts, err := m.popN(2)
	if err != nil {
		return err
	}
	g, ok := parts[0].(*Global)
	if !ok {
		return errors.New("what is called is not a name")
	}
	args, ok := parts[1].(*Tuple)
	if !ok {
		return errors.New("the arguments of a call are not a tuple")
	}
	if g.call == nil {
		return errors.New(g.String() + " is not to be called")
	}
	v, err := g.call(m, args.Items)
	return m.pushIf(v, err)
}

// newObject is NEWOBJ and NEWOBJ_EX: a class, arguments, and arguments by name.
func (m *machine) newObject(op byte) error {
	n := 2
	if op == opNewObjEx {
		n = 3
	}
	parts, err := m.popN(n)
	if err != nil {
		return err
	}
	args, ok := parts[1].(*Tuple)
	if !ok {
		return errors.New("the arguments of a constructor are not a tuple")
	}
	if n == 3 {
		if named, ok := parts[2].(*Dict); !ok || len(named.Items) > 0 {
			return errors.New("a constructor has arguments by name")
		}
	}
	v, err := m.instance(parts[0], args)
	return m.pushIf(v, err)
}

// instance makes an object of a class of the allow list.
func (m *machine) instance(class Value, args *Tuple) (Value, error) {
	g, ok := class.(*Global)
	if !ok {
		return nil, errors.New("the class of an object is not a name")
	}
	if !g.isClass() {
		return nil, errors.New(g.String() + " is not a class of objects that a model has")
	}
	n, err := m.node()
	return &Object{Class: g, Args: args, node: n}, err
}

// build gives the object below its state.
func (m *machine) build() error {
	parts, err := m.popN(1)
	if err != nil {
		return err
	}
	state := parts[0]
	v, err := m.top()
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case *Object:
		if v.State != nil {
			return errors.New("an object gets its state twice")
		}
		if !isState(state) {
			return errors.New("the state of an object is not a dictionary")
		}
		v.State = state
		return nil
	case *Array:
		return m.setArray(v, state)
	case *dtype:
		return v.setState(state)
	}
	return errors.New("this kind of value has no state")
}

// isState tells a dictionary, or a pair of dictionaries each of which may be None.
func isState(v Value) bool {
	if pair, ok := v.(*Tuple); ok {
		return len(pair.Items) == 2 && isDictOrNone(pair.Items[0]) && isDictOrNone(pair.Items[1])
	}
	_, ok := v.(*Dict)
	return ok
}

func isDictOrNone(v Value) bool {
	switch v.(type) {
	case *Dict, None:
		return true
	}
	return false
}

// callByteArray is bytearray(), of bytes, or of text in Latin-1, which is how Python 2 stores it.
func callByteArray(m *machine, args []Value) (Value, error) {
	switch {
	case len(args) == 0:
		return Bytes{}, m.memory.spend(headerSize)
	case len(args) == 1:
		if b, ok := args[0].(Bytes); ok {
			return b, m.memory.spend(headerSize)
		}
	case len(args) == 2:
		return callEncode(m, args)
	}
	return nil, errors.New("bytearray is called with other things than bytes")
}

// callEncode is _codecs.encode of a text to Latin-1: how protocols 0 to 2 store bytes.
func callEncode(m *machine, args []Value) (Value, error) {
	if len(args) == 2 {
		text, ok := args[0].(String)
		codec, ok2 := args[1].(String)
		if ok && ok2 && (codec == "latin1" || codec == "latin-1") {
			return m.latin1(text)
		}
	}
	return nil, errors.New("bytes are encoded in another way than as Latin-1")
}

// latin1 makes one byte of each code point.
func (m *machine) latin1(text String) (Value, error) {
	n := utf8.RuneCountInString(string(text))
	if err := m.payload(n); err != nil {
		return nil, err
	}
	b := make(Bytes, 0, n)
	for _, r := range string(text) {
		if r > 0xff {
			return nil, errors.New("a text that stands for bytes has a character beyond Latin-1")
		}
		b = append(b, byte(r))
	}
	return b, nil
}

// callReconstructor is copyreg._reconstructor(class, object, None): an instance without arguments.
func callReconstructor(m *machine, args []Value) (Value, error) {
	if len(args) == 3 {
		base, ok := args[1].(*Global)
		_, none := args[2].(None)
		if ok && none && base.placeholder() {
			return m.instance(args[0], m.none)
		}
	}
	return nil, errors.New("an object is rebuilt from something else than its class")
}

// callOrderedDict is OrderedDict(), or of a list of pairs, which is how Python 2 stores it.
func callOrderedDict(m *machine, args []Value) (Value, error) {
	d, err := m.newDict()
	if err != nil || len(args) == 0 {
		return d, err
	}
	list, ok := args[0].(*List)
	if !ok || len(args) > 1 {
		return nil, errors.New("an ordered dictionary is not made of a list")
	}
	if err := m.growDict(d, len(list.Items)); err != nil {
		return nil, err
	}
	for _, pair := range list.Items {
		items, ok := pairOf(pair)
		if !ok {
			return nil, errors.New("an ordered dictionary is not made of pairs")
		}
		d.Items = append(d.Items, Item{items[0], items[1]})
	}
	return d, nil
}

// pairOf returns the two elements of a list or a tuple.
func pairOf(v Value) ([]Value, bool) {
	var items []Value
	switch v := v.(type) {
	case *List:
		items = v.Items
	case *Tuple:
		items = v.Items
	}
	return items, len(items) == 2
}

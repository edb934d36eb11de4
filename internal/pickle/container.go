package pickle

import "errors"

// container executes the opcodes of tuples, lists, dictionaries and sets.
func (m *machine) container(op byte) error {
	switch op {
	case opEmptyTuple:
		return m.push(m.none)
	case opTuple:
		return m.tuple(m.popMark())
	case opTuple1, opTuple2, opTuple3:
		return m.tuple(m.popN(int(op) - opTuple1 + 1))
	case opEmptyList:
		return m.list(nil, nil)
	case opList:
		return m.list(m.popMark())
	case opAppend:
		return m.appendTo(m.popN(1))
	case opAppends:
		return m.appendTo(m.popMark())
	case opEmptyDict:
		return m.dict(nil, nil)
	case opDict:
		return m.dict(m.popMark())
	case opSetItem:
		return m.setItems(m.popN(2))
	case opSetItems:
		return m.setItems(m.popMark())
	case opEmptySet:
		return m.opaque("a set")
	case opAddItems:
		return m.addItems()
	}
	if _, err := m.popMark(); err != nil { // FROZENSET
		return err
	}
	return m.opaque("a set")
}

func (m *machine) opaque(what string) error {
	return m.pushIf(&Opaque{What: what}, m.memory.spend(nodeSize))
}

// copied keeps values that were taken off the stack.
func (m *machine) copied(values []Value) ([]Value, error) {
	if len(values) == 0 {
		return nil, nil
	}
	s, err := m.grow(nil, len(values))
	return append(s, values...), err
}

func (m *machine) tuple(values []Value, err error) error {
	if err != nil {
		return err
	}
	t := &Tuple{}
	if t.Items, err = m.copied(values); err != nil {
		return err
	}
	t.node, err = m.node()
	return m.pushIf(t, err)
}

func (m *machine) list(values []Value, err error) error {
	if err != nil {
		return err
	}
	l := &List{}
	if l.Items, err = m.copied(values); err != nil {
		return err
	}
	l.node, err = m.node()
	return m.pushIf(l, err)
}

func (m *machine) appendTo(values []Value, err error) error {
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	l, ok := v.(*List)
	if !ok {
		return errors.New("there is no list to append to")
	}
	if l.Items, err = m.grow(l.Items, len(values)); err != nil {
		return err
	}
	l.Items = append(l.Items, values...)
	return nil
}

func (m *machine) newDict() (*Dict, error) {
	n, err := m.node()
	return &Dict{node: n}, err
}

func (m *machine) dict(values []Value, err error) error {
	if err != nil {
		return err
	}
	d, err := m.newDict()
	if err != nil {
		return err
	}
	if err := m.addPairs(d, values); err != nil {
		return err
	}
	return m.push(d)
}

func (m *machine) setItems(values []Value, err error) error {
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	d, ok := v.(*Dict)
	if !ok {
		return errors.New("there is no dictionary to set items of")
	}
	return m.addPairs(d, values)
}

// addPairs adds keys and values in turn.
func (m *machine) addPairs(d *Dict, values []Value) error {
	if len(values)%2 != 0 {
		return errors.New("a key of a dictionary has no value")
	}
	if err := m.growDict(d, len(values)/2); err != nil {
		return err
	}
	for ; len(values) > 0; values = values[2:] {
		d.Items = append(d.Items, Item{values[0], values[1]})
	}
	return nil
}

// growDict makes room for n more items.
func (m *machine) growDict(d *Dict, n int) error {
	if cap(d.Items)-len(d.Items) >= n {
		return nil
	}
	size := max(2*cap(d.Items), len(d.Items)+n)
	if err := m.memory.spend(2 * slotSize * size); err != nil {
		return err
	}
	d.Items = append(make([]Item, 0, size), d.Items...)
	return nil
}

func (m *machine) addItems() error {
	if _, err := m.popMark(); err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	if o, ok := v.(*Opaque); !ok || o.What != "a set" {
		return errors.New("there is no set to add to")
	}
	return nil
}

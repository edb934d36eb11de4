package pickle

// Walk calls visit for root and whatever is inside of it, the outer values first, and every container once however often it is shared. Visit tells
// whether to look inside; that of a value without anything inside does not matter. Walk fails with a *[LimitError] if a container is more than depth
// containers away from root. Values must come from one call of [Decode].
func Walk(root Value, depth int, visit func(Value) bool) error {
	var seen bitmap
	var level, next []Value
	enter := func(v Value) {
		if n := nodeOf(v); n != nil && (n.id == 0 || !seen.add(n.id)) {
			return
		}
		if visit(v) && nodeOf(v) != nil {
			next = append(next, v)
		}
	}
	enter(root)
	for n := 0; len(next) > 0; n++ {
		if n > depth {
			return &LimitError{Name: "nesting", Limit: int64(depth), Got: int64(n)}
		}
		level, next = next, level[:0]
		for _, v := range level {
			eachInside(v, enter)
		}
	}
	return nil
}

// eachInside calls f for the values that a container holds directly.
func eachInside(v Value, f func(Value)) {
	all := func(values []Value) {
		for _, v := range values {
			f(v)
		}
	}
	switch v := v.(type) {
	case *List:
		all(v.Items)
	case *Tuple:
		all(v.Items)
	case *Dict:
		for _, item := range v.Items {
			f(item.Key)
			f(item.Value)
		}
	case *Object:
		f(v.Args)
		if v.State != nil {
			f(v.State)
		}
	case *Array:
		if v.items != nil {
			f(v.items)
		}
	}
}

// nodeOf returns what tells a container from others, or nil for other values. An empty tuple has the number 0.
func nodeOf(v Value) *node {
	switch v := v.(type) {
	case *List:
		return &v.node
	case *Tuple:
		return &v.node
	case *Dict:
		return &v.node
	case *Object:
		return &v.node
	case *Array:
		return &v.node
	}
	return nil
}

// bitmap is a set of small numbers.
type bitmap []uint64

// add reports whether i is new.
func (b *bitmap) add(i int32) bool {
	word, bit := int(i/64), uint64(1)<<(i%64)
	if word >= len(*b) {
		grown := make(bitmap, max(word+1, 2*len(*b)))
		copy(grown, *b)
		*b = grown
	}
	if (*b)[word]&bit != 0 {
		return false
	}
	(*b)[word] |= bit
	return true
}

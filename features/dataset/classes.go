package dataset

import (
	"fmt"
	"maps"
	"slices"

	"threatdetect/features"
)

// MaxClasses bounds the classes of a model with one for each kind of attack.
const MaxClasses = 256

// unnamed is the class of attacks whose kind is not known.
const unnamed = "attack"

// classes are the labels of a model that tells kinds of attack apart: the benign class is 0, the kinds follow in the order of
// their bytes.
type classes struct {
	label map[string]int
	names []string
}

// newClasses numbers kinds.
func newClasses(kinds map[string]bool) (*classes, error) {
	c := &classes{label: make(map[string]int), names: []string{classNames[0]}}
	if kinds[classNames[0]] {
		return nil, fmt.Errorf("%w: a kind of attack is called %s", ErrLabels, classNames[0])
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		c.label[kind] = len(c.names)
		c.names = append(c.names, kind)
	}
	return c, nil
}

// learnKind notes the kind of an attack.
func learnKind(kinds map[string]bool, f *features.Flow) error {
	if f.Label != features.Attack {
		return nil
	}
	if kind := kindName(f); !kinds[kind] {
		if len(kinds) == MaxClasses-1 {
			return fmt.Errorf("%w: more than %d kinds of attack are too many classes", ErrLabels, len(kinds))
		}
		kinds[kind] = true
	}
	return nil
}

func kindName(f *features.Flow) string {
	if kind := KindOf(f); len(kind) > 0 {
		return string(kind)
	}
	return unnamed
}

// of is the label of a flow: 0 or 1 where kinds are not told apart, and c is nil.
func (c *classes) of(f *features.Flow) int {
	switch {
	case f.Label != features.Attack:
		return 0
	case c == nil:
		return 1
	}
	return c.label[kindName(f)]
}

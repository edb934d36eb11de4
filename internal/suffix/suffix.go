package suffix

import (
	"bytes"
	_ "embed"
	"strings"
	"sync"
)

//go:embed rules.txt
var text string

const (
	plain     = 1 << iota // the name is a suffix
	wildcard              // every name one label longer is
	exception             // the name is none, whatever the wildcard says
)

var rules = sync.OnceValue(func() map[string]uint8 {
	m := make(map[string]uint8, 12_000)
	for rule := range strings.Lines(text) {
		rule = strings.TrimSuffix(rule, "\n")
		switch {
		case strings.HasPrefix(rule, "//"):
		case strings.HasPrefix(rule, "!"):
			m[rule[1:]] |= exception
		case strings.HasPrefix(rule, "*."):
			m[rule[2:]] |= wildcard
		default:
			m[rule] |= plain
		}
	}
	return m
})

// Registered returns where in name the registered domain begins: the public suffix and one label more. name is in lower case,
// in Punycode, without a final dot. It returns -1 if name is a public suffix itself, or empty. A top level that the list does not know is a suffix.
// It does not allocate, but for the first call.
func Registered(name []byte) int {
	m := rules()
	// Suffixes from the shortest on; the longest that a rule fits counts.
	all, start := suffixOf(name, m)
	if all || start <= 0 {
		return -1
	}
	return bytes.LastIndexByte(name[:start-1], '.') + 1
}

// suffixOf returns where the public suffix of name begins, and whether that is all of it.
func suffixOf(name []byte, m map[string]uint8) (all bool, start int) {
	if len(name) == 0 {
		return true, 0
	}
	best := bytes.LastIndexByte(name, '.') + 1
	parentWild := false
	for at := best; ; {
		kind := m[string(name[at:])]
		if kind&exception != 0 {
			best = at + bytes.IndexByte(name[at:], '.') + 1 // one label less
			break
		}
		if kind&plain != 0 || parentWild {
			best = at
		}
		parentWild = kind&wildcard != 0
		if at == 0 {
			break
		}
		at = bytes.LastIndexByte(name[:at-1], '.') + 1
	}
	return best == 0, best
}

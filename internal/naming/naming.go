// Package naming reads what sensors call protocols and applications. It remembers names, so that a record with no new
// name costs no allocation.
package naming

import (
	"bytes"

	"threatdetect/features"
	"threatdetect/internal/decimal"
)

// Names reads names. The zero value is ready. It has one owner.
type Names struct {
	interner features.Interner
	apps     [16]knownApp
	protos   [4]knownProto
	lower    []byte
}

// knownApp is a text that names applications and what it means, knownProto one that names a protocol.
type knownApp struct {
	text [24]byte
	size uint8
	app  features.App
	name string
}

type knownProto struct {
	text  [12]byte
	size  uint8
	class features.Proto
	ports bool
	name  string
}

// Proto reads a transport protocol, a name in any case or an IANA number as digits. It returns the class, the name in lower
// case, and whether the protocol has ports. ok is false for a number that no protocol can have.
func (n *Names) Proto(text []byte) (class features.Proto, name string, ports, ok bool) {
	if len(text) == 0 {
		return n.proto(text)
	}
	k := &n.protos[(int(text[0])+len(text))%len(n.protos)]
	if string(k.text[:k.size]) == string(text) {
		return k.class, k.name, k.ports, true
	}
	if class, name, ports, ok = n.proto(text); ok && len(text) <= len(k.text) {
		k.size = uint8(copy(k.text[:], text))
		k.class, k.ports, k.name = class, ports, name
	}
	return class, name, ports, ok
}

func (n *Names) proto(text []byte) (class features.Proto, name string, ports, ok bool) {
	n.lower = n.lower[:0]
	for _, b := range text {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		n.lower = append(n.lower, b)
	}
	name = n.interner.String(n.lower)
	number, numeric := decimal.Count(text)
	switch {
	case !numeric && len(text) > 0 && len(bytes.Trim(text, "0123456789")) == 0: // digits, but more than a number holds
		return 0, "", false, false
	case !numeric:
		class, ports = features.ProtoByName(name)
	case number > 255:
		return 0, "", false, false
	default:
		class, ports = features.ProtoByNumber(uint8(number))
	}
	return class, name, ports, true
}

// Apps returns the class and the name of what [features.ParseApps] finds in the text.
func (n *Names) Apps(text []byte) (features.App, string) {
	if len(text) == 0 {
		return features.AppNone, ""
	}
	k := &n.apps[(len(text)*5+int(text[0]))%len(n.apps)]
	if string(k.text[:k.size]) == string(text) {
		return k.app, k.name
	}
	app, name := features.ParseApps(text, &n.interner)
	if len(text) <= len(k.text) {
		k.size = uint8(copy(k.text[:], text))
		k.app, k.name = app, name
	}
	return app, name
}

// Label reads the verdict of whoever labelled a log: benign or normal, malicious or attack, in any case.
// Anything else is no verdict.
func Label(text []byte) features.Label {
	switch {
	case wordIs(text, "benign"), wordIs(text, "normal"):
		return features.Benign
	case wordIs(text, "malicious"), wordIs(text, "attack"):
		return features.Attack
	}
	return features.Unlabelled
}

// wordIs reports whether b is the lower-case word in any case.
func wordIs(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

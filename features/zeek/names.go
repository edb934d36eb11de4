package zeek

import (
	"bytes"
	"net/netip"

	"threatdetect/features"
	"threatdetect/internal/decimal"
	"threatdetect/internal/ipaddr"
)

// deriver turns records into flows. It remembers names, so that a record with no new name costs no allocation.
type deriver struct {
	names     features.Interner
	services  [16]knownService
	lower     []byte
	wantLabel bool
}

// knownService is a text of the service column and what it means.
type knownService struct {
	text [24]byte
	size uint8
	app  features.App
	name string
}

// proto reads the protocol, a name or an IANA number, and says whether it has ports.
func (d *deriver) proto(f *features.Flow, c *cell) (ports, ok bool) {
	if !c.isText() {
		return false, false
	}
	switch string(c.text) {
	case "tcp":
		f.Proto, f.ProtoName = features.ProtoTCP, "tcp"
		return true, true
	case "udp":
		f.Proto, f.ProtoName = features.ProtoUDP, "udp"
		return true, true
	case "icmp":
		f.Proto, f.ProtoName = features.ProtoICMP, "icmp"
		return false, true
	}
	d.lower = d.lower[:0]
	for _, b := range c.text {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		d.lower = append(d.lower, b)
	}
	f.ProtoName = d.names.String(d.lower)
	n, numeric := decimal.Count(c.text)
	switch {
	case !numeric && len(c.text) > 0 && len(bytes.Trim(c.text, "0123456789")) == 0: // digits, but more than a number holds
		return false, false
	case !numeric:
		f.Proto, ports = features.ProtoByName(f.ProtoName)
	case n > 255:
		return false, false
	default:
		f.Proto, ports = features.ProtoByNumber(uint8(n))
	}
	return ports, true
}

// service finds the class of the detected protocols.
func (d *deriver) service(f *features.Flow, c *cell) fault {
	f.App = features.AppNone
	if c.kind == kindUnset {
		return sound
	}
	if !c.isText() {
		return fault{colService, features.ReasonNumber}
	}
	if len(c.text) == 0 {
		return sound
	}
	k := &d.services[(len(c.text)*5+int(c.text[0]))%len(d.services)]
	if string(k.text[:k.size]) == string(c.text) {
		f.App, f.AppName = k.app, k.name
		return sound
	}
	f.App, f.AppName = features.ParseApps(c.text, &d.names)
	if len(c.text) <= len(k.text) {
		k.size = uint8(copy(k.text[:], c.text))
		k.app, k.name = f.App, f.AppName
	}
	return sound
}

// label reads the verdict of whoever labelled the log. No text in it is a fault.
func (d *deriver) label(f *features.Flow, c *cell) {
	if c.kind == kindUnset || c.kind == kindNested {
		return
	}
	switch {
	case wordIs(c.text, "benign"), wordIs(c.text, "normal"):
		f.Label = features.Benign
	case wordIs(c.text, "malicious"), wordIs(c.text, "attack"):
		f.Label = features.Attack
	}
	if d.wantLabel {
		f.LabelText = c.text
	}
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

func address(c *cell) (netip.Addr, bool) {
	if !c.isText() {
		return netip.Addr{}, false
	}
	return ipaddr.Parse(c.text)
}

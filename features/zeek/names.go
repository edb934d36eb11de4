package zeek

import (
	"net/netip"

	"threatdetect/features"
	"threatdetect/internal/ipaddr"
	"threatdetect/internal/naming"
)

// deriver turns records into flows.
type deriver struct {
	names     naming.Names
	addresses ipaddr.Cache
	wantLabel bool
}

// proto reads the protocol, a name or an IANA number, and says whether it has ports.
func (d *deriver) proto(f *features.Flow, c *cell) (ports, ok bool) {
	if c.isText() {
		f.Proto, f.ProtoName, ports, ok = d.names.Proto(c.text)
	}
	return ports, ok
}

// service finds the class of the detected protocols.
func (d *deriver) service(f *features.Flow, c *cell) fault {
	if c.kind == kindUnset {
		return sound
	}
	if !c.isText() {
		return fault{colService, features.ReasonNumber}
	}
	f.App, f.AppName = d.names.Apps(c.text)
	return sound
}

// label reads the verdict of whoever labelled the log. No text in it is a fault.
func (d *deriver) label(f *features.Flow, c *cell) {
	if c.kind == kindUnset || c.kind == kindNested {
		return
	}
	f.Label = naming.Label(c.text)
	if d.wantLabel {
		f.LabelText = c.text
	}
}

func (d *deriver) address(c *cell) (netip.Addr, bool) {
	if !c.isText() {
		return netip.Addr{}, false
	}
	return d.addresses.Parse(c.text)
}

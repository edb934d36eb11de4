package trafficgen

import (
	"fmt"
	"math/bits"
	"strings"
)

// Format is the form of a log.
type Format uint8

// The formats of a Writer.
const (
	TSV  Format = iota // Zeek's ASCII writer
	JSON               // one object per line
	EVE                // Suricata's events
)

// String returns "tsv", "json" or "eve".
func (f Format) String() string {
	switch f {
	case TSV:
		return "tsv"
	case JSON:
		return "json"
	case EVE:
		return "eve"
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// ParseFormat returns the format with the given name.
func ParseFormat(name string) (Format, error) {
	for f := TSV; f <= EVE; f++ {
		if f.String() == name {
			return f, nil
		}
	}
	return 0, fmt.Errorf("trafficgen: unknown format %q", name)
}

// Quirk is a set of properties that real logs have and that a reader has to
// cope with. None of them makes a line invalid.
//
// Quirks of one group exclude each other on a line: the names
// (QuirkScopeUnderscore, QuirkRenamed), the label columns (QuirkLabelsBlanks,
// QuirkLabelsTabs) and the times (QuirkTimeMillis, QuirkTimeISO). Where several
// of a group are on they take turns, line by line in JSON, header by header in
// TSV. A quirk of the other format has no effect.
type Quirk uint32

// The quirks.
const (
	QuirkRestart          Quirk = 1 << iota // TSV: further headers inside the file, with other columns in another order
	QuirkNoClose                            // TSV: no #close at the end
	QuirkComments                           // TSV: comment lines
	QuirkCRLF                               // lines end with CR LF
	QuirkBOM                                // the file begins with a UTF-8 byte order mark
	QuirkBlankLines                         // empty lines between records
	QuirkNoFinalNewline                     // nothing after the last line
	QuirkLabelsBlanks                       // TSV: label and detailed-label joined to tunnel_parents by three blanks (IoT-23)
	QuirkLabelsTabs                         // columns or keys label and detailedlabel
	QuirkOld                                // no ip_proto, table[string], empty instead of unset tunnel_parents
	QuirkScopeUnderscore                    // id_orig_h instead of id.orig_h
	QuirkRenamed                            // src, src_port, dst, dst_port instead of id.*
	QuirkNoLocal                            // local_orig and local_resp are unset
	QuirkExtraColumns                       // vlan, orig_l2_addr, resp_l2_addr
	QuirkEscapes                            // a string column sensor with escaped bytes
	QuirkServiceOrder                       // several services in varying order
	QuirkServiceMinus                       // services with a leading "-"
	QuirkUnknownTransport                   // some pings become datagrams of GRE: proto unknown_transport
	QuirkMixedLogs                          // rows of dns.log in between (counted as Other)
	QuirkDuplicates                         // some lines come twice
	QuirkLate                               // some lines, mostly of long flows, come late
	QuirkTimeMillis                         // JSON: ts in whole milliseconds
	QuirkTimeISO                            // JSON: ts as ISO 8601 text
	QuirkFloatNoise                         // JSON: durations with the noise of binary fractions
	QuirkPathKeys                           // JSON: _path, _system_name, _write_ts
	QuirkOldEvents                          // EVE: without tcp_flags_ts and tcp_flags_tc, as old versions

	numQuirks = iota

	QuirksAll Quirk = 1<<numQuirks - 1
)

var quirkNames = [numQuirks]string{
	"restart", "no-close", "comments", "crlf", "bom", "blank-lines",
	"no-final-newline", "labels-blanks", "labels-tabs", "old",
	"scope-underscore", "renamed", "no-local", "extra-columns", "escapes",
	"service-order", "service-minus", "unknown-transport", "mixed-logs",
	"duplicates", "late", "time-millis", "time-iso", "float-noise", "path-keys", "old-events",
}

// QuirkNames returns the names that ParseQuirks knows, without "all".
func QuirkNames() []string { return append([]string(nil), quirkNames[:]...) }

// String returns the names in q, joined by commas; "none" when it is empty.
func (q Quirk) String() string {
	var list []string
	for i, name := range quirkNames {
		if q&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	if rest := q &^ QuirksAll; rest != 0 {
		list = append(list, fmt.Sprintf("Quirk(%#x)", uint32(rest)))
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ",")
}

// ParseQuirks reads names joined by commas. "all" stands for all quirks, and a
// name with a leading "-" takes one away: "all,-crlf".
func ParseQuirks(text string) (Quirk, error) {
	var q Quirk
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		bare, remove := strings.CutPrefix(name, "-")
		var one Quirk
		switch bare {
		case "", "none":
			continue
		case "all":
			one = QuirksAll
		default:
			for i, n := range quirkNames {
				if n == bare {
					one = 1 << i
				}
			}
			if one == 0 {
				return 0, fmt.Errorf("trafficgen: unknown quirk %q", bare)
			}
		}
		if remove {
			q &^= one
		} else {
			q |= one
		}
	}
	return q, nil
}

// turn returns which of the quirks in group is used for the nth line or header:
// the only one that is on, or each in its turn; 0 when none is on.
func (q Quirk) turn(group Quirk, n int64) Quirk {
	on := q & group
	if on == 0 {
		return 0
	}
	for skip := n % int64(bits.OnesCount32(uint32(on))); skip > 0; skip-- {
		on &= on - 1
	}
	return on & -on
}

const (
	groupNames  = QuirkScopeUnderscore | QuirkRenamed
	groupLabels = QuirkLabelsBlanks | QuirkLabelsTabs
	groupTimes  = QuirkTimeMillis | QuirkTimeISO
)

// sensors are values of the string column that QuirkEscapes adds, as the two
// formats write them; "" means unset.
var sensors = [...]struct{ tsv, json string }{
	{`north\x09tap`, `north\\x09tap`},
	{`\x2d`, `-`},
	{`\x28empty)`, `(empty)`},
	{`(empty)`, ``},
	{`c:\\taps\\1`, `c:\\taps\\1`},
	{`\x23three`, `#three`},
	{`caf\xc3\xa9`, `café`},
	{`café`, `café`},
	{`bad\xffbyte`, `bad\\xffbyte`},
	{`say "hi"`, `say \"hi\"`},
	{``, ``},
	{`eth0`, `eth0`},
}

package auto

import (
	"bytes"
	"net/netip"
)

// Format is the format of a log. Its text is the name that the command line uses.
type Format string

// The formats.
const (
	Unknown    Format = ""
	Zeek       Format = "zeek"      // Zeek conn log, TSV or JSON
	EVE        Format = "eve"       // Suricata EVE
	VPCFlow    Format = "vpcflow"   // AWS VPC flow log
	NetFlow    Format = "netflow"   // NetFlow, IPFIX or sFlow as text: nfdump, pmacct, goflow2
	Binetflow  Format = "binetflow" // Argus, as in CTU-13
	CICFlow    Format = "cicflow"   // CICFlowMeter
	UNSW       Format = "unsw"      // UNSW-NB15, partition or raw
	NSLKDD     Format = "nslkdd"    // NSL-KDD and KDD'99
	numFormats        = 8
)

var formats = [numFormats]Format{Zeek, EVE, VPCFlow, NetFlow, Binetflow, CICFlow, UNSW, NSLKDD}

// Formats returns all formats, in the order in which they are tried.
func Formats() []Format { return append([]Format(nil), formats[:]...) }

// ParseFormat returns the format of a name. "auto" and the empty name are Unknown: to be told from the log.
func ParseFormat(name string) (f Format, ok bool) {
	if name == "" || name == "auto" {
		return Unknown, true
	}
	for _, f := range formats {
		if name == string(f) {
			return f, true
		}
	}
	return Unknown, false
}

// Detect tells the format of a log from its beginning, uncompressed, and says by what. It wants at least one whole line;
// a few kilobytes are plenty. White space, a byte order mark and comments at the beginning do not matter.
//
//	first line                                      format
//	PAR1, the first bytes of a Parquet file         vpcflow
//	#separator or #fields                           zeek
//	{ with peer_ip_src, ip_src (pmacct)             netflow
//	{ with the key event_type                       eve
//	{ with id.orig_h, id_orig_h, _path, conn_state  zeek
//	{ with sampler_address, time_received_ns        netflow
//	{ or [ with src4_addr, src6_addr (nfdump)       netflow
//	{ or [ with srcaddr                             vpcflow
//	the words srcaddr and dstaddr                   vpcflow
//	version, account, interface; or 14 words        vpcflow
//	header with StartTime                           binetflow
//	header of nfdump                                netflow
//	header with Flow Duration                       cicflow
//	header with dur and proto, or with srcip        unsw
//	49 fields, the first an IPv4 address            unsw
//	42 or 43 fields, the second tcp, udp or icmp    nslkdd
//
// It returns Unknown if nothing fits.
func Detect(head []byte) (f Format, by string) {
	if bytes.HasPrefix(head, []byte(parquetMagic)) {
		return VPCFlow, "the first bytes of a Parquet file"
	}
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	var line []byte
	for json := false; len(head) > 0; {
		line, head, _ = bytes.Cut(head, []byte("\n"))
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case line[0] == '#':
			for _, word := range [...]string{"#separator", "#fields"} {
				if bytes.HasPrefix(line, []byte(word)) {
					return Zeek, word
				}
			}
		case json || line[0] == '{' || line[0] == '[':
			// The first line may be damaged, or the object may go over several lines: the next tells as well.
			json = true
			f, by := detectJSON(line)
			if whole := line[0] == '{' && line[len(line)-1] == '}'; f == EVE && !whole {
				// EVE has one event a line, pmacct's objects may go over several, of which others tell.
				if g, by := detectJSON(head); g == NetFlow {
					return g, by
				}
			}
			if f != Unknown {
				return f, by
			}
		default:
			if f, by := detectWords(line); f != Unknown {
				return f, by
			}
			return detectCSV(line)
		}
	}
	return Unknown, ""
}

// jsonKeys are keys that only one format has, in the order in which they decide.
var jsonKeys = [...]struct {
	key    string
	format Format
}{
	// pmacct writes event_type as well, and EVE none of pmacct's.
	{"peer_ip_src", NetFlow}, {"ip_src", NetFlow}, {"event_type", EVE}, {"id.orig_h", Zeek}, {"id_orig_h", Zeek}, {"_path", Zeek}, {"conn_state", Zeek},
	{"sampler_address", NetFlow}, {"time_received_ns", NetFlow},
	{"src4_addr", NetFlow}, {"src6_addr", NetFlow}, {"export_sysid", NetFlow}, {"srcaddr", VPCFlow},
}

func detectJSON(line []byte) (Format, string) {
	for _, k := range jsonKeys {
		if hasKey(line, k.key) {
			return k.format, "the key " + k.key
		}
	}
	return Unknown, ""
}

// hasKey reports whether the key, in quotes and before a colon, is somewhere in b.
func hasKey(b []byte, key string) bool {
	quoted := []byte(`"` + key + `"`)
	for {
		i := bytes.Index(b, quoted)
		if i < 0 {
			return false
		}
		b = b[i+len(quoted):]
		if rest := bytes.TrimLeft(b, " \t"); len(rest) > 0 && rest[0] == ':' {
			return true
		}
	}
}

// detectWords recognises the formats whose fields are separated by blanks.
func detectWords(line []byte) (Format, string) {
	if bytes.Contains(line, []byte("srcaddr")) && bytes.Contains(line, []byte("dstaddr")) {
		return VPCFlow, "a header with srcaddr and dstaddr"
	}
	words := bytes.Fields(line)
	if len(words) == 14 {
		return VPCFlow, "14 words"
	}
	if len(words) < 3 || len(words[0]) != 1 || words[0][0] < '2' || words[0][0] > '9' || !digits(words[1]) || len(words[1]) < 6 ||
		len(words[1]) > 12 {
		return Unknown, ""
	}
	if bytes.HasPrefix(words[2], []byte("eni-")) || words[2][0] == '-' {
		return VPCFlow, "version, account and interface"
	}
	return Unknown, ""
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// detectCSV recognises a header by its names and a row by its shape.
func detectCSV(line []byte) (Format, string) {
	separator := []byte(",")
	if !bytes.Contains(line, separator) {
		separator = []byte("\t") // one of the two forms of binetflow
	}
	cells := bytes.Split(line, separator)
	has := make(map[string]bool, len(cells))
	for i, c := range cells {
		cells[i] = bytes.ToLower(bytes.Trim(c, " \t\""))
		has[string(cells[i])] = true
	}
	switch {
	case has["starttime"]:
		return Binetflow, "a header with StartTime"
	case has["ts"] && has["te"] && has["td"] && has["sa"], has["firstseen"] && (has["cnt"] && has["af"] || has["duration"]):
		return NetFlow, "a header of nfdump"
	case has["flow duration"], has["flow_duration"]:
		return CICFlow, "a header with Flow Duration"
	case has["dur"] && has["proto"]:
		return UNSW, "a header with dur and proto"
	case has["srcip"]:
		return UNSW, "a header with srcip"
	case len(cells) == 49 && ipv4(cells[0]):
		return UNSW, "49 fields, the first an address"
	case len(cells) == 42 || len(cells) == 43:
		switch string(cells[1]) {
		case "tcp", "udp", "icmp":
			return NSLKDD, "the second of 42 or 43 fields"
		}
	}
	return Unknown, ""
}

func ipv4(b []byte) bool {
	a, err := netip.ParseAddr(string(b))
	return err == nil && a.Is4()
}

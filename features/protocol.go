package features

// Proto is the class of a transport protocol.
type Proto uint8

// The classes that the feature sets distinguish. Both versions of ICMP are one class.
const (
	ProtoOther Proto = iota
	ProtoTCP
	ProtoUDP
	ProtoICMP
)

func (p Proto) String() string { return [...]string{"other", "tcp", "udp", "icmp"}[p&3] }

// portProtocols are the protocols besides TCP and UDP whose header begins with two ports: by name and IANA number.
var portProtocols = map[string]uint8{"sctp": 132, "dccp": 33, "udplite": 136}

// ProtoByNumber returns the class of an IANA protocol number and whether the protocol has ports.
func ProtoByNumber(n uint8) (class Proto, ports bool) {
	switch n {
	case 6:
		return ProtoTCP, true
	case 17:
		return ProtoUDP, true
	case 1, 58:
		return ProtoICMP, false
	case 33, 132, 136:
		return ProtoOther, true
	}
	return ProtoOther, false
}

// ProtoByName returns the class of a protocol name in lower case, and whether the protocol has ports. Names that
// are not known are ProtoOther.
func ProtoByName(name string) (class Proto, ports bool) {
	switch name {
	case "tcp":
		return ProtoTCP, true
	case "udp":
		return ProtoUDP, true
	case "icmp", "icmp6", "icmpv6", "ipv6-icmp":
		return ProtoICMP, false
	}
	_, ports = portProtocols[name]
	return ProtoOther, ports
}

// App is the class of a detected application protocol.
type App uint8

// The classes in their order, which also decides between several protocols of one flow. AppNone means that none was
// detected; AppOther is a protocol that has no class of its own.
const (
	AppNone App = iota
	AppDNS
	AppHTTP
	AppQUIC
	AppTLS
	AppSSH
	AppSMTP
	AppFTP
	AppFTPData
	AppPOP3
	AppIMAP
	AppSMB
	AppRDP
	AppDHCP
	AppNTP
	AppSNMP
	AppIRC
	AppRadius
	AppOther
	numApp
)

var appNames = [numApp]string{"none", "dns", "http", "quic", "tls", "ssh", "smtp", "ftp", "ftp-data", "pop3", "imap", "smb", "rdp", "dhcp",
	"ntp", "snmp", "irc", "radius", "other"}

func (a App) String() string {
	if a >= numApp {
		return "none"
	}
	return appNames[a]
}

// appByName holds the classes by their names and the aliases that sensors use for them.
var appByName = func() map[string]App {
	m := map[string]App{"ssl": AppTLS, "https": AppTLS, "http2": AppHTTP, "ftp_data": AppFTPData}
	for a := AppDNS; a < AppOther; a++ {
		m[appNames[a]] = a
	}
	return m
}()

// expectedPorts are the destination ports on which a class of application is at home.
var expectedPorts = [numApp][]uint16{
	AppDNS: {53}, AppHTTP: {80, 3128, 8000, 8008, 8080, 8888}, AppQUIC: {443}, AppTLS: {443, 465, 636, 853, 990, 993, 995, 8443},
	AppSSH: {22}, AppSMTP: {25, 465, 587}, AppFTP: {21}, AppFTPData: {20}, AppPOP3: {110}, AppIMAP: {143}, AppSMB: {139, 445},
	AppRDP: {3389}, AppDHCP: {67, 68}, AppNTP: {123}, AppSNMP: {161, 162}, AppIRC: {194, 6667, 6697}, AppRadius: {1812, 1813},
}

// ParseApps returns the class and the name of the application protocol that the text names: protocols separated by
// commas, in any order and case. Parts that begin with '-' (a detection that was withdrawn), empty parts and "failed"
// do not count. Of several the first in the order of the classes is taken, then bytewise.
//
// The name is "" for AppNone. It is interned in names, which keeps a bounded number of strings; names may be nil.
func ParseApps(text []byte, names *Interner) (App, string) {
	best, bestName := AppNone, ""
	var buf [64]byte
	for start := 0; start <= len(text); {
		end := start
		for end < len(text) && text[end] != ',' {
			end++
		}
		part := lowerTrim(buf[:0], text[start:end])
		start = end + 1
		if len(part) == 0 || part[0] == '-' || string(part) == "failed" {
			continue
		}
		app, ok := appByName[string(part)]
		switch {
		case ok && (best == AppNone || app < best):
			best, bestName = app, appNames[app]
		case !ok && (best == AppNone || best == AppOther && string(part) < bestName):
			best, bestName = AppOther, names.String(part)
		}
	}
	return best, bestName
}

// lowerTrim appends b to dst without the blanks around it and with ASCII letters in lower case.
func lowerTrim(dst, b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// Interner returns one string for equal byte slices, so that a reader allocates for a new name only. It keeps at
// most 4,096 names of at most 64 bytes: what an attacker can choose must not fill memory. The zero value is ready; a nil
// Interner copies. It has one owner.
type Interner struct{ names map[string]string }

const (
	maxInterned   = 4096
	maxInternedAt = 64 // bytes of one name
)

// String returns b as a string.
func (in *Interner) String(b []byte) string {
	if in == nil || len(b) > maxInternedAt {
		return string(b)
	}
	if s, ok := in.names[string(b)]; ok {
		return s
	}
	s := string(b)
	if in.names == nil {
		in.names = make(map[string]string)
	}
	if len(in.names) < maxInterned {
		in.names[s] = s
	}
	return s
}

package trafficgen

import "fmt"

// Kind says what a flow was made for. Kinds from HorizontalScan on are attacks.
type Kind uint8

// The kinds of traffic.
const (
	Web       Kind = iota // browsing and uploads over http, tls and quic
	DNS                   // name resolution, by clients and by the resolver
	Mail                  // smtp, imap, pop3
	FileShare             // smb to the file server
	Directory             // kerberos and ldap to the directory server
	Admin                 // ssh, rdp and some telnet by administrators and their tools
	Print                 // jobs and status queries to printers
	Call                  // voice and video over udp
	Backup                // nightly, hourly and off-site copies
	Update                // software updates
	Telemetry             // devices and programs that report home
	NTP                   // time synchronisation
	DHCP                  // address leases
	Ping                  // icmp echo by people and programs
	Monitor               // health checks and inventory sweeps
	Discovery             // mdns, llmnr, ssdp, netbios
	Tunnel                // teredo and the flows inside it
	Stray                 // connections seen from the middle, leftovers, backscatter

	HorizontalScan // one port on many addresses
	VerticalScan   // many ports on one address
	SSHBruteForce  // password guessing over ssh
	SYNFlood       // half-open connections to one service
	TelnetWorm     // an infected device that looks for others on ports 23 and 2323
	Beacon         // periodic calls to a command server
	Exfiltration   // data leaving the site
	DNSTunnel      // data inside name lookups

	numKinds
)

const firstAttack = HorizontalScan

var kindNames = [numKinds]string{
	"web", "dns", "mail", "file-share", "directory", "admin", "print", "call",
	"backup", "update", "telemetry", "ntp", "dhcp", "ping", "monitor",
	"discovery", "tunnel", "stray",
	"horizontal-scan", "vertical-scan", "ssh-brute-force", "syn-flood",
	"telnet-worm", "beacon", "exfiltration", "dns-tunnel",
}

// String returns the name used in labels and flags.
func (k Kind) String() string {
	if k < numKinds {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Malicious reports whether k is an attack.
func (k Kind) Malicious() bool { return k >= firstAttack && k < numKinds }

// Label returns "Malicious" for attacks and "Benign" for the rest.
func (k Kind) Label() string {
	if k.Malicious() {
		return "Malicious"
	}
	return "Benign"
}

// Detail returns the detailed label: the name of an attack, "-" for benign traffic.
func (k Kind) Detail() string {
	if k.Malicious() {
		return k.String()
	}
	return "-"
}

// Kinds returns all kinds, benign ones first.
func Kinds() []Kind {
	ks := make([]Kind, numKinds)
	for i := range ks {
		ks[i] = Kind(i)
	}
	return ks
}

// Attacks returns the kinds that are attacks.
func Attacks() []Kind { return Kinds()[firstAttack:] }

// ParseKind returns the kind with the given name.
func ParseKind(name string) (Kind, error) {
	for i, n := range kindNames {
		if n == name {
			return Kind(i), nil
		}
	}
	return 0, fmt.Errorf("trafficgen: unknown kind %q", name)
}

package features

import "net/netip"

// MaxJoined is how many records of one kind are kept for one connection; see [Joined].
const MaxJoined = 64

// Joined is what the other logs of a sensor say about a connection: its DNS queries, HTTP requests, TLS handshake, files and
// alerts. Each list is in the order of its log and holds at most [MaxJoined] records; Dropped counts what is beyond.
//
// A reader fills it only if it was asked to join, see [Set.Joins]. Once yielded it never changes, so it may be kept and
// shared, unlike the flow that points to it.
type Joined struct {
	DNS     []DNSInfo
	HTTP    []HTTPInfo
	TLS     *TLSInfo // the first handshake
	Files   []FileInfo
	Alerts  []AlertInfo
	Dropped int
}

// DNSInfo is one DNS query and, where Answered, the reply to it.
type DNSInfo struct {
	Time     int64  // of the query, nanoseconds since the Unix epoch
	ID       uint16 // of the transaction
	Query    string // the name as it was asked for, case included; empty if it is not known
	Type     uint16 // of the question, such as 1 for A; 0 if it is not known
	Answered bool   // a reply was seen: RCode, AA, TC, RA and what follows them mean something
	RCode    uint16
	AA       bool
	TC       bool
	RD       bool
	RA       bool
	Rejected bool         // Zeek: the server refused the question
	RTT      int64        // time from the query to the reply, nanoseconds; 0 if it is not known
	Answers  []string     // the data of the resource records of the answer
	Addrs    []netip.Addr // those of Answers that are addresses
	HasTTL   bool
	MinTTL   uint32 // least time to live of Answers, seconds
}

// HTTPInfo is one HTTP request and, where Status is not 0, the reply to it. A text is empty if it is not known.
type HTTPInfo struct {
	Time      int64  // of the request, nanoseconds since the Unix epoch
	Depth     uint32 // how many requests of the connection this one is, from 1; 0 if it is not known
	Method    string
	Host      string
	URI       string
	UserAgent string
	Referrer  string
	MIMEType  string // of the reply's body
	Status    uint16
	Request   uint64 // bytes of the request's body
	Response  uint64 // bytes of the reply's body
}

// TLSInfo is a TLS handshake, with what is known of the server's certificate. A text is empty if it is not known.
type TLSInfo struct {
	Time       int64  // nanoseconds since the Unix epoch
	Version    string // as the sensor writes it: "TLSv12", "TLS 1.2"
	Cipher     string
	Curve      string
	ServerName string // SNI
	ALPN       string // the protocol that was agreed on
	JA3        string // hashes
	JA3S       string
	JA4        string
	Validation string // Zeek's validation_status

	Resumed, Established           bool
	ResumedKnown, EstablishedKnown bool

	Subject, Issuer     string
	Chain               int   // certificates that the server sent, 0 if that is not known
	NotBefore, NotAfter int64 // of the server's certificate, where Dated; nanoseconds since the Unix epoch
	Dated               bool
	KeyBits             uint32 // 0 if it is not known
	AltNames            int    // DNS names in the certificate
}

// FileInfo is one file that was seen in the connection.
type FileInfo struct {
	Time     int64  // nanoseconds since the Unix epoch
	Source   string // the protocol it was seen in, as the sensor writes it
	MIMEType string
	Bytes    uint64 // seen
	Missing  uint64 // bytes
	FromSrc  bool   // sent by the initiator, where Directed
	Directed bool
}

// AlertInfo is one alert that a rule raised. It is a weak label: a model must not read what it is to predict.
type AlertInfo struct {
	Time      int64 // nanoseconds since the Unix epoch
	Generator uint32
	Signature uint32 // number of the rule
	Revision  uint32
	Severity  uint8 // 1 is the worst; 0 if it is not known
	Blocked   bool
	Text      string // of the rule
	Category  string
}

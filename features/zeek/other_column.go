package zeek

// otherColumn is a column of a log that is joined.
type otherColumn uint8

const (
	otherTS otherColumn = iota
	otherUID
	otherTransID
	otherRTT
	otherQuery
	otherQType
	otherQTypeName
	otherRCode
	otherRCodeName
	otherAA
	otherTC
	otherRD
	otherRA
	otherAnswers
	otherTTLs
	otherRejected
	otherDepth
	otherMethod
	otherHost
	otherURI
	otherReferrer
	otherUserAgent
	otherRequestLen
	otherResponseLen
	otherStatus
	otherMIMETypes
	otherVersion
	otherCipher
	otherCurve
	otherServerName
	otherResumed
	otherEstablished
	otherALPN
	otherValidation
	otherSubject
	otherIssuer
	otherOldIssuer
	otherNotBefore
	otherNotAfter
	otherJA3
	otherJA3S
	otherJA4
	otherChain
	otherOldChain
	otherFile
	otherConnUIDs
	otherSource
	otherMIMEType
	otherSeen
	otherMissing
	otherFromOrig
	otherID
	otherFingerprint
	otherCertSubject
	otherCertIssuer
	otherCertNotBefore
	otherCertNotAfter
	otherCertBits
	otherAltNames
	numOther
)

var otherNames = [numOther]string{
	otherTS: "ts", otherUID: "uid", otherTransID: "trans_id", otherRTT: "rtt", otherQuery: "query", otherQType: "qtype", otherQTypeName: "qtype_name",
	otherRCode: "rcode", otherRCodeName: "rcode_name", otherAA: "AA", otherTC: "TC", otherRD: "RD", otherRA: "RA", otherAnswers: "answers",
	otherTTLs: "TTLs", otherRejected: "rejected", otherDepth: "trans_depth", otherMethod: "method", otherHost: "host", otherURI: "uri",
	otherReferrer: "referrer", otherUserAgent: "user_agent", otherRequestLen: "request_body_len", otherResponseLen: "response_body_len",
	otherStatus: "status_code", otherMIMETypes: "resp_mime_types", otherVersion: "version", otherCipher: "cipher", otherCurve: "curve",
	otherServerName: "server_name", otherResumed: "resumed", otherEstablished: "established", otherALPN: "next_protocol",
	otherValidation: "validation_status", otherSubject: "subject", otherIssuer: "issuer", otherOldIssuer: "issuer_subject",
	otherNotBefore: "not_valid_before", otherNotAfter: "not_valid_after", otherJA3: "ja3", otherJA3S: "ja3s", otherJA4: "ja4",
	otherChain: "cert_chain_fps", otherOldChain: "cert_chain_fuids", otherFile: "fuid", otherConnUIDs: "conn_uids", otherSource: "source",
	otherMIMEType: "mime_type", otherSeen: "seen_bytes", otherMissing: "missing_bytes", otherFromOrig: "is_orig", otherID: "id",
	otherFingerprint: "fingerprint", otherCertSubject: "certificate.subject", otherCertIssuer: "certificate.issuer",
	otherCertNotBefore: "certificate.not_valid_before", otherCertNotAfter: "certificate.not_valid_after", otherCertBits: "certificate.key_length",
	otherAltNames: "san.dns",
}

var otherByName = func() map[string]otherColumn {
	m := make(map[string]otherColumn, numOther)
	for c, name := range otherNames {
		m[name] = otherColumn(c)
	}
	return m
}()

// telling are columns that only one log has, for JSON records that do not say which they are of.
var telling = [...]struct {
	column otherColumn
	path   string
}{
	{otherFile, "files"}, {otherCertSubject, "x509"}, {otherTransID, "dns"}, {otherQType, "dns"}, {otherDepth, "http"}, {otherCipher, "ssl"},
	{otherServerName, "ssl"}, {otherEstablished, "ssl"},
}

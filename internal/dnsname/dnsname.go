// Package dnsname knows the numbers of DNS record types and response codes, which sensors write as names.
package dnsname

import "strconv"

// types are the record types that sensors name, but for those that are written as TYPE and a number.
var types = map[string]uint16{
	"A": 1, "NS": 2, "MD": 3, "MF": 4, "CNAME": 5, "SOA": 6, "MB": 7, "MG": 8, "MR": 9, "NULL": 10, "WKS": 11, "PTR": 12, "HINFO": 13, "MINFO": 14,
	"MX": 15, "TXT": 16, "RP": 17, "AFSDB": 18, "X25": 19, "ISDN": 20, "RT": 21, "NSAP": 22, "NSAPPTR": 23, "SIG": 24, "KEY": 25, "PX": 26, "GPOS": 27,
	"AAAA": 28, "LOC": 29, "NXT": 30, "SRV": 33, "ATMA": 34, "NAPTR": 35, "KX": 36, "CERT": 37, "A6": 38, "DNAME": 39, "OPT": 41, "APL": 42, "DS": 43,
	"SSHFP": 44, "IPSECKEY": 45, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "DHCID": 49, "NSEC3": 50, "NSEC3PARAM": 51, "TLSA": 52, "HIP": 55, "CDS": 59,
	"CDNSKEY": 60, "SVCB": 64, "HTTPS": 65, "SPF": 99, "TKEY": 249, "TSIG": 250, "IXFR": 251, "AXFR": 252, "MAILB": 253, "MAILA": 254, "ANY": 255,
	"URI": 256,
}

// Type returns the number of a record type's name; 0, which is none, if it is not known.
func Type(name []byte) uint16 {
	if n, ok := types[string(name)]; ok {
		return n
	}
	if len(name) > 4 && string(name[:4]) == "TYPE" {
		if n, err := strconv.ParseUint(string(name[4:]), 10, 16); err == nil {
			return uint16(n)
		}
	}
	return 0
}

var rcodes = map[string]uint16{
	"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5, "YXDOMAIN": 6, "YXRRSET": 7, "NXRRSET": 8, "NOTAUTH": 9,
	"NOTZONE": 10, "BADVERS": 16, "BADSIG": 16, "BADKEY": 17, "BADTIME": 18, "BADMODE": 19, "BADNAME": 20, "BADALG": 21, "BADTRUNC": 22,
}

// RCode returns the number of a response code's name; ok is false if it is not known.
func RCode(name []byte) (code uint16, ok bool) {
	code, ok = rcodes[string(name)]
	return code, ok
}

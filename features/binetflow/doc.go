// Package binetflow reads the text flows of Argus (ra), such as CTU-13's binetflow files, as a sequence of flow records.
//
// Cells are separated by commas or tabs, and columns are found by name. What a record says is read like this:
//
//	bytes    Argus counts frames on an Ethernet capture. IP bytes are estimated where the packets of the side are known
//	         (SrcPkts); see features.IPBytes. The destination's counts are the totals less the source's.
//	state    "FSPA_FSPA" are the TCP flags of source and destination: flags, and the state that follows from them and from
//	         whether the destination sent a byte. "CON", "INT", "REQ" ... are Argus's own and mean what they do in UNSW-NB15.
//	ports    Decimal or hexadecimal, where the protocol has ports.
//	time     With a date, or in seconds since 1970; without a date it counts from the beginning of the first day, as a
//	         capture does that starts at 0. No zone is UTC.
//	other    Argus's management records ("man"), and flows between hardware addresses, which are no IP.
//	Label    botnet or malware is an attack, normal is benign, background and everything else is unlabelled.
package binetflow

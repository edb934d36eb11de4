// Package cicflow reads CICFlowMeter CSV files as a sequence of flow records.
//
// All families of headers are read: those of CIC-IDS2017 (with and without addresses), of CSE-CIC-IDS2018, of
// CICFlowMeter 4 and its fixed versions, and of the Python port. Columns are found by name, in any case and with any
// punctuation: " Flow Duration", "flow_duration" and "Flow-Duration" are one. A header may come again.
//
// CICFlowMeter counts payload and not IP bytes, sets flags of the first packet only, and has a few overflows. So of its
// 80 columns a flow takes the duration, the packets, the protocol and the ports, and where they are there, addresses,
// payload and time. A negative number or an infinity means that there is no value. See the data set's known faults
// before training on it.
//
// Times have no zone: they are what the clock of the capture showed, and are taken as UTC. The day comes before the month where slashes are between them
// (02/03/2018 08:47:38 and 03/07/2017 08:55:01 PM are of March and July), the year first where it is dashes. Times without seconds, as in the first
// files, may be of the morning or of the evening: such a flow has no time, nor has one whose time cannot be read or is not of 1970 to 2200.
package cicflow

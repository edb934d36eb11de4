// Package trafficgen simulates a site's network traffic as Zeek conn logs and Suricata's events.
//
// # Model
//
// A Generator owns a site: an office network of workstations, printers, small
// devices and servers, and an Internet of peers whose popularity has a heavy
// tail. Every host has habits: it browses, resolves names, reads mail, opens
// shares, prints, reports telemetry, renews its address. Each habit has its own
// interval and its own rhythm over the day and the week. One event of a habit
// makes one or more connections. A scheduler launches attack campaigns of
// varying size and speed until the wished share of the records is reached.
//
//	habits ----\                      +-----------------+
//	            >-- event queue --->  | open flows,     | --> Next, All
//	campaigns -/   (by start time)    | ordered by end  |
//	                                  +-----------------+
//
// Records leave in the order in which the connections end, as Zeek writes them.
// The fields of a record agree with each other: history with conn_state, IP
// bytes with payload, packets and headers; a lone packet has no duration and no
// payload counts.
//
// Benign traffic is not clean. Names time out, servers are down or refuse,
// connections are reset, captures begin in the middle of a connection, an
// inventory tool sweeps the network, devices call home on a fixed period and
// people upload large files. Attacks are not all loud either: there are slow
// scans, probes that meet an open service, beacons of the size of telemetry and
// exfiltration of the size of a cloud upload. A classifier of single flows can
// be good on this data, but not perfect.
//
// A Writer turns records into Zeek TSV or JSON, or Suricata EVE. Its Quirks reproduce what real
// logs do to a reader, and its faults are lines that a reader has to refuse,
// counted by reason.
//
// # Determinism
//
// Two generators with the same Config give the same records, on every platform
// and for every GOMAXPROCS. All randomness comes from explicitly seeded PCG
// streams, nothing reads a clock, and floating-point code uses only operations
// that IEEE 754 defines exactly, without fused multiply-add. Where Span alone decides
// the length, the benign records depend neither on the choice nor on the share
// of the attacks.
//
// # Limits
//
// Memory holds the site, the event queue and the flows that are open at one
// simulated moment, never the log: any number of records can be made.
//
// The traffic is simulated. It serves tests, demonstrations, scale tests and
// benchmarks; a detection rate measured on it says nothing about a real network.
// Addresses come from private ranges and from ranges reserved for
// documentation and benchmarks, so a log never accuses a real host. The sensor
// takes only the site's own networks for local.
package trafficgen

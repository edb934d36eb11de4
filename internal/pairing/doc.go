// Package pairing makes flows of records that are one direction, in one interval, each: VPC flow logs and NetFlow.
//
// Records of the same two endpoints, protocol and observer are merged while they follow one another closely. A flow is
// given out when the log's own clock, the latest end seen, has left it behind:
//
//	record ── key: protocol, scope, endpoints ──> open flow: two sides ── clock passes End + 2 intervals ──> Flow
//
// Which side began is decided when the flow is complete, by what is least likely to be wrong: the only side seen, the
// side of a record of both directions, the side that sent SYN alone, the side with an ephemeral port, the earlier one.
//
// What is open at one time is bounded; see [Pairer].
package pairing

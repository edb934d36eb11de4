// Package batch scores many logs into as many files, and can be killed at any time.
//
// A [Job] takes logs (files, folders, globs, prefixes of a bucket) through a detector. Each log gets a file of verdicts,
// in the order of its flows, and where records were skipped a file that says which and why. All cores work on one log as on many:
//
//	log ── auto.Splitter ──> pieces of lines ──> workers: parse, judge, lay out ──> in order: writer ──> partial file
//	                                                                                              └─ unit full: commit
//
// A run is a sequence of commits. Each makes durable what was written, then adds one record to the journal, which says how far every
// log was read and how long every output is; only then do outputs that are whole get their names, all of a commit together. Whatever happens to the process in
// between, the next run cuts the outputs back to the last record and goes on from there, and the outputs are byte for byte those of a
// run that nobody disturbed.
//
//	journal := line*                           each line: CRC-32C, length, JSON
//	first line: what the outputs depend on     model, contract, threshold, format, ...
//	other lines: one commit each               logs in work: identity, place, lengths and digests of outputs, account
//
// Sets of features that remember flows make one stream of all logs, which are put in order of time; what is remembered is saved with
// each commit. A flow that waits for stragglers while the next log is read goes to the output of its own log all the same.
package batch

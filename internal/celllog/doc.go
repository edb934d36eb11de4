// Package celllog reads logs whose records are lines of cells: CSV, with tabs or with blanks for commas.
//
// [Run] goes through the lines of a log and keeps the account that all such formats share: which lines are no record,
// which record is too long, malformed, cut off or of another number of cells. A [Format] says what the cells mean.
//
//	line ── Skip ──> Split ──> Head ──> Width ──> Record
//	         │         │        │         │         └ a flow, or the first fault in a cell
//	         │         │        │         └ fields
//	         │         │        └ a header: columns by name
//	         │         └ malformed
//	         └ a comment, a trailer: no record
package celllog

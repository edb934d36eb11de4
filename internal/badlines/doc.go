// Package badlines yields the records of a log that are skipped, and takes short ones in a row together.
//
// A log may be nothing but lines that are too short to be records. Each would cost as much as a long one, so where only their number is wanted
// ([logio.Lines.Together]) those that are skipped for the same reason, as far as they are in memory, become one error: see
// [features.RecordError.More]. The reader of a format says what it sees at once in a short line.
package badlines

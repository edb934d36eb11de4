// Package auto tells the format of a log from its first bytes and reads it with the reader of that format.
//
// Compression is undone first; then what is at the beginning decides, as the table of formats in [Detect] says: the
// directives of a Zeek log, the keys of a JSON object, the names of a CSV header, or the shape of a row.
package auto

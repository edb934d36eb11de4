// Command parse measures the log readers: EVE beside the JSON libraries of Go, and Zeek's logs beside encoding/csv and encoding/json, in one
// interleaved run; then what making a row costs, and the whole way from a line to its verdict. ../README.md says how.
package main

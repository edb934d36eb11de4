// Command parse measures the log readers: EVE beside the JSON libraries of Go, and Zeek's logs beside encoding/csv and encoding/json, in one
// interleaved run. ../README.md says how.
package main

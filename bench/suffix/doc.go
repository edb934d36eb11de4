// Package suffix compares the registered domains of internal/suffix with those of golang.org/x/net/publicsuffix.
package suffix

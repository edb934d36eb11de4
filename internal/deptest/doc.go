// Package deptest holds the rule of who may import whom, as a test. It has no code of its own.
package deptest

// Package decimal reads decimal text exactly: counts, reals and fixed-point numbers such as nanoseconds.
//
// The grammar is that of logs, which is narrower than Go's: ASCII digits with an optional fraction and exponent.
// Hexadecimal, underscores, blanks and the spellings of infinity and not-a-number are refused. What it returns is the
// value of the text, never of a float64 on the way:
//
//	Count("1e5")           100000          an integer from 0 to 2^64-1, no sign
//	Real("-.5")            -0.5            the nearest float64, finite
//	Fixed("1.0000005", 6)  1000000         the value times 10^6, ties to even
//
// Nothing here allocates for text of usual length.
package decimal

// Package datetime reads dates and times as tools of the network write them, exactly and without allocating.
package datetime

import (
	"bytes"
	"math"

	"threatdetect/internal/decimal"
)

// Parse returns the nanoseconds since 1970 of a date and time such as
//
//	2018-01-12 15:37:30
//	2018-01-12T15:37:30.942
//	2011/08/18 09:56:29.146156
//	2021-06-06T15:57:37.272281+0200
//
// A fraction is rounded to the nanosecond, ties to even. A zone is Z, ±hhmm or ±hh:mm; without one the time is UTC. ok is
// false for anything else, for days and hours that do not exist, leap seconds among them, and outside int64.
func Parse(b []byte) (ns int64, ok bool) {
	const date = len("2006-01-02")
	if len(b) <= date || b[4] != b[7] || b[4] != '-' && b[4] != '/' || b[date] != ' ' && b[date] != 'T' && b[date] != 't' {
		return 0, false
	}
	year, ok1 := digits(b[0:4])
	month, ok2 := digits(b[5:7])
	day, ok3 := digits(b[8:10])
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	seconds, fraction, rest, ok := clock(b[date+1:])
	if !ok {
		return 0, false
	}
	offset, ok := zone(rest)
	if !ok {
		return 0, false
	}
	return join(daysSince1970(year, month, day)*86400+seconds-offset, fraction)
}

// Clock returns the nanoseconds since midnight of a time without a date, such as 15:37:30.942. ok is false for anything
// else.
func Clock(b []byte) (ns int64, ok bool) {
	seconds, fraction, rest, ok := clock(b)
	if !ok || len(rest) > 0 {
		return 0, false
	}
	return join(seconds, fraction)
}

// clock reads a time of day: its seconds, its nanoseconds (up to and including a whole second) and what is behind it.
func clock(b []byte) (seconds, fraction int64, rest []byte, ok bool) {
	const clock = len("15:04:05")
	if len(b) < clock || b[2] != ':' || b[5] != ':' {
		return 0, 0, nil, false
	}
	hour, ok1 := digits(b[0:2])
	minute, ok2 := digits(b[3:5])
	second, ok3 := digits(b[6:8])
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 59 {
		return 0, 0, nil, false
	}
	b = b[clock:]
	if len(b) > 0 && b[0] == '.' {
		n := 1
		for n < len(b) && b[n]-'0' <= 9 {
			n++
		}
		if fraction, ok = decimal.Fixed(b[:n], 9); !ok {
			return 0, 0, nil, false
		}
		b = b[n:]
	}
	return hour*3600 + minute*60 + second, fraction, b, true
}

// zone returns the seconds east of Greenwich that the text stands for.
func zone(b []byte) (seconds int64, ok bool) {
	switch {
	case len(b) == 0 || len(b) == 1 && b[0]|0x20 == 'z':
		return 0, true
	case len(b) == len("+00:00") && b[3] == ':', len(b) == len("+0000"):
	default:
		return 0, false
	}
	if b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	hour, ok := digits(b[1:3])
	minute, ok2 := digits(b[len(b)-2:])
	if !ok || !ok2 || hour > 23 || minute > 59 {
		return 0, false
	}
	seconds = hour*3600 + minute*60
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

// join makes nanoseconds of seconds and up to 1e9 nanoseconds more, unless there are too many.
func join(seconds, fraction int64) (ns int64, ok bool) {
	if seconds < 0 { // towards zero first, so that the least int64 can be reached
		seconds++
		fraction -= 1e9
	}
	if seconds > math.MaxInt64/1_000_000_000 || seconds < math.MinInt64/1_000_000_000 {
		return 0, false
	}
	ns = seconds * 1e9
	if fraction > 0 && ns > math.MaxInt64-fraction || fraction < 0 && ns < math.MinInt64-fraction {
		return 0, false
	}
	return ns + fraction, true
}

func digits(b []byte) (v int64, ok bool) {
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, true
}

func daysIn(year, month int64) int64 {
	switch {
	case month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	case month == 2:
		return 28
	case bytes.IndexByte([]byte{4, 6, 9, 11}, byte(month)) >= 0:
		return 30
	}
	return 31
}

// daysSince1970 counts days of the Gregorian calendar. The year begins in March, so that a leap day ends it.
func daysSince1970(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	const to1970 = 719468 // days from 0000-03-01
	era := year / 400
	if year < 0 {
		era = -1
	}
	yearOfEra := year - era*400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - to1970
}

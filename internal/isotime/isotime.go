// Package isotime reads the times of logs that are written as in ISO 8601, without allocating and without rounding twice.
package isotime

import (
	"encoding/binary"
	"math"

	"threatdetect/internal/decimal"
)

// Zones are the ways in which a time may name its zone.
type Zones uint8

// The ways: RFC 3339 has Z and +02:00; some programs leave the colon out.
const (
	RFC3339   Zones = iota // Z or +02:00
	Colonless              // these or +0200
)

const layout = "0000-00-00T00:00:00"

// Parse returns the time that b spells, such as 2008-07-09T16:13:30.005432Z, since the Unix epoch in units of 10^-places
// seconds, rounded to the nearest, ties to even; places is 1 to 9. A leap second is refused: the epoch has no room for
// it. ok is false for anything else and for a time that no int64 holds.
func Parse(b []byte, places int, zones Zones) (t int64, ok bool) {
	if len(b) < len(layout)+1 || b[10]|0x20 != 't' {
		return 0, false
	}
	// What is left of the text without the layout: the digits, and zeros for what is between them.
	date := binary.LittleEndian.Uint64(b) ^ layoutDate
	days := uint64(binary.LittleEndian.Uint16(b[8:])) ^ layoutDate&0xffff
	clock := binary.LittleEndian.Uint64(b[11:]) ^ layoutClock
	if !allDigits(date) || !allDigits(days) || !allDigits(clock) || date&betweenDate != 0 || clock&betweenClock != 0 {
		return 0, false
	}
	year, month, day := pair(date)*100+pair(date>>16), pair(date>>40), pair(days)
	hour, minute, second := pair(clock), pair(clock>>24), pair(clock>>48)
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	all := b
	b = b[len(layout):]
	n := 0
	if b[0] == '.' {
		for n = 1; n < len(b) && b[n]-'0' <= 9; n++ {
		}
		// The whole seconds are an even number of units, so ties are right without them. The longest fraction rounds
		// up to a second.
		if n == len(".000000") && places >= 6 {
			us, _ := decimal.Last(binary.LittleEndian.Uint64(all[len(layout)+n-8:]), 6)
			t = int64(us) * units[places-6]
		} else if t, ok = decimal.Fixed(b[:n], places); !ok {
			return 0, false
		}
	}
	offset, ok := zone(b[n:], zones)
	if !ok {
		return 0, false
	}
	seconds := daysSinceEpoch(year, month, day)*86400 + hour*3600 + minute*60 + second - offset
	unit := units[places]
	if seconds > math.MaxInt64/unit-1 || seconds < math.MinInt64/unit {
		return extreme(seconds, t, unit)
	}
	return seconds*unit + t, true
}

var units = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// extreme is seconds*unit + t, 0 <= t <= unit, where the product may be outside int64.
func extreme(seconds, t, unit int64) (int64, bool) {
	if seconds < 0 {
		seconds, t = seconds+1, t-unit
	}
	if seconds > math.MaxInt64/unit || seconds < math.MinInt64/unit {
		return 0, false
	}
	p := seconds * unit
	if t > 0 && p > math.MaxInt64-t || t < 0 && p < math.MinInt64-t {
		return 0, false
	}
	return p + t, true
}

// The layout as words, the first byte lowest, and the bytes in them that are between the digits.
const (
	layoutDate   = 0x2d30302d30303030 // 0000-00-
	betweenDate  = 0xff0000ff00000000
	layoutClock  = 0x30303a30303a3030 // 00:00:00
	betweenClock = 0x0000ff0000ff0000
)

// allDigits reports whether all bytes are at most 9.
func allDigits(x uint64) bool { return (x|(x+0x0606060606060606))&0xf0f0f0f0f0f0f0f0 == 0 }

// pair is the number of the two digits in the lowest bytes.
func pair(x uint64) int64 { return int64(x&15*10 + x>>8&15) }

// zone returns the seconds east of Greenwich that b stands for.
func zone(b []byte, zones Zones) (seconds int64, ok bool) {
	if len(b) == 1 {
		return 0, b[0] == 'Z' || b[0] == 'z'
	}
	minutes := 4
	switch {
	case len(b) == len("+00:00") && b[3] == ':':
	case len(b) == len("+0000") && zones == Colonless:
		minutes = 3
	default:
		return 0, false
	}
	if b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	for _, i := range [...]int{1, 2, minutes, minutes + 1} {
		if b[i]-'0' > 9 {
			return 0, false
		}
	}
	hour, minute := two(b[1:]), two(b[minutes:])
	if hour > 23 || minute > 59 {
		return 0, false
	}
	seconds = hour*3600 + minute*60
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func two(b []byte) int64 { return int64(b[0]-'0')*10 + int64(b[1]-'0') }

func daysIn(year, month int64) int64 {
	switch {
	case month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	case month == 2:
		return 28
	case month == 4 || month == 6 || month == 9 || month == 11:
		return 30
	}
	return 31
}

// daysSinceEpoch counts days of the Gregorian calendar. The year begins in March, so that a leap day ends it.
func daysSinceEpoch(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	const toEpoch = 719468 // days from 0000-03-01 to 1970-01-01
	era := year / 400
	if year < 0 {
		era = -1
	}
	yearOfEra := year - era*400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - toEpoch
}

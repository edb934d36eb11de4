// Package datetime reads dates and times as tools of the network write them, exactly and without allocating: it rounds once, to even, and
// refuses days and hours that do not exist, leap seconds among them, and what no int64 holds.
package datetime

import (
	"encoding/binary"
	"math"

	"threatdetect/internal/decimal"
)

// Zones are the ways in which a time of [ISO] may name its zone.
type Zones uint8

// The ways: RFC 3339 has Z and +02:00; some programs leave the colon out.
const (
	RFC3339   Zones = iota // Z or +02:00
	Colonless              // these or +0200
)

const layout = "0000-00-00T00:00:00"

// ISO returns the time that b spells, such as 2008-07-09T16:13:30.005432Z, since the Unix epoch in units of 10^-places seconds, rounded
// to the nearest, ties to even; places is 1 to 9. ok is false for anything else.
func ISO(b []byte, places int, zones Zones) (t int64, ok bool) {
	if len(b) < len(layout)+1 || b[10]|0x20 != 't' {
		return 0, false
	}
	seconds, ok := whole(b, layoutDate)
	if !ok {
		return 0, false
	}
	t, n, ok := fraction(b, places)
	if !ok {
		return 0, false
	}
	offset, ok := zone(b[len(layout)+n:], zones)
	if !ok {
		return 0, false
	}
	return join(seconds-offset, t, units[places])
}

// Recent reads times of the form in which Suricata writes them, 2021-06-06T15:57:37.272281+0200, of which the date and the zone are mostly those
// of the time before. The zero value is ready. It has one owner.
type Recent struct {
	date, day, zone uint64 // as they are written
	midnight        int64  // of that date in that zone, in seconds since the Unix epoch
	known           bool
}

// ISO is [ISO].
func (r *Recent) ISO(b []byte, places int, zones Zones) (t int64, ok bool) {
	const form = "0000-00-00T00:00:00.000000+0000"
	if len(b) != len(form) || b[19] != '.' || b[26] != '+' && b[26] != '-' || places < 6 || zones != Colonless {
		return ISO(b, places, zones)
	}
	date, day := binary.LittleEndian.Uint64(b), uint64(b[8])|uint64(b[9])<<8|uint64(b[10])<<16
	zone := binary.LittleEndian.Uint64(b[23:]) >> 24
	us, ok := decimal.Last(binary.LittleEndian.Uint64(b[18:]), 6)
	if !ok {
		return 0, false
	}
	clock, ok := timeOfDay(b[11:])
	if !ok {
		return 0, false
	}
	if !r.known || date != r.date || day != r.day || zone != r.zone {
		if t, ok = ISO(b, 6, zones); !ok {
			return 0, false
		}
		*r = Recent{date, day, zone, (t-int64(us))/1e6 - clock, true}
	}
	return join(r.midnight+clock, int64(us)*units[places-6], units[places])
}

// Parse returns the nanoseconds since 1970 of a date and time such as
//
//	2018-01-12 15:37:30
//	2018-01-12T15:37:30.942
//	2011/08/18 09:56:29.146156
//	2021-06-06T15:57:37.272281+0200
//
// A fraction is rounded to the nanosecond, ties to even. A zone is Z, ±hhmm or ±hh:mm; without one the time is UTC. ok is
// false for anything else.
func Parse(b []byte) (ns int64, ok bool) {
	if len(b) < len(layout) || b[10] != ' ' && b[10]|0x20 != 't' {
		return 0, false
	}
	date := uint64(layoutDate)
	if b[4] == '/' {
		date = slashDate
	}
	seconds, ok := whole(b, date)
	if !ok {
		return 0, false
	}
	ns, n, ok := fraction(b, 9)
	if !ok {
		return 0, false
	}
	if rest := b[len(layout)+n:]; len(rest) > 0 {
		offset, ok := zone(rest, Colonless)
		if !ok {
			return 0, false
		}
		seconds -= offset
	}
	return join(seconds, ns, 1e9)
}

// Clock returns the nanoseconds since midnight of a time without a date, such as 15:37:30.942. ok is false for anything
// else.
func Clock(b []byte) (ns int64, ok bool) {
	const clock = len("15:04:05")
	if len(b) < clock {
		return 0, false
	}
	seconds, ok := timeOfDay(b)
	if !ok {
		return 0, false
	}
	if len(b) > clock {
		if ns, ok = decimal.Fixed(b[clock:], 9); !ok || digitsEnd(b, clock) != len(b) {
			return 0, false
		}
	}
	return join(seconds, ns, 1e9)
}

// The layout as words, the first byte lowest, and the bytes in them that are between the digits.
const (
	layoutDate   = 0x2d30302d30303030 // 0000-00-
	slashDate    = 0x2f30302f30303030 // 0000/00/
	betweenDate  = 0xff0000ff00000000
	layoutClock  = 0x30303a30303a3030 // 00:00:00
	betweenClock = 0x0000ff0000ff0000
)

// whole returns the seconds since the epoch of the date, of a layout, and the time that b begins with.
func whole(b []byte, layout uint64) (seconds int64, ok bool) {
	// What is left of the text without the layout: the digits, and zeros for what is between them.
	date := binary.LittleEndian.Uint64(b) ^ layout
	days := uint64(binary.LittleEndian.Uint16(b[8:])) ^ 0x3030
	if !allDigits(date) || !allDigits(days) || date&betweenDate != 0 {
		return 0, false
	}
	year, month, day := pair(date)*100+pair(date>>16), pair(date>>40), pair(days)
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	clock, ok := timeOfDay(b[11:])
	return daysSinceEpoch(year, month, day)*86400 + clock, ok
}

// timeOfDay returns the seconds of the time that b begins with.
func timeOfDay(b []byte) (seconds int64, ok bool) {
	clock := binary.LittleEndian.Uint64(b) ^ layoutClock
	if !allDigits(clock) || clock&betweenClock != 0 {
		return 0, false
	}
	hour, minute, second := pair(clock), pair(clock>>24), pair(clock>>48)
	return hour*3600 + minute*60 + second, hour <= 23 && minute <= 59 && second <= 59
}

// digitsEnd is where the point and the digits behind i end.
func digitsEnd(b []byte, i int) int {
	if i < len(b) && b[i] == '.' {
		for i++; i < len(b) && b[i]-'0' <= 9; i++ {
		}
	}
	return i
}

// fraction returns what stands behind the layout's seconds in units of 10^-places, up to and including a whole second, and its length.
func fraction(b []byte, places int) (t int64, n int, ok bool) {
	end := digitsEnd(b, len(layout))
	n = end - len(layout)
	// The whole seconds are an even number of units, so ties are right without them.
	switch {
	case n == 0:
		return 0, 0, true
	case n == len(".000000") && places >= 6:
		us, _ := decimal.Last(binary.LittleEndian.Uint64(b[end-8:]), 6)
		return int64(us) * units[places-6], n, true
	}
	t, ok = decimal.Fixed(b[len(layout):end], places)
	return t, n, ok
}

var units = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// join is seconds*unit + t, 0 <= t <= unit, unless that is outside int64.
func join(seconds, t, unit int64) (int64, bool) {
	if seconds < math.MaxInt64/unit-1 && seconds > math.MinInt64/unit {
		return seconds*unit + t, true
	}
	if seconds < 0 { // towards zero first, so that the least int64 can be reached
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

// allDigits reports whether all bytes are at most 9.
func allDigits(x uint64) bool { return (x|(x+0x0606060606060606))&0xf0f0f0f0f0f0f0f0 == 0 }

// pair is the number of the two digits in the lowest bytes.
func pair(x uint64) int64 { return int64(x&15*10 + x>>8&15) }

// zone returns the seconds east of Greenwich that b stands for.
func zone(b []byte, zones Zones) (seconds int64, ok bool) {
	if len(b) == 1 {
		return 0, b[0]|0x20 == 'z'
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

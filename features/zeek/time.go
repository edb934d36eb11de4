package zeek

import (
	"math"

	"threatdetect/internal/decimal"
)

// timestamp returns the time of a cell in nanoseconds since the Unix epoch, rounded to the microsecond, ties to even:
// TSV has no finer times, and JSON prints the noise of a float64 behind them.
//
// JSON has three forms: seconds, milliseconds (from 1e11 on, which as seconds would be the year 5138) and text.
func timestamp(c *cell) (ns int64, ok bool) {
	var us int64
	switch c.kind {
	case kindText:
		us, ok = decimal.Fixed(c.text, 6)
	case kindNumber:
		us, ok = decimal.Fixed(c.text, 6)
		if ok && us >= 1e11*1e6 {
			us, ok = decimal.Fixed(c.text, 3)
		}
	case kindString:
		us, ok = parseISO(c.text)
	}
	if !ok || us > math.MaxInt64/1000 || us < math.MinInt64/1000 {
		return 0, false
	}
	return us * 1000, true
}

// parseISO reads a time as RFC 3339 writes it, such as 2008-07-09T16:13:30.005432Z, in microseconds since the epoch.
// A leap second is refused: the epoch has no room for it.
func parseISO(b []byte) (us int64, ok bool) {
	const layout = "0000-00-00T00:00:00"
	if len(b) < len(layout)+1 {
		return 0, false
	}
	for i, want := range []byte(layout) {
		switch c := b[i]; want {
		case '0':
			if c-'0' > 9 {
				return 0, false
			}
		case 'T':
			if c != 'T' && c != 't' {
				return 0, false
			}
		default:
			if c != want {
				return 0, false
			}
		}
	}
	year, month, day := two(b[0:])*100+two(b[2:]), two(b[5:]), two(b[8:])
	hour, minute, second := two(b[11:]), two(b[14:]), two(b[17:])
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	b = b[len(layout):]
	n := 0
	if b[0] == '.' {
		for n = 1; n < len(b) && b[n]-'0' <= 9; n++ {
		}
		// An even number of microseconds makes up the whole seconds, so ties are right without them. The longest
		// fraction rounds up to a second.
		if us, ok = decimal.Fixed(b[:n], 6); !ok {
			return 0, false
		}
	}
	offset, ok := zone(b[n:])
	if !ok {
		return 0, false
	}
	seconds := daysSinceEpoch(year, month, day)*86400 + hour*3600 + minute*60 + second - offset
	return seconds*1e6 + us, true
}

// zone returns the seconds east of Greenwich that Z or ±HH:MM stands for.
func zone(b []byte) (seconds int64, ok bool) {
	if len(b) == 1 {
		return 0, b[0] == 'Z' || b[0] == 'z'
	}
	if len(b) != len("+00:00") || b[0] != '+' && b[0] != '-' || b[3] != ':' {
		return 0, false
	}
	for _, i := range [...]int{1, 2, 4, 5} {
		if b[i]-'0' > 9 {
			return 0, false
		}
	}
	hour, minute := two(b[1:]), two(b[4:])
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

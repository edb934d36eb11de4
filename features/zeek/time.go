package zeek

import (
	"math"

	"threatdetect/internal/datetime"
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
		us, ok = datetime.ISO(c.text, 6, datetime.RFC3339)
	}
	if !ok || us > math.MaxInt64/1000 || us < math.MinInt64/1000 {
		return 0, false
	}
	return us * 1000, true
}

package detect

import (
	"math"
	"time"
)

// clock keeps the text of a second: most flows begin in that of the one before. The zero value is ready; it has one owner.
type clock struct {
	second int64
	date   [len("2006-01-02T15:04:05.")]byte // of second; zero: none yet
}

// appendTime is the function of that name.
func (c *clock) appendTime(dst []byte, ns int64) []byte {
	second, fraction := ns/1e9, ns%1e9
	if fraction < 0 {
		second, fraction = second-1, fraction+1e9
	}
	if second != c.second || c.date[0] == 0 {
		c.keep(second)
	}
	dst = append(dst, c.date[:]...)
	text := [len("000000000Z")]byte{9: 'Z'}
	if putDigits(text[:9], int(fraction)); fraction%1000 != 0 {
		return append(dst, text[:]...)
	}
	text[6] = 'Z'
	return append(dst, text[:7]...)
}

func (c *clock) keep(second int64) {
	t := time.Unix(second, 0).UTC() // of the years 1677 to 2262
	year, month, day := t.Date()
	hour, minute, seconds := t.Clock()
	c.second, c.date = second, [...]byte{4: '-', 7: '-', 10: 'T', 13: ':', 16: ':', 19: '.'}
	putDigits(c.date[0:4], year)
	putDigits(c.date[5:7], int(month))
	putDigits(c.date[8:10], day)
	putDigits(c.date[11:13], hour)
	putDigits(c.date[14:16], minute)
	putDigits(c.date[17:19], seconds)
}

// scores keeps the texts of numbers that come again, as those of a model do: what attacks have in common gives them the same score. The zero value is ready; it
// has one owner.
type scores [256]struct {
	bits uint32
	size uint8 // 0: none yet
	text [15]byte
}

// appendNumber is the function of that name.
func (s *scores) appendNumber(dst []byte, f float32) []byte {
	bits := math.Float32bits(f)
	e := &s[bits*0x9e3779b1>>24]
	if e.size > 0 && e.bits == bits {
		return append(dst, e.text[:e.size]...)
	}
	start := len(dst)
	dst = appendNumber(dst, f)
	if n := copy(e.text[:], dst[start:]); n == len(dst)-start {
		e.bits, e.size = bits, uint8(n)
	} else {
		e.size = 0
	}
	return dst
}

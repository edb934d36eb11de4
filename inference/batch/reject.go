package batch

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"threatdetect/features"
)

// appendReject appends the line of a record that was skipped: its line in the log, why, and for a fault what is wrong with what.
func appendReject(b []byte, e *features.RecordError) []byte {
	b = append(b, `{"line":`...)
	b = strconv.AppendInt(b, e.Line, 10)
	b = append(b, `,"reason":"`...)
	b = append(b, e.Reason...)
	b = append(b, '"')
	if e.Field != "" {
		b = appendText(append(b, `,"field":`...), e.Field)
	}
	if len(e.Text) > 0 {
		b = appendText(append(b, `,"text":`...), string(e.Text))
	}
	return append(b, '}', '\n')
}

// appendText appends a text of a log as a JSON string of printable ASCII: it may hold anything.
func appendText(b []byte, s string) []byte {
	text, _ := json.Marshal(s)
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf && c != 0x7f {
			b = append(b, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		i += n
		if r > 0xffff {
			r -= 0x10000
			b = appendUnit(appendUnit(b, 0xd800+r>>10), 0xdc00+r&0x3ff)
			continue
		}
		b = appendUnit(b, r)
	}
	return b
}

func appendUnit(b []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

package main

import (
	"encoding/json"
	"strconv"
	"strings"

	"threatdetect/features"
)

// labelText is what a row's label column holds: for a column named label 0 (benign), 1 (attack) or nothing where nobody
// judged, and the text itself for any other column.
func (w *rowWriter) labelText(f *features.Flow) string {
	text := string(f.LabelText)
	if !strings.EqualFold(w.label, "label") {
		return text
	}
	switch f.Label {
	case features.Benign:
		return "0"
	case features.Attack:
		return "1"
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return text
	}
	return ""
}

// appendJSONLabel appends a label as a number if it is one, null if there is none, else as a string.
func appendJSONLabel(dst []byte, text string) []byte {
	if text == "" {
		return append(dst, "null"...)
	}
	if json.Valid([]byte(text)) && text[0] != '"' {
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return append(dst, text...)
		}
	}
	return append(dst, jsonString(text)...)
}

func jsonString(s string) string {
	b, _ := json.Marshal(s) // strings always have a JSON form
	return string(b)
}

// appendCSV appends a field of text, quoted where RFC 4180 asks for it.
func appendCSV(dst []byte, s string) []byte {
	if !strings.ContainsAny(s, ",\"\r\n") && strings.TrimSpace(s) == s {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(s, `"`, `""`)...)
	return append(dst, '"')
}

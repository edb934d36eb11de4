package zeek_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// byName returns the value under the first name of a column that has one.
func byName(values map[string]value) func(string) value {
	return func(name string) value {
		for _, n := range append([]string{name}, otherNames[name]...) {
			if v := values[n]; v != nil {
				return v
			}
		}
		return nil
	}
}

// refJSON says what becomes of a line of a JSON log that is not blank.
func refJSON(line []byte) string {
	var members map[string]json.RawMessage
	if !json.Valid(line) || depth(line) > 64 || json.Unmarshal(line, &members) != nil || members == nil {
		return "malformed"
	}
	values := map[string]value{}
	for key, raw := range members {
		switch raw[0] {
		case '"':
			var s string
			if json.Unmarshal(raw, &s) != nil {
				panic("valid JSON that does not parse")
			}
			values[key] = s
		case 't', 'f':
			values[key] = raw[0] == 't'
		case 'n':
		case '{', '[':
			values[key] = raw
		default:
			values[key] = json.Number(raw)
		}
	}
	if _, ok := members["conn_state"]; !ok && values["_path"] != value("conn") {
		return "other"
	}
	return refFlow(byName(values), false)
}

// depth is the deepest nesting of valid JSON.
func depth(b []byte) (deepest int) {
	level, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// refTSV says what becomes of a row under a header whose separator is a tab and which has no fields joined by blanks.
func refTSV(fields []string, path string, line []byte) string {
	row := strings.Split(string(line), "\t")
	if len(row) != len(fields) {
		return "fields"
	}
	if path != "conn" && !slices.Contains(fields, "conn_state") {
		return "other"
	}
	values := map[string]value{}
	textual := strings.Fields("uid proto service conn_state history label")
	for i, name := range fields {
		if name == "_path" { // TSV has it in the header
			continue
		}
		switch v := row[i]; {
		case v == "-":
			delete(values, name)
			continue
		case !slices.Contains(textual, name):
			values[name] = text(v)
		case v == "(empty)":
			values[name] = text("")
		default:
			values[name] = text(hexEscape.ReplaceAllStringFunc(v, func(s string) string {
				if s == `\\` {
					return `\`
				}
				b, err := strconv.ParseUint(s[2:], 16, 8)
				if err != nil {
					panic(err)
				}
				return string([]byte{byte(b)})
			}))
		}
	}
	// Here a column counts by its first name in the header, even where it is unset.
	for name, others := range otherNames {
		for _, other := range append([]string{name}, others...) {
			if slices.Contains(fields, other) {
				values[name] = values[other]
				break
			}
		}
	}
	return refFlow(func(name string) value { return values[name] }, !slices.Contains(fields, "duration"))
}

var hexEscape = regexp.MustCompile(`\\\\|\\x[0-9a-fA-F]{2}`)

// refLines splits a log into its lines without their ends.
func refLines(log []byte) [][]byte {
	log = bytes.TrimPrefix(log, []byte("\xef\xbb\xbf"))
	lines := bytes.Split(log, []byte("\n"))
	for i, l := range lines {
		lines[i] = bytes.TrimSuffix(l, []byte("\r"))
	}
	return lines
}

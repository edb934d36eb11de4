package celllog

import (
	"threatdetect/features"
	"threatdetect/internal/logio"
)

// The classes of short lines that are bad: lines too short to be records, of which a log may have nothing else, and each of which would cost as much as a long one.
const (
	classSame = logio.Bad + iota // equal to the current one
	classFields
	classMalformed
)

var shortReasons = [...]features.Reason{classFields: features.ReasonFields, classMalformed: features.ReasonMalformed}

// skipShort yields r.bad, which is the current line, a short one, and the bad records behind it as far as what they are is seen at once. It reports whether to go on.
func (r *runner) skipShort() bool {
	class := r.plain(r.lines.Bytes())
	if class == logio.Unclear || shortReasons[class] != r.bad.Reason {
		class = classSame
	}
	for {
		r.bad.More, class = r.lines.PassShort(class, r.class)
		if !r.yield(nil, &r.bad) {
			return false
		}
		if class <= classSame || !r.lines.Next() {
			return true
		}
		r.bad = features.RecordError{}
		r.bad.Line, r.bad.Reason, r.bad.Text = r.lines.Number(), shortReasons[class], r.lines.Bytes()
	}
}

// classOf is the class of a short line behind the current one.
func (r *runner) classOf(line []byte) logio.Class {
	if class := r.plain(line); class != logio.Unclear {
		return class
	}
	if string(line) == string(r.lines.Bytes()) {
		return classSame
	}
	return logio.Unclear
}

// plain is what every short line is that looks like this one, where it is separated as the one that was split last.
func (r *runner) plain(line []byte) logio.Class {
	switch first := line[0] | 0x20; {
	case len(line) == 1 && r.separator != 0 && line[0] == r.separator:
		return logio.NoRecord // its cells are empty
	case len(line) == 1 && r.separator != 0 && line[0] == '"':
		return classMalformed
	case !r.headed || r.format.Width(1):
		return logio.Unclear
	case len(line) > 1 && (first == 't' || first == 'd' || first == 's'): // "ts", "dur" and "srcip" alone are headers, and "Summary" a trailer
		return logio.Unclear
	}
	for _, c := range line {
		if c <= ' ' || c == r.separator || c == '"' {
			return logio.Unclear
		}
	}
	return classFields // one cell
}

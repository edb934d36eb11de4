package eve

import (
	"threatdetect/features"
	"threatdetect/internal/jsonscan"
	"threatdetect/internal/logio"
)

// The classes of short lines that are bad: lines too short to be flows, of which a log may have nothing else, and each of which would cost as much as a long one.
const (
	classSame = logio.Bad + iota // equal to the current one
	classMalformed
	classOther
)

var shortReasons = [...]features.Reason{classMalformed: features.ReasonMalformed, classOther: features.ReasonOther}

// skipShort yields r.bad, which is the current line, a short one, and the bad records behind it as far as what they are is seen at once. It reports whether to go on.
func (r *reader) skipShort() bool {
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
		r.bad.Line, r.bad.Reason = r.lines.Number(), shortReasons[class]
		if class != classOther {
			r.bad.Text = r.lines.Bytes()
		}
	}
}

// classOf is the class of a short line behind the current one.
func (r *reader) classOf(line []byte) logio.Class {
	if class := r.plain(line); class != logio.Unclear {
		return class
	}
	if string(line) == string(r.lines.Bytes()) {
		return classSame
	}
	return logio.Unclear
}

// plain is what every short line is that looks like this one.
func (r *reader) plain(line []byte) logio.Class {
	switch {
	case line[0] <= ' ' || len(r.pointer) > 0: // blank, perhaps, or something that is wrapped
	case jsonscan.NoObject(line):
		return classMalformed
	case string(line) == "{}" && r.join == nil:
		return classOther
	}
	return logio.Unclear
}

package zeek

import (
	"threatdetect/features"
	"threatdetect/internal/jsonscan"
	"threatdetect/internal/logio"
)

// shortLines reads lines that are too short to be flows, of which a log may have nothing else: each costs as much as a long one otherwise.
type shortLines struct {
	class func(line []byte) logio.Class // classOf; not there before it is needed
	json  bool                          // the log is JSON
}

// The classes of short lines that are bad.
const (
	classSame = logio.Bad + iota // equal to the current one
	classFields
	classMalformed
	classOther
)

var shortReasons = [...]features.Reason{classFields: features.ReasonFields, classMalformed: features.ReasonMalformed, classOther: features.ReasonOther}

// skipShort yields r.bad, which is the current line, a short one, and the bad records behind it as far as what they are is seen at once. It reports whether to go on.
func (r *reader) skipShort() bool {
	if r.shorts.class == nil {
		r.shorts.class = r.classOf
	}
	class := r.plain(r.lines.Bytes())
	if class == logio.Unclear || shortReasons[class] != r.bad.Reason {
		class = classSame
	}
	for {
		r.bad.More, class = r.lines.PassShort(class, r.shorts.class)
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
	case line[0] <= ' ': // blank, perhaps
	case r.shorts.json && r.opts.Pointer != "":
	case r.shorts.json && jsonscan.NoObject(line):
		return classMalformed
	case r.shorts.json && string(line) == "{}" && r.opts.Join == nil:
		return classOther
	case r.shorts.json:
	case line[0] == '#' && len(line) < shortestDirective:
		return logio.NoRecord
	case line[0] != '#' && len(line)+1 < r.tsv.header.tabs && r.tsv.header.checked: // it would have to have more separators
		return classFields
	}
	return logio.Unclear
}

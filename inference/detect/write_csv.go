package detect

import (
	"strconv"
	"strings"

	"threatdetect/features"
	"threatdetect/internal/decimal"
)

// csvForm writes a table with the columns of the NDJSON record, probability only of a calibrated model, and, for each class, its score. What is not known is an
// empty field. With explanations, three columns for each reason are the last ones: top_1, top_1_value, top_1_contribution and so on.
//
// Texts are escaped as in a JSON string, so that a record is one line. One that a spreadsheet would take for a formula,
// because it begins with = + - @, tab or carriage return, gets an apostrophe in front.
type csvForm struct {
	*about
	constants  []byte // the fields that are the same for every verdict: threshold, model and set
	classNames [][]byte
	clock      clock
}

func newCSVForm(a *about) *csvForm {
	c := &csvForm{about: a}
	c.constants = decimal.AppendFloat32(append(c.constants, ','), a.threshold)
	c.constants = appendField(append(c.constants, ','), a.model)
	c.constants = appendField(append(c.constants, ','), a.set)
	for _, name := range a.classes {
		c.classNames = append(c.classNames, appendField(nil, name))
	}
	return c
}

func (c *csvForm) appendHeader(dst []byte) []byte {
	dst = append(dst, "ts,uid,src,src_port,dst,dst_port,proto,score"...)
	if c.calibrated {
		dst = append(dst, ",probability"...)
	}
	dst = append(dst, ",threat,threshold,model,set"...)
	if len(c.classes) > 0 {
		dst = append(dst, ",class"...)
	}
	if c.scores {
		for _, name := range c.classes {
			dst = appendField(append(dst, ','), "score_"+name)
		}
	}
	for i := range c.top {
		for _, part := range [...]string{"", "_value", "_contribution"} {
			dst = append(strconv.AppendInt(append(dst, ",top_"...), int64(i+1), 10), part...)
		}
	}
	return append(dst, '\n')
}

func (c *csvForm) appendVerdict(dst []byte, v *Verdict) []byte {
	f := v.Flow
	if f.Has(features.FieldStart) {
		dst = c.clock.appendTime(dst, f.Start)
	}
	dst = appendField(append(dst, ','), f.UID)
	for _, end := range [...]side{source(f), destination(f)} {
		dst = append(dst, ',')
		if end.hasAddr {
			dst = appendAddr(dst, end.addr)
		}
		dst = append(dst, ',')
		if end.hasPort {
			dst = strconv.AppendUint(dst, uint64(end.port), 10)
		}
	}
	dst = appendField(append(dst, ','), protoName(f))
	dst = decimal.AppendFloat32(append(dst, ','), v.Score)
	if c.calibrated {
		dst = decimal.AppendFloat32(append(dst, ','), v.Probability)
	}
	dst = strconv.AppendBool(append(dst, ','), v.Threat)
	dst = append(dst, c.constants...)
	if len(c.classes) > 0 {
		dst = append(dst, ',')
		if _, ok := c.class(v); ok {
			dst = append(dst, c.classNames[v.Class]...)
		}
	}
	if c.scores {
		for i := range c.classes {
			dst = append(dst, ',')
			if i < len(v.Classes) {
				dst = decimal.AppendFloat32(dst, v.Classes[i])
			}
		}
	}
	for i := range c.top {
		if i >= len(v.Top) {
			dst = append(dst, ",,,"...)
			continue
		}
		r := &v.Top[i]
		dst = append(appendField(append(dst, ','), r.Feature), ',')
		if r.Value == r.Value {
			dst = decimal.AppendFloat32(dst, r.Value)
		}
		dst = decimal.AppendFloat32(append(dst, ','), r.Contribution)
	}
	return append(dst, '\n')
}

// appendField appends a text as one field of a table.
func appendField[T text](dst []byte, s T) []byte {
	quoted := false
	for i := 0; i < len(s) && !quoted; i++ {
		quoted = s[i] == ',' || s[i] == '"' || s[i] == ' '
	}
	if quoted {
		dst = append(dst, '"')
	}
	if len(s) > 0 && strings.IndexByte("=+-@\t\r", s[0]) >= 0 {
		dst = append(dst, '\'')
	}
	dst = appendEscaped(dst, s, `""`)
	if quoted {
		dst = append(dst, '"')
	}
	return dst
}

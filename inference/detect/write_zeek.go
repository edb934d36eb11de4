package detect

import (
	"strconv"

	"threatdetect/features"
	"threatdetect/internal/decimal"
)

// zeekForm writes a log as Zeek's own, named threatdetect. The directives open and close are left out, since they tell
// the time of writing. Ports of ICMP are its type and code, as in Zeek's conn.log. With explanations, the last fields are three
// vectors: the features, their values and their contributions.
type zeekForm struct {
	*about
	constants []byte // the fields that are the same for every verdict: threshold, model and set
}

func newZeekForm(a *about) *zeekForm {
	z := &zeekForm{about: a}
	z.constants = decimal.AppendFloat32(append(z.constants, '\t'), a.threshold)
	z.constants = appendZeekString(append(z.constants, '\t'), a.model)
	z.constants = appendZeekString(append(z.constants, '\t'), a.set)
	return z
}

func (z *zeekForm) appendHeader(dst []byte) []byte {
	dst = append(dst, "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tthreatdetect\n"+
		"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tscore"...)
	if z.calibrated {
		dst = append(dst, "\tprobability"...)
	}
	dst = append(dst, "\tthreat\tthreshold\tmodel\tset"...)
	if len(z.classes) > 0 {
		dst = append(dst, "\tclass"...)
	}
	if z.top > 0 {
		dst = append(dst, "\ttop\ttop_value\ttop_contribution"...)
	}
	dst = append(dst, "\n#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tdouble"...)
	if z.calibrated {
		dst = append(dst, "\tdouble"...)
	}
	dst = append(dst, "\tbool\tdouble\tstring\tstring"...)
	if len(z.classes) > 0 {
		dst = append(dst, "\tstring"...)
	}
	if z.top > 0 {
		dst = append(dst, "\tvector[string]\tvector[double]\tvector[double]"...)
	}
	return append(dst, '\n')
}

func (z *zeekForm) appendVerdict(dst []byte, v *Verdict) []byte {
	f := v.Flow
	if f.Has(features.FieldStart) {
		dst = appendSeconds(dst, f.Start)
	} else {
		dst = append(dst, '-')
	}
	dst = appendZeekString(append(dst, '\t'), f.UID)
	src, dest := source(f), destination(f)
	if f.Has(features.FieldICMP) && !src.hasPort && !dest.hasPort {
		src.port, src.hasPort = uint16(f.ICMPType), true
		dest.port, dest.hasPort = uint16(f.ICMPCode), true
	}
	dst = appendZeekSide(dst, &src)
	dst = appendZeekSide(dst, &dest)
	dst = appendZeekString(append(dst, '\t'), protoName(f))
	dst = decimal.AppendFloat32(append(dst, '\t'), v.Score)
	if z.calibrated {
		dst = decimal.AppendFloat32(append(dst, '\t'), v.Probability)
	}
	if v.Threat {
		dst = append(dst, "\tT"...)
	} else {
		dst = append(dst, "\tF"...)
	}
	dst = append(dst, z.constants...)
	if len(z.classes) > 0 {
		class, _ := z.class(v)
		dst = appendZeekString(append(dst, '\t'), class)
	}
	if z.top > 0 {
		dst = appendZeekTop(dst, v.Top[:z.numTop(v)])
	}
	return append(dst, '\n')
}

// appendZeekTop appends the vectors of the reasons, each with the separator ahead of it. A missing value is unset.
func appendZeekTop(dst []byte, top []Reason) []byte {
	if len(top) == 0 {
		return append(dst, "\t(empty)\t(empty)\t(empty)"...)
	}
	separator := byte('\t')
	for i := range top {
		dst = appendZeekText(append(dst, separator), top[i].Feature, ',')
		separator = ','
	}
	separator = '\t'
	for i := range top {
		dst = append(dst, separator)
		if x := top[i].Value; x == x {
			dst = decimal.AppendFloat32(dst, x)
		} else {
			dst = append(dst, '-')
		}
		separator = ','
	}
	separator = '\t'
	for i := range top {
		dst = decimal.AppendFloat32(append(dst, separator), top[i].Contribution)
		separator = ','
	}
	return dst
}

// appendZeekSide appends the fields of an address and a port, each with the separator ahead of it.
func appendZeekSide(dst []byte, s *side) []byte {
	dst = append(dst, '\t')
	if s.hasAddr {
		dst = appendAddr(dst, s.addr)
	} else {
		dst = append(dst, '-')
	}
	dst = append(dst, '\t')
	if s.hasPort {
		return strconv.AppendUint(dst, uint64(s.port), 10)
	}
	return append(dst, '-')
}

// appendZeekString appends a text with Zeek's escapes: \xNN for what is not printable ASCII, a doubled backslash, and an
// escaped first byte where the text would read as unset or as empty. The empty text is unset.
func appendZeekString[T text](dst []byte, s T) []byte { return appendZeekText(dst, s, '\t') }

// appendZeekText is appendZeekString where separator, too, has to be escaped.
func appendZeekText[T text](dst []byte, s T, separator byte) []byte {
	if len(s) == 0 {
		return append(dst, '-')
	}
	n, cut := cutText(s)
	for i := 0; i < n; i++ {
		switch c := s[i]; {
		case c == '\\':
			dst = append(dst, `\\`...)
		case c < ' ' || c > '~' || c == separator || i == 0 && (string(s) == "-" || string(s) == "(empty)"):
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	if cut {
		for _, c := range []byte(cutMark) {
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

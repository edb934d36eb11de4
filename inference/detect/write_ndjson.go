package detect

import (
	"strconv"

	"threatdetect/features"
)

// ndjsonForm writes the record of the command score: one object with the same keys in the same order for every flow.
type ndjsonForm struct {
	*about
	constants  []byte // the members that are the same for every verdict: threshold, model and set
	classNames [][]byte
	clock      clock
	seen       scores
	quick      *quickNDJSON // nil: every verdict takes the long way
}

func newNDJSONForm(a *about) *ndjsonForm {
	n := &ndjsonForm{about: a, constants: appendNumber([]byte(`,"threshold":`), a.threshold)}
	n.constants = append(n.constants, `,"model":`...)
	if a.model == "" {
		n.constants = append(n.constants, "null"...)
	} else {
		n.constants = appendString(n.constants, a.model)
	}
	n.constants = appendMember(n.constants, "set", a.set)
	for _, name := range a.classes {
		n.classNames = append(n.classNames, appendString(nil, name))
	}
	n.quick = newQuickNDJSON(n)
	return n
}

func (*ndjsonForm) appendHeader(dst []byte) []byte { return dst }

func (n *ndjsonForm) appendVerdict(dst []byte, v *Verdict) []byte {
	if n.quick != nil {
		var ok bool
		if dst, ok = n.quick.appendVerdict(dst, v, n); ok {
			return dst
		}
	}
	f := v.Flow
	dst = append(dst, `{"ts":`...)
	if f.Has(features.FieldStart) {
		dst = append(dst, '"')
		dst = append(n.clock.appendTime(dst, f.Start), '"')
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"uid":`...)
	if len(f.UID) > 0 {
		dst = appendString(dst, f.UID)
	} else {
		dst = append(dst, "null"...)
	}
	src, dest := source(f), destination(f)
	dst = appendAddrOrNull(append(dst, `,"src":`...), &src)
	dst = appendPortOrNull(append(dst, `,"src_port":`...), &src)
	dst = appendAddrOrNull(append(dst, `,"dst":`...), &dest)
	dst = appendPortOrNull(append(dst, `,"dst_port":`...), &dest)
	dst = append(dst, `,"proto":`...)
	if proto := protoName(f); proto != "" {
		dst = appendString(dst, proto)
	} else {
		dst = append(dst, "null"...)
	}
	dst = n.appendScore(append(dst, `,"score":`...), v)
	dst = strconv.AppendBool(append(dst, `,"threat":`...), v.Threat)
	dst = append(dst, n.constants...)
	if len(n.classes) > 0 {
		dst = n.appendClasses(dst, v)
	}
	dst = n.appendTop(dst, v)
	return append(dst, "}\n"...)
}

// appendScore appends the score and, if the model is calibrated, the probability.
func (n *ndjsonForm) appendScore(dst []byte, v *Verdict) []byte {
	dst = n.seen.appendNumber(dst, v.Score)
	if n.calibrated {
		dst = n.seen.appendNumber(append(dst, `,"probability":`...), v.Probability)
	}
	return dst
}

// appendClasses appends the name of the likeliest class and, if the model has them, the scores of all.
func (n *ndjsonForm) appendClasses(dst []byte, v *Verdict) []byte {
	dst = append(dst, `,"class":`...)
	if _, ok := n.class(v); ok {
		dst = append(dst, n.classNames[v.Class]...)
	} else {
		dst = append(dst, "null"...)
	}
	if !n.scores {
		return dst
	}
	dst = append(dst, `,"classes":{`...)
	for i, score := range v.Classes[:n.numScore(v)] {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, n.classNames[i]...), ':')
		dst = appendNumber(dst, score)
	}
	return append(dst, '}')
}

func appendAddrOrNull(dst []byte, s *side) []byte {
	if !s.hasAddr {
		return append(dst, "null"...)
	}
	return append(appendAddr(append(dst, '"'), s.addr), '"')
}

func appendPortOrNull(dst []byte, s *side) []byte {
	if !s.hasPort {
		return append(dst, "null"...)
	}
	return strconv.AppendUint(dst, uint64(s.port), 10)
}

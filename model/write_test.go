package model

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The writers here make small models for the tests, with whatever defect a test asks for. They are not XGBoost's: files of
// real releases are in the tests that compare formats.

// tiny is a booster with a tree of depth 2 that has deleted nodes, and a tree that is a leaf.
func tiny() *Booster {
	return &Booster{
		Version: Version{1, 7, 0}, Kind: "gbtree", Objective: "binary:logistic", Params: map[string]string{"scale_pos_weight": "1"},
		NumFeature: 3, NumTarget: 1, BaseScore: []float32{0.5}, Attributes: map[string]string{"best_iteration": "1"},
		Trees: []Tree{{
			Left: []int32{1, 3, -1, -1, -1, -1, -1}, Right: []int32{2, 4, -1, -1, -1, -1, -1},
			Feature:     []int32{0, 2, 0, 0, 0, math.MaxInt32, math.MaxInt32},
			Value:       []float32{0.5, -1, 0.25, -0.5, 1.5, 0, 0},
			DefaultLeft: []bool{true, false, false, false, false, true, true},
			LossChange:  []float32{3, 2, 0, 0, 0, 0, 0}, SumHessian: []float32{9, 6, 3, 2, 4, 0, 0},
			BaseWeight: []float32{0, 0, 1, -2, 6, 0, 0}, NumDeleted: 2,
		}, {
			Left: []int32{-1}, Right: []int32{-1}, Feature: []int32{0}, Value: []float32{0.125}, DefaultLeft: []bool{false},
			LossChange: []float32{0}, SumHessian: []float32{9}, BaseWeight: []float32{0.5},
		}},
		TreeGroup: []int32{0, 0}, NumParallelTree: 1, IterationStart: []int32{0, 1, 2},
	}
}

// pair and object make a document whose keys keep their order.
type pair struct {
	key   string
	value any
}
type object []pair

// at returns the value at a path such as "learner.gradient_booster.model.trees[0].id".
func (o object) at(path string) *any {
	var here any = o
	var found *any
	for part := range strings.SplitSeq(strings.ReplaceAll(path, "[", ".["), ".") {
		if rest, ok := strings.CutPrefix(part, "["); ok {
			i, _ := strconv.Atoi(strings.TrimSuffix(rest, "]"))
			found = &here.([]any)[i]
		} else {
			members := here.(object)
			i := slices.IndexFunc(members, func(p pair) bool { return p.key == part })
			if i < 0 {
				panic("the document has no " + path)
			}
			found = &members[i].value
		}
		here = *found
	}
	return found
}

// raw stands in a document for bytes that are written as they are.
type raw string

// toJSON writes a document as XGBoost does: no white space, default_left as 0 and 1.
func toJSON(v any) []byte {
	var out bytes.Buffer
	writeJSON(&out, v)
	return out.Bytes()
}

func writeJSON(out *bytes.Buffer, v any) {
	list := func(n int, element func(i int)) {
		out.WriteByte('[')
		for i := range n {
			if i > 0 {
				out.WriteByte(',')
			}
			element(i)
		}
		out.WriteByte(']')
	}
	switch v := v.(type) {
	case object:
		out.WriteByte('{')
		for i, p := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			writeJSON(out, p.key)
			out.WriteByte(':')
			writeJSON(out, p.value)
		}
		out.WriteByte('}')
	case string:
		out.WriteByte('"')
		out.WriteString(strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\n", `\n`).Replace(v))
		out.WriteByte('"')
	case raw:
		out.WriteString(string(v))
	case int:
		fmt.Fprint(out, v)
	case float32:
		out.WriteString(jsonFloat(v))
	case []any:
		list(len(v), func(i int) { writeJSON(out, v[i]) })
	case []int32:
		list(len(v), func(i int) { fmt.Fprint(out, v[i]) })
	case []byte:
		list(len(v), func(i int) { fmt.Fprint(out, int8(v[i])) })
	case []float32:
		list(len(v), func(i int) { out.WriteString(jsonFloat(v[i])) })
	case []bool:
		list(len(v), func(i int) {
			if v[i] {
				out.WriteByte('1')
			} else {
				out.WriteByte('0')
			}
		})
	default:
		panic(fmt.Sprintf("%T in a document", v))
	}
}

func jsonFloat(v float32) string {
	switch f := float64(v); {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return strings.Trim(fmt.Sprint(f), "+") + "inity"
	default:
		return strconv.FormatFloat(f, 'E', -1, 32)
	}
}

// toUBJSON writes a document with typed arrays as XGBoost does, or with an untyped one for every array.
func toUBJSON(v any, typed bool) []byte {
	w := &ubjsonWriter{typed: typed}
	w.value(v)
	return w.out
}

type ubjsonWriter struct {
	out   []byte
	typed bool
}

func (w *ubjsonWriter) length(n int) {
	w.out = binary.BigEndian.AppendUint64(append(w.out, 'L'), uint64(n))
}

func (w *ubjsonWriter) array(marker byte, n int, element func(i int)) {
	w.out = append(w.out, '[')
	if !w.typed {
		for i := range n {
			w.out = append(w.out, marker)
			element(i)
		}
		w.out = append(w.out, ']')
		return
	}
	w.out = append(w.out, '$', marker, '#')
	w.length(n)
	for i := range n {
		element(i)
	}
}

func (w *ubjsonWriter) value(v any) {
	switch v := v.(type) {
	case object:
		w.out = append(w.out, '{')
		for _, p := range v {
			w.length(len(p.key))
			w.out = append(w.out, p.key...)
			w.value(p.value)
		}
		w.out = append(w.out, '}')
	case string:
		w.out = append(w.out, 'S')
		w.length(len(v))
		w.out = append(w.out, v...)
	case raw:
		w.out = append(w.out, v...)
	case int:
		w.out = binary.BigEndian.AppendUint32(append(w.out, 'l'), uint32(v))
	case float32:
		w.out = binary.BigEndian.AppendUint32(append(w.out, 'd'), math.Float32bits(v))
	case []any:
		w.out = append(w.out, '[', '#')
		w.length(len(v))
		for _, e := range v {
			w.value(e)
		}
	case []int32:
		w.array('l', len(v), func(i int) { w.out = binary.BigEndian.AppendUint32(w.out, uint32(v[i])) })
	case []byte: // bytes of names
		w.array('i', len(v), func(i int) { w.out = append(w.out, v[i]) })
	case []float32:
		w.array('d', len(v), func(i int) { w.out = binary.BigEndian.AppendUint32(w.out, math.Float32bits(v[i])) })
	case []bool:
		w.array('U', len(v), func(i int) {
			if v[i] {
				w.out = append(w.out, 1)
			} else {
				w.out = append(w.out, 0)
			}
		})
	default:
		panic(fmt.Sprintf("%T in a document", v))
	}
}

package model

import (
	"cmp"
	"slices"
)

// writeCategories writes the dictionary of categories: see [schema.categories]. What follows from the entries is where those of each feature
// start when all are counted, and the codes of each feature in the order of their categories, names being compared as signed bytes.
//
// Releases before 3.1 skip all this, but cannot skip UBJSON's arrays of 8 and 16 bits; untyped then marks each element.
func writeCategories(s sink, lists []CategoryList, untyped bool) {
	var segments, sorted []int32
	s.object()
	s.key("enc")
	s.array(len(lists))
	for i := range lists {
		writeCategoryList(s, &lists[i], untyped)
	}
	s.endArray()
	for i := range lists {
		if i == 0 {
			segments = append(segments, 0)
		}
		order := lists[i].order()
		segments = append(segments, segments[i]+int32(len(order)))
		sorted = append(sorted, order...)
	}
	s.key("feature_segments")
	s.int32s(segments)
	s.key("sorted_idx")
	s.int32s(sorted)
	s.endObject()
}

// order returns the codes in ascending order of their categories.
func (c *CategoryList) order() []int32 {
	codes := make([]int32, max(len(c.Names), len(c.Ints), len(c.Floats)))
	for i := range codes {
		codes[i] = int32(i)
	}
	slices.SortStableFunc(codes, func(a, b int32) int {
		switch {
		case c.Names != nil:
			return compareSigned(c.Names[a], c.Names[b])
		case c.Ints != nil:
			return cmp.Compare(c.Ints[a], c.Ints[b])
		}
		return cmp.Compare(c.Floats[a], c.Floats[b])
	})
	return codes
}

func compareSigned(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return cmp.Compare(int8(a[i]), int8(b[i]))
		}
	}
	return cmp.Compare(len(a), len(b))
}

func writeCategoryList(s sink, c *CategoryList, untyped bool) {
	s.object()
	if c.Kind == 0 {
		var offsets []int32
		var text []byte
		if len(c.Names) > 0 {
			offsets = append(offsets, 0)
		}
		for _, name := range c.Names {
			text = append(text, name...)
			offsets = append(offsets, int32(len(text)))
		}
		s.key("offsets")
		s.int32s(offsets)
		s.key("values")
		if untyped {
			s.array(len(text))
			for _, c := range text {
				s.int(int64(int8(c)))
			}
			s.endArray()
		} else {
			s.int8s(text)
		}
		s.endObject()
		return
	}
	s.key("type")
	s.int(int64(c.Kind))
	s.key("values")
	if untyped && (c.Kind == kindInt8 || c.Kind == kindInt16) {
		s.array(len(c.Ints))
		for _, v := range c.Ints {
			s.int(v)
		}
		s.endArray()
		s.endObject()
		return
	}
	switch c.Kind {
	case kindFloat32:
		s.float32s(narrowed(c.Floats))
	case kindFloat64:
		s.float64s(c.Floats)
	case kindInt8:
		s.int8s(truncated(c.Ints))
	case kindUint8:
		s.uint8s(truncated(c.Ints))
	case kindInt16:
		s.int16s(c.Ints)
	case kindUint16, kindInt32:
		values := make([]int32, len(c.Ints))
		for i, v := range c.Ints {
			values[i] = int32(v)
		}
		s.int32s(values)
	default:
		s.int64s(c.Ints)
	}
	s.endObject()
}

// More codes of XGBoost for the types of numeric categories; 14 to 16 are the unsigned 32 bits and both of 64.
const (
	kindInt8   = 9
	kindUint8  = 10
	kindInt16  = 11
	kindUint16 = 12
	kindInt32  = 13
)

func narrowed(wide []float64) []float32 {
	out := make([]float32, len(wide))
	for i, v := range wide {
		out[i] = float32(v)
	}
	return out
}

func truncated(wide []int64) []byte {
	out := make([]byte, len(wide))
	for i, v := range wide {
		out[i] = byte(v)
	}
	return out
}

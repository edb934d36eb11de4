package model

import "math"

// Codes that XGBoost uses for the types of numeric categories.
const (
	kindFloat32 = 7
	kindFloat64 = 8
	kindLast    = 16 // those from 9 on are integers
)

// categories reads the dictionary of the categories that training data frames had, one entry for each feature:
//
//	{"enc": [{"offsets": [0, 4, 9], "values": [98, 108, …]},     names: bytes, as signed integers
//	         {"type": 15, "values": [-7, 993]},                  numbers
//	         {"offsets": [], "values": []}],                     a numeric feature
//	 "feature_segments": […], "sorted_idx": […]}                 follow from the entries
func (s *schema) categories() error {
	const enc = 0
	var keys seen
	return eachKey(s.doc, func(key []byte) error {
		if string(key) != "enc" {
			return s.doc.Skip()
		}
		return first(keys.once(enc), func() error {
			return eachElement(s.doc, func(i int) error {
				if err := check("features", int64(i)+1, int64(s.opts.MaxFeatures)); err != nil {
					return err
				}
				list, err := s.categoryList()
				s.b.Categories = append(s.b.Categories, list)
				return err
			})
		})
	})
}

func (s *schema) categoryList() (list CategoryList, err error) {
	const typ, offsets, values = 0, 1, 2
	var keys seen
	var places []int32
	var text []byte
	var floats []float64
	err = eachKeyThen(s.doc, func(key []byte) error {
		switch string(key) {
		case "type":
			return first(keys.once(typ), func() error {
				v, err := s.doc.Int()
				if err == nil && (v < kindFloat32 || v > kindLast) {
					return formatErrorf("%d is not a type of categories", v)
				}
				list.Kind = int(v)
				return err
			})
		case "offsets":
			return first(keys.once(offsets), func() error { return appendInts(s.doc, &places) })
		case "values":
			return first(keys.once(values), func() (err error) {
				if keys.has(offsets) { // the usual order; the bytes of names need no room as numbers
					text, err = s.doc.AppendBytes(nil)
				} else {
					list.Ints, floats, err = s.doc.Numbers()
				}
				return err
			})
		}
		return s.doc.Skip()
	}, func() error {
		switch {
		case !keys.has(values):
			return missing("values")
		case keys.has(typ) == keys.has(offsets):
			return formatErrorf(`expected either "type" or "offsets"`)
		case keys.has(typ):
			return list.setNumbers(floats)
		case floats != nil:
			return formatErrorf("the bytes of names are no bytes")
		}
		for i, c := range list.Ints {
			if c < math.MinInt8 || c > math.MaxUint8 {
				return misplaced(index("values", i), formatErrorf("%d is not a byte", c))
			}
			text = append(text, byte(c))
		}
		list.Ints = nil
		list.Names, err = categoryNames(places, text)
		return err
	})
	return list, err
}

// setNumbers brings numbers, which are in Ints or in floats, into the slice that belongs to their type.
func (c *CategoryList) setNumbers(floats []float64) error {
	if c.Kind != kindFloat32 && c.Kind != kindFloat64 {
		if floats != nil {
			return formatErrorf("numbers with fractions for categories of type %d", c.Kind)
		}
		return nil
	}
	for _, v := range c.Ints {
		floats = append(floats, float64(v))
	}
	c.Ints, c.Floats = nil, floats
	return nil
}

// categoryNames cuts text at the offsets. Releases 3.1 to 3.3 count characters in place of bytes, so what they wrote for names with letters
// beyond ASCII is cut short and shifted; it is what they read again, and so it is kept.
func categoryNames(offsets []int32, text []byte) ([]string, error) {
	if len(offsets) == 0 && len(text) == 0 {
		return nil, nil
	}
	if len(offsets) == 0 || offsets[0] != 0 || int(offsets[len(offsets)-1]) != len(text) {
		return nil, formatErrorf("%d offsets do not cut %d bytes into names", len(offsets), len(text))
	}
	names := make([]string, len(offsets)-1)
	for i := range names {
		start, end := int(offsets[i]), int(offsets[i+1])
		if end < start || end > len(text) {
			return nil, misplaced(index("offsets", i+1), formatErrorf("a name from byte %d to %d of %d", start, end, len(text)))
		}
		names[i] = string(text[start:end])
	}
	return names, nil
}

package features

import (
	"cmp"
	"fmt"
	"slices"
)

// Places in UNSWColumns that the three features of the origin are made from.
const (
	unswDur        = 0
	unswSpkts      = 1
	unswDpkts      = 2
	unswSbytes     = 3
	unswDbytes     = 4
	unswDstSportLm = 31
)

// seedCategories are the categorical columns of the seed sets, in the order of their one-hot columns.
var seedCategories = [3]string{"proto", "service", "state"}

func (u *UNSW) category(i int) string { return [3]string{u.Proto, u.Service, u.State}[i] }

// seed is the recipe of seed/1 and, with scale, of seed-compat/1.
type seed struct {
	vocabulary [3][]string // of seedCategories, bytewise ascending
	scale      []Scale     // of the numeric columns; nil leaves them raw
}

// newSeed takes the recipe from a contract's encoders and scaler.
func newSeed(c *Contract, scaled bool) (*seed, error) {
	s := &seed{}
	for i, name := range seedCategories {
		k := slices.IndexFunc(c.Encoders, func(e Encoder) bool { return e.Field == name })
		if k < 0 {
			return nil, fmt.Errorf("%w: set %s needs an encoder for %q and the contract has none", ErrContract, c.Set, name)
		}
		s.vocabulary[i] = c.Encoders[k].Vocabulary
		if !slices.IsSortedFunc(s.vocabulary[i], cmp.Compare[string]) {
			return nil, fmt.Errorf("%w: the vocabulary of %q is not in bytewise order", ErrContract, name)
		}
	}
	if !scaled {
		return s, nil
	}
	if len(c.Scaler) != len(UNSWColumns) {
		return nil, fmt.Errorf("%w: set %s needs a scale for %d columns, got %d", ErrContract, c.Set, len(UNSWColumns), len(c.Scaler))
	}
	for i, sc := range c.Scaler {
		if sc.Column != UNSWColumns[i] {
			return nil, fmt.Errorf("%w: scaler[%d] is for column %q, want %q", ErrContract, i, sc.Column, UNSWColumns[i])
		}
	}
	s.scale = c.Scaler
	return s, nil
}

func (s *seed) columns() []Column {
	var columns []Column
	for _, name := range UNSWColumns {
		columns = append(columns, Column{Name: name, Doc: "column of UNSW-NB15"})
	}
	for i, field := range seedCategories {
		for _, value := range s.vocabulary[i] {
			columns = append(columns, Column{Name: field + "_" + value, Doc: fmt.Sprintf("1 if %s is %q", field, value)})
		}
	}
	return append(columns,
		Column{Name: "byte_ratio", Doc: "sbytes / (dbytes + 1)"},
		Column{Name: "seed_is_common_port", Doc: "1 if ct_dst_sport_ltm, which is a count and no port, is 80, 443 or 22"},
		Column{Name: "flow_intensity", Doc: "(spkts + dpkts) / (dur + 1e-6)"})
}

func (s *seed) fill(row []float32, f *Flow) {
	values := f.UNSW.Values
	if s.scale != nil {
		for i, sc := range s.scale {
			values[i] = (values[i] - float64(sc.Mean)) / float64(sc.Scale)
		}
	}
	for i, v := range values {
		row[i] = round(v)
	}
	at := len(values)
	for i, vocabulary := range s.vocabulary {
		cells := row[at : at+len(vocabulary)]
		at += len(vocabulary)
		value := f.UNSW.category(i)
		if value == "" {
			missing(cells)
			continue
		}
		clear(cells)
		if k, ok := slices.BinarySearch(vocabulary, value); ok {
			cells[k] = 1
		}
	}
	row[at] = round(values[unswSbytes] / (values[unswDbytes] + 1))
	row[at+1] = commonPortCount(values[unswDstSportLm])
	row[at+2] = round((values[unswSpkts] + values[unswDpkts]) / (values[unswDur] + 1e-6))
}

// commonPortCount is the origin's is_common_port, which compares a count of connections with port numbers.
func commonPortCount(v float64) float32 {
	if v != v {
		return nan32
	}
	return flag(v == 80 || v == 443 || v == 22)
}

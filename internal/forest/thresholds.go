package forest

import "threatdetect/internal/kernel"

// thresholds are the distinct thresholds of a forest's numeric splits. Each has a number, by which all that is compiled finds what it needs.
type thresholds struct {
	columns []int32    // that numeric splits look at, ascending
	keys    [][]uint32 // of the thresholds of each of these columns, ascending

	first []int32 // of the thresholds of each column among all, in this order

	of     []int32 // by node of the forest: the number of the threshold, if it is a numeric split
	column []int32 // by number: the place in columns
	rank   []int32 // by number: the place in keys of the column
}

// thresholdNumbers numbers thresholds in the order that splits come in.
type thresholdNumbers struct {
	table kernel.Table // of columns and keys
	of    []int32      // see thresholds
}

// add takes note of the threshold of a split, which is a node of the forest.
func (n *thresholdNumbers) add(node int, column int32, value float32) {
	number, _ := n.table.Find(uint64(column)<<32 | uint64(thresholdKey(value)))
	n.of[node] = int32(number)
}

// sorted returns what is known when all splits have come.
func (n *thresholdNumbers) sorted(pause func()) *thresholds {
	count := len(n.table.Keys)
	t := &thresholds{of: n.of, column: make([]int32, count), rank: make([]int32, count)}
	keys, first := make([]uint32, count), 0
	for i, number := range n.table.Order(pause) {
		column, key := int32(n.table.Keys[number]>>32), uint32(n.table.Keys[number])
		if last := len(t.columns) - 1; last < 0 || t.columns[last] != column {
			pause()
			t.columns, t.first, first = append(t.columns, column), append(t.first, int32(i)), i
			t.keys = append(t.keys, nil)
		}
		place := len(t.columns) - 1
		keys[i] = key
		t.keys[place] = keys[first : i+1 : i+1]
		t.column[number], t.rank[number] = int32(place), int32(i-first)
	}
	return t
}

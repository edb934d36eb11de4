package rows

import "testing"

func TestLibsvm(t *testing.T) {
	three := Options{NumFeature: 3}
	testGood(t, Libsvm, []good{
		{"nothing", three, "", nil},
		{"labels", three, "1 0:1 1:2 2:3\n-1.5 2:6\n+1 1:0\nnan 0:1", [][]float32{{1, 2, 3}, {na, na, 6}, {na, 0, na}, {1, na, na}}},
		{"no labels", three, "0:1 1:2 2:3\n2:6", [][]float32{{1, 2, 3}, {na, na, 6}}},
		{"label alone", three, "1\n0", [][]float32{{na, na, na}, {na, na, na}}},
		{"unsorted", three, "1 2:3 0:1", [][]float32{{1, na, 3}}},
		{"groups", three, "1 qid:7 0:1\nqid:8 0:2\nqid:9", [][]float32{{1, na, na}, {2, na, na}, {na, na, na}}},
		{"comments", three, "# all\n1 0:1 # 1:2\n0#x\n\n  # y", [][]float32{{1, na, na}, {na, na, na}}},
		{"blanks", three, " \t1\t0:1  2:3 \n\n \t\n", [][]float32{{1, na, 3}}},
		{"base 1", Options{NumFeature: 3, IndexBase: 1}, "1 1:1 3:3", [][]float32{{1, na, 3}}},
		{"leading zeros", three, "1 0002:3", [][]float32{{na, na, 3}}},
		{"infinite", three, "1 0:inf 1:-Infinity 2:1e99", [][]float32{{inf, -inf, inf}}},
		{"weights are values", three, "1:0.5 0:2", [][]float32{{2, 0.5, na}}},
		{"same index in two lines", three, "0:1\n0:2", [][]float32{{1, na, na}, {2, na, na}}},
	})
}

func TestLibsvmFaults(t *testing.T) {
	three := Options{NumFeature: 3}
	named := Options{NumFeature: 3, Names: abc}
	testBad(t, Libsvm, []bad{
		{"beyond", three, "1 0:1\n1 0:1 3:1\n", 1, ErrShape, 2, 3, "", "has 0 to 2"},
		{"far beyond", three, "1 99999999999999999999999999:1\n", 0, ErrShape, 1, 2, "", "beyond"},
		{"beyond, base 1", Options{NumFeature: 3, IndexBase: 1}, "1 4:1\n", 0, ErrShape, 1, 2, "", "has 1 to 3"},
		{"0, base 1", Options{NumFeature: 3, IndexBase: 1}, "1 0:1\n", 0, ErrShape, 1, 2, "", "start at 1"},
		{"negative", three, "1 -1:1\n", 0, ErrSyntax, 1, 2, "", `negative index: "-1"`},
		{"fraction", three, "1 1.0:1\n", 0, ErrSyntax, 1, 2, "", `not an index: "1.0"`},
		{"no index", three, "1 :1\n", 0, ErrSyntax, 1, 2, "", "not an index"},
		{"twice", three, "1 0:1 0:1\n", 0, ErrSyntax, 1, 3, "index 0", "twice"},
		{"twice, not in order", named, "1 1:1 0:1 1:2\n", 0, ErrSyntax, 1, 4, "b", "twice"},
		{"nan", three, "1 0:nan\n", 0, ErrSyntax, 1, 2, "index 0", `not a number: "nan"`},
		{"nothing", three, "1 0:\n", 0, ErrSyntax, 1, 2, "index 0", "not a number"},
		{"two colons", named, "1 0:1:2\n", 0, ErrSyntax, 1, 2, "a", `"1:2"`},
		{"two labels", three, "1 2 0:1\n", 0, ErrSyntax, 1, 2, "", `not index:value: "2"`},
		{"word label", three, "bad 0:1\n", 0, ErrSyntax, 1, 1, "label", `"bad"`},
		{"csv", three, "1,2,3\n", 0, ErrSyntax, 1, 1, "label", `"1,2,3"`},
		{"late group", three, "1 0:1 qid:1\n", 0, ErrSyntax, 1, 3, "", `not an index: "qid"`},
		{"group twice", three, "1 qid:1 qid:1\n", 0, ErrSyntax, 1, 3, "", `not an index: "qid"`},
		{"group of no number", three, "1 qid:x\n", 0, ErrSyntax, 1, 2, "qid", `"x"`},
	})
}

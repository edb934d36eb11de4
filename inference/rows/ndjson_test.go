package rows

import "testing"

func TestNDJSON(t *testing.T) {
	three := Options{NumFeature: 3}
	named := Options{NumFeature: 3, Names: abc}
	testGood(t, NDJSON, []good{
		{"nothing", three, "", nil},
		{"arrays", three, "[1,-2.5e1,null]\n\n [ 0 ,\t0.5, 1E+2 ] ", [][]float32{{1, -25, na}, {0, 0.5, 100}}},
		{"fewer values", three, "[1]\n[2]", [][]float32{{1, na, na}, {2, na, na}}},
		{"no values", three, "[]\n[ ]", [][]float32{{na, na, na}, {na, na, na}}},
		{"beyond float32", three, "[1e39,-1e400,1e-60]", [][]float32{{inf, -inf, 0}}},
		{"objects", named, `{"a":1,"b":2,"c":3}` + "\n" + ` { "c" : 3 , "a" : null } ` + "\n{}", [][]float32{{1, 2, 3}, {na, na, 3}, {na, na, na}}},
		{"escaped names", Options{NumFeature: 2, Names: []string{`a"b`, "é"}}, `{"a\"b":1,"\u00e9":2}`, [][]float32{{1, 2}}},
		{"arrays and objects", named, `[1,2,3]` + "\n" + `{"b":2}`, [][]float32{{1, 2, 3}, {na, 2, na}}},
	})
}

func TestNDJSONFaults(t *testing.T) {
	three := Options{NumFeature: 3}
	named := Options{NumFeature: 3, Names: abc}
	testBad(t, NDJSON, []bad{
		{"more values", three, "[1,2,3,4]\n", 0, ErrShape, 1, 0, "", "4 values, the model has 3"},
		{"ragged", three, "[1,2,3]\n\n[1,2]\n", 1, ErrShape, 3, 0, "", "2 values, line 1 has 3"},
		{"object without names", three, `{"a":1}`, 0, ErrShape, 1, 0, "", "no feature names"},
		{"unknown name", named, `{"a":1,"x":1}`, 0, ErrShape, 1, 2, "", `no feature "x"`},
		{"name twice", named, `{"a":1,"b":1,"a":1}`, 0, ErrSyntax, 1, 3, "a", "twice"},
		{"string", named, `{"a":"1"}`, 0, ErrSyntax, 1, 1, "a", `not a number or null: "\"1\""`},
		{"NaN", named, "[1,NaN,3]", 0, ErrSyntax, 1, 2, "b", `"NaN"`},
		{"Infinity", three, "[1,2,-Infinity]", 0, ErrSyntax, 1, 3, "", `"-Infinity"`},
		{"true", three, "[true]", 0, ErrSyntax, 1, 1, "", `"true"`},
		{"nested", three, "[[1,2,3],[4,5,6]]", 0, ErrSyntax, 1, 1, "", `"[1"`},
		{"nested object", named, `{"a":{"b":1}}`, 0, ErrSyntax, 1, 1, "a", "not a number"},
		{"plus", three, "[+1]", 0, ErrSyntax, 1, 1, "", `"+1"`},
		{"leading zero", three, "[-01]", 0, ErrSyntax, 1, 1, "", `"-01"`},
		{"point first", three, "[.5]", 0, ErrSyntax, 1, 1, "", `".5"`},
		{"point last", three, "[5.]", 0, ErrSyntax, 1, 1, "", `"5."`},
		{"point before power", three, "[5.e1]", 0, ErrSyntax, 1, 1, "", `"5.e1"`},
		{"no power", three, "[5e]", 0, ErrSyntax, 1, 1, "", `"5e"`},
		{"nulls", three, "[nulls]", 0, ErrSyntax, 1, 1, "", `"nulls"`},
		{"comma at the end", three, "[1,]", 0, ErrSyntax, 1, 2, "", `"]"`},
		{"no comma", three, "[1 2]", 0, ErrSyntax, 1, 1, "", `want a comma or ']'`},
		{"cut", three, "[1,2", 0, ErrSyntax, 1, 0, "", "line ends"},
		{"cut value", three, "[1,", 0, ErrSyntax, 1, 2, "", "line ends"},
		{"cut name", named, `{"a`, 0, ErrSyntax, 1, 1, "", "no end"},
		{"cut after name", named, `{"a"`, 0, ErrSyntax, 1, 1, "a", "colon"},
		{"wrong end", three, "[1}", 0, ErrSyntax, 1, 1, "", "want a comma"},
		{"two rows", three, "[1][2]", 0, ErrSyntax, 1, 0, "", `after the row: "[2]"`},
		{"number", three, "1", 0, ErrSyntax, 1, 0, "", "not a JSON array or object"},
		{"NUL", three, "\x00", 0, ErrSyntax, 1, 0, "", "not a JSON array or object"},
		{"bare name", named, "{a:1}", 0, ErrSyntax, 1, 1, "", "not a name"},
		{"bad escape", named, `{"\q":1}`, 0, ErrSyntax, 1, 1, "", "not a JSON string"},
		{"control character", named, "{\"a\tb\":1}", 0, ErrSyntax, 1, 1, "", "control character"},
	})
}

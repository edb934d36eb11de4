package rows

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var abc = []string{"a", "b", "c"}

func TestCSV(t *testing.T) {
	three := Options{NumFeature: 3}
	named := Options{NumFeature: 3, Names: abc}
	testGood(t, CSV, []good{
		{"nothing", three, "", nil},
		{"blank lines", three, "\n \n1,2,3\n\n \t \n4,5,6\n\n", [][]float32{{1, 2, 3}, {4, 5, 6}}},
		{"no last newline", three, "1,2,3", [][]float32{{1, 2, 3}}},
		{"missing", three, ",nan,NaN\nNAN, ,\t", [][]float32{{na, na, na}, {na, na, na}}},
		{"blanks", three, " 1 ,\t2\t, 3  ", [][]float32{{1, 2, 3}}},
		{"numbers", three, "-1.5,+2.,.5e1\n1e300,-Inf,INFINITY\n1E-3,007,1e-400", [][]float32{{-1.5, 2, 5}, {inf, -inf, inf}, {0.001, 7, 0}}},
		{"fewer columns", three, "1,2\n3,4", [][]float32{{1, 2, na}, {3, 4, na}}},
		{"semicolons", three, "1;2;3\n4;5;6", [][]float32{{1, 2, 3}, {4, 5, 6}}},
		{"tabs", three, "1\t\t3\n\t\t", [][]float32{{1, na, 3}, {na, na, na}}},
		{"tabs, all missing first", three, "\t\t\n1\t2\t3", [][]float32{{na, na, na}, {1, 2, 3}}},
		{"bars", three, "1|2|3", [][]float32{{1, 2, 3}}},
		{"spaces", three, "1 2 3\n4  6", [][]float32{{1, 2, 3}, {4, na, 6}}},
		{"spaces before a comma file", three, "  \n1,2,3", [][]float32{{1, 2, 3}}},
		{"comma first", three, "1, 2, 3", [][]float32{{1, 2, 3}}},
		{"given separator", Options{NumFeature: 3, Comma: ':'}, "1:2:3", [][]float32{{1, 2, 3}}},
		{"given separator, fewer", Options{NumFeature: 3, Comma: ';'}, "1;2\n3;4", [][]float32{{1, 2, na}, {3, 4, na}}},
		{"quoted", three, "\"1\",\" 2 \", \"\" \n3,\"nan\",4", [][]float32{{1, 2, na}, {3, na, 4}}},
		{"one column", Options{NumFeature: 1}, "1\n\n\"\"\nnan\n2", [][]float32{{1}, {na}, {na}, {2}}},

		{"header by name", named, "c,a,b\n3,1,2", [][]float32{{1, 2, 3}}},
		{"header alone", named, "a,b,c\n", nil},
		{"header blanks", named, " c , \"a\",b \n3,1,2", [][]float32{{1, 2, 3}}},
		{"header semicolons", named, "c;a;b\n3;1;2", [][]float32{{1, 2, 3}}},
		{"header after blank lines", named, "\n\nc,a,b\n3,1,2", [][]float32{{1, 2, 3}}},
		{"no header, names", named, "1,2,3\n4,5,6", [][]float32{{1, 2, 3}, {4, 5, 6}}},
		{"header partly numbers", Options{NumFeature: 2, Names: []string{"1", "x"}}, "x,1\n5,6", [][]float32{{6, 5}}},
		{"header of numbers", Options{NumFeature: 2, Names: []string{"0", "1"}, Header: HeaderYes}, "1,0\n5,6", [][]float32{{6, 5}}},
		{"numbers are no header", Options{NumFeature: 2, Names: []string{"0", "1"}}, "1,0\n5,6", [][]float32{{1, 0}, {5, 6}}},
		{"header without model names", three, "x,y,z\n1,2,3", [][]float32{{1, 2, 3}}},
		{"forced header without model names", Options{NumFeature: 3, Header: HeaderYes}, "1,2,3\n4,5,6", [][]float32{{4, 5, 6}}},
		{"model names with blanks", Options{NumFeature: 2, Names: []string{" Destination Port", " Flow Duration"}}, "Flow Duration, Destination Port\n1,2", [][]float32{{2, 1}}},
		{"header name with comma and quote", Options{NumFeature: 2, Names: []string{`a,"b"`, "c"}}, "c,\"a,\"\"b\"\"\"\n1,2", [][]float32{{2, 1}}},
		{"header of a name in UTF-8", Options{NumFeature: 1, Names: []string{"größe"}}, "größe\n1", [][]float32{{1}}},
	})
}

func TestCSVFaults(t *testing.T) {
	three := Options{NumFeature: 3}
	named := Options{NumFeature: 3, Names: abc}
	raw := Options{NumFeature: 3, Header: HeaderNo}
	testBad(t, CSV, []bad{
		{"more columns", three, "1,2,3,4\n", 0, ErrShape, 1, 0, "", "4 fields, the model has 3"},
		{"more columns than one", Options{NumFeature: 1}, "1,2\n", 0, ErrShape, 1, 0, "", "2 fields, the model has 1"},
		{"short record", three, "1,2,3\n\n1,2\n", 1, ErrShape, 3, 0, "", "2 fields, line 1 has 3"},
		{"long record", three, "1,2\n1,2,3\n", 1, ErrShape, 2, 0, "", "3 fields, line 1 has 2"},
		{"very long record", three, "1,2,3\n1,2,3,x,,\n", 1, ErrShape, 2, 0, "", "6 fields, line 1 has 3"},
		{"trailing comma", three, "1,2,3\n1,2,3,\n", 1, ErrShape, 2, 0, "", "4 fields"},
		{"short quoted record", three, "1,2,3\n\"1\",2\n", 1, ErrShape, 2, 0, "", "2 fields, line 1 has 3"},
		{"NA", three, "1,2,3\n1,NA,3\n", 1, ErrSyntax, 2, 2, "", `not a number: "NA"`},
		{"null", named, "1,2,3\n1,null,3\n", 1, ErrSyntax, 2, 2, "b", `"null"`},
		{"minus nan", three, "1,2,3\n1,-nan,3\n", 1, ErrSyntax, 2, 2, "", `"-nan"`},
		{"hexadecimal", three, "1,2,3\n0x10,2,3\n", 1, ErrSyntax, 2, 1, "", `"0x10"`},
		{"hexadecimal power", three, "1,2,3\n0x1p4,2,3\n", 1, ErrSyntax, 2, 1, "", `"0x1p4"`},
		{"underscore", three, "1,2,3\n1_0,2,3\n", 1, ErrSyntax, 2, 1, "", `"1_0"`},
		{"no power", three, "1,2,3\n1,2,1e\n", 1, ErrSyntax, 2, 3, "", `"1e"`},
		{"two numbers", three, "1,2,3\n1,2 3,4\n", 1, ErrSyntax, 2, 2, "", `"2 3"`},
		{"infinit", three, "1,2,3\n1,infinit,4\n", 1, ErrSyntax, 2, 2, "", `"infinit"`},
		{"sign", three, "1,2,3\n1,-,4\n", 1, ErrSyntax, 2, 2, "", `"-"`},
		{"no header wanted", raw, "1,x,3\n", 0, ErrSyntax, 1, 2, "", `"x"`},
		{"quoted text", three, "1,2,3\n1,\"1,5\",3\n", 1, ErrSyntax, 2, 2, "", `"1,5"`},
		{"quote in a field", three, "1,2,3\n1,2\"\",3\n", 1, ErrSyntax, 2, 2, "", `not a number: "2\"\""`},
		{"quote without end", named, "1,2,3\n1,\"2\n\",3\n", 1, ErrSyntax, 2, 2, "b", "line breaks in fields"},
		{"text after quotes", named, "1,2,3\n1,2,\"3\"4\n", 1, ErrSyntax, 2, 3, "c", "after a quoted field"},
		{"quote without end in a header", named, "a,\"b\nc", 0, ErrSyntax, 1, 2, "", "line breaks in fields"},
		{"carriage return inside", three, "1,2,3\r4,5,6\n1,2,3\n", 0, ErrShape, 1, 0, "", "5"},

		{"unknown name", named, "a,b,label,c\n1,2,3,4\n", 0, ErrShape, 1, 3, "", `no feature "label"`},
		{"missing name", named, "a,c\n1,2\n", 0, ErrShape, 1, 0, "", `no column "b"`},
		{"both", named, "a,B,c\n1,2,3\n", 0, ErrShape, 1, 2, "", `no feature "B", and the header has no column "b"`},
		{"name twice", named, "a,b,a\n1,2,3\n", 0, ErrShape, 1, 3, "a", "column 1 too"},
		{"data of another separator", named, "1;2\n", 0, ErrShape, 1, 1, "", `"1;2"`},
		{"forced header is data", Options{NumFeature: 3, Names: abc, Header: HeaderYes}, "1,2,3\n", 0, ErrShape, 1, 1, "", `no feature "1", "2", "3"`},
		{"header without model names", three, "x,y\n1,2\n", 0, ErrShape, 1, 0, "", "header has 2 columns, the model has 3 features"},
		{"field name from the header", three, "x,y,z\n1,2,?\n", 0, ErrSyntax, 2, 3, "z", `column 3 (z): not a number: "?"`},
		{"field name after matching", named, "c,b,a\n1,2,?\n", 0, ErrSyntax, 2, 3, "a", "(a)"},
	})
}

// A line of separators must not cost more than a few times its bytes, however often it is looked at.
func TestCSVManyFields(t *testing.T) {
	line := strings.Repeat(",", 4<<20)
	d := newCSVDecoder(&Options{NumFeature: 3}, nil, make([]float32, 3))
	_, fault := d.decode([]byte(line))
	require.ErrorIs(t, fault, ErrShape)
	require.LessOrEqual(t, cap(d.fields.kept), 256)

	names := make([]string, 3000)
	for i := range names {
		names[i] = "column number " + strings.Repeat("x", i%7) + string(rune('0'+i%10)) + strings.Repeat("y", i/10)
	}
	_, err := readText(strings.Join(names, "z,"), CSV, &Options{NumFeature: len(names), Names: names})
	require.ErrorIs(t, err, ErrShape)
	require.Less(t, len(err.Error()), 600)
}

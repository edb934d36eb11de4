package pickle

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// decode decodes a whole pickle and gives its containers no numbers, so that they can be compared.
func decode(t testing.TB, file string) Value {
	t.Helper()
	v, n, err := Decode([]byte(file))
	require.NoError(t, err, "%q", file)
	require.Equal(t, len(file), n)
	return plain(v)
}

func plain(v Value) Value {
	list := func(in []Value) []Value {
		var out []Value
		for _, v := range in {
			out = append(out, plain(v))
		}
		return out
	}
	switch v := v.(type) {
	case *List:
		return &List{Items: list(v.Items)}
	case *Tuple:
		return &Tuple{Items: list(v.Items)}
	case *Dict:
		d := &Dict{}
		for _, item := range v.Items {
			d.Items = append(d.Items, Item{plain(item.Key), plain(item.Value)})
		}
		return d
	case *Object:
		o := &Object{Class: v.Class, Args: plain(v.Args).(*Tuple)}
		if v.State != nil {
			o.State = plain(v.State)
		}
		return o
	case *Array:
		if !v.Known() {
			return &Opaque{What: "array"}
		}
		out := &List{}
		for i := range v.Len() {
			out.Items = append(out.Items, plain(v.At(i)))
		}
		return out
	}
	return v
}

func tuple(items ...Value) *Tuple { return &Tuple{Items: items} }
func list(items ...Value) *List   { return &List{Items: items} }
func dict(items ...Value) *Dict {
	d := &Dict{}
	for ; len(items) > 0; items = items[2:] {
		d.Items = append(d.Items, Item{items[0], items[1]})
	}
	return d
}

// short is a text as protocol 4 stores it.
func short(text string) string { return "\x8c" + string(rune(len(text))) + text }

func TestOpcodes(t *testing.T) {
	booster := allowed[globalKey{"xgboost.core", "Booster"}]
	for file, want := range map[string]Value{
		"N.":                                None{},
		"\x80\x00N.":                        None{},
		"\x80\x05N.":                        None{},
		"\x88.":                             Bool(true),
		"\x89.":                             Bool(false),
		"I01\n.":                            Bool(true),
		"I00\n.":                            Bool(false),
		"I1\n.":                             Int(1),
		"I-12\n.":                           Int(-12),
		"I92233720368547758080\n.":          BigInt("92233720368547758080"),
		"L7L\n.":                            Int(7),
		"L-7\n.":                            Int(-7),
		"L-92233720368547758080L\n.":        BigInt("-92233720368547758080"),
		"K\xff.":                            Int(255),
		"M\x01\x02.":                        Int(513),
		"J\xff\xff\xff\xff.":                Int(-1),
		"\x8a\x00.":                         Int(0),
		"\x8a\x01\x80.":                     Int(-128),
		"\x8a\x02\x80\x00.":                 Int(128),
		"\x8b\x02\x00\x00\x00\x00\x80.":     Int(-32768),
		"\x8a\x09\x01" + zeros(7) + "\x80.": BigInt("0x800000000000000001"),
		"F0.5\n.":                           Float(0.5),
		"F-inf\n.":                          Float(math.Inf(-1)),
		"F1e999\n.":                         Float(math.Inf(1)),
		"G\x3f\xe0" + zeros(6) + ".":        Float(0.5),

		"Va b\n.":                        String("a b"),
		"V\n.":                           String(""),
		"V\\u00fc\xfc\\U0001f600\n.":     String("üü😀"),
		"V\\ud83d\\ude00\n.":             String("😀"),
		"V\\\\u0041\\n\\\n.":             String(`\\u0041\n\`),
		"X\x02\x00\x00\x00\xc3\xbc.":     String("ü"),
		short("ab") + ".":                String("ab"),
		"\x8d\x01" + zeros(7) + "a.":     String("a"),
		"S'a\\'\\\\\\n\\t\\r\\x41\"'\n.": String("a'\\\n\t\rA\""),
		"S\"\\xff\"\n.":                  Bytes("\xff"),
		"S''\n.":                         String(""),
		"U\x01a.":                        String("a"),
		"U\x01\xfe.":                     Bytes("\xfe"),
		"T\x01\x00\x00\x00a.":            String("a"),
		"C\x02\x00\xff.":                 Bytes("\x00\xff"),
		"B\x01\x00\x00\x00a.":            Bytes("a"),
		"\x8e\x01" + zeros(7) + "a.":     Bytes("a"),
		"\x96\x01" + zeros(7) + "a.":     Bytes("a"),

		").":               tuple(),
		"(t.":              tuple(),
		"(K\x01K\x02t.":    tuple(Int(1), Int(2)),
		"N\x85.":           tuple(None{}),
		"NN\x86.":          tuple(None{}, None{}),
		"NNN\x87.":         tuple(None{}, None{}, None{}),
		"].":               list(),
		"(Nl.":             list(None{}),
		"]Na.":             list(None{}),
		"](NNe.":           list(None{}, None{}),
		"](e.":             list(),
		"}.":               dict(),
		"(NK\x01d.":        dict(None{}, Int(1)),
		"}NK\x01s.":        dict(None{}, Int(1)),
		"}(NK\x01NK\x02u.": dict(None{}, Int(1), None{}, Int(2)),
		"\x8f(K\x01\x90.":  &Opaque{What: "a set"},
		"(K\x01\x91.":      &Opaque{What: "a set"},

		"N0K\x01.":          Int(1),
		"(0N.":              None{},
		"N(NN1.":            None{},
		"]2K\x01a0.":        list(Int(1)),
		"Np0\n0g0\n.":       None{},
		"K\x05q\x000h\x00.": Int(5),
		"K\x05r\x01\x00\x00\x000j\x01\x00\x00\x00.": Int(5),
		"K\x05\x94K\x06\x940" + "h\x00\x86.":        tuple(Int(5), Int(5)),
		"\x95\x02" + zeros(7) + "N.":                None{},

		"cxgboost.core\nBooster\n.":                                                      booster,
		short("xgboost.core") + short("Booster") + "\x93.":                               booster,
		"cxgboost.core\nBooster\n)\x81.":                                                 &Object{Class: booster, Args: tuple()},
		"cxgboost.core\nBooster\n)}\x92.":                                                &Object{Class: booster, Args: tuple()},
		"cxgboost.core\nBooster\n)\x81}b.":                                               &Object{Class: booster, Args: tuple(), State: dict()},
		"cxgboost.core\nBooster\n)\x81N}\x86b.":                                          &Object{Class: booster, Args: tuple(), State: tuple(None{}, dict())},
		"ccopy_reg\n_reconstructor\n(cxgboost.core\nBooster\nc__builtin__\nobject\nNtR.": &Object{Class: booster, Args: tuple()},
		"ccopyreg\n_reconstructor\n(cxgboost.core\nBooster\ncbuiltins\nobject\nNtR.":     &Object{Class: booster, Args: tuple()},

		"cbuiltins\nbytearray\n)R.":                           Bytes{},
		"cbuiltins\nbytearray\nC\x01a\x85R.":                  Bytes("a"),
		"c__builtin__\nbytearray\n(V\\u00ff\nU\x07latin-1tR.": Bytes("\xff"),
		"c_codecs\nencode\n(V\xff\nVlatin1\ntR.":              Bytes("\xff"),
		"ccollections\nOrderedDict\n)R.":                      dict(),
		"ccollections\nOrderedDict\n)R(NNu.":                  dict(None{}, None{}),
		"ccollections\nOrderedDict\n](](K\x01Nee\x85R.":       dict(Int(1), None{}),
		"ccollections\nOrderedDict\n]K\x01N\x86a\x85R.":       dict(Int(1), None{}),
	} {
		require.Equal(t, want, decode(t, file), "%q", file)
	}
	require.True(t, math.IsNaN(float64(decode(t, "Fnan\n.").(Float))))
}

func zeros(n int) string { return strings.Repeat("\x00", n) }

func TestArrays(t *testing.T) {
	const empty = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR"
	dtype := func(name, order string) string {
		return "cnumpy\ndtype\n(" + short(name) + "\x89\x88tR(K\x03" + short(order) + "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
	}
	array := func(n int, typ, data string) string {
		return empty + "(K\x01K" + string(rune(n)) + "\x85" + typ + "\x89" + data + "tb."
	}
	unknown := &Opaque{What: "array"}
	for file, want := range map[string]Value{
		array(2, dtype("i8", "<"), "C\x10\x01"+zeros(7)+strings.Repeat("\xff", 8)):          list(Int(1), Int(-1)),
		array(1, dtype("i2", "<"), "C\x02\xfe\xff"):                                         list(Int(-2)),
		array(2, dtype("u1", "|"), "C\x02\x01\xff"):                                         list(Int(1), Int(255)),
		array(1, dtype("u8", "<"), "C\x08"+strings.Repeat("\xff", 8)):                       list(BigInt("18446744073709551615")),
		array(2, dtype("b1", "|"), "C\x02\x01\x00"):                                         list(Bool(true), Bool(false)),
		array(1, dtype("f4", "<"), "C\x04\x00\x00\x00\x3f"):                                 list(Float(0.5)),
		array(1, dtype("f8", "<"), "C\x08"+zeros(6)+"\xe0\x3f"):                             list(Float(0.5)),
		array(2, dtype("U2", "<"), "C\x10a"+zeros(3)+zeros(4)+"\xfc"+zeros(3)+"b"+zeros(3)): list(String("a"), String("üb")),
		array(1, dtype("U1", "<"), "C\x04\xff\xff\xff\xff"):                                 list(String("\uFFFD")),
		array(1, dtype("u1", "|"), "U\x01a"):                                                list(Int('a')), // Python 2
		array(2, dtype("O8", "|"), "]("+short("a")+"Ne"):                                    list(String("a"), None{}),
		array(0, dtype("i4", "<"), "C\x00"):                                                 list(),

		array(1, dtype("i8", ">"), "C\x08"+zeros(8)):                        unknown,
		array(1, dtype("f2", "<"), "C\x02\x00\x00"):                         unknown,
		array(1, dtype("S2", "|"), "C\x02ab"):                               unknown,
		array(1, dtype("M8", "<"), "C\x08"+zeros(8)):                        unknown,
		empty + "(K\x01K\x01K\x01\x86" + dtype("u1", "|") + "\x89C\x01atb.": unknown, // two dimensions
		empty + ".": unknown,

		"cnumpy._core.numeric\n_frombuffer\n(\x96\x02" + zeros(7) + "\x01\x02" + dtype("u1", "|") + "K\x02\x85" + short("C") + "tR.": list(Int(1), Int(2)),
		"cnumpy.core.multiarray\nscalar\n" + dtype("f8", "<") + "C\x08" + zeros(6) + "\xe0\x3f\x86R.":                                Float(0.5),
		"cnumpy._core.multiarray\nscalar\n" + dtype("O8", "|") + "N\x86R.":                                                           &Opaque{What: "a NumPy value"},
	} {
		require.Equal(t, want, decode(t, file), "%q", file)
	}
}

func TestDict(t *testing.T) {
	d := decode(t, "}("+short("a")+"K\x01"+short("b")+"K\x02"+short("a")+"K\x03u.").(*Dict)
	v, n := d.Get("a")
	require.Equal(t, Int(3), v)
	require.Equal(t, 2, n)
	v, n = d.Get("c")
	require.Nil(t, v)
	require.Zero(t, n)
}

func TestObjectDict(t *testing.T) {
	const object = "cxgboost.core\nBooster\n)\x81"
	require.Nil(t, decode(t, object+".").(*Object).Dict())
	require.NotNil(t, decode(t, object+"}b.").(*Object).Dict())
	require.NotNil(t, decode(t, object+"}N\x86b.").(*Object).Dict())
	require.Nil(t, decode(t, object+"NN\x86b.").(*Object).Dict())
}

// What follows STOP is left alone.
func TestLength(t *testing.T) {
	_, n, err := Decode([]byte("N.rest"))
	require.NoError(t, err)
	require.Equal(t, 2, n)
}

// Cycles and shared values are data like others, and Walk gets through them.
func TestCycles(t *testing.T) {
	for file, want := range map[string]int{
		"]q\x00h\x00a.":                                1, // a list inside itself
		"}q\x00Nh\x00s.":                               2, // a dictionary inside itself
		"]q\x00h\x00\x85q\x01a0h\x01.":                 2, // a tuple inside a list inside the tuple
		"](]q\x00h\x00h\x00h\x00e.":                    2, // one list four times
		"cxgboost.core\nBooster\n)\x81q\x00}Nh\x00sb.": 3,
	} {
		v, _, err := Decode([]byte(file))
		require.NoError(t, err, "%q", file)
		count := 0
		require.NoError(t, Walk(v, 4, func(Value) bool { count++; return true }))
		require.Equal(t, want, count, "%q", file)
		count = 0
		require.NoError(t, Walk(v, 4, func(Value) bool { count++; return false }))
		require.Equal(t, 1, count)
	}
}

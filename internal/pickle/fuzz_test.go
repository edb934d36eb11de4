package pickle

import (
	"errors"
	"testing"
)

// FuzzPickle holds Decode to its promises: an error or a value, names of the list only, limits, and memory in proportion to the input.
func FuzzPickle(f *testing.F) {
	for _, file := range realPickles(f) {
		if len(file) < 8<<10 {
			f.Add(file)
		}
	}
	for _, file := range []string{
		"", "N.", "cos\nsystem\n(S'id'\ntR.", "(S'id'\nios\nsystem\n.", "P1\n.", "\x82\x01.", "\x80\x05\x97.", "]q\x00h\x00a.",
		"N\x85\x85\x85.", "\x95\xff\xff\xff\xff\xff\xff\xff\xff.", "\x8e\xff\xff\xff\xff\xff\xff\xff\xff.",
		"ccopy_reg\n_reconstructor\n(cxgboost.core\nBooster\nc__builtin__\nobject\nNtR}b.",
		"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR(K\x01K\x01\x85cnumpy\ndtype\n(U\x02u1\x89\x88tR(K\x03U\x01|NNNtb\x89C\x01atb.",
		"ccollections\nOrderedDict\n](](K\x01Nee\x85R.", "V\\u00fc\\U0001f600\\ud83d\\ude00\n.", "S'a\\'\\x41'\n.", "L-92233720368547758080L\n.",
		"c_codecs\nencode\nVa\nVlatin1\n\x86R.", "(NNd.", "\x8f(N\x90.", "(N\x91.", "I01\n.", "Fnan\n.", "N2\x86.", "(N1N.",
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var v Value
		var n int
		var err error
		if got := allocated(func() { v, n, err = Decode(file) }); got > most(len(file)) {
			t.Fatalf("%d bytes allocated for %d", got, len(file))
		}
		if err != nil {
			var e *Error
			if v != nil || n != 0 || !errors.As(err, &e) || e.Offset > int64(len(file)) || err.Error() == "" {
				t.Fatalf("value %v, length %d and error %v", v, n, err)
			}
			return
		}
		if v == nil || n < 2 || n > len(file) || file[n-1] != opStop {
			t.Fatalf("value %v of length %d", v, n)
		}
		elements := 0
		err = Walk(v, MaxNesting, func(v Value) bool {
			switch v := v.(type) {
			case *Object:
				if !v.Class.isClass() || v.Args == nil {
					t.Fatalf("an object of %v", v.Class)
				}
				v.Dict()
			case *Global:
				if allowed[globalKey{v.Module, v.Name}] != v {
					t.Fatalf("the name %v is not on the list", v)
				}
			case *Dict:
				v.Get("handle")
			case *Array:
				for i := range min(v.Len(), 10) {
					if elements++; v.At(i) == nil {
						t.Fatal("an element without a value")
					}
				}
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

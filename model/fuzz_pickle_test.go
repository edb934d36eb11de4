package model

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// mostOfPickle is what loading a pickle of n bytes may allocate: reading it, internal/pickle's budget, and the model inside, in JSON at worst.
func mostOfPickle(n int) int64 { return 48*int64(n) + 32<<20 }

// soundPickle is sound, with a bound on memory and time.
func soundPickle(t testing.TB, file []byte) (b *Booster, err error) {
	t.Helper()
	start := time.Now()
	n := allocated(func() { b, err = sound(t, file) })
	if limit := mostOfPickle(len(file)); n > limit {
		t.Fatalf("%d bytes allocated for %d", n, len(file))
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Fatalf("took %v", d)
	}
	return b, err
}

// pickleStride is the distance between the places that a sweep tries: 1 if THREATDETECT_LONG is set.
func pickleStride(quick int) int {
	if os.Getenv("THREATDETECT_LONG") != "" {
		return 1
	}
	return quick
}

// sweptPickles are one pickle of each kind of handle and of wrapper.
func sweptPickles(t testing.TB) map[string][]byte {
	wanted := strings.Fields("0.90/booster-p0 0.90/booster-p4 1.0.2/booster-p3 1.2.1/classifier-p4 1.3.3/booster-p2 1.7.6/early 3.2.0/booster-p5 0.72.1/python2-p2")
	out := map[string][]byte{}
	for _, c := range pickleCases(t) {
		for _, name := range wanted {
			if c.Release+"/"+c.Name == name {
				out[name] = c.File
			}
		}
	}
	require.Len(t, out, len(wanted))
	return out
}

func TestTruncatedPickles(t *testing.T) {
	tried := 0
	for name, file := range sweptPickles(t) {
		for n := 0; n < len(file); n += pickleStride(7) {
			_, err := sound(t, file[:n])
			require.Error(t, err, "%s cut at %d", name, n)
			tried++
		}
	}
	t.Log(tried, "truncated pickles")
}

func TestBitFlipsInPickles(t *testing.T) {
	tried, accepted := 0, 0
	for _, file := range sweptPickles(t) {
		for i := 0; i < 8*len(file); i += pickleStride(29) {
			file[i/8] ^= 1 << (i % 8)
			if _, err := sound(t, file); err == nil {
				accepted++
			}
			file[i/8] ^= 1 << (i % 8)
			tried++
		}
	}
	t.Log(tried, "pickles with a wrong bit,", accepted, "of them still models")
}

// Bombs of the pickle layer stay bounded with all layers around them.
func TestPickleBombs(t *testing.T) {
	for _, file := range []string{
		"\x80\x04" + strings.Repeat("]", 1<<20) + ".",
		"\x80\x04" + strings.Repeat("N0", 1<<20) + "N.",
		"\x80\x04" + strings.Repeat("(", 1<<20),
		"\x80\x04N" + strings.Repeat("\x85", 1<<20) + ".",
		"\x80\x04\x8e\x00\x00\x00\x00\x00\x01\x00\x00.",
		"\x80\x04" + strings.Repeat("\x8c\x01a\x94", 1<<20) + ".",
		// Many wrappers that share attributes to look through.
		"\x80\x04](cxgboost.sklearn\nXGBModel\n\x94}(" + strings.Repeat("K\x01K\x01", 1<<17) + "u\x94" + pickledBooster(nil) +
			strings.Repeat("h\x00)\x81h\x01b", 1<<16) + "e.",
	} {
		_, err := soundPickle(t, []byte(file))
		require.Error(t, err)
	}
}

// FuzzPickleModel loads whatever is behind the mark of a pickle.
func FuzzPickleModel(f *testing.F) {
	for _, c := range pickleCases(f) {
		if len(c.File) < 12<<10 {
			f.Add(c.File)
		}
	}
	handle := toUBJSON(documentOf(tiny()), true)
	f.Add([]byte("\x80\x05" + pickledBooster(handle, "best_ntree_limit", "K\x01", "feature_names", "("+pickleText("a")+"l") + "."))
	f.Add([]byte("\x80\x04cos\nsystem\n(" + pickleText("id") + "tR."))
	f.Add(snapshotOf(toLegacy(tiny()), forestOf2))
	f.Add([]byte(`{"Config":` + forestOf2 + `,"Model":` + string(toJSON(documentOf(tiny()))) + `}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		b, err := soundPickle(t, file)
		if err == nil && b.Format == FormatPickle && b.BestNtreeLimit < 0 {
			t.Fatalf("limit %d", b.BestNtreeLimit)
		}
	})
}

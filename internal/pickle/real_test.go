package pickle

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit/tarball"
)

// realPickles returns what make.py of testdata/pickle has written, by release and case.
func realPickles(t testing.TB) map[string][]byte {
	t.Helper()
	archives, err := filepath.Glob("../../testdata/pickle/*.tar.gz")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(archives), 7)
	out := map[string][]byte{}
	for _, archive := range archives {
		release := strings.TrimSuffix(filepath.Base(archive), ".tar.gz")
		for name, file := range tarball.Read(t, archive) {
			if strings.HasSuffix(name, ".pkl") {
				out[release+"/"+strings.TrimSuffix(name, ".pkl")] = file
			}
		}
	}
	return out
}

// stride is the distance between the places that a sweep tries: 1 if THREATDETECT_LONG is set, which takes a minute or two in all.
func stride(quick int) int {
	if os.Getenv("THREATDETECT_LONG") != "" {
		return 1
	}
	return quick
}

func TestRealPickles(t *testing.T) {
	for name, file := range realPickles(t) {
		v, n, err := Decode(file)
		require.NoError(t, err, name)
		require.Equal(t, len(file), n, name)
		boosters := 0
		require.NoError(t, Walk(v, 16, func(v Value) bool {
			if o, ok := v.(*Object); ok && o.Class.Role == RoleBooster {
				boosters++
				handle, n := o.Dict().Get("handle")
				require.Equal(t, 1, n)
				require.Greater(t, len(handle.(Bytes)), 500)
			}
			return true
		}))
		require.Equal(t, 1, boosters, name)
	}
}

// small returns the names of the pickles that every byte of is tried: of each release the shortest in each protocol.
func small(files map[string][]byte) []string {
	best := map[string]string{}
	for name, file := range files {
		release, _, _ := strings.Cut(name, "/")
		protocol := "text"
		if file[0] == 0x80 {
			protocol = string('0' + rune(file[1]))
		}
		key := release + " " + protocol
		if old, ok := best[key]; !ok || len(file) < len(files[old]) {
			best[key] = name
		}
	}
	var names []string
	for _, name := range best {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func TestTruncation(t *testing.T) {
	files := realPickles(t)
	step := stride(5)
	tried := 0
	for _, name := range small(files) {
		file := files[name]
		for n := 0; n < len(file); n += step {
			v, _, err := Decode(file[:n])
			require.Error(t, err, "%s cut at %d", name, n)
			require.Nil(t, v)
			tried++
		}
	}
	t.Log(tried, "truncated pickles")
}

// What a wrong bit does is either an error or other data.
func TestBitFlips(t *testing.T) {
	files := realPickles(t)
	step := stride(31)
	tried := 0
	for _, name := range small(files) {
		file := files[name]
		for i := 0; i < 8*len(file); i += step {
			file[i/8] ^= 1 << (i % 8)
			v, _, err := Decode(file)
			if (err == nil) == (v == nil) {
				t.Fatalf("%s, bit %d: value %v and error %v", name, i, v, err)
			}
			file[i/8] ^= 1 << (i % 8)
			tried++
		}
	}
	t.Log(tried, "pickles with a wrong bit")
}

// Every opcode at every place of the structure.
func TestOtherOpcodes(t *testing.T) {
	files := realPickles(t)
	step := stride(37)
	tried := 0
	for _, name := range []string{"0.90/booster-p0", "0.90/booster-p2", "1.0.2/classifier-p4", "0.90/python2-p1"} {
		file := files[name]
		for i := 0; i < len(file); i += step {
			old := file[i]
			for op := range opNames {
				if opNames[op] == "" {
					continue
				}
				file[i] = byte(op)
				v, _, err := Decode(file)
				if (err == nil) == (v == nil) {
					t.Fatalf("%s, byte %d is %s: value %v and error %v", name, i, opNames[op], v, err)
				}
				tried++
			}
			file[i] = old
		}
	}
	t.Log(tried, "pickles with another opcode")
}

package pickle

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// allocated returns how many bytes f allocates.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// most is what decoding may allocate: what is charged, and the set of what Walk has seen.
func most(n int) int64 { return int64(MemoryFactor+2)*int64(n) + MemoryFree + 1<<20 }

// bounded decodes under a watch of memory and time.
func bounded(t testing.TB, file string) error {
	t.Helper()
	var v Value
	var err error
	start := time.Now()
	got := allocated(func() { v, _, err = Decode([]byte(file)) })
	require.LessOrEqual(t, got, most(2*len(file)), "%d bytes, %v", len(file), err) // the copy to []byte counts, too
	require.Less(t, time.Since(start), 5*time.Second)
	require.Equal(t, err != nil, v == nil)
	return err
}

func limitOf(t testing.TB, err error) string {
	t.Helper()
	var e *LimitError
	require.True(t, errors.As(err, &e), "%v", err)
	require.Greater(t, e.Got, e.Limit)
	return e.Name
}

func TestBombs(t *testing.T) {
	const n = 1 << 20
	rep := strings.Repeat
	large := "B\x00\x00\x40\x00" + rep("a", 4<<20) + "0" // pays for what follows
	for name, c := range map[string]struct{ file, limit string }{
		"opcodes":          {rep("N0", MaxOpcodes/2) + "N.", "opcodes"},
		"opcodes in loops": {"]q\x00" + rep("0h\x00", MaxOpcodes/2) + ".", "opcodes"},
		"stack":            {large + rep("N", MaxStack+1) + ".", "stack"},
		"stack by memo":    {"Nq\x00" + rep("h\x00", MaxStack) + ".", "stack"},
		"stack by DUP":     {large + "N" + rep("2", MaxStack) + ".", "stack"},
		"marks":            {rep("(", MaxStack+1), "stack"},
		"memo":             {large + "N" + rep("\x94", MaxMemo+1) + ".", "memo"},
		"memory by lists":  {rep("]", n) + ".", "memory of a pickle"},
		"memory by dicts":  {rep("}", n) + ".", "memory of a pickle"},
		"memory by sets":   {rep("\x8f", n) + ".", "memory of a pickle"},
		"memory by tuples": {"N" + rep("\x85", n) + ".", "memory of a pickle"},
		"tuples":           {"N" + rep("\x85", 100_000) + ".", "nesting"},
		"lists":            {rep("]", 10_000) + rep("a", 9_999) + ".", "nesting"},
		"dicts":            {rep("}N", 10_000) + "N" + rep("s", 10_000) + ".", "nesting"},
		"marked lists":     {rep("(", 10_000) + rep("l", 10_000) + ".", "nesting"},
		"objects":          {rep("cxgboost.core\nBooster\n)\x81}N", 300) + "N" + rep("sb", 300) + ".", "nesting"},
		// Each call copies what one text in the memo says.
		"decoded": {"c_codecs\nencode\nq\x00X\x00\x00\x01\x00" + rep("a", 1<<16) + "q\x01Vlatin1\nq\x02" +
			rep("h\x00h\x01h\x02\x86R0", 1000) + "N.", "decoded bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.limit, limitOf(t, bounded(t, c.file)))
		})
	}
}

// What doubles at each step when it is written out takes one list each as it is.
func TestDoubling(t *testing.T) {
	file := "]q\x00"
	for i := range 100 {
		at := string([]byte{byte(i)})
		next := string([]byte{byte(i + 1)})
		file += "](h" + at + "h" + at + "eq" + next
	}
	file += "(l" // the lists below the last one stay on the stack: keep the last
	require.ErrorContains(t, bounded(t, file+"."), "more than one value")
	file = strings.ReplaceAll(file[:len(file)-2], "](", "0](")
	require.NoError(t, bounded(t, file+"."))
	v, _, err := Decode([]byte(file + "."))
	require.NoError(t, err)
	count := 0
	require.NoError(t, Walk(v, 100, func(Value) bool { count++; return true }))
	require.Equal(t, 101, count)
	require.Equal(t, "nesting", limitOf(t, Walk(v, 99, func(Value) bool { return true })))
}

func TestNestingLimit(t *testing.T) {
	tuples := func(n int) string { return "N" + strings.Repeat("\x85", n) + "." }
	require.NoError(t, bounded(t, tuples(MaxNesting+1)))
	require.Equal(t, "nesting", limitOf(t, bounded(t, tuples(MaxNesting+2))))
}

// A length that is not backed by bytes costs nothing.
func TestDeclaredLengths(t *testing.T) {
	for _, op := range []string{"\x8b\xff\xff\xff\x7f", "\x8a\xff", "T\xff\xff\xff\x7f", "T\xff\xff\xff\xff", "U\xff", "X\xff\xff\xff\xff", "B\xff\xff\xff\xff", "C\xff",
		"\x8c\xff", "\x8d" + strings.Repeat("\xff", 8), "\x8e" + strings.Repeat("\xff", 7) + "\x7f", "\x96" + zeros(5) + "\x01" + zeros(2),
		"\x95" + zeros(7) + "\x80", "\x8d\x00\x00\x00\x00\x01" + zeros(3)} {
		file := []byte(op + "ab.")
		var err error
		n := allocated(func() { _, _, err = Decode(file) })
		require.ErrorContains(t, err, "does not fit", "%q", op)
		require.Less(t, n, int64(1<<16))
	}
}

// The memory of a large handle is that of the input.
func TestLargeBytes(t *testing.T) {
	const n = 8 << 20
	file := []byte("cbuiltins\nbytearray\nB\x00\x00\x80\x00" + strings.Repeat("a", n) + "\x85R.")
	var v Value
	var err error
	got := allocated(func() { v, _, err = Decode(file) })
	require.NoError(t, err)
	require.Len(t, v, n)
	require.Less(t, got, int64(1<<16))
}

// As many names as a model may have features, as protocols 4 and 0 store them.
func TestManyNames(t *testing.T) {
	const n = 1 << 20
	if testing.Short() {
		t.Skip("large")
	}
	var file strings.Builder
	file.WriteString("]")
	for i := range n / 1000 {
		file.WriteString("(")
		for range 1000 {
			file.WriteString("\x8c\x04f")
			file.WriteByte(byte('a' + i%26))
			file.WriteString("00")
			if file.Len()%3 == 0 {
				continue
			}
			file.WriteString("\x94")
		}
		file.WriteString("e")
	}
	file.WriteString(".")
	require.NoError(t, bounded(t, file.String()))
}

// What is large can be in the memo and be named again and again at little cost, so nothing may look through it each time.
func TestRepeatedReferences(t *testing.T) {
	const n = 1 << 15
	keep := func(at byte) string { return "q" + string([]byte{at}) + "0" } // into the memo, off the stack
	for name, c := range map[string]struct{ setup, loop string }{
		"names of types": {
			"cnumpy\ndtype\n" + keep(0) + "X\x00\x00\x04\x00i" + strings.Repeat("0", 1<<18-2) + "4" + keep(1),
			"h\x00h\x01\x85Ra",
		},
		"arrays of one list": {
			"cnumpy.core.numeric\n_frombuffer\n" + keep(0) + "(](" + strings.Repeat("K\x01", n) + "ecnumpy\ndtype\n\x8c\x02O8\x85RJ\x00\x80\x00\x00\x85Nt" + keep(1),
			"h\x00h\x01Ra",
		},
		"objects of one state": {
			"cxgboost.core\nBooster\n" + keep(0) + "}(" + strings.Repeat("K\x01K\x01", n) + "u" + keep(1),
			"h\x00)\x81h\x01ba",
		},
	} {
		require.NoError(t, bounded(t, "]"+c.setup+strings.Repeat(c.loop, n)+"."), name)
	}
}

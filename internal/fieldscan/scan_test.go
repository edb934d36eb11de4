package fieldscan

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
)

func Example() {
	var t Table
	line := []byte("a,bc,,d")
	n, escaped := t.Scan(line, ',', '\\')
	for i := range n {
		start, end := t.Field(i)
		fmt.Printf("%q ", line[start:end])
	}
	fmt.Println(escaped)
	// Output: "a" "bc" "" "d" false
}

func ExampleTable_Quoted() {
	var t Table
	line := []byte(`{"proto":"tcp","ports":[1,2]}`)
	n, odd := t.Quoted(line)
	for i := 1; i < n; i += 2 {
		start, end := t.Field(i)
		fmt.Print(string(line[start:end]), " ")
	}
	fmt.Println(odd)
	// Output: proto tcp ports false
}

// check compares each way of scanning with bytes.Split.
func check(t *testing.T, line []byte, sep, escape, low byte) {
	t.Helper()
	generic := func(table *Table) (int, bool) {
		table.ends[0] = 0xffff
		n, escaped := table.scanGeneric(line, sep, escape, low)
		table.ends[n+1] = uint16(len(line))
		return n + 1, escaped
	}
	for name, scan := range map[string]func(*Table) (int, bool){
		"scan": func(table *Table) (int, bool) { return table.scan(line, sep, escape, low) }, "generic": generic,
	} {
		var table Table
		n, escaped := scan(&table)
		want := bytes.Split(line, []byte{sep})
		require.Equal(t, len(want), n, "%s: %q", name, line)
		require.Equal(t, slices.ContainsFunc(line, func(b byte) bool { return b == escape || b < low }), escaped, "%s: %q", name, line)
		for i := range want {
			start, end := table.Field(i)
			if i == MaxLine {
				break // which Field cannot tell from the first
			}
			if string(want[i]) != string(line[start:end]) {
				t.Fatalf("%s: field %d is %q, want %q, of %q", name, i, line[start:end], want[i], line)
			}
		}
	}
}

func TestScan(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		line := make([]byte, n)
		for i := range line {
			line[i] = "\t\t\tab\x0a\x89\x08\x88\xff\x00"[rnd.IntN(11)]
		}
		check(t, line, '\t', '\\', 0)
		check(t, line, '\t', 'b', 0)
		check(t, line, 0, 0xff, 0)
		check(t, line, 0xff, 0, 0)
		check(t, line, 'a', '\\', 1)
		check(t, line, 'a', '\\', 8)
		if n > 0 {
			line[rnd.IntN(n)] = '\\'
			check(t, line, '\t', '\\', 0)
		}
		line = bytes.Repeat([]byte("\t"), n)
		check(t, line, '\t', '\\', 0)
		check(t, line, '\t', '\\', '\t')
		if n > 0 {
			line[rnd.IntN(n)] = '\t' - 1
			check(t, line, '\t', '\\', '\t')
		}
	}
	check(t, bytes.Repeat([]byte("\t"), MaxLine), '\t', '\\', 0)
	check(t, bytes.Repeat([]byte("x\t"), MaxLine/2), '\t', '\\', ' ')
	require.Panics(t, func() { new(Table).Scan(make([]byte, MaxLine+1), 0, 0) })
}

func FuzzScan(f *testing.F) {
	f.Add([]byte("1.5\tCx\t10.0.0.1\t\\x09"), byte('\t'), byte('\\'), byte(0))
	f.Add(bytes.Repeat([]byte("\t\x89\x08"), 40), byte('\t'), byte(8), byte(' '))
	f.Fuzz(func(t *testing.T, line []byte, sep, escape, low byte) {
		if len(line) <= MaxLine {
			check(t, line, sep, escape, min(low, 128))
		}
	})
}

func BenchmarkScan(b *testing.B) {
	line := bytes.Repeat([]byte("12345\t"), 22)
	var table Table
	for name, scan := range map[string]func([]byte, byte, byte, byte) (int, bool){"fastest": table.scan, "generic": table.scanGeneric} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				scan(line, '\t', '\\', 0)
			}
		})
	}
}

// BenchmarkCalls reports how many microseconds the longest call of assembly takes, if no cache has anything of what it needs, and if it did the same just before.
func BenchmarkCalls(b *testing.B) {
	table, line := new(Table), bytes.Repeat([]byte("\t"), MaxLine)
	testkit.ReportCalls(b, func() { table.Scan(line, '\t', '\\') })
}

package rowscan

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
)

func Example() {
	var b Block
	lines, _ := b.Scan([]byte("10.0.0.1\t80\tudp\t12\t192.0.2.255\n10.0.0.1\t-\tudp\t1234567\t::1\n"), '\t', '\\')
	layout := NewLayout(5, []Number{{Field: 1}, {Field: 3}}, [2]int{4, 4})
	var v Values
	for i := range lines {
		if row, ok := b.Read(&v, layout, i, '-'); ok {
			start, end := row.Field(2)
			fmt.Printf("%s %d %b %b %v %b\n", b.Text()[start:end], v.Numbers[:2], v.Known, v.Unset, v.Addresses[0], v.IPv4)
		} else {
			fmt.Println("the first numbers are too near to the beginning of the text")
		}
	}
	// Output:
	// the first numbers are too near to the beginning of the text
	// udp [0 1234567] 10 1 [0 0 0 0] 0
}

// checkScan compares both ways of scanning with bytes.Split.
func checkScan(t *testing.T, text []byte, sep, escape byte) {
	t.Helper()
	b := new(Block)
	for name, scan := range map[string]func([]byte, byte, byte) (int, bool){"scan": b.Scan, "generic": func(text []byte, sep, escape byte) (int, bool) {
		*b = Block{text: text}
		b.ends[0], b.lines[0] = 0xffff, 0xffff
		return b.scanGeneric(text, sep, escape)
	}} {
		n, escaped := scan(text, sep, escape)
		want := bytes.SplitAfter(text, []byte{'\n'})
		require.Equal(t, len(want)-1, n, "%s: %q", name, text)
		require.Equal(t, bytes.IndexByte(text, escape) >= 0, escaped, "%s: %q", name, text)
		at := 0
		for i, line := range want[:n] {
			start, end, fields := b.Line(i)
			if start != at || end != at+len(line)-1 {
				t.Fatalf("%s: line %d is from %d to %d, want %q, of %q", name, i, start, end, line, text)
			}
			parts := bytes.Split(line[:len(line)-1], []byte{sep})
			require.Len(t, parts, fields, "%s: %q", name, line)
			row := b.Row(i)
			for k, part := range parts[:min(len(parts), MaxFields)] {
				if start, end := row.Field(k); start != at || end != at+len(part) {
					t.Fatalf("%s: field %d of line %d is from %d to %d, want %q, of %q", name, k, i, start, end, part, text)
				}
				at += len(part) + 1
			}
			at = end + 1
		}
	}
}

func TestScan(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		text := make([]byte, n, n+1)
		for i := range text {
			text[i] = "\t\t\tab\n\x8a\x0b\x89\x00\n"[rnd.IntN(11-n%2*6)]
		}
		text = append(text, '\n')
		checkScan(t, text, '\t', '\\')
		checkScan(t, text, 'a', 'b')
		checkScan(t, text, 0, 0xff)
		checkScan(t, bytes.Repeat([]byte{'\n'}, n), '\t', '\\')
		text[rnd.IntN(n+1)] = '\\'
		checkScan(t, append(text, '\n'), '\t', '\\')
	}
	checkScan(t, nil, '\t', '\\')
	checkScan(t, bytes.Repeat([]byte("\n"), MaxText), '\t', '\\')
	checkScan(t, bytes.Repeat([]byte("\t\n"), MaxText/2), '\t', '\\')
	require.Panics(t, func() { new(Block).Scan(make([]byte, MaxText+1), 0, 0) })
}

var testLayout = NewLayout(16, []Number{{Field: 1}, {Field: 2}, {Field: 3, Back: 7}, {Field: 3, Most: 6}, {Field: 4}, {Field: 5}, {Field: 6}, {Field: 7}, {Field: 8}, {Field: 9}, {Field: 10}},
	[2]int{11, 12})

var readBlock = new(Block)

// checkRead compares the ways of reading a row with packages strconv and netip.
func checkRead(t *testing.T, fields []string) {
	t.Helper()
	b := readBlock
	text := []byte("01234567890123456789\t" + strings.Join(fields, "\t") + "\n")
	n, _ := b.Scan(text, '\t', '\\')
	require.Equal(t, 1, n)
	var v, generic Values
	v.Numbers[0], generic.Numbers[0] = 7, 9
	row, ok := b.Read(&v, testLayout, 0, '-')
	require.True(t, ok)
	readGeneric(&generic, testLayout, text, row, '-')
	require.Zero(t, generic.IPv4)
	generic.IPv4, generic.Addresses = v.IPv4, v.Addresses
	require.Equal(t, generic, v, "%q", text)
	for i := range MaxNumbers {
		field := ""
		if i < 11 {
			field = fields[[...]int{0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9}[i]]
		}
		switch i {
		case 2:
			field = field[:max(0, len(field)-7)]
		case 3:
			field = field[max(0, len(field)-6):]
		}
		want, err := strconv.ParseUint(field, 10, 64)
		if known := err == nil && len(field) <= 8 && strings.Trim(field, "0123456789") == ""; !known {
			want = 0
			require.Zero(t, v.Known>>i&1, "%q", field)
		} else {
			require.EqualValues(t, 1, v.Known>>i&1, "%q", field)
		}
		require.Equal(t, want, v.Numbers[i], "%q", field)
		require.Equal(t, field == "-", v.Unset>>i&1 == 1, "%q", field)
	}
	for i, a := range v.Addresses {
		want, err := netip.ParseAddr(fields[10+i])
		require.Equal(t, hasAVX2 && err == nil && want.Is4(), v.IPv4>>i&1 == 1, "%q", fields[10+i])
		if v.IPv4>>i&1 == 1 {
			require.Equal(t, want.As4(), a)
		}
	}
}

func TestRead(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	pick := func() string {
		list := [...]string{"", "-", "0", "00", "-1", "+1", "9", "/", ":", "12345678", "123456789", "99999999", "1234567x", "x2345678", "1.5", "0.000001", "12345678.000001", "123456789.000001",
			".000001", "1,000001", "1.00000a", "10.0.0.1", "255.255.255.255", "256.1.1.1", "1.2.3.4", "01.2.3.4", "1.2.3.04", "1.2.3.00", "0.0.0.0", "1.2.3", "1.2.3.4.5", "1..2.3", "1.2.3.", ".1.2.3",
			"1.2.3.4444", "::ffff:1.2.3.4", "2001:db8::1", "1.2.3.4 ", "192.168.100.200", "192.168.100.2000", "1.2.3./", "1.2.3.:", "\x00.2.3.4", strings.Repeat("1.2.3.4", 40), "\xff\xff", "1\xb1",
			strings.Repeat("1", 260), strings.Repeat("x", 256) + "1.2.3.4"}
		return list[rnd.IntN(len(list))]
	}
	fields := make([]string, 15)
	for range 3_000 {
		for i := range fields {
			switch rnd.IntN(4) {
			case 0:
				fields[i] = strconv.Itoa(rnd.IntN(1 << rnd.IntN(31)))
			case 1:
				fields[i] = fmt.Sprintf("%d.%d.%d.%d", rnd.IntN(1<<rnd.IntN(10)), rnd.IntN(256), rnd.IntN(1<<rnd.IntN(10)), rnd.IntN(260))
			default:
				fields[i] = pick()
			}
		}
		checkRead(t, fields)
	}
}

func TestReadRefuses(t *testing.T) {
	var b Block
	var v Values
	n, _ := b.Scan([]byte(strings.Repeat("\t", 14)+"\n"+strings.Repeat("\t", 14)+"01234567890123456789\n"+strings.Repeat("\t", 15)+"\n"+strings.Repeat("\t", 16)+"\n"), '\t', '\\')
	require.Equal(t, 4, n)
	for i, want := range []bool{false, false, true, false} {
		_, ok := b.Read(&v, testLayout, i, '-')
		require.Equal(t, want, ok, i)
	}
	n, _ = b.Scan([]byte(strings.Repeat("\t", 15)+"\n"), '\t', '\\') // too near to the beginning
	require.Equal(t, 1, n)
	_, ok := b.Read(&v, testLayout, 0, '-')
	require.False(t, ok)
	require.Panics(t, func() { NewLayout(3, []Number{{Field: 3}}, [2]int{}) })
	require.Panics(t, func() { NewLayout(3, []Number{{Back: 9}}, [2]int{}) })
	require.Panics(t, func() { NewLayout(MaxFields+1, nil, [2]int{}) })
	require.Panics(t, func() { NewLayout(3, nil, [2]int{0, -1}) })
}

// plainNumber is what Floats reads, but for its length.
var plainNumber = regexp.MustCompile(`^-?([0-9]+\.?[0-9]*|\.[0-9]+)$`)

// checkFloats compares with package strconv, from each field on.
func checkFloats(t *testing.T, fields []string) {
	t.Helper()
	b := readBlock
	line := strings.Join(fields, ",")
	for behind := range 2 * Lookahead {
		text := slices.Clip([]byte("first,line\n" + line + "\n" + strings.Repeat("9", behind)))
		n, _ := b.Scan(text[:len(text)-behind], ',', '"')
		require.Equal(t, 2, n)
		require.Equal(t, len(fields), b.Fields(1))
		for first := 0; first < len(fields); first++ {
			got := make([]float32, len(fields)+1)
			n := b.Floats(got, 1, first)
			for i, field := range fields[first:] {
				start, end := b.Field(1, first+i)
				require.Equal(t, field, string(text[start:end]))
				digits := strings.TrimPrefix(field, "-")
				plain := field == "" || plainNumber.MatchString(field) && len(digits) < Lookahead
				near := end-len(digits)+Lookahead > len(text)
				require.Equal(t, plain && !near && HasFloats(), i < n, "%q of %q with %d bytes behind", field, line, behind)
				if i >= n {
					break
				}
				want, err := strconv.ParseFloat(field, 64)
				if field == "" {
					want, err = math.NaN(), nil
				}
				require.NoError(t, err)
				require.Equal(t, math.Float32bits(float32(want)), math.Float32bits(got[i]), "%q of %q", field, line)
			}
			first += n
		}
	}
}

func TestFloats(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	odd := strings.Split(",-,.,-.,..,1..2,1.2.3,--1,+1,1e5,1-,/,:,1/,1:,\x00,\xb0,1 , 1,nan,0,-0,-0.0,0.,.0,-.5,999999999999999,9999999999999999,-999999999999999,99999999999999.,.99999999999999,-.99999999999999,0.000000000000001,"+
		"12345678.1234567,1234567.12345678,1234567.1234567,00000000000000.,16777217,8388608.50000001,100000000.00000", ",")
	for range 300 {
		var fields []string
		for range 1 + rnd.IntN(10) {
			switch rnd.IntN(8) {
			case 0:
				fields = append(fields, odd[rnd.IntN(len(odd))])
			case 1:
				fields = append(fields, strconv.Itoa(rnd.IntN(1<<rnd.IntN(56))))
			default:
				fields = append(fields, fmt.Sprintf("%.*f", rnd.IntN(9), rnd.NormFloat64()*100))
			}
		}
		checkFloats(t, fields)
	}
	for _, field := range odd {
		checkFloats(t, []string{"1.5", field, "-2.25"})
	}
	many := make([]string, 3*maxFloats) // in several calls
	for i := range many {
		many[i] = []string{"7", "", "3"}[rnd.IntN(3)]
	}
	checkFloats(t, many)
	many[2*maxFloats-1], many[2*maxFloats+100] = "x", "y"
	checkFloats(t, many)
	b := new(Block)
	b.Scan([]byte("1\n"), ',', '"')
	require.Zero(t, b.Floats(make([]float32, 1), 0, 0), "no more bytes in reach")
	require.Zero(t, b.Floats(nil, 0, 0))
	require.Zero(t, b.Floats(make([]float32, 1), 0, 1))
}

func FuzzFloats(f *testing.F) {
	f.Add("1.5,-2,,12345.678,x,1..2,.")
	f.Add("-999999999999999,.99999999999999,9999999999999999,8388608.50000001")
	f.Fuzz(func(t *testing.T, line string) {
		if len(line) < 300 && !strings.Contains(line, "\n") {
			checkFloats(t, strings.Split(line, ","))
		}
	})
}

func FuzzScan(f *testing.F) {
	f.Add([]byte("1.5\tCx\t10.0.0.1\t\\x09\n\n\t\n"), byte('\t'), byte('\\'))
	f.Add(bytes.Repeat([]byte("\t\x89\n"), 40), byte('\t'), byte(8))
	f.Fuzz(func(t *testing.T, text []byte, sep, escape byte) {
		if text = append(text, '\n'); len(text) <= MaxText && sep != '\n' {
			checkScan(t, text, sep, escape)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add("1\t-\t1.000001\t4\t5\t6\t7\t8\t9\t10\t10.0.0.1\t192.168.100.200\t\t\t")
	f.Add("1234567890\t\t.1\t\t\t\t\t\t\t\t1.1.1.01\t::1\t\t\t")
	f.Fuzz(func(t *testing.T, line string) {
		fields := strings.Split(line, "\t")
		if len(fields) == 15 && len(line) < 4000 && !strings.Contains(line, "\n") {
			checkRead(t, fields)
		}
	})
}

func BenchmarkScan(b *testing.B) {
	text := bytes.Repeat([]byte(strings.Repeat("12345\t", 21)+"123456\n"), 60)
	block := new(Block)
	for name, scan := range map[string]func([]byte, byte, byte) (int, bool){"fastest": block.Scan, "generic": block.scanGeneric} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				scan(text, '\t', '\\')
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	block := new(Block)
	block.Scan([]byte("01234567890123456789\t80\t50000\t123.000001\t1\t2\t3\t4\t5\t6\t77777\t192.168.1.10\t10.0.0.1\t\t\t\n"), '\t', '\\')
	var v Values
	b.Run("fastest", func(b *testing.B) {
		for b.Loop() {
			block.Read(&v, testLayout, 0, '-')
		}
	})
	b.Run("generic", func(b *testing.B) {
		row := block.Row(0)
		for b.Loop() {
			readGeneric(&v, testLayout, block.text, row, '-')
		}
	})
}

func BenchmarkFloats(b *testing.B) {
	block, dst := new(Block), make([]float32, 64)
	block.Scan([]byte(strings.Repeat("1.5,0.0211234,7.38906,1234.56,", 16)+"\n"), ',', '"')
	for b.Loop() {
		block.Floats(dst, 0, 0)
	}
}

// BenchmarkCalls reports how many microseconds the longest calls of assembly take, if no cache has anything of what they need, and if they did the same just before.
func BenchmarkCalls(b *testing.B) {
	rnd := rand.New(rand.NewPCG(5, 6))
	block := new(Block)
	text := bytes.Repeat([]byte("\n"), MaxText)
	b.Run("scan", func(b *testing.B) { testkit.ReportCalls(b, func() { block.Scan(text, '\t', '\\') }) })
	var fields []byte // half of them empty, so that no branch is foreseen
	for range maxFloats {
		fields = append(fields, []string{",", "7,"}[rnd.IntN(2)]...)
	}
	read, dst := new(Block), make([]float32, maxFloats)
	read.Scan(append(fields, '\n'), ',', '"')
	b.Run("floats", func(b *testing.B) { testkit.ReportCalls(b, func() { read.Floats(dst, 0, 0) }) })
	row := new(Block)
	row.Scan([]byte("01234567890123456789\t80\t50000\t123.000001\t1\t2\t3\t4\t5\t6\t77777\t192.168.1.10\t10.0.0.1\t\t\t\n"), '\t', '\\')
	var v Values
	b.Run("read", func(b *testing.B) { testkit.ReportCalls(b, func() { row.Read(&v, testLayout, 0, '-') }) })
}

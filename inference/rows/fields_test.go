package rows

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkDecimals reads a line with room for as many values as it has fields, with less and with more, and with several things behind it.
func checkDecimals(t *testing.T, line string, comma byte) {
	t.Helper()
	r := new(fieldReader)
	defer r.giveBack()
	fields := strings.Split(line, string(comma))
	for _, behind := range []string{"", "\n", "\n1.5,2.5,3.5,4.5,5.5,", "7777777777777777777", ".5,7777777777777777", "e5,-1", string(comma) + "1.25\n-123456789123456789"} {
		for _, room := range []int{len(fields), len(fields) / 2, len(fields) + 1} {
			for _, portable := range []bool{false, true} {
				row, n := make([]float32, room), 0
				r.begin(slices.Clip([]byte(line + behind))[:len(line)], comma)
				if portable {
					r.count = 0
				}
				for !r.done {
					first := n
					for n += r.read(row[n:]); first < n; first++ {
						want, ok := slowDecimal(fields[first], comma)
						require.True(t, ok, "%q of %q", fields[first], line)
						if !same(want, row[first]) {
							t.Fatalf("%q of %q with %q behind: want %v, got %v", fields[first], line, behind, want, row[first])
						}
					}
					if r.done {
						break
					}
					require.Equal(t, len(fields)-n, r.left(), line)
					if n < room {
						_, ok := slowDecimal(fields[n], comma)
						require.False(t, ok, "%q of %q", fields[n], line)
					}
					require.Equal(t, fields[n], string(r.skip()), line)
					if n++; n > room {
						room++
						row = append(row, 0)
					}
				}
				require.Equal(t, len(fields), n, line)
			}
		}
	}
}

// slowDecimal tells whether fieldReader.read reads a field, and what it is.
func slowDecimal(field string, comma byte) (v float32, ok bool) {
	if field == "" || strings.EqualFold(field, "nan") {
		return nan, true
	}
	if comma != ' ' {
		field = strings.TrimLeft(field, " ")
	}
	v, size := decimal([]byte(field))
	return v, size > 0 && size == len(field) && v-v == 0
}

func TestDecimals(t *testing.T) {
	odd := []string{"", "-", "+", ".", "-.", "..", "1..2", "1.2.3", "--1", "1-", "1 ", " 1", "   1.5", " ", " -", " .", "nan", "NaN", "nanx", "na", "-nan", " nan", "nan ", "inf", "1e999", "-1e999", "1e5", "1e-5", "1E+05", "+5", "0x1", "1_0", "/", ":", "1/", "1:", "\x00", "\xff", "\xb0", "1\xb0", "é",
		"0", "-0", "-0.0", "0.", ".0", "-.5", "00000000", "0000000.0000000", "0000001.", "1234567", "12345678", "123456789", "1234567.1234567", "1234567.12345678", "12345678.1234567", "-1234567.1234567",
		"-12345678.12345678", ".1234567", ".12345678", "0.12345678901234567", "9999999.9999999", "999999999999999", "9999999999999999", "99999999999999.9", "16777217", "16777217.0000001", "0.000000000000001", "1.17549435e-38"}
	random := rand.New(rand.NewPCG(7, 8))
	for range 150 {
		var fields []string
		for range random.IntN(9) {
			switch random.IntN(8) {
			case 0, 1:
				fields = append(fields, odd[random.IntN(len(odd))])
			case 2:
				fields = append(fields, strconv.Itoa(random.IntN(1<<random.IntN(60))))
			case 3:
				fields = append(fields, strconv.FormatFloat(random.NormFloat64(), 'g', -1, 64))
			default:
				fields = append(fields, fmt.Sprintf("%.*f", random.IntN(9), random.NormFloat64()*1000))
			}
		}
		for _, comma := range []byte(", :\t") {
			checkDecimals(t, strings.Join(fields, string(comma)), comma)
		}
	}
	for _, text := range odd {
		checkDecimals(t, "1.5,"+text, ',')
		checkDecimals(t, text+",1.5", ',')
		checkDecimals(t, strings.Repeat("1.5,-2,,.25,", 9)+text+strings.Repeat(",1.5", 9), ',')
	}
}

func FuzzDecimals(f *testing.F) {
	f.Add([]byte("1.5,-2,,12345.678,0.30000000000000004,1e5,x"), byte(','))
	f.Add(bytes.Repeat([]byte("123.456\t-1234567.1234567\t"), 9), byte('\t'))
	f.Fuzz(func(t *testing.T, line []byte, comma byte) {
		if isComma(comma) && len(line) < 300 && bytes.IndexByte(line, '\n') < 0 {
			checkDecimals(t, string(line), comma)
		}
	})
}

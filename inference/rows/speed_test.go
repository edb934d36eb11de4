package rows

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sample makes rows of 40 columns like those of a flow table: counts, rates, flags, some missing.
func sample(format Format, rows int, bits int) (text []byte, names []string) {
	random := rand.New(rand.NewPCG(5, 6))
	var b bytes.Buffer
	for i := range 40 {
		names = append(names, fmt.Sprintf("feature_%d", i))
	}
	for range rows {
		var fields []string
		for i := range 40 {
			v := ""
			switch {
			case random.IntN(20) == 0:
			case i%4 == 0:
				v = strconv.Itoa(random.IntN(2))
			case i%4 == 1:
				v = strconv.Itoa(random.IntN(100_000))
			default:
				v = strconv.FormatFloat(random.ExpFloat64(), 'g', -1, bits)
			}
			switch {
			case format == Libsvm && v == "":
				continue
			case format == Libsvm:
				v = fmt.Sprintf("%d:%s", i, v)
			case format == NDJSON && v == "":
				v = "null"
			}
			fields = append(fields, v)
		}
		switch format {
		case CSV:
			b.WriteString(strings.Join(fields, ",") + "\n")
		case Libsvm:
			b.WriteString("0 " + strings.Join(fields, " ") + "\n")
		case NDJSON:
			b.WriteString("[" + strings.Join(fields, ",") + "]\n")
		}
	}
	return b.Bytes(), names
}

func objects(text []byte, names []string) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		b.WriteByte('{')
		for i, v := range bytes.Split(bytes.Trim(line, "[]\n"), []byte(",")) {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%q:%s", names[i], v)
		}
		b.WriteString("}\n")
	}
	return b.Bytes()
}

// The allocations of a reading do not depend on how many rows there are.
func TestAllocations(t *testing.T) {
	for _, format := range []Format{CSV, Libsvm, NDJSON} {
		count := func(rows int) float64 {
			text, names := sample(format, rows, 64)
			if format == NDJSON {
				text = append(text, objects(text, names)...)
			}
			return testing.AllocsPerRun(5, func() {
				for _, err := range Read(bytes.NewReader(text), format, &Options{NumFeature: 40, Names: names}) {
					require.NoError(t, err)
				}
			})
		}
		require.InDelta(t, count(10), count(1000), 2, format)
	}
}

func BenchmarkRead(b *testing.B) {
	type input struct {
		name   string
		format Format
		text   []byte
		names  []string
	}
	var inputs []input
	for _, format := range []Format{CSV, Libsvm, NDJSON} {
		for _, bits := range []int{32, 64} {
			text, names := sample(format, 2000, bits)
			inputs = append(inputs, input{fmt.Sprintf("%s/float%d", format, bits), format, text, nil})
			if format == NDJSON {
				inputs = append(inputs, input{fmt.Sprintf("objects/float%d", bits), format, objects(text, names), names})
			}
			if format == CSV {
				quoted := append([]byte(nil), text...)
				quoted = bytes.ReplaceAll(quoted, []byte(",0,"), []byte(`,"0",`))
				inputs = append(inputs, input{fmt.Sprintf("quoted/float%d", bits), format, quoted, nil})
			}
		}
	}
	for _, in := range inputs {
		b.Run(in.name, func(b *testing.B) {
			b.SetBytes(int64(len(in.text)))
			b.ReportAllocs()
			for b.Loop() {
				rows := 0
				for _, err := range Read(bytes.NewReader(in.text), in.format, &Options{NumFeature: 40, Names: in.names}) {
					if err != nil {
						b.Fatal(err)
					}
					rows++
				}
				if rows != 2000 {
					b.Fatal(rows)
				}
			}
		})
	}
}

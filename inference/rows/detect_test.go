package rows

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDetect(t *testing.T) {
	for text, want := range map[string]Format{
		"": CSV, "1,2,3\n": CSV, "a,b\n1,2\n": CSV, "1;2\n": CSV, "nan\n": CSV, "1 2 3\n": CSV, "12:30 x\n": Libsvm, "a:1,2\n": CSV,
		"1 0:1.5 3:2\n": Libsvm, "0:1\n": Libsvm, "1 qid:3 0:1\n": Libsvm, "\n\n 0 7:1e-3\n": Libsvm, "x:1\n": CSV, "1:x\n": CSV,
		"[1,2]\n": NDJSON, " {\"a\":1}\n": NDJSON, "\xef\xbb\xbf[1]": NDJSON, "\x0a\x23\xd7\xce\x08\x00\x00\x00": RecordIO,
	} {
		require.Equal(t, want, Detect([]byte(text)), "%q", text)
	}
}

func TestAutoReadsEveryForm(t *testing.T) {
	for _, text := range []string{"1,2\n3,4\n", "[1,2]\n[3,4]\n", "0:1 1:2\n0:3 1:4\n"} {
		var got []float32
		for row, err := range Read(strings.NewReader(text), Auto, &Options{NumFeature: 2}) {
			require.NoError(t, err)
			got = append(got, row...)
		}
		require.Equal(t, []float32{1, 2, 3, 4}, got, "%q", text)
	}
}

package dataset_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/dataset"
)

func TestParseLabel(t *testing.T) {
	for text, want := range map[string]features.Label{
		"0": features.Benign, " Benign ": features.Benign, "NORMAL": features.Benign, "1": features.Attack, "Malicious": features.Attack, "true": features.Attack,
		"": features.Unlabelled, "-": features.Unlabelled, "Unknown": features.Unlabelled, "Background": features.Unlabelled, "nan": features.Unlabelled,
	} {
		got, ok := dataset.ParseLabel([]byte(text))
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"DDoS", "2", "begnin", strings.Repeat("1", 100)} {
		_, ok := dataset.ParseLabel([]byte(text))
		require.False(t, ok, text)
	}
}

// apply labels the flows C1 to C4, which are records 1 to 4, and says what they became: b, a, or ? with the kind.
func apply(t *testing.T, file string) string {
	t.Helper()
	l, err := dataset.ReadLabels(strings.NewReader(file))
	require.NoError(t, err, file)
	var out []string
	for i, uid := range []string{"C1", "C2", "C3", "C4"} {
		f := &features.Flow{UID: []byte(uid), Label: features.Attack, Kind: []byte("stale"), LabelText: []byte("stale")}
		l.Apply(f, int64(i+1))
		require.Empty(t, f.LabelText)
		out = append(out, string("?ba"[f.Label])+string(f.Kind))
	}
	return strings.Join(out, " ")
}

func TestReadLabels(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"uid,label\nC2,1\nC1,0\nC4,unknown\n", "b a ? ?"},
		{"\xef\xbb\xbfuid;label;kind\r\nC2;attack;DDoS\r\nC1;benign;ignored\r\n\r\n", "b aDDoS ? ?"},
		{"C1,benign\nC2,malicious\n", "b a ? ?"},
		{"C1\tbenign\t\nC2\t1\tscan\n", "b ascan ? ?"},
		{"row,label\n4,1\n2,0\n", "? b ? a"},
		{"comment,uid,kind\nx,C1,Normal\nx,C2,Worms\nx,C3,\nx,C4,-\n", "b aWorms b ?"},
		{"0\n1\n\n1\n", "b a ? a"},
		{"label\n0\n1\n", "b a ? ?"},
		{"uid,label\nC1,1\nC1,1\n", "a ? ? ?"},
		{`"uid","label"` + "\n" + `"C1","1"`, "a ? ? ?"},
		{"id,row,label\nC3,1,1", "? ? a ?"},
	} {
		require.Equal(t, c.want, apply(t, c.file), c.file)
	}
}

func TestReadLabelsRefuses(t *testing.T) {
	for file, what := range map[string]string{
		"":                                      "none in the file",
		"uid,label\n":                           "none in the file",
		"uid,label\nC1,1\nC1,0\n":               "line 3: another label",
		"uid,label\nC1,DDoS\n":                  `line 2: label "DDoS"`,
		"uid,label\nC1\n":                       "line 2: 1 fields, want 2",
		"uid,verdict\nC1,1\n":                   "no column label or kind",
		"name,label\nC1,1\n":                    "no column uid or row",
		"line,label\n1,1\n":                     "ambiguous",
		"uid,label\n,1\n":                       "line 2: no uid",
		"row,label\n0,1\n":                      "want a number from 1 on",
		"a,b,c,d\n":                             "4 columns without a header",
		strings.Repeat("x", 1<<17) + "\n":       "longer than",
		"\x00\xff\x1b[31m\n":                    "line 1: label",
		"uid,label\n" + "C1," + "\x1b[2J" + "1": `"\x1b[2J1"`,
	} {
		_, err := dataset.ReadLabels(strings.NewReader(file))
		require.ErrorIs(t, err, dataset.ErrLabels, file)
		require.ErrorContains(t, err, what)
		require.Less(t, len(err.Error()), 400)
	}
	_, err := dataset.ReadLabels(strings.NewReader("\x1f\x8b\x08\x00"))
	require.Error(t, err)
	require.NotErrorIs(t, err, dataset.ErrLabels)
}

func FuzzReadLabels(f *testing.F) {
	f.Add("uid,label,kind\nC1,1,DDoS\n")
	f.Add("0\n1\n")
	f.Add("row\tlabel\n1\tbenign\n")
	f.Fuzz(func(t *testing.T, file string) {
		l, err := dataset.ReadLabels(strings.NewReader(file))
		if err != nil {
			return
		}
		require.LessOrEqual(t, l.Entries, int64(strings.Count(file, "\n")+1))
		flow := &features.Flow{UID: []byte("C1")}
		for row := range int64(5) {
			l.Apply(flow, row)
			if flow.Label != features.Attack {
				require.Empty(t, flow.Kind)
			}
		}
	})
}

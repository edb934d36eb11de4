package unsw_test

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/unsw"
	"threatdetect/internal/celllog"
)

// FuzzCSV compares the fields of a line with those of encoding/csv. The categories are trimmed and otherwise as they are,
// so they show how a line was taken apart.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{`a,b,c`, `"a,b","c""d", e `, `a"b,"",`, `"a`, `"a"b,c,d`, ` "a",b,c`, `"a" ,b,c`, `"""",x,"b"""`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cells string) {
		if strings.ContainsAny(cells, "\r\n") || strings.Contains(strings.ToLower(cells), "dur") || strings.Contains(strings.ToLower(cells), "srcip") {
			t.Skip()
		}
		r := csv.NewReader(strings.NewReader(cells + ",1,1,1,1,1\n"))
		// With LazyQuotes a quote in a field that has none at its start is literal, as here; but then so is one behind a
		// closing quote, which is malformed here.
		r.LazyQuotes = true
		want, err := r.Read()
		strict := csv.NewReader(strings.NewReader(cells + ",1,1,1,1,1\n"))
		_, strictErr := strict.Read()
		flows, bad, readErr := read(t, "proto,service,state,dur,spkts,dpkts,sbytes,dbytes\n"+cells+",1,1,1,1,1\n", nil)
		require.NoError(t, readErr)
		require.Equal(t, 1, len(flows)+len(bad))
		if err != nil || strictErr != nil && strings.Contains(cells, `"`) {
			return // the two have different rules for what is not well-formed
		}
		switch {
		case slices.ContainsFunc(want, func(s string) bool { return len(s) > celllog.MaxCell }):
			require.Equal(t, features.ReasonMalformed, bad[0].Reason)
		case len(want) != 8:
			require.Equal(t, features.ReasonFields, bad[0].Reason)
		case len(flows) == 1:
			u := flows[0].UNSW
			trim := func(s string) string { return strings.Trim(s, " \t") }
			require.Equal(t, []string{trim(want[0]), trim(want[1]), trim(want[2])}, []string{u.Proto, u.Service, u.State})
		default:
			require.Equal(t, features.ReasonNumber, bad[0].Reason)
			require.Equal(t, "proto", bad[0].Field)
		}
	})
}

func FuzzUNSW(f *testing.F) {
	f.Add("\xef\xbb\xbf"+partition+"\n"+partRow, "label")
	f.Add(rawRow+"\r\n"+raw+"\n"+rawRow, "")
	f.Add(rawRow+"\n"+strings.Repeat(",", 48)+"\ndur\n", "attack_cat")
	f.Fuzz(func(t *testing.T, log, label string) {
		if strings.HasPrefix(log, "\x1f\x8b") || strings.HasPrefix(log, "\x28\xb5") {
			t.Skip()
		}
		n := 0
		for range unsw.Read(strings.NewReader(log), &unsw.Options{Label: label, MaxLine: 2000}) {
			n++
		}
		require.LessOrEqual(t, n, strings.Count(log, "\n")+1)
	})
}

package unsw_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/unsw"
	"threatdetect/internal/logio"
	"threatdetect/internal/testkit/logs"
)

// TestVocabulary proves the committed vocabulary of unsw-42/1 by the file it is from, and that every category of the
// partition is in it.
func TestVocabulary(t *testing.T) {
	r := logio.NewReader(logs.Sample(t, "../..", "models/classes.json.gz"))
	defer r.Close()
	var classes struct{ Vocab map[string][]string }
	require.NoError(t, json.NewDecoder(r).Decode(&classes))
	want := [3]map[string]float32{{}, {}, {}}
	for i, name := range []string{"proto", "service", "state"} {
		for number, value := range classes.Vocab[name] {
			want[i][value] = float32(number)
		}
	}
	set, err := features.LookupSet("unsw-42")
	require.NoError(t, err)
	p, err := features.NewPipeline(set)
	require.NoError(t, err)
	require.Equal(t, 42, p.NumColumn())
	x := p.Extractor()
	seen := [3]map[string]bool{{}, {}, {}}
	var row []float32
	for f, err := range unsw.Read(logs.Sample(t, "../..", "unsw-nb15/UNSW_NB15_training-set.82332.csv.gz"), nil) {
		require.NoError(t, err)
		row, err = x.AppendRow(row[:0], f)
		require.NoError(t, err)
		for i, value := range []string{f.UNSW.Proto, f.UNSW.Service, f.UNSW.State} {
			require.Equal(t, want[i][value], row[1+i])
			seen[i][value] = true
		}
	}
	for i, n := range []int{131, 13, 7} { // as the partition is described
		require.Len(t, seen[i], n)
		require.Len(t, want[i], n)
	}
	f := &features.Flow{UNSW: &features.UNSW{Proto: "TCP", Service: "", State: "ECO"}}
	row, err = x.AppendRow(row[:0], f)
	require.NoError(t, err)
	for i := 1; i <= 3; i++ {
		require.True(t, math.IsNaN(float64(row[i])), "no value of the vocabulary")
	}
	_, err = x.AppendRow(nil, &features.Flow{})
	require.ErrorIs(t, err, features.ErrContract)
}

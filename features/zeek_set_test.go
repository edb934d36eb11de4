package features

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func zeekRow(t *testing.T, f *Flow) map[string]float32 {
	t.Helper()
	set, err := LookupSet("flow-zeek")
	require.NoError(t, err)
	p, err := NewPipeline(set)
	require.NoError(t, err)
	row, err := p.Extractor().AppendRow(nil, f)
	require.NoError(t, err)
	require.Len(t, row, 106)
	cells := make(map[string]float32)
	for i, c := range p.Schema().Columns {
		cells[c.Name] = row[i]
	}
	require.Len(t, cells, 106, "names are distinct")
	return cells
}

func TestZeekColumns(t *testing.T) {
	require.Equal(t, portableColumns, zeekColumns[:70])
	f := tcpFlow()
	f.FwdPayload, f.RevPayload, f.MissedBytes, f.LocalSrc = 1000, 8000, 1000, true
	f.History = []byte("^ShADadXfF9h")
	f.Known |= FieldFwdPayload | FieldRevPayload | FieldMissedBytes | FieldLocalSrc | FieldLocalDst | FieldHistory
	row := zeekRow(t, f)
	want := map[string]float32{
		"hist_len": 12, "hist_upper": 4, "hist_changes": 5, "hist_has_S": 1, "hist_has_s": 0, "hist_has_h": 1, "hist_has_H": 0, "hist_has_D": 1,
		"hist_has_F": 1, "hist_has_f": 1, "hist_has_q": 0, "hist_flipped": 1, "hist_stopped": 1, "fwd_payload": 1000, "rev_payload": 8000,
		"missed_bytes": 1000, "missed_ratio": 0.1, "header_share": 1 - float32(9000)/10500, "local_orig": 1, "local_resp": 0,
	}
	for name, v := range want {
		require.InDelta(t, v, row[name], 1e-7, name)
	}

	f.History = nil // set, but empty
	f.FwdPayload, f.RevPayload, f.MissedBytes, f.FwdBytes, f.RevBytes = 0, 0, 0, 0, 0
	for name, v := range zeekRow(t, f) {
		switch {
		case strings.HasPrefix(name, "hist_"), name == "missed_ratio":
			require.Zero(t, v, name)
		case name == "header_share":
			require.True(t, math.IsNaN(float64(v)))
		}
	}

	for name, v := range zeekRow(t, &Flow{}) {
		if strings.HasPrefix(name, "hist_") || strings.HasPrefix(name, "missed") || strings.HasSuffix(name, "payload") || strings.HasPrefix(name, "local") {
			require.True(t, math.IsNaN(float64(v)), name)
		}
	}
}

// TestHistoryColumnsPlain compares with the words of the definition, letter by letter.
func TestHistoryColumnsPlain(t *testing.T) {
	for _, history := range []string{"", "x", "Xx", "^", "ShADadFf", "sS", "aXA", "a1A", "aAaA", "\xc3\xa9A", "zZyY", "GgTtWwIiQqCcRr", "AAA", "d^D"} {
		f := &Flow{Known: FieldHistory, History: []byte(history)}
		var letters []byte
		for _, c := range []byte(history) {
			if (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') && c != 'x' && c != 'X' {
				letters = append(letters, c)
			}
		}
		upper, changes := 0, 0
		for i, c := range letters {
			if c <= 'Z' {
				upper++
			}
			if i > 0 && (c <= 'Z') != (letters[i-1] <= 'Z') {
				changes++
			}
		}
		row := zeekRow(t, f)
		require.EqualValues(t, len(history), row["hist_len"], history)
		require.EqualValues(t, upper, row["hist_upper"], history)
		require.EqualValues(t, changes, row["hist_changes"], history)
		for _, letter := range historyColumns {
			require.Equal(t, strings.ContainsRune(history, letter), row["hist_has_"+string(letter)] == 1, "%s %c", history, letter)
		}
		require.Equal(t, strings.Contains(history, "^"), row["hist_flipped"] == 1)
		require.Equal(t, strings.ContainsAny(history, "xX"), row["hist_stopped"] == 1)
	}
}

//go:build unix && !noparquet

package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

// TestBatchParquet reads the Parquet of a batch back: the rows are those of NDJSON, to the bit, and null where these are.
func TestBatchParquet(t *testing.T) {
	dir := t.TempDir()
	for to, out := range map[string]string{"parquet": "p", "ndjson": "n"} {
		said, err := command(t, "batch", "--bundle", demo+"model.tar.gz", "--all", "--explain", "2", "--to", to, "--out", filepath.Join(dir, out), demo+"conn.log").CombinedOutput()
		require.NoError(t, err, string(said))
	}
	text, err := os.ReadFile(filepath.Join(dir, "n", "conn.log.ndjson"))
	require.NoError(t, err)
	file, err := os.Open(filepath.Join(dir, "p", "conn.log.parquet"))
	require.NoError(t, err)
	defer file.Close()
	info, err := file.Stat()
	require.NoError(t, err)
	table, err := parquet.OpenFile(file, info.Size())
	require.NoError(t, err)
	require.EqualValues(t, 1900, table.NumRows())
	rows := parquet.NewReader(table)
	defer rows.Close()
	got := make([]parquet.Row, 1)
	for line := range bytes.Lines(text) {
		var want map[string]any
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		require.NoError(t, d.Decode(&want))
		n, err := rows.ReadRows(got)
		require.True(t, n == 1, "%v", err)
		require.Equal(t, flat(t, want), cells(table.Schema(), got[0]))
	}
}

// flat is a record of NDJSON as cells has a row: numbers of reasons by bits.
func flat(t *testing.T, record map[string]any) map[string][]any {
	t.Helper()
	all := map[string][]any{"class": {nil}}
	number := func(v any) any {
		if v == nil {
			return math.Float32bits(float32(math.NaN()))
		}
		f, err := v.(json.Number).Float64()
		require.NoError(t, err)
		return math.Float32bits(float32(f))
	}
	for key, v := range record {
		switch key {
		case "ts":
			at, err := time.Parse(time.RFC3339Nano, v.(string))
			require.NoError(t, err)
			v = at.UnixNano()
		case "src_port", "dst_port":
			if v != nil {
				port, err := v.(json.Number).Int64()
				require.NoError(t, err)
				v = port
			}
		case "score", "threshold":
			v = number(v)
		case "top":
			for _, x := range v.([]any) {
				reason := x.(map[string]any)
				all["feature"] = append(all["feature"], reason["feature"])
				all["value"] = append(all["value"], number(reason["value"]))
				all["contribution"] = append(all["contribution"], number(reason["contribution"]))
			}
			continue
		}
		all[key] = []any{v}
	}
	return all
}

// cells are the values of a row by the last part of their column's name; of a list there are several.
func cells(schema *parquet.Schema, row parquet.Row) map[string][]any {
	all := map[string][]any{}
	for _, v := range row {
		path := schema.Columns()[v.Column()]
		name := path[len(path)-1]
		if path[0] == "classes" { // of a model with two classes there are none
			continue
		}
		var x any
		switch {
		case v.IsNull():
		case v.Kind() == parquet.Boolean:
			x = v.Boolean()
		case v.Kind() == parquet.Int32:
			x = int64(v.Uint32())
		case v.Kind() == parquet.Int64:
			x = v.Int64()
		case v.Kind() == parquet.Float:
			x = math.Float32bits(v.Float())
		default:
			x = string(v.ByteArray())
		}
		all[name] = append(all[name], x)
	}
	return all
}

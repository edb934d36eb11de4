package model

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// snapshotOf puts a model in the legacy form and a configuration together.
func snapshotOf(model []byte, config string) []byte {
	out := binary.LittleEndian.AppendUint64([]byte(snapshotMark), uint64(len(model)))
	return append(append(out, model...), config...)
}

const forestOf2 = `{"learner":{"gradient_booster":{"name":"gbtree","gbtree_train_param":{"num_parallel_tree":"2"},"updater":{}}},"version":[1,0,2]}`

func TestSnapshots(t *testing.T) {
	b := tiny()
	b.Version = Version{1, 0, 0}
	bare := toLegacy(b) // 1.0 writes no mark
	model := append([]byte(legacyMark), bare...)
	want := data(b)
	want.NumParallelTree, want.IterationStart = 2, []int32{0, 2}
	dart := `{"learner":{"gradient_booster":{"gbtree":{"gbtree_model_param":{"num_parallel_tree":"2"}}}}}`
	for _, file := range [][]byte{snapshotOf(model, forestOf2), snapshotOf(bare, forestOf2), snapshotOf(model, dart)} {
		got := load(t, file, nil)
		require.Equal(t, FormatSnapshot, got.Format)
		require.Equal(t, want, data(got))
	}
	want.NumParallelTree, want.IterationStart = 1, []int32{0, 1, 2}
	require.Equal(t, want, data(load(t, snapshotOf(model, `{"learner":{"gradient_booster":{"gbtree_train_param":{}},"learner":1,"x":[1]}}`), nil)))
	load(t, append(snapshotOf(model, "{}"), 'x'), &LoadOptions{AllowTrailing: true})
}

func TestSnapshotDocuments(t *testing.T) {
	b := tiny()
	b.Version = Version{1, 3, 0}
	text := string(toJSON(documentOf(b)))
	for _, later := range []string{`"num_parallel_tree":"1",`, `"iteration_indptr":[0,1,2],`} { // which 1.3 does not write
		require.Contains(t, text, later)
		text = strings.Replace(text, later, "", 1)
	}
	want := data(b)
	want.NumParallelTree, want.IterationStart = 2, []int32{0, 2}
	for _, file := range []string{
		`{"Config":` + forestOf2 + `,"Model":` + text + `}`,
		`{"Model":` + text + `,"Config":` + forestOf2 + `}`,
	} {
		got := load(t, []byte(file), nil)
		require.Equal(t, FormatSnapshot, got.Format)
		require.Equal(t, want, data(got))
	}
	b.Version = Version{3, 2, 0}
	inner := toUBJSON(documentOf(b), true)
	file := append(append([]byte("{i\x05Model"), inner...), '}')
	got := load(t, file, nil)
	require.Equal(t, FormatSnapshot, got.Format)
	require.Equal(t, data(b), data(got))
}

func TestSnapshotDefects(t *testing.T) {
	model := toLegacy(tiny())
	text := string(toJSON(documentOf(tiny())))
	long := snapshotOf(model, "{}")
	long[len(snapshotMark)] += 3
	zero := snapshotOf(nil, "{}")
	huge := snapshotOf(model, "{}")
	huge[len(snapshotMark)+7] = 0x40
	for file, path := range map[string]string{
		snapshotMark:                  "",
		snapshotMark + "\x01\x00\x00": "",
		string(zero):                  "Model",
		string(huge):                  "Model",
		string(long):                  "",
		string(snapshotOf(model[:len(model)-1], "{}")):                                 "learner.attributes",
		string(snapshotOf(model, "")):                                                  "Config",
		string(snapshotOf(model, "{")):                                                 "Config",
		string(snapshotOf(model, "{}x")):                                               "Config",
		string(snapshotOf(model, `{"learner":{"learner":{"num_parallel_tree":"x"}}}`)): "Config.learner.learner.num_parallel_tree",
		string(snapshotOf(model, `{"num_parallel_tree":"2","num_parallel_tree":"2"}`)): "Config.num_parallel_tree",
		string(snapshotOf(model, `{"num_parallel_tree":2}`)):                           "Config.num_parallel_tree",
		`{"Config":{}}`: "",
		`{"Config":{},"Config":{},"Model":` + text + `}`: "Config",
		`{"Model":` + text + `,"Model":` + text + `}`:    "Model",
		`{"Model":{"Model":` + text + `}}`:               "Model.Model",
		`{"Model":` + text + `,` + text[1:]:              "",
		`{"Model":{}}`:                                   "Model",
		`{"Model":1}`:                                    "Model",
	} {
		_, err := sound(t, []byte(file))
		require.ErrorIs(t, err, ErrFormat, "%.60q", file)
		var p *ParseError
		require.ErrorAs(t, err, &p)
		if path != "" {
			require.Equal(t, path, p.Path, "%.60q: %v", file, err)
		}
		require.LessOrEqual(t, p.Offset, int64(len(file)))
	}
}

package auto_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit/logs"
)

// facts are numbers that are true of a file, by the names that the README has for them.
type facts map[string]int

// set adds a number. A name means one thing.
func (f facts) set(t *testing.T, name string, n int) {
	t.Helper()
	if old, ok := f[name]; ok {
		require.Equal(t, old, n, "two numbers of the name %q", name)
	}
	f[name] = n
}

// factsOf counts a file of the samples: rows and columns, how often each value of its columns of labels occurs, and whatever else the
// README has a number of.
func factsOf(t *testing.T, name string, plain []byte) facts {
	f := facts{}
	switch {
	case strings.HasSuffix(name, ".json.gz") && strings.HasPrefix(name, "models/"):
		f.model(t, plain)
	case strings.HasPrefix(name, "netflow/") && strings.HasSuffix(name, ".json.gz"):
		f.set(t, "lines", bytes.Count(plain, []byte("\n")))
	case strings.HasSuffix(name, ".nfcapd.gz"):
		f.set(t, "flows", int(binary.LittleEndian.Uint64(plain[140:]))) // by the statistics behind the header of 140 bytes
	case strings.HasPrefix(name, "suricata/"):
		f.eve(t, plain)
	case strings.HasSuffix(name, ".log.gz"):
		f.vpc(t, plain)
	case strings.Contains(name, "csv") || strings.Contains(name, "KDD") || strings.Contains(name, "binetflow"):
		f.table(t, name, plain)
	}
	return f
}

// vpc counts the records of a VPC flow log.
func (f facts) vpc(t *testing.T, plain []byte) {
	n := 0
	for line := range bytes.Lines(plain) {
		if !bytes.Contains(line, []byte("srcaddr")) && len(bytes.TrimSpace(line)) > 0 {
			n++
		}
	}
	f.records(t, n, "record", "records")
}

func (f facts) records(t *testing.T, n int, names ...string) {
	for _, name := range names {
		f.set(t, name, n)
	}
}

// table counts rows, columns and labels of a file of cells.
func (f facts) table(t *testing.T, name string, plain []byte) {
	plain = bytes.TrimPrefix(plain, []byte("\xef\xbb\xbf"))
	r := csv.NewReader(bytes.NewReader(plain))
	r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = -1, true, true
	if strings.Contains(name, ".tsv") {
		r.Comma = '\t'
	}
	kdd := strings.Contains(name, "KDD")
	rows, width := 0, 0
	if !strings.Contains(name, "head3400") && !kdd {
		_, err := r.Read()
		require.NoError(t, err)
		f.set(t, "header", 1)
	}
	var values [2]map[string]int // of the last column, and of the one ahead of it
	values[0], values[1] = map[string]int{}, map[string]int{}
	background, inf := 0, 0
	for {
		row, err := r.Read()
		if err == io.EOF || err == nil && row[0] == "Summary" {
			break
		}
		require.NoError(t, err)
		if rows == 0 {
			width = len(row)
		}
		require.Len(t, row, width)
		rows++
		for k := range values {
			values[k][strings.TrimSpace(row[width-1-k])]++
		}
		if strings.HasPrefix(row[width-1], "flow=Background") {
			background++
		}
		if slices.Contains(row, "inf") {
			inf++
		}
	}
	f.records(t, rows, "rows", "flows", "record")
	if strings.Contains(name, "_features") {
		width = rows // a table of columns
	}
	f.set(t, "columns", width)
	f.set(t, "features", width-1) // without the label
	f.set(t, "rows with inf", inf)
	f.set(t, "flow=Background*", background)
	kinds, attacks := values[0], values[0]["1"]
	switch {
	case kdd: // behind the label is how difficult it is
		kinds = values[1]
		attacks = rows - kinds["normal"]
		f.set(t, "attack", attacks)
		f.set(t, "attack names", len(kinds)-1)
	case strings.HasPrefix(name, "unsw-nb15/") && !strings.Contains(name, "raw.sample"):
		for kind, n := range values[1] {
			if _, err := strconv.Atoi(kind); err != nil {
				f.set(t, kind, n)
			}
		}
	}
	for kind, n := range kinds {
		switch {
		case kind == "":
			kind = "empty"
		case kind == "0":
			f.records(t, n, "label 0", "Label 0")
		}
		f.set(t, kind, n)
	}
	if rows > 0 {
		f.set(t, "% attack rate", (100*attacks+rows/2)/rows)
	}
}

func (f facts) eve(t *testing.T, plain []byte) {
	for line := range bytes.Lines(plain) {
		var event struct {
			Kind string `json:"event_type"`
			Flow struct {
				State, Reason string
				Alerted       bool
			}
			TCP json.RawMessage
		}
		require.NoError(t, json.Unmarshal(line, &event))
		f["events"]++
		f[event.Kind]++
		if event.Kind == "flow" {
			// The first of several is told with what they are: "state closed 1, new 2".
			f["state "+event.Flow.State]++
			f["reason "+event.Flow.Reason]++
			f[event.Flow.State]++
			f[event.Flow.Reason]++
			f[fmt.Sprint("alerted ", event.Flow.Alerted)]++
			if event.TCP != nil {
				f["with a tcp object"]++
			}
		}
	}
}

// model counts trees, their depth, classes and expected rows.
func (f facts) model(t *testing.T, plain []byte) {
	var doc struct {
		Learner struct {
			Booster json.RawMessage `json:"gradient_booster"`
			Param   struct {
				NumClass string `json:"num_class"`
			} `json:"learner_model_param"`
		}
		Prob     []json.RawMessage `json:"prob"`
		Leaf     []json.RawMessage `json:"leaf_first20"`
		Contribs []json.RawMessage `json:"contribs_first5"`
	}
	plain = bytes.ReplaceAll(plain, []byte("NaN"), []byte("null"))
	require.NoError(t, json.Unmarshal(plain, &doc))
	f.records(t, len(doc.Prob), "rows")
	f.set(t, "leaf ids", len(doc.Leaf))
	f.set(t, "SHAP contributions", len(doc.Contribs))
	if doc.Learner.Booster == nil {
		return
	}
	type booster struct {
		Model struct {
			Trees []struct {
				Left []int `json:"left_children"`
			}
		}
	}
	var b struct {
		booster
		Tree booster `json:"gbtree"` // of DART
	}
	require.NoError(t, json.Unmarshal(doc.Learner.Booster, &b))
	trees := append(b.Model.Trees, b.Tree.Model.Trees...)
	classes, err := strconv.Atoi(doc.Learner.Param.NumClass)
	require.NoError(t, err)
	f.set(t, "trees", len(trees))
	f.set(t, "classes", classes)
	f.set(t, "rounds", len(trees)/max(1, classes))
	deepest := 0
	for _, tree := range trees {
		depth := make([]int, len(tree.Left))
		for i, left := range tree.Left {
			if left >= 0 {
				depth[left], depth[left+1] = depth[i]+1, depth[i]+1
				deepest = max(deepest, depth[i]+1)
			}
		}
	}
	f.set(t, "depth", deepest)
}

// sample is a file of the samples, unpacked.
func sample(t *testing.T, name string) []byte {
	z, err := gzip.NewReader(logs.Sample(t, "../..", name))
	require.NoError(t, err)
	plain, err := io.ReadAll(z)
	require.NoError(t, err)
	return plain
}

// TestREADMEBetweenFiles checks what the README says of a file in terms of another one.
func TestREADMEBetweenFiles(t *testing.T) {
	head, more := sample(t, "unsw-nb15/UNSW-NB15_1.head3400.csv.gz"), sample(t, "unsw-nb15/UNSW-NB15_1.head12142.unlabelled.csv.gz")
	_, more, _ = bytes.Cut(more, []byte("\n"))
	rows := bytes.SplitAfter(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), []byte("\n"))[:3400]
	others := bytes.Split(more, []byte("\n"))
	for i, row := range rows {
		want := strings.Split(strings.TrimSpace(string(row)), ",")[:46]
		require.Equal(t, want, strings.Split(strings.TrimRight(string(others[i]), "\r"), ","), "row %d", i)
	}
	plain := sample(t, "nsl-kdd/KDDTrain+.txt.gz")
	require.Equal(t, "20002897492adc110190a10509aa694f26f7f308", fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(plain), plain))), "git's name of it")
	for line := range bytes.Lines(sample(t, "nsl-kdd/KDDTest-21.txt.gz")) {
		cells := strings.Split(strings.TrimSpace(string(line)), ",")
		difficulty, err := strconv.Atoi(cells[42])
		require.NoError(t, err)
		require.Less(t, difficulty, 21)
	}
	raw, err := csv.NewReader(bytes.NewReader(sample(t, "unsw-nb15/UNSW-NB15_raw.sample10000.csv.gz"))).ReadAll()
	require.NoError(t, err)
	attacks := 0
	for _, row := range raw[1:] {
		if row[48] == "1" {
			attacks++
		}
	}
	require.Equal(t, []int{10_000, 1326}, []int{len(raw) - 1, attacks})
	cells, blank := 0, 0
	lines, err := csv.NewReader(bytes.NewReader(sample(t, "models/rows.csv.gz"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 1+200)
	for _, row := range lines[1:] {
		for _, cell := range row {
			cells++
			if cell == "" {
				blank++
			}
		}
	}
	require.InDelta(t, 0.05, float64(blank)/float64(cells), 0.005)
}

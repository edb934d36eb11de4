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
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit/logs"
)

// facts are the numbers that are true of a file.
type facts map[int]bool

func (f facts) add(numbers ...int) {
	for _, n := range numbers {
		f[n] = true
	}
}

// factsOf counts a file of the samples: rows and columns, how often each value of its last columns occurs, and whatever else the
// README has a number of.
func factsOf(t *testing.T, name string, plain []byte) facts {
	f := facts{}
	switch {
	case strings.HasSuffix(name, ".json.gz") && strings.HasPrefix(name, "models/"):
		modelFacts(t, f, plain)
	case strings.HasPrefix(name, "netflow/") && strings.HasSuffix(name, ".json.gz"):
		f.add(bytes.Count(plain, []byte("\n")))
	case strings.HasSuffix(name, ".nfcapd.gz"):
		f.add(int(binary.LittleEndian.Uint64(plain[140:]))) // flows, by the statistics behind the header of 140 bytes
	case strings.HasPrefix(name, "suricata/"):
		f.eve(plain)
	case strings.HasSuffix(name, ".log.gz"):
		f.vpc(plain)
	case strings.Contains(name, "csv") || strings.Contains(name, "KDD") || strings.Contains(name, "binetflow"):
		f.table(t, name, plain)
	}
	return f
}

// vpc adds how many lines are records of a VPC flow log.
func (f facts) vpc(plain []byte) {
	n := 0
	for line := range bytes.Lines(plain) {
		if !bytes.Contains(line, []byte("srcaddr")) && len(bytes.TrimSpace(line)) > 0 {
			n++
		}
	}
	f.add(n)
}

// table adds rows, columns and values of a file of cells.
func (f facts) table(t *testing.T, name string, plain []byte) {
	plain = bytes.TrimPrefix(plain, []byte("\xef\xbb\xbf"))
	r := csv.NewReader(bytes.NewReader(plain))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	if strings.Contains(name, ".tsv") {
		r.Comma = '\t'
	}
	rows, err := r.ReadAll()
	require.NoError(t, err)
	header := !strings.Contains(name, "head3400") && !strings.Contains(name, "KDD")
	f.add(len(rows[len(rows)-1]), len(rows[0]))
	if header {
		rows = rows[1:]
	}
	width := len(rows[0])
	f.add(len(rows), width, width-1) // without the label
	for _, column := range []int{width - 3, width - 2, width - 1} {
		values := map[string]int{}
		for _, row := range rows {
			if len(row) == width {
				values[strings.TrimSpace(row[column])]++
			}
		}
		benign, least, greatest := 0, 1<<30, 0
		for v, n := range values {
			f.add(n)
			if v == "normal" || v == "Normal" || v == "" {
				benign += n
			}
			if n, err := strconv.Atoi(v); err == nil {
				least, greatest = min(least, n), max(greatest, n)
			}
		}
		f.add(len(rows)-benign, len(values)-1, greatest, least) // attacks, of so many names; the range of a number
	}
	kinds := map[string]int{}
	for _, row := range rows {
		switch label := row[len(row)-1]; {
		case strings.HasPrefix(label, "flow=Background"):
			kinds["background"]++
		case len(row) > 2 && row[2] == "arp":
			kinds["arp"]++
		}
	}
	for _, n := range kinds {
		f.add(n)
	}
}

func (f facts) eve(plain []byte) {
	kinds := map[string]int{}
	for line := range bytes.Lines(plain) {
		var event struct {
			Kind string `json:"event_type"`
			Flow struct {
				State, Reason string
				Alerted       bool
			}
			TCP json.RawMessage
		}
		if json.Unmarshal(line, &event) != nil {
			continue
		}
		kinds["all"]++
		kinds[event.Kind]++
		if event.Kind == "flow" {
			kinds["state "+event.Flow.State]++
			kinds["reason "+event.Flow.Reason]++
			kinds[fmt.Sprint("alerted ", event.Flow.Alerted)]++
			kinds[fmt.Sprint("tcp ", event.TCP != nil)]++
		}
	}
	for _, n := range kinds {
		f.add(n)
	}
}

// modelFacts adds trees, their depth, classes and expected rows.
func modelFacts(t *testing.T, f facts, plain []byte) {
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
	f.add(len(doc.Prob), len(doc.Leaf), len(doc.Contribs))
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
	f.add(len(trees), classes, len(trees)/max(1, classes))
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
	f.add(deepest)
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

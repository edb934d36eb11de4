package serve

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"threatdetect/internal/decimal"
)

// Keys of SAGEMAKER_INFERENCE_OUTPUT, in the order in which an answer in JSON has them.
const (
	keyPredictedLabel = "predicted_label"
	keyLabels         = "labels"
	keyProbability    = "probability"
	keyProbabilities  = "probabilities"
	keyRawScore       = "raw_score"
	keyRawScores      = "raw_scores"
	keyPredictedScore = "predicted_score"
)

var keyOrder = []string{keyPredictedLabel, keyLabels, keyProbability, keyProbabilities, keyRawScore, keyRawScores, keyPredictedScore}

var (
	regressionKeys  = []string{keyPredictedScore}
	probabilityKeys = keyOrder[:6]
	rawKeys         = []string{keyPredictedLabel, keyLabels, keyRawScore, keyRawScores}
)

// selectableKeys are the keys that have a value for an objective, nil if the image has none for it.
func (a *artifact) selectableKeys() []string {
	switch a.objective {
	case "reg:squarederror", "reg:logistic", "reg:gamma", "reg:absoluteerror", "reg:tweedie":
		return regressionKeys
	case "binary:logistic", "multi:softprob":
		return probabilityKeys
	case "binary:logitraw", "binary:hinge", "multi:softmax":
		return rawKeys
	}
	return nil
}

// selection is the answer to requests of a server that has SAGEMAKER_INFERENCE_OUTPUT.
type selection struct {
	*artifact
	keys  []string // as asked for
	valid []string
}

// cell is a value that is told of a row: a number, whole or not, or a list of such.
type cell struct {
	values      []float64
	list, whole bool
}

func number(v float64) cell { return cell{values: []float64{v}} }
func whole(v int) cell      { return cell{values: []float64{float64(v)}, whole: true} }

// cell computes what a key means for a row.
func (s *selection) cell(key string, row []float32) cell {
	if !slices.Contains(s.valid, key) {
		return number(math.NaN())
	}
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	top := float64(row[best])
	switch key {
	case keyPredictedLabel:
		switch {
		case s.objective == "binary:logistic":
			return whole(truth(row[0] > 0.5))
		case s.objective == "binary:logitraw":
			return whole(truth(row[0] > 0))
		case s.objective == "multi:softprob":
			return whole(best)
		}
	case keyLabels:
		n := 2
		if s.numGroup > 1 {
			n = s.numGroup
		}
		c := cell{list: true, whole: true}
		for i := range n {
			c.values = append(c.values, float64(i))
		}
		return c
	case keyProbabilities, keyRawScores:
		if len(row) == 1 {
			return cell{values: []float64{1 - top, top}, list: true}
		}
		c := cell{list: true}
		for _, v := range row {
			c.values = append(c.values, float64(v))
		}
		return c
	}
	return number(top)
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// append appends the cell as Python prints it, or writes it to JSON.
func (c *cell) append(dst []byte, form func([]byte, float64) []byte) []byte {
	if c.list {
		dst = append(dst, '[')
	}
	for i, v := range c.values {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if c.whole {
			dst = strconv.AppendInt(dst, int64(v), 10)
		} else {
			dst = form(dst, v)
		}
	}
	if c.list {
		dst = append(dst, ']')
	}
	return dst
}

// form is how what is told of a row is written in a media type; nil if it cannot be.
func (s *selection) form(kind string, batch bool) *form {
	keys := s.distinct()
	names := make([][]byte, len(keys)) // in JSON
	for i, key := range keys {
		names[i] = append(appendJSONText(nil, key), ": "...)
	}
	object := func(dst []byte, row []float32) []byte {
		dst = append(dst, '{')
		for i, key := range keys {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			c := s.cell(key, row)
			dst = c.append(append(dst, names[i]...), appendJSONNumber)
		}
		return append(dst, '}')
	}
	switch kind {
	case typeCSV:
		f := &form{between: "\n", row: s.csv} // without an end of the last line but for batches
		if batch {
			f.end = "\n"
		}
		return f
	case typeJSON:
		return &form{begin: `{"predictions": [`, between: ", ", row: object, end: "]}"}
	case typeJSONLines:
		return &form{row: func(dst []byte, row []float32) []byte { return append(object(dst, row), '\n') }}
	case typeRecordIO:
		return &form{row: func(dst []byte, row []float32) []byte {
			labels := make([]labelled, len(keys))
			for i, key := range keys {
				labels[i] = labelled{key, s.cell(key, row).values}
			}
			return appendRecord(dst, labels)
		}}
	}
	return nil
}

// csv has lists in quotes.
func (s *selection) csv(dst []byte, row []float32) []byte {
	for k, key := range s.keys {
		if k > 0 {
			dst = append(dst, ',')
		}
		c := s.cell(key, row)
		if c.list {
			dst = append(dst, '"')
		}
		dst = c.append(dst, decimal.AppendPython)
		if c.list {
			dst = append(dst, '"')
		}
	}
	return dst
}

// rowSize is about how many bytes the longest form of a row takes.
func (s *selection) rowSize() int {
	size := 2
	for _, key := range s.keys {
		size += len(key) + numberSize + 8
		switch key {
		case keyLabels, keyProbabilities, keyRawScores:
			size += max(s.numGroup, 2) * numberSize
		}
	}
	return size
}

// distinct returns the keys in the order of JSON answers: those that have a value, then the others, whose order differs from run to
// run in the container.
func (s *selection) distinct() []string {
	var keys []string
	for _, key := range slices.Concat(s.valid, s.keys) {
		if slices.Contains(s.keys, key) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// selectableOutput splits the variable.
func selectableOutput(text string) []string {
	return strings.Split(strings.ToLower(strings.ReplaceAll(text, " ", "")), ",")
}

func appendJSONText(dst []byte, text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(text) // a string cannot fail
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"threatdetect/inference/diagnose"
	"threatdetect/inference/rows"
	"threatdetect/internal/logio"
)

// Bounds of rows that are read whole.
const (
	maxDataValues = 1 << 27
	maxDataLine   = rows.DefaultMaxLine
	maxDataColumn = 1 << 20
)

// readData reads rows as they are written, without fitting them to a model: a header only names columns, absent is NaN. Only
// RecordIO needs to know how many features the model has.
func (a *app) readData(name, format string, numFeature int) (*diagnose.Data, error) {
	raw, err := a.open(name, nil, nil)
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	in := logio.NewReader(raw)
	defer in.Close()
	d := &dataReader{name: name}
	if rows.Format(format) == rows.RecordIO {
		return d.records(in, numFeature)
	}
	read := map[rows.Format]func(string) error{rows.CSV: d.csv, rows.Libsvm: d.libsvm, rows.NDJSON: d.ndjson}[rows.Format(format)]
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxDataLine)
	for lines.Scan() {
		d.line++
		text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if text == "" {
			continue
		}
		if err := read(text); err != nil {
			return nil, misfit(fmt.Sprintf("%s:%d", name, d.line), "%w", err)
		}
		if len(d.rows)*d.width > maxDataValues {
			return nil, misfit(name, "over the limit of %d values", maxDataValues)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, inputError(name, err)
	}
	return d.data()
}

// dataReader collects rows of whatever width.
type dataReader struct {
	name  string
	line  int
	rows  [][]cell
	width int
	names []string
	comma string
}

type cell struct {
	column int
	value  float64
}

func (d *dataReader) data() (*diagnose.Data, error) {
	if len(d.rows) == 0 || d.width == 0 {
		return nil, misfit(d.name, "no rows in it")
	}
	out := &diagnose.Data{Width: d.width, Names: d.names, Values: make([]float64, len(d.rows)*d.width)}
	for i := range out.Values {
		out.Values[i] = math.NaN()
	}
	for i, row := range d.rows {
		for _, c := range row {
			out.Values[i*d.width+c.column] = c.value
		}
	}
	return out, nil
}

func dataValue(s string) (float64, bool) {
	s = strings.Trim(strings.TrimSpace(s), `"`)
	if s == "" {
		return math.NaN(), true
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil || math.IsInf(v, 0)
}

func (d *dataReader) csv(text string) error {
	if d.comma == "" {
		d.comma = ","
		for _, c := range []string{",", ";", "\t", "|", " "} {
			if strings.Contains(text, c) {
				d.comma = c
				break
			}
		}
	}
	fields := strings.Split(text, d.comma)
	row := make([]cell, 0, len(fields))
	for i, field := range fields {
		v, ok := dataValue(field)
		if !ok && d.names == nil && len(d.rows) == 0 {
			for i := range fields {
				fields[i] = strings.Trim(strings.TrimSpace(fields[i]), `"`)
			}
			d.names, d.width = fields, len(fields)
			return nil
		}
		if !ok {
			return fmt.Errorf("not a number: %.64q", field)
		}
		row = append(row, cell{i, v})
	}
	if d.width > 0 && d.width != len(row) {
		return fmt.Errorf("%d fields, the first line has %d", len(row), d.width)
	}
	d.width = len(row)
	d.rows = append(d.rows, row)
	return nil
}

// libsvm takes every index:value; what has no colon is the label.
func (d *dataReader) libsvm(text string) error {
	text, _, _ = strings.Cut(text, "#")
	var row []cell
	for _, item := range strings.Fields(text) {
		key, value, ok := strings.Cut(item, ":")
		if !ok || key == "qid" {
			continue
		}
		column, err := strconv.ParseUint(key, 10, 32)
		v, ok := dataValue(value)
		if err != nil || !ok || column >= maxDataColumn {
			return fmt.Errorf("not index:value: %.64q", item)
		}
		row = append(row, cell{int(column), v})
		d.width = max(d.width, int(column)+1)
	}
	d.rows = append(d.rows, row)
	return nil
}

func (d *dataReader) ndjson(text string) error {
	if text[0] == '[' {
		var list []*float64
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return err
		}
		row := make([]cell, 0, len(list))
		for i, v := range list {
			if v != nil {
				row = append(row, cell{i, *v})
			}
		}
		d.width = max(d.width, len(list))
		d.rows = append(d.rows, row)
		return nil
	}
	var object map[string]*float64
	if err := json.NewDecoder(bytes.NewReader([]byte(text))).Decode(&object); err != nil {
		return err
	}
	var row []cell
	for name, v := range object {
		i := slices.Index(d.names, name)
		if i < 0 {
			i = len(d.names)
			d.names = append(d.names, name)
		}
		if v != nil {
			row = append(row, cell{i, *v})
		}
	}
	d.width = len(d.names)
	d.rows = append(d.rows, row)
	return nil
}

// records reads RecordIO, for a model with such features.
func (d *dataReader) records(in io.Reader, numFeature int) (*diagnose.Data, error) {
	out := &diagnose.Data{Width: numFeature}
	for row, err := range rows.Read(in, rows.RecordIO, &rows.Options{NumFeature: numFeature}) {
		switch {
		case err != nil:
			return nil, inputError(d.name, err)
		case len(out.Values) > maxDataValues:
			return nil, misfit(d.name, "over the limit of %d values", maxDataValues)
		}
		for _, v := range row {
			out.Values = append(out.Values, float64(v))
		}
	}
	if len(out.Values) == 0 {
		return nil, misfit(d.name, "no rows in it")
	}
	return out, nil
}

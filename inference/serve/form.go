package serve

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"sync"

	"threatdetect/internal/decimal"
)

// form is how the scores of rows are written: something at the beginning and at the end, and something between two rows.
type form struct {
	begin   string
	between string
	row     func(dst []byte, values []float32) []byte
	end     string

	header func(rows, width int) []byte // in the place of begin, if that depends on the rows
}

// head is what is before the rows.
func (f *form) head(rows, width int) []byte {
	if f.header != nil {
		return f.header(rows, width)
	}
	return []byte(f.begin)
}

// writing writes rows in a form.
type writing struct {
	form  *form // nil writes nothing
	width int
	rows  int // written
	text  []byte
}

var writings = sync.Pool{New: func() any { return new(writing) }}

func newWriting(f *form, width int) *writing {
	w := writings.Get().(*writing)
	w.form, w.width, w.rows = f, width, 0
	return w
}

// end returns how many rows were written.
func (w *writing) end() (rows int) {
	rows = w.rows
	if cap(w.text) <= pieceSize {
		writings.Put(w)
	}
	return rows
}

// add writes the values of some rows, and gives the text to add in pieces.
func (w *writing) add(values []float32, add func([]byte)) {
	if w.form == nil {
		return
	}
	w.text = slices.Grow(w.text[:0], min(numberSize*len(values), pieceSize/2))
	for ; len(values) > 0; values = values[w.width:] {
		if w.rows++; w.rows > 1 {
			w.text = append(w.text, w.form.between...)
		}
		if w.text = w.form.row(w.text, values[:w.width]); len(w.text) >= pieceSize/2 {
			add(w.text)
			w.text = w.text[:0]
		}
	}
	add(w.text)
}

// numberSize is what a score mostly takes at most, with what is around it.
const numberSize = 22

var (
	// batchLines is the answer to a batch transform, whatever it accepts: a prediction a line, as Python prints it.
	batchLines = &form{row: func(dst []byte, values []float32) []byte {
		return append(appendScore(dst, values, decimal.AppendPython), '\n')
	}}

	// joinedLine has all predictions on one line, which does not end.
	joinedLine = &form{between: ",", row: func(dst []byte, values []float32) []byte { return appendScore(dst, values, decimal.AppendPython) }}

	// joinedJSON is a bare array.
	joinedJSON = &form{begin: "[", between: ", ", row: func(dst []byte, values []float32) []byte { return appendScore(dst, values, appendJSONNumber) }, end: "]"}

	// csvLines has the values of a row on a line.
	csvLines = csvForm(decimal.AppendPython)

	// csvRows is csvLines with the numbers of the command line: the shortest that read back to the same float32.
	csvRows = csvForm(func(dst []byte, v float64) []byte { return decimal.AppendFloat32(dst, float32(v)) })

	jsonScores   = jsonForm(appendJSONNumber, "]}")
	strictScores = jsonForm(appendStrictNumber, "]}\n")

	// jsonLines is an answer that the container fails to give.
	jsonLines   = jsonLineForm(appendJSONNumber)
	strictLines = jsonLineForm(appendStrictNumber)

	// recordScores is an answer that the container fails to give: a record for each row, its values under the label "score".
	recordScores = &form{row: func(dst []byte, values []float32) []byte {
		wide := make([]float64, len(values))
		for k, v := range values {
			wide[k] = float64(v)
		}
		return appendRecord(dst, []labelled{{"score", wide}})
	}}

	// numPy is the array of float64 values in NumPy's file form, version 1.0.
	numPy = &form{header: numPyHeader, row: func(dst []byte, values []float32) []byte {
		for _, v := range values {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(float64(v)))
		}
		return dst
	}}
)

func csvForm(number func([]byte, float64) []byte) *form {
	return &form{row: func(dst []byte, values []float32) []byte {
		for k, v := range values {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = number(dst, float64(v))
		}
		return append(dst, '\n')
	}}
}

func jsonForm(number func([]byte, float64) []byte, end string) *form {
	return &form{begin: `{"predictions": [`, between: ", ", end: end, row: func(dst []byte, values []float32) []byte {
		return append(appendScore(append(dst, `{"score": `...), values, number), '}')
	}}
}

func jsonLineForm(number func([]byte, float64) []byte) *form {
	return &form{row: func(dst []byte, values []float32) []byte {
		return append(appendScore(append(dst, `{"score": `...), values, number), "}\n"...)
	}}
}

func numPyHeader(rows, width int) []byte {
	shape := "(" + strconv.Itoa(rows) + ",)"
	if width > 1 {
		shape = "(" + strconv.Itoa(rows) + ", " + strconv.Itoa(width) + ")"
	}
	header := "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }"
	const align = 64
	for (10+len(header)+1)%align != 0 {
		header += " "
	}
	header += "\n"
	dst := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	return append(dst, header...)
}

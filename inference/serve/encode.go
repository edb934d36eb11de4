package serve

import (
	"encoding/binary"
	"math"
	"strconv"

	"threatdetect/internal/decimal"
)

// appendScore appends the value of a row, or a list of them, as Python prints it.
func appendScore(dst []byte, values []float32, number func([]byte, float64) []byte) []byte {
	if len(values) == 1 {
		return number(dst, float64(values[0]))
	}
	dst = append(dst, '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = number(dst, float64(v))
	}
	return append(dst, ']')
}

// appendJSONNumber appends a number as Python's json writes it, which for what is none is not JSON.
func appendJSONNumber(dst []byte, v float64) []byte {
	switch {
	case v != v:
		return append(dst, "NaN"...)
	case v > math.MaxFloat64:
		return append(dst, "Infinity"...)
	case v < -math.MaxFloat64:
		return append(dst, "-Infinity"...)
	}
	return decimal.AppendPython(dst, v)
}

// batchLines is the answer to a batch transform, whatever it accepts: a prediction a line, as Python prints it.
func batchLines(p *predictions) []byte {
	dst := make([]byte, 0, numberSize*len(p.values))
	for i := range p.len() {
		dst = append(appendScore(dst, p.row(i), decimal.AppendPython), '\n')
	}
	return dst
}

// joinedLine has all predictions on one line, which does not end.
func joinedLine(p *predictions) []byte {
	dst := make([]byte, 0, numberSize*len(p.values))
	for i := range p.len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendScore(dst, p.row(i), decimal.AppendPython)
	}
	return dst
}

// numberSize is what a score mostly takes at most, with what is around it.
const numberSize = 22

// csvLines has the values of a row on a line.
func csvLines(p *predictions) []byte {
	dst := make([]byte, 0, numberSize*len(p.values))
	for i := range p.len() {
		for k, v := range p.row(i) {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = decimal.AppendPython(dst, float64(v))
		}
		dst = append(dst, '\n')
	}
	return dst
}

func jsonScores(p *predictions) []byte {
	dst := []byte(`{"predictions": [`)
	for i := range p.len() {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, `{"score": `...)
		dst = append(appendScore(dst, p.row(i), appendJSONNumber), '}')
	}
	return append(dst, "]}"...)
}

// jsonLines is an answer that the container fails to give.
func jsonLines(p *predictions) []byte {
	var dst []byte
	for i := range p.len() {
		dst = append(dst, `{"score": `...)
		dst = append(appendScore(dst, p.row(i), appendJSONNumber), "}\n"...)
	}
	return dst
}

// recordScores is an answer that the container fails to give: a record for each row, its values under the label "score".
func recordScores(p *predictions) []byte {
	var dst []byte
	for i := range p.len() {
		values := make([]float64, p.width)
		for k, v := range p.row(i) {
			values[k] = float64(v)
		}
		dst = appendRecord(dst, []labelled{{"score", values}})
	}
	return dst
}

// numPy is the array of float64 values in NumPy's file form, version 1.0.
func numPy(p *predictions) []byte {
	shape := "(" + strconv.Itoa(p.len()) + ",)"
	if p.width > 1 {
		shape = "(" + strconv.Itoa(p.len()) + ", " + strconv.Itoa(p.width) + ")"
	}
	header := "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }"
	const align = 64
	for (10+len(header)+1)%align != 0 {
		header += " "
	}
	header += "\n"
	dst := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	dst = append(dst, header...)
	for _, v := range p.values {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(float64(v)))
	}
	return dst
}

// labelled is a label of a record.
type labelled struct {
	name   string
	values []float64
}

// recordMagic begins a frame of RecordIO.
const recordMagic = 0xCED7230A

// appendRecord appends a framed record of SageMaker's protobuf with labels as float32 tensors.
func appendRecord(dst []byte, labels []labelled) []byte {
	var record []byte
	for _, l := range labels {
		var tensor []byte
		tensor = appendLength(tensor, 1, 4*len(l.values)) // Float32Tensor.values, packed
		for _, v := range l.values {
			tensor = binary.LittleEndian.AppendUint32(tensor, math.Float32bits(float32(v)))
		}
		value := append(appendLength(nil, 2, len(tensor)), tensor...) // Value.float32_tensor
		entry := append(appendLength(nil, 1, len(l.name)), l.name...)
		entry = append(appendLength(entry, 2, len(value)), value...)
		record = append(appendLength(record, 2, len(entry)), entry...) // Record.label
	}
	dst = binary.LittleEndian.AppendUint32(dst, recordMagic)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(record)))
	dst = append(dst, record...)
	for len(dst)%4 != 0 {
		dst = append(dst, 0)
	}
	return dst
}

// appendLength appends the head of a length-delimited field.
func appendLength(dst []byte, field, length int) []byte {
	dst = append(dst, byte(field<<3|2))
	return binary.AppendUvarint(dst, uint64(length))
}

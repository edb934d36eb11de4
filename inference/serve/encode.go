package serve

import (
	"encoding/binary"
	"math"

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

// appendStrictNumber appends a number to JSON that is one: what is no number is null.
func appendStrictNumber(dst []byte, v float64) []byte {
	if v-v != 0 {
		return append(dst, "null"...)
	}
	return decimal.AppendPython(dst, v)
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

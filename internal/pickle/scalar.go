package pickle

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// take returns the next n bytes, which stay part of the input.
func (m *machine) take(n int) ([]byte, error) {
	if len(m.data)-m.pos < n {
		return nil, errEnd
	}
	m.pos += n
	return m.data[m.pos-n : m.pos : m.pos], nil
}

// number reads an unsigned number of at most 8 bytes, the lowest first.
func (m *machine) number(size int) (uint64, error) {
	p, err := m.take(size)
	if err != nil {
		return 0, err
	}
	return littleEndian(p), nil
}

// littleEndian reads an unsigned number of at most 8 bytes, the lowest first. Package encoding/binary would bring reflection in.
func littleEndian(p []byte) uint64 {
	var v uint64
	for i := len(p) - 1; i >= 0; i-- {
		v = v<<8 | uint64(p[i])
	}
	return v
}

// signed reads two's complement of at most 8 bytes, the lowest first.
func signed(p []byte) int64 {
	shift := 64 - 8*len(p)
	return int64(littleEndian(p)<<shift) >> shift
}

// length reads a number of bytes, and proves that they are there.
func (m *machine) length(size int) (int, error) {
	n, err := m.number(size)
	if err != nil {
		return 0, err
	}
	if left := len(m.data) - m.pos; n > uint64(left) {
		return 0, errors.New("length " + strconv.FormatUint(n, 10) + " does not fit into the " + strconv.Itoa(left) + " bytes that are left")
	}
	return int(n), nil
}

// block reads a length and that many bytes.
func (m *machine) block(size int) ([]byte, error) {
	n, err := m.length(size)
	if err != nil {
		return nil, err
	}
	return m.take(n)
}

// line reads up to the end of a line, which is left out.
func (m *machine) line() ([]byte, error) {
	for i := m.pos; i < len(m.data); i++ {
		if m.data[i] == '\n' {
			line := m.data[m.pos:i:i]
			m.pos = i + 1
			return line, nil
		}
	}
	return nil, errEnd
}

// scalar executes the opcodes of numbers, strings and constants.
func (m *machine) scalar(op byte) (Value, error) {
	switch op {
	case opNone:
		return None{}, nil
	case opNewTrue, opNewFalse:
		return Bool(op == opNewTrue), nil
	case opBinInt1:
		return m.binInt(1)
	case opBinInt2:
		return m.binInt(2)
	case opBinInt:
		v, err := m.number(4)
		return m.integer(int64(int32(v)), err)
	case opInt, opLong:
		return m.textInt(op)
	case opLong1:
		return m.long(m.block(1))
	case opLong4:
		return m.long(m.block(4))
	case opBinFloat:
		v, err := m.number(8)
		return m.float(math.Float64frombits(bits.ReverseBytes64(v)), err)
	case opFloat:
		return m.textFloat()
	case opString:
		return m.quoted()
	case opShortBinString:
		return m.oldString(m.block(1))
	case opBinString:
		return m.oldString(m.block(4))
	case opUnicode:
		return m.escaped()
	case opShortBinUnicode:
		return m.text(m.block(1))
	case opBinUnicode:
		return m.text(m.block(4))
	case opBinUnicode8:
		return m.text(m.block(8))
	case opShortBinBytes:
		return m.bytes(m.block(1))
	case opBinBytes:
		return m.bytes(m.block(4))
	case opBinBytes8, opByteArray8:
		return m.bytes(m.block(8))
	}
	return nil, &OpcodeError{Code: op}
}

func (m *machine) binInt(size int) (Value, error) {
	v, err := m.number(size)
	return m.integer(int64(v), err)
}

func (m *machine) integer(v int64, err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	return Int(v), m.memory.spend(numberSize)
}

func (m *machine) float(v float64, err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	return Float(v), m.memory.spend(numberSize)
}

// textInt reads INT, where 00 and 01 are the booleans, and LONG, which may end with an L.
func (m *machine) textInt(op byte) (Value, error) {
	line, err := m.line()
	if err != nil {
		return nil, err
	}
	text := string(line[:min(len(line), maxNumber+1)])
	switch {
	case op == opInt && (text == "00" || text == "01"):
		return Bool(text == "01"), nil
	case op == opLong && len(text) > 0 && text[len(text)-1] == 'L':
		text = text[:len(text)-1]
	}
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return m.integer(v, nil)
	}
	digits := text
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		digits = digits[1:]
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			digits = ""
			break
		}
	}
	if digits == "" || len(line) > maxNumber {
		return nil, errors.New("expected an integer, found " + quote(text))
	}
	return BigInt(text), m.payload(len(text))
}

// maxNumber bounds numbers in text, in bytes.
const maxNumber = 4096

// long reads two's complement, the lowest byte first.
func (m *machine) long(p []byte, err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	if len(p) <= 8 {
		return m.integer(signed(p), nil)
	}
	if len(p) > maxNumber {
		return nil, errors.New("an integer of " + strconv.Itoa(len(p)) + " bytes")
	}
	if err := m.payload(2*len(p) + 2); err != nil {
		return nil, err
	}
	const digits = "0123456789abcdef"
	text := append(make([]byte, 0, 2*len(p)+2), "0x"...)
	for i := len(p) - 1; i >= 0; i-- {
		text = append(text, digits[p[i]>>4], digits[p[i]&15])
	}
	return BigInt(text), nil
}

// textFloat reads a number as Python's repr writes it.
func (m *machine) textFloat() (Value, error) {
	line, err := m.line()
	if err != nil {
		return nil, err
	}
	text := string(line[:min(len(line), maxNumber+1)])
	for i := range len(text) {
		if c := text[i]; c == '_' || c == 'x' || c == 'X' {
			text = ""
			break
		}
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || len(line) > maxNumber {
		return nil, errors.New("expected a number, found " + quote(string(line[:min(len(line), maxNumber)])))
	}
	return m.float(v, nil)
}

func (m *machine) bytes(p []byte, err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	if err := m.decoded.spend(len(p)); err != nil {
		return nil, err
	}
	return Bytes(p), m.memory.spend(headerSize)
}

// text reads a string in UTF-8.
func (m *machine) text(p []byte, err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(p) {
		return nil, errors.New("the text is not valid UTF-8")
	}
	if err := m.payload(len(p)); err != nil {
		return nil, err
	}
	return String(p), nil
}

// oldString takes a string of Python 2, which is text as long as it is ASCII.
func (m *machine) oldString(p []byte, err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	for _, c := range p {
		if c >= utf8.RuneSelf {
			return m.bytes(p, nil)
		}
	}
	return m.text(p, nil)
}

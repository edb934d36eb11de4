package pickle

import (
	"errors"
	"strconv"
)

// Error is a failure at a byte of the input.
type Error struct {
	Offset int64  // of the opcode
	Op     string // its name as Python's pickletools has it, or empty at the end of the input
	Err    error
}

func (e *Error) Error() string {
	text := "byte " + strconv.FormatInt(e.Offset, 10) + ": "
	if e.Op != "" {
		text += e.Op + ": "
	}
	return text + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// GlobalError names what a pickle wants to import and may not. Nothing was imported.
type GlobalError struct{ Module, Name string }

func (e *GlobalError) Error() string {
	return "the name " + quote(e.Name) + " of module " + quote(e.Module) + " is not one that a model needs; nothing was run"
}

// OpcodeError tells that an opcode is not one that a model needs.
type OpcodeError struct {
	Code  byte
	Known bool // Python has it
}

func (e *OpcodeError) Error() string {
	if e.Known {
		return "a model does not need this opcode; nothing was run"
	}
	return "unknown opcode 0x" + strconv.FormatUint(uint64(e.Code), 16)
}

// LimitError tells that a pickle went over a limit.
type LimitError struct {
	Name       string
	Limit, Got int64
}

func (e *LimitError) Error() string {
	return e.Name + ": " + strconv.FormatInt(e.Got, 10) + " is over the limit of " + strconv.FormatInt(e.Limit, 10)
}

var (
	errEnd       = errors.New("unexpected end of data")
	errUnderflow = errors.New("the stack is empty")
	errNoMark    = errors.New("there is no mark on the stack")
)

// quote escapes text of the input and cuts it to a bearable length.
func quote(text string) string {
	const most = 64
	if len(text) > most {
		return strconv.Quote(text[:most]) + "…"
	}
	return strconv.Quote(text)
}

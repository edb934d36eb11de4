package model

import (
	"errors"
	"strconv"

	"threatdetect/internal/safeio"
	"threatdetect/internal/ubjson"
)

// document is a cursor over a model that is written as nested objects and arrays: [jsonReader] or [ubjson.Reader]. The
// caller walks it from front to back; each method consumes the next value or fails. No tree of values is ever built.
type document interface {
	Offset() int64

	Object() error              // step into an object
	Key() ([]byte, bool, error) // its next key, or false at its end, which is then consumed
	Array() error               // step into an array of anything but numbers
	More() (bool, error)        // whether an element follows, or false at the end, which is then consumed

	IsObject() bool // what the next value is
	IsText() bool
	Text() ([]byte, error) // valid until the next call
	Int() (int64, error)
	Skip() error

	Len() int // of the array that is the next value, or -1 if only reading it tells
	AppendInt32s(dst []int32) ([]int32, error)
	AppendFloat32s(dst []float32) ([]float32, error)
	AppendBools(dst []bool) ([]bool, error)               // an integer is true if it is 1
	AppendBytes(dst []byte) ([]byte, error)               // of integers from -128 to 255
	Numbers() (ints []int64, floats []float64, err error) // an array; all are in floats unless all are integers

	End() error // fails if anything follows the document
}

// eachKey calls value for every key of the object at the cursor; value consumes what belongs to the key. Errors get the key
// in front of their path.
func eachKey(doc document, value func(key []byte) error) error {
	if err := doc.Object(); err != nil {
		return at(doc.Offset(), err)
	}
	for {
		key, ok, err := doc.Key()
		if err != nil {
			return at(doc.Offset(), err)
		}
		if !ok {
			return nil
		}
		offset := doc.Offset()
		if err := value(key); err != nil {
			return within(string(key), at(offset, err))
		}
	}
}

// eachElement calls value for every element of the array at the cursor, with its index.
func eachElement(doc document, value func(i int) error) error {
	if err := doc.Array(); err != nil {
		return at(doc.Offset(), err)
	}
	for i := 0; ; i++ {
		ok, err := doc.More()
		if err != nil {
			return at(doc.Offset(), err)
		}
		if !ok {
			return nil
		}
		offset := doc.Offset()
		if err := value(i); err != nil {
			return within(index("", i), at(offset, err))
		}
	}
}

// at gives err a place, unless it has one.
func at(offset int64, err error) *ParseError {
	var p *ParseError
	if errors.As(err, &p) {
		return p
	}
	var u *ubjson.Error
	if errors.As(err, &u) {
		p = &ParseError{Offset: u.Offset, Err: kindOf(u.Err)}
		if u.Index >= 0 {
			p.Path = index("", u.Index)
		}
		return p
	}
	return &ParseError{Offset: offset, Err: kindOf(err)}
}

// within puts the name of an enclosing element in front of the path of p.
func within(name string, p *ParseError) *ParseError {
	if len(name) > maxNameInPath {
		name = name[:maxNameInPath] + "…"
	}
	if p.Path != "" && p.Path[0] != '[' {
		name += "."
	}
	p.Path = name + p.Path
	return p
}

// maxNameInPath bounds what an error repeats of a key that comes from the input, in bytes.
const maxNameInPath = 64

// index is the path of element i of the array at path.
func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// kindOf makes sure that err answers errors.Is for one of this package's kinds: what the readers below it complain about is
// the form of the input, or a limit.
func kindOf(err error) error {
	var l *safeio.LimitError
	switch {
	case errors.As(err, &l):
		return &LimitError{Name: l.Name, Limit: l.Limit, Got: l.Got}
	case errors.Is(err, ErrFormat), errors.Is(err, ErrUnsupported), errors.Is(err, ErrTooLarge):
		return err
	}
	return &formatError{err}
}

// seen refuses a second occurrence of a key that matters: readers disagree on which one counts.
type seen uint32

func (s *seen) once(bit uint) error {
	if *s&(1<<bit) != 0 {
		return formatErrorf("the key is given twice")
	}
	*s |= 1 << bit
	return nil
}

func (s seen) has(bit uint) bool { return s&(1<<bit) != 0 }

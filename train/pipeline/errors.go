package pipeline

import (
	"errors"
	"fmt"
	"strings"
)

// What kind of fault a definition has; test with errors.Is.
var (
	ErrSyntax    = errors.New("not a pipeline definition") // what is there is of the wrong form
	ErrName      = errors.New("bad name")                  // names that are not allowed or used twice
	ErrReference = errors.New("unknown reference")         // to a step, property, parameter or output that is not there
	ErrCycle     = errors.New("cycle")                     // steps that wait for each other, or a pipeline that sets itself off
	ErrParameter = errors.New("bad parameter")             // no default where nobody sets it, or a default of another type
	ErrLimit     = errors.New("over a limit")              // of the service
)

// Error is one fault of a definition.
type Error struct {
	Path string // where, in terms of the JSON: Steps[1].Arguments.RoleArn; empty for the whole
	Kind error  // one of those above
	Text string // what is wrong, and what was expected
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Text
	}
	return e.Path + ": " + e.Text
}

func (e *Error) Unwrap() error { return e.Kind }

// Errors are all faults of a definition, in its order.
type Errors []*Error

func (e Errors) Error() string {
	if len(e) == 1 {
		return e[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d faults", len(e))
	for _, one := range e {
		b.WriteString("; ")
		b.WriteString(one.Error())
	}
	return b.String()
}

// Unwrap gives errors.Is and errors.As all of them.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

package model

import (
	"errors"
	"fmt"
	"strings"
)

// What kind of failure a load ended with; test with errors.Is.
var (
	ErrFormat      = errors.New("not a valid model")
	ErrUnsupported = errors.New("not supported")
	ErrTooLarge    = errors.New("over the limit")
	ErrStopped     = errors.New("stopped") // by LoadOptions.Done; it says nothing of the model
)

// ParseError says where in a model a load failed. Its Err answers errors.Is for the kinds above.
type ParseError struct {
	Source string // file name, and the member's name behind a colon for an archive; empty for a plain reader
	Offset int64  // byte offset in the decompressed model, or -1 if it is not known
	Path   string // the place in the file's own terms, such as learner.gradient_booster.model.trees[17].left_children[4]
	Err    error
}

func (e *ParseError) Error() string {
	var b strings.Builder
	b.WriteString("model: ")
	if e.Source != "" {
		b.WriteString(e.Source)
		b.WriteString(": ")
	}
	if e.Path != "" {
		b.WriteString(e.Path)
		b.WriteString(": ")
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&b, "byte %d: ", e.Offset)
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

func (e *ParseError) Unwrap() error { return e.Err }

// UnsupportedError names something that XGBoost has and this version does not.
type UnsupportedError struct {
	What string // for example `booster "gblinear"` or "categorical splits"
}

func (e *UnsupportedError) Error() string        { return e.What + " is not supported" }
func (e *UnsupportedError) Is(target error) bool { return target == ErrUnsupported }

// EnsembleError tells that an archive or a directory holds several models where one was asked for. [OpenAll] and [LoadAll] read them all.
type EnsembleError struct {
	Members []string // their names, in the order of their numbers
}

func (e *EnsembleError) Error() string {
	return fmt.Sprintf("an ensemble of %d models (%s) where one is wanted", len(e.Members), list(e.Members))
}
func (e *EnsembleError) Is(target error) bool { return target == ErrUnsupported }

// LimitError names a limit of [LoadOptions] that an input went over.
type LimitError struct {
	Name       string // the limit, for example "nodes in a tree"
	Limit, Got int64  // Got is what the input declares or holds
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: %d is over the limit of %d", e.Name, e.Got, e.Limit)
}
func (e *LimitError) Is(target error) bool { return target == ErrTooLarge }

// formatErrorf makes an error of the kind ErrFormat whose text is the formatted message alone.
func formatErrorf(format string, args ...any) error {
	return &formatError{fmt.Errorf(format, args...)}
}

type formatError struct{ err error }

func (e *formatError) Error() string        { return e.err.Error() }
func (e *formatError) Unwrap() error        { return e.err }
func (e *formatError) Is(target error) bool { return target == ErrFormat }

// unsupported names a kind of thing and, quoted and cut to a bearable length, the one that was found.
func unsupported(kind, name string) error {
	return &UnsupportedError{What: fmt.Sprintf("%s %.64q", kind, name)}
}

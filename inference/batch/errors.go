package batch

import "errors"

// What kind of failure it is; test with errors.Is.
var (
	// ErrLocked says that another process works on the same output.
	ErrLocked = errors.New("another process is at work on this output")
	// ErrChanged says that a run cannot be gone on with, because what its outputs depend on is not what it was.
	ErrChanged = errors.New("not what it was when this output was begun")
	// ErrJournal says that the journal, or a file that it speaks of, is damaged beyond what a crash can do.
	ErrJournal = errors.New("cannot be gone on with")
	// ErrInputs says that the inputs do not make a run: none, or two with the same output.
	ErrInputs = errors.New("inputs do not make a run")
	// ErrExists says that an output is there that no journal speaks of.
	ErrExists = errors.New("is there already, and no journal says of what it is")
	// ErrUnreadable says of one log that too much of it could not be read.
	ErrUnreadable = errors.New("too many records are unreadable")
	// ErrStrict says that a record was skipped although Options.Strict is set.
	ErrStrict = errors.New("a record was skipped for a fault")
)

// FileError says which file it is about.
type FileError struct {
	Op   string // such as "write output"
	Name string // the file, with the line if there is one
	Err  error
}

func (e *FileError) Error() string { return e.Op + ": " + e.Name + ": " + e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

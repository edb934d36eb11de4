package train

import (
	"errors"
	"fmt"
	"strings"
)

// What kind of failure it was; test with errors.Is.
var (
	ErrStack      = errors.New("the stack is not right")                  // of threatdetect.yaml
	ErrInput      = errors.New("the training files are not right")        // found before anything was asked for
	ErrNotFound   = errors.New("does not exist")                          //
	ErrExists     = errors.New("exists already, or is in use")            //
	ErrDenied     = errors.New("not allowed")                             // by a policy, or by the owner of a bucket
	ErrLogin      = errors.New("no valid credentials")                    // none, wrong or expired
	ErrQuota      = errors.New("over a quota of the account")             //
	ErrCapacity   = errors.New("AWS has no such machine free")            //
	ErrThrottled  = errors.New("asked too often")                         // after all retries
	ErrRequest    = errors.New("the request was refused")                 // as wrong in itself
	ErrService    = errors.New("AWS failed")                              // with an error of its own, after all retries
	ErrNetwork    = errors.New("AWS cannot be reached")                   // after all retries
	ErrIntegrity  = errors.New("what arrived is not what was sent")       // a checksum, length or entity tag is wrong
	ErrChanged    = errors.New("the object changed while it was read")    //
	ErrJob        = errors.New("the job failed")                          // for a fault of data or hyperparameters: the same again fails again
	ErrStopped    = errors.New("the job was stopped")                     //
	ErrGate       = errors.New("the model does not reach the minimum")    //
	ErrNoPython   = errors.New("no Python with the right XGBoost")        // of local training
	ErrPrint      = errors.New("the request cannot be printed")           // of a dry run: what it writes to is full
	ErrDryRunOnly = errors.New("a dry run does not know what comes next") // an operation without an answer
)

// ServiceError is what AWS answered, or why it did not.
type ServiceError struct {
	Service, Operation string // as in the API: sagemaker, CreateTrainingJob
	Kind               error  // one of the sentinels
	Code               string // of the service, such as ValidationException; "" if it never answered
	Message            string // of the service
	Hint               string // what to do, "" if nobody knows
	Resource           string // what the request was about, "" if nothing in particular
	RequestID          string // for the support of AWS
	Attempts           int    // how often it was tried
	Err                error  // of the SDK
}

// Error is WHAT: WHERE: WHY, with a hint, on one line and without secrets.
func (e *ServiceError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Service, e.Operation)
	if e.Resource != "" {
		fmt.Fprintf(&b, ": %s", e.Resource)
	}
	fmt.Fprintf(&b, ": %v", e.Kind)
	switch {
	case e.Code != "" && e.Message != "":
		fmt.Fprintf(&b, " (%s: %s)", e.Code, redact(e.Message))
	case e.Code+e.Message != "":
		fmt.Fprintf(&b, " (%s)", redact(e.Code+e.Message))
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, ", tried %d times", e.Attempts)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, "; %s", e.Hint)
	}
	return b.String()
}

// Unwrap gives the kind and the error of the SDK.
func (e *ServiceError) Unwrap() []error { return []error{e.Kind, e.Err} }

// Fault is one thing that is wrong with a file.
type Fault struct {
	File string // if it is another than that of the Faults
	Line int    // 0 if there is none
	Key  string // of the value, such as training.max_wait
	What string
}

// Faults are all that is wrong, found before anything was paid for.
type Faults struct {
	Where string // the file
	Kind  error
	List  []Fault
}

func (f *Faults) add(line int, key, format string, args ...any) {
	f.List = append(f.List, Fault{Line: line, Key: key, What: fmt.Sprintf(format, args...)})
}

// or returns f as an error if it has any, after last.
func (f *Faults) or(err error, last func()) error {
	if len(f.List) == 0 {
		return err
	}
	if last != nil {
		last()
	}
	return f
}

// Error lists all faults on one line, divided by semicolons.
func (f *Faults) Error() string {
	texts := make([]string, len(f.List))
	for i, fault := range f.List {
		texts[i] = f.text(fault)
	}
	many := ""
	if len(texts) > 1 {
		many = fmt.Sprintf("%d faults: ", len(texts))
	}
	return many + strings.Join(texts, "; ")
}

func (f *Faults) text(fault Fault) string {
	var b strings.Builder
	where := fault.File
	if where == "" {
		where = f.Where
	}
	if where != "" {
		b.WriteString(where)
		if fault.Line > 0 {
			fmt.Fprintf(&b, ":%d", fault.Line)
		}
		b.WriteString(": ")
	}
	if fault.Key != "" {
		b.WriteString(fault.Key + ": ")
	}
	b.WriteString(fault.What)
	return b.String()
}

// Unwrap gives the kind.
func (f *Faults) Unwrap() error { return f.Kind }

package awsfake

import "fmt"

// apiError is an answer that is no success, in whatever protocol the request came.
type apiError struct {
	Code, Message string
	Status        int            // HTTP status; 0 is 400
	Fields        map[string]any // further members
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func (e *apiError) status() int {
	if e.Status == 0 {
		return 400
	}
	return e.Status
}

func errorf(code, format string, args ...any) *apiError {
	return &apiError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// invalid is how SageMaker refuses what it does not like, and also how it says that something is not there.
func invalid(format string, args ...any) *apiError {
	return errorf("ValidationException", format, args...)
}

func notFound(code, format string, args ...any) *apiError {
	e := errorf(code, format, args...)
	e.Status = 404
	return e
}

package train

import (
	"context"
	"time"
)

// Clock is what waiting is measured with, so that tests need not wait.
type Clock interface {
	Now() time.Time
	// Sleep waits, or returns the cause of the context's end.
	Sleep(context.Context, time.Duration) error
}

// SystemClock is the real time.
var SystemClock Clock = systemClock{}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

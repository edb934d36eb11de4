package trigger

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Service is what a handler asks of AWS.
type Service interface {
	// Latest returns the newest runs of the pipeline, the newest first, and what time it is by the clock that Run.Started was taken from.
	Latest(ctx context.Context) (runs []Run, now time.Time, err error)
	// Start starts a run, or returns the one that was started with the same token.
	Start(ctx context.Context, token string, parameters map[string]string) (arn string, err error)
	// Defer has the event delivered again at a time of whole seconds, in the place of one that was put off before.
	Defer(ctx context.Context, at time.Time, event json.RawMessage) error
}

// Run is a run of the pipeline.
type Run struct {
	ARN     string
	Active  bool // it is executing or stopping
	Started time.Time
}

// Handler starts a pipeline for events.
type Handler struct {
	Rule    Rule
	Service Service
	// Debounce is how long after the beginning of a run another one begins at the earliest, and after what time an event that came in the middle of
	// a run is looked at again. 0: every event starts a run at once.
	Debounce time.Duration
	Log      *slog.Logger // nil logs nothing
}

// Action is what became of an event.
type Action string

// The actions.
const (
	Started  Action = "started"
	Deferred Action = "deferred" // it is delivered again later
	Ignored  Action = "ignored"  // the rule does not let it through
)

// Result is what a handler did.
type Result struct {
	Action    Action    `json:"action"`
	Key       string    `json:"key"`
	Token     string    `json:"token"`
	Execution string    `json:"execution,omitempty"`
	Until     time.Time `json:"until,omitzero"`
	Reason    string    `json:"reason,omitempty"`
}

// KeyParameter is the parameter that a run is started with: the key of the marker.
const KeyParameter = "TriggerKey"

// Handle handles one event. An error means that nothing was started and the event has to be delivered again: Lambda does so twice, and puts it into the
// queue of dead letters then.
func (h *Handler) Handle(ctx context.Context, event json.RawMessage) (*Result, error) {
	r, err := h.handle(ctx, event)
	if h.Log != nil {
		if err != nil {
			h.Log.Error("event failed", "error", err.Error())
		} else {
			h.Log.Info("event "+string(r.Action), "key", r.Key, "token", r.Token, "execution", r.Execution, "reason", r.Reason)
		}
	}
	return r, err
}

func (h *Handler) handle(ctx context.Context, event json.RawMessage) (*Result, error) {
	e, err := ParseEvent(event)
	if err != nil {
		return nil, err
	}
	r := &Result{Action: Ignored, Key: e.Detail.Object.Key, Token: e.Token()}
	if !h.Rule.Matches(e.Detail.Bucket.Name, r.Key) {
		r.Reason = fmt.Sprintf("s3://%s/%s is no marker", e.Detail.Bucket.Name, r.Key)
		return r, nil
	}
	if h.Debounce > 0 {
		if err := h.debounce(ctx, r, event); err != nil || r.Action == Deferred {
			return r, err
		}
	}
	r.Execution, err = h.Service.Start(ctx, r.Token, map[string]string{KeyParameter: r.Key})
	if err != nil {
		return nil, fmt.Errorf("start a run for %s: %w", r.Key, err)
	}
	r.Action = Started
	return r, nil
}

// debounce puts the event off if a run is active or has just begun.
func (h *Handler) debounce(ctx context.Context, r *Result, event json.RawMessage) error {
	runs, now, err := h.Service.Latest(ctx)
	if err != nil {
		return fmt.Errorf("list runs: %w", err)
	}
	for _, run := range runs {
		switch begun := now.Sub(run.Started); {
		case run.Active:
			r.Until, r.Reason = now.Add(h.Debounce), "a run is under way: "+run.ARN
		case begun < h.Debounce:
			r.Until, r.Reason = run.Started.Add(h.Debounce), fmt.Sprintf("a run began %v ago: %s", begun.Round(time.Second), run.ARN)
		default:
			continue
		}
		// Schedules know whole seconds. One that is cut off would let the event come too early, to be put off to a time that has passed: it would be lost.
		r.Until = r.Until.Add(time.Second - 1).Truncate(time.Second)
		if err := h.Service.Defer(ctx, r.Until, event); err != nil {
			return fmt.Errorf("put the event off: %w", err)
		}
		r.Action = Deferred
		return nil
	}
	return nil
}

package serve

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Lines of a log in a window, and of one message among them. Two windows touch any minute, and each has a line more, that says what was left out: 92 at most.
const (
	logWindow       = time.Minute
	linesOfWindow   = 45
	linesOfOneKind  = 15
	messageLeftOut  = "lines of the log were left out"
	maxKindsOfLines = 64 // messages are the program's own; what is beyond counts as one
)

// LimitedLog is a handler that keeps a log below 100 lines a minute, whatever a server is sent: what is too much is left out, and counted in one line by
// message. One message leaves room for others. It is safe for concurrent use.
type LimitedLog struct {
	to     slog.Handler
	window *window
}

// window is what a log and all that were derived from it had lately.
type window struct {
	to    slog.Handler // for what was left out
	mu    sync.Mutex
	began time.Time
	lines int
	of    map[string]int // lines by message
	left  map[string]int // out, by message; not told yet
	tell  *time.Timer    // of the end of the window, while there is something to tell
}

// LimitLog limits what a log hands on.
func LimitLog(to slog.Handler) *LimitedLog {
	return &LimitedLog{to, &window{to: to, of: map[string]int{}, left: map[string]int{}}}
}

// Enabled reports whether the log wants records of a level.
func (l *LimitedLog) Enabled(ctx context.Context, level slog.Level) bool {
	return l.to.Enabled(ctx, level)
}

// Handle hands a record on, or counts it.
func (l *LimitedLog) Handle(ctx context.Context, r slog.Record) error {
	if !l.window.take(r.Message) {
		return nil
	}
	return l.to.Handle(ctx, r)
}

// WithAttrs returns the log with attributes for all its records; the limit is that of both.
func (l *LimitedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &LimitedLog{l.to.WithAttrs(attrs), l.window}
}

// WithGroup returns the log with a group around the attributes of its records; the limit is that of both.
func (l *LimitedLog) WithGroup(name string) slog.Handler {
	return &LimitedLog{l.to.WithGroup(name), l.window}
}

// Flush tells now what was left out, for the end of a program.
func (l *LimitedLog) Flush() { l.window.flush() }

// take counts a line, and tells whether there is room for it.
func (w *window) take(message string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); now.Sub(w.began) >= logWindow {
		w.began, w.lines = now, 0
		clear(w.of)
	}
	if _, known := w.of[message]; !known && len(w.of) >= maxKindsOfLines {
		message = "others"
	}
	if w.lines < linesOfWindow && w.of[message] < linesOfOneKind {
		w.lines++
		w.of[message]++
		return true
	}
	w.left[message]++
	if w.tell == nil {
		w.tell = time.AfterFunc(time.Until(w.began.Add(logWindow)), w.flush)
	}
	return false
}

func (w *window) flush() {
	w.mu.Lock()
	left := w.left
	if len(left) > 0 {
		w.left = map[string]int{}
	}
	if w.tell != nil {
		w.tell.Stop()
		w.tell = nil
	}
	w.mu.Unlock()
	if len(left) == 0 {
		return
	}
	r := slog.NewRecord(time.Now(), slog.LevelWarn, messageLeftOut, 0)
	for _, message := range slices.Sorted(maps.Keys(left)) {
		r.AddAttrs(slog.Int(message, left[message]))
	}
	if ctx := context.Background(); w.to.Enabled(ctx, r.Level) {
		w.to.Handle(ctx, r)
	}
}

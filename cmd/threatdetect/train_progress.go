//go:build !noaws

package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"threatdetect/train"
)

// jobProgress shows what a job does: on a terminal a bar of bytes or rounds with its state and metrics, otherwise a line for each new state.
type jobProgress struct {
	app       *app
	container *mpb.Progress // nil: no terminal
	bar       *mpb.Bar
	what      string // of the bar: upload, download or rounds

	mu     sync.Mutex
	state  string
	rounds int
}

func (a *app) newJobProgress(string) *jobProgress {
	p := &jobProgress{app: a}
	if f, ok := a.stderr.(*os.File); ok && !a.quiet && term.IsTerminal(int(f.Fd())) {
		p.container = mpb.New(mpb.WithOutput(f), mpb.WithWidth(64), mpb.WithAutoRefresh())
	}
	return p
}

// tell is called by one goroutine at a time.
func (p *jobProgress) tell(e train.Event) {
	switch {
	case e.Job != nil:
		p.mu.Lock()
		p.state, p.rounds = strings.TrimSpace(e.Job.Status+" "+e.Job.Secondary), max(e.Job.Rounds, 1)
		p.mu.Unlock()
		if p.container == nil {
			p.app.note("%s: %s\n", e.Job.Name, oneLine(p.state))
			return
		}
		p.show("rounds", int64(p.rounds), -1)
	case e.Values != nil && p.container != nil:
		var text strings.Builder
		for _, name := range slices.Sorted(maps.Keys(e.Values)) {
			if metric, ok := strings.CutPrefix(name, "validation:"); ok {
				fmt.Fprintf(&text, " %s %.5g", metric, e.Values[name])
			}
		}
		p.mu.Lock()
		p.state = "Training" + text.String()
		p.mu.Unlock()
		p.show("rounds", int64(p.rounds), int64(e.Round+1))
	case e.Total > 0 && p.container != nil:
		p.mu.Lock()
		p.state = ""
		p.mu.Unlock()
		p.show(e.What, e.Total, e.Sent)
	}
}

// show moves the bar; n below 0 leaves it where it is.
func (p *jobProgress) show(what string, total, n int64) {
	if p.bar != nil && p.what != what {
		p.bar.Abort(true)
		p.bar = nil
	}
	if p.bar == nil {
		p.what = what
		count := decor.CountersNoUnit("%d / %d ")
		if what != "rounds" {
			count = decor.CountersKibiByte("% .1f / % .1f ")
		}
		p.bar = p.container.AddBar(total, mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Name(what+" "), count),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
				p.mu.Lock()
				defer p.mu.Unlock()
				return " " + oneLine(p.state)
			})))
	}
	if n >= 0 {
		p.bar.SetCurrent(min(n, total))
	}
}

// stop takes the bar away. It may be called again.
func (p *jobProgress) stop() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bar = nil
	}
	if p.container != nil {
		p.container.Wait()
		p.container = nil
	}
}

//go:build !noprogress

package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// progress is a bar on standard error over the bytes of the input files. A nil progress shows nothing.
type progress struct {
	container *mpb.Progress
	bar       *mpb.Bar
}

// newProgress shows a bar if standard error is a terminal and --quiet is absent. total is 0 if it is not known; the bar
// then counts bytes only.
func (a *app) newProgress(name string, total int64) *progress { return a.progressFrom(name, total, 0) }

// progressFrom is newProgress of work of which so many bytes are done: the rate, and the time that is left, do not count them.
func (a *app) progressFrom(name string, total, done int64) *progress {
	f, ok := a.stderr.(*os.File)
	if a.quiet || !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	options := []mpb.ContainerOption{mpb.WithOutput(f), mpb.WithWidth(48), mpb.WithRefreshRate(150 * time.Millisecond)}
	if width, _, err := term.GetSize(int(f.Fd())); err != nil || width == 0 {
		// A terminal that does not say how wide it is: the bar must not ask it.
		options[0] = mpb.WithOutput(struct{ io.Writer }{f})
		options = append(options, mpb.WithAutoRefresh())
	}
	p := mpb.New(options...)
	before := mpb.PrependDecorators(decor.Name(name + " "))
	pace := &pace{began: time.Now(), before: done}
	rate := decor.Any(func(s decor.Statistics) string { return pace.rate(s, time.Now()) })
	bar := &progress{container: p}
	if total > 0 {
		bar.bar = p.AddBar(total, before, mpb.BarRemoveOnComplete(),
			mpb.AppendDecorators(decor.Percentage(), rate, decor.Any(func(s decor.Statistics) string { return pace.left(s, time.Now()) })))
	} else {
		bar.bar = p.AddSpinner(0, before, mpb.BarRemoveOnComplete(), mpb.AppendDecorators(decor.CurrentKibiByte("% .1f"), rate))
	}
	bar.add(done)
	return bar
}

// pace is how fast a bar goes on.
type pace struct {
	began  time.Time
	before int64 // bytes that were done then
}

func (p *pace) perSecond(s decor.Statistics, now time.Time) float64 {
	return float64(max(s.Current-p.before, 0)) / max(now.Sub(p.began).Seconds(), 1e-3)
}

func (p *pace) rate(s decor.Statistics, now time.Time) string {
	return fmt.Sprintf(" % .1f", decor.FmtAsSpeed(decor.SizeB1024(p.perSecond(s, now))))
}

// left is how long the rest takes; empty as long as nobody knows.
func (p *pace) left(s decor.Statistics, now time.Time) string {
	seconds := float64(s.Total-s.Current) / p.perSecond(s, now)
	if !(seconds >= 0 && seconds < 1e9) {
		return ""
	}
	return "  " + (time.Duration(seconds) * time.Second).String()
}

// count passes r on, and moves the bar as it is read.
func (p *progress) count(r io.ReadCloser) io.ReadCloser {
	if p == nil {
		return r
	}
	return &countingReader{r, p.bar}
}

// add moves the bar by so many bytes.
func (p *progress) add(n int64) {
	if p != nil {
		p.bar.IncrInt64(n)
	}
}

// stop takes the bar away, so that what is printed next starts on a clean line.
func (p *progress) stop() {
	if p == nil {
		return
	}
	p.bar.Abort(true)
	p.container.Wait()
}

// countingReader is no mpb proxy reader, because that ends the bar at the first end of a file.
type countingReader struct {
	io.ReadCloser
	bar *mpb.Bar
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.bar.IncrBy(n)
	return n, err
}

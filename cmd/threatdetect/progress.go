package main

import (
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
func (a *app) newProgress(name string, total int64) *progress {
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
	rate := decor.AverageSpeed(decor.SizeB1024(0), " % .1f")
	if total > 0 {
		return &progress{p, p.AddBar(total, before, mpb.BarRemoveOnComplete(),
			mpb.AppendDecorators(decor.Percentage(), rate, decor.Name("  "), decor.AverageETA(decor.ET_STYLE_GO)))}
	}
	return &progress{p, p.AddSpinner(0, before, mpb.BarRemoveOnComplete(), mpb.AppendDecorators(decor.CurrentKibiByte("% .1f"), rate))}
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

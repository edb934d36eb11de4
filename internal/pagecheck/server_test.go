package pagecheck

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestServer uses the page of the server at SERVER as people do: pastes the log in the file LOG, and clicks; the same by keyboard alone,
// and without scripts. Nothing but the server may be asked for anything.
func TestServer(t *testing.T) {
	t.Parallel() // most of it waits
	server, file := os.Getenv("SERVER"), os.Getenv("LOG")
	if server == "" {
		t.Skip("SERVER names no server")
	}
	lines, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tab := browser(t)
	quoted, err := json.Marshal(string(lines))
	if err != nil {
		t.Fatal(err)
	}
	paste := chromedp.Evaluate(fmt.Sprintf(`document.querySelector('#text').value = %s; document.querySelector('#text').focus()`, quoted), nil)
	for _, use := range []struct {
		name    string
		scripts bool
		submit  chromedp.Action
		readers []reader
	}{
		{"click", true, click("button[type=submit]"), readers[:1]},
		{"keyboard", true, keys(kb.Tab, kb.Tab, kb.Enter), readers[1:2]}, // from the text to the choice, from there to the button
		{"without scripts", false, click("button[type=submit]"), readers[2:]},
	} {
		for _, r := range use.readers {
			t.Run(use.name+"/"+r.name, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(tab, time.Minute)
				defer cancel()
				problems := watch(ctx, server)
				var articles, bars int
				var summary, text string
				var l look
				var picture []byte
				tasks := chromedp.Tasks{network.Enable(), log.Enable(),
					emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: r.scheme}}),
					emulation.SetDeviceMetricsOverride(r.width, r.height, 1, r.phone),
					chromedp.Navigate(server), until("#text"), paste}
				if !use.scripts {
					tasks = append(tasks, emulation.SetScriptExecutionDisabled(true))
				}
				tasks = append(tasks, use.submit, until("#scores"), emulation.SetScriptExecutionDisabled(false),
					chromedp.Evaluate(`document.querySelectorAll('article').length`, &articles),
					chromedp.Evaluate(`document.querySelectorAll('article rect').length`, &bars),
					chromedp.Evaluate(`document.querySelector('#scores + p').textContent`, &summary),
					chromedp.Evaluate(lookScript, &text), chromedp.FullScreenshot(&picture, 90))
				if use.scripts { // which ask for rate and latency every two seconds
					tasks = append(tasks, chromedp.Poll(asked, nil, chromedp.WithPollingInterval(50*time.Millisecond)))
				}
				if err := chromedp.Run(ctx, tasks); err != nil {
					t.Fatal(err, problems())
				}
				for _, p := range problems() {
					t.Error(p)
				}
				if articles == 0 || bars < articles || !strings.Contains(summary, "records") {
					t.Errorf("%d scores, %d bars, %q", articles, bars, summary)
				}
				if err := json.Unmarshal([]byte(text), &l); err != nil {
					t.Fatal(err)
				}
				if l.Scroll > l.Width {
					t.Errorf("the page is %v wide in a window of %v", l.Scroll, l.Width)
				}
				if l.Contrast < 7 {
					t.Errorf("contrast %.1f of text and background, want 7", l.Contrast)
				}
				if dir := os.Getenv("SCREENSHOTS"); dir != "" {
					if err := os.WriteFile(filepath.Join(dir, "server."+strings.ReplaceAll(use.name, " ", "-")+"."+r.name+".jpg"), picture, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

// asked is true once a page has asked how much is scored a second, and says so.
const asked = `performance.getEntriesByType('resource').some(r => r.name.endsWith('/v1/status')) && document.querySelector('#rate').textContent != '0.0'`

// until waits for an element of a page that is there as a whole. The driver's own way fails now and then when one page gives way to the next: it asks for a node by a
// number that it has from the last one.
func until(selector string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		look := fmt.Sprintf(`document.readyState == 'complete' && document.querySelector(%q) != null`, selector)
		for there := false; ; time.Sleep(20 * time.Millisecond) {
			err := chromedp.Evaluate(look, &there).Do(ctx)
			if there && err == nil || ctx.Err() != nil {
				return ctx.Err()
			}
		}
	})
}

// click presses and releases the mouse in the middle of an element.
func click(selector string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var at [2]float64
		where := fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`, selector)
		if err := chromedp.Evaluate(where, &at).Do(ctx); err != nil {
			return err
		}
		return chromedp.MouseClickXY(at[0], at[1]).Do(ctx)
	})
}

// keys presses one key after the other.
func keys(all ...string) chromedp.Action {
	var tasks chromedp.Tasks
	for _, key := range all {
		tasks = append(tasks, chromedp.KeyEvent(key))
	}
	return tasks
}

// watch collects what a page complains about, and what it asks of others than the server.
func watch(ctx context.Context, server string) (problems func() []string) {
	var mu sync.Mutex
	var all []string
	add := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, fmt.Sprintf(format, args...))
	}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			add("console: %s", e.Type)
		case *runtime.EventExceptionThrown:
			add("exception: %s", e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			add("log: %s: %s", e.Entry.Level, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; !strings.HasPrefix(u, server) && !strings.HasPrefix(u, "data:") {
				add("request: %s", u)
			}
		}
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

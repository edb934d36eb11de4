// Package pagecheck opens pages of evaluations in a real browser. It is a module of its own, because nothing else of the
// repository needs one.
package pagecheck

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// reader is somebody who opens a page.
type reader struct {
	name          string
	width, height int64
	phone         bool
	scheme        string
}

var readers = []reader{
	{"light", 1280, 900, false, "light"}, {"dark", 1280, 900, false, "dark"},
	{"phone-light", 390, 844, true, "light"}, {"phone-dark", 390, 844, true, "dark"},
}

// look is what a page says of itself once it is drawn.
type look struct {
	Width      float64  `json:"width"`      // of the window
	Scroll     float64  `json:"scroll"`     // of the page
	Background string   `json:"background"` // as the browser computes it
	Luminance  float64  `json:"luminance"`  // of that, 0 to 1
	Contrast   float64  `json:"contrast"`   // of the text on it
	Plots      int      `json:"plots"`
	Flat       []string `json:"flat"`  // plots that have no size
	Small      []string `json:"small"` // texts of plots under 7 pixels
	Tables     int      `json:"tables"`
}

const lookScript = `(() => {
  const rgb = s => (s.match(/[\d.]+/g) || [0, 0, 0]).slice(0, 3).map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  const light = s => { const [r, g, b] = rgb(s); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const style = getComputedStyle(document.body), back = light(style.backgroundColor), ink = light(style.color);
  const plots = [...document.querySelectorAll('svg')];
  return JSON.stringify({
    width: innerWidth, scroll: document.documentElement.scrollWidth, background: style.backgroundColor, luminance: back,
    contrast: (Math.max(back, ink) + 0.05) / (Math.min(back, ink) + 0.05), plots: plots.length, tables: document.querySelectorAll('table').length,
    flat: plots.filter(p => p.getBoundingClientRect().width < 20 || p.getBoundingClientRect().height < 8).map(p => p.outerHTML.slice(0, 80)),
    small: [...document.querySelectorAll('svg text')].filter(t => t.getBoundingClientRect().height < 7).map(t => t.textContent),
  });
})()`

// browser starts a browser without a history, which ends with the test. Starting one takes longer than looking at a page, so a test has one for all it opens.
func browser(t *testing.T) context.Context {
	t.Helper()
	binary, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("no chromium: it is a package of Debian")
	}
	profile, err := os.MkdirTemp("", "pagecheck-*") // not the test's own: the browser may still write into it when the test ends
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(profile) })
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(binary), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(profile), chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, flags...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// open opens a page as a reader in the one tab of a browser (others are not drawn), and returns what is wrong with it, and a picture of all of it.
func open(t *testing.T, ctx context.Context, name string, r reader) (problems []string, l look, picture []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	page := (&url.URL{Scheme: "file", Path: path}).String()
	found := watch(ctx, page)
	var text string
	err = chromedp.Run(ctx, network.Enable(), log.Enable(),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: r.scheme}}),
		emulation.SetDeviceMetricsOverride(r.width, r.height, 1, r.phone),
		chromedp.Navigate(page), until("body"), chromedp.Sleep(200*time.Millisecond),
		chromedp.Evaluate(lookScript, &text), chromedp.FullScreenshot(&picture, 90))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatal(err)
	}
	return found(), l, picture
}

// TestPages opens the pages that PAGES names, separated by blanks, as every reader; pictures go to the folder SCREENSHOTS.
func TestPages(t *testing.T) {
	t.Parallel()
	pages := strings.Fields(os.Getenv("PAGES"))
	if len(pages) == 0 {
		t.Fatal("PAGES names no page")
	}
	ctx := browser(t)
	for _, name := range pages {
		for _, r := range readers {
			t.Run(filepath.Base(name)+"/"+r.name, func(t *testing.T) {
				problems, l, picture := open(t, ctx, name, r)
				if dir := os.Getenv("SCREENSHOTS"); dir != "" {
					file := filepath.Join(dir, strings.TrimSuffix(filepath.Base(name), ".html")+"."+r.name+".jpg")
					if err := os.WriteFile(file, picture, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				for _, p := range problems {
					t.Error(p)
				}
				t.Logf("%+v", l)
				if l.Scroll > l.Width {
					t.Errorf("the page is %v wide in a window of %v", l.Scroll, l.Width)
				}
				if (r.scheme == "dark") != (l.Luminance < 0.2) {
					t.Errorf("background %s for a reader who wants it %s", l.Background, r.scheme)
				}
				if l.Contrast < 7 {
					t.Errorf("contrast %.1f of text and background, want 7", l.Contrast)
				}
				if l.Plots == 0 || l.Tables == 0 {
					t.Errorf("%d plots and %d tables", l.Plots, l.Tables)
				}
				if len(l.Flat) > 0 {
					t.Errorf("plots without a size: %q", l.Flat)
				}
				if len(l.Small) > 0 {
					t.Errorf("too small to read: %q", l.Small)
				}
			})
		}
	}
}

// TestBadPage shows that the checks find what they look for.
func TestBadPage(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.html")
	text := `<!doctype html><meta charset="utf-8"><body style="width:3000px"><script>console.error("no"); throw new Error("no")</script>
<img src="http://127.0.0.1:9/x.png"><svg width="1" height="1"></svg>`
	if err := os.WriteFile(bad, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	problems, l, _ := open(t, browser(t), bad, readers[0])
	all := strings.Join(problems, "\n")
	for _, want := range []string{"console: error", "exception: ", "request: http://127.0.0.1:9/x.png"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s was not found; only\n%s", want, all)
		}
	}
	if l.Scroll <= l.Width || len(l.Flat) != 1 {
		t.Errorf("a page that is too wide, with a plot without a size: %+v", l)
	}
}

package serve

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// RES-5: less than 100 lines in any minute, whatever clients send; what was left out is counted, and other messages still come through.
func TestLimitLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		limited := LimitLog(slog.NewTextHandler(&b, nil))
		api, _ := newAPI(t)
		api.Log = slog.New(limited)
		const asked = 5000
		var at []time.Time // of each line
		for range asked {
			require.Equal(t, http.StatusNotFound, post(api, "/nowhere", "", "", "").Code)
			api.Log.With("one", 1).Info("a second kind")
			time.Sleep(37 * time.Millisecond)
			synctest.Wait() // for the line that tells what was left out
			for len(at) < bytes.Count(b.Bytes(), []byte("\n")) {
				at = append(at, time.Now())
			}
		}
		api.Log.WithGroup("g").Info("a third kind", "k", "v")
		limited.Flush()
		synctest.Wait()
		text := b.String()
		require.Equal(t, 1, strings.Count(text, `msg="a third kind" g.k=v`))
		for i := range at {
			require.True(t, i < 99 || at[i].Sub(at[i-99]) >= time.Minute, "100 lines in %v", at[i].Sub(at[max(i-99, 0)]))
		}
		shown, left := strings.Count(text, `msg="request failed"`), 0
		for line := range strings.Lines(text) {
			if _, rest, ok := strings.Cut(line, `"request failed"=`); ok {
				n := 0
				for _, c := range rest[:strings.IndexAny(rest, " \n")] {
					n = 10*n + int(c-'0')
				}
				left += n
			}
		}
		require.Equal(t, 4*linesOfOneKind, shown) // 185 seconds
		require.Equal(t, asked, shown+left)
	})
}

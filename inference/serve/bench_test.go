package serve

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"threatdetect/inference/rows"
)

// forgetful is a client that does not listen.
type forgetful struct{ header http.Header }

func (f *forgetful) Header() http.Header         { return f.header }
func (f *forgetful) Write(b []byte) (int, error) { return len(b), nil }
func (f *forgetful) WriteHeader(int)             {}

// BenchmarkInvocations is what a request costs within the limits of a server, without the network and net/http.
func BenchmarkInvocations(b *testing.B) {
	image, err := rows.LookupImage("1.7-1")
	if err != nil {
		b.Fatal(err)
	}
	container, err := OpenContainer(demo(b, "model.tar.gz"), SettingsFromEnv(image, lookupIn(nil)))
	if err != nil {
		b.Fatal(err)
	}
	api, _ := newAPI(b)
	row := strings.Repeat("12.5,", 69) + "1\n"
	for name, h := range map[string]http.Handler{"container": container, "api": api} {
		for n, body := range map[string]string{"1": row, "100": strings.Repeat(row, 100)} {
			b.Run(name+"/rows="+n, func(b *testing.B) {
				s := &Server{Handler: h, Metrics: NewMetrics()}
				s.limits = s.Limits.resolved()
				s.gate = newGate(s)
				r := httptest.NewRequest(http.MethodPost, "/invocations", nil)
				r.Header.Set("Content-Type", "text/csv")
				b.ReportAllocs()
				for b.Loop() {
					w := &forgetful{header: http.Header{}}
					r := r.Clone(b.Context())
					r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
					s.serveHTTP(w, r)
				}
			})
		}
	}
}

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

// BenchmarkDirect is what a request costs that does without net/http, without the network.
func BenchmarkDirect(b *testing.B) {
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
				d := &direct{server: s, answer: answer{header: http.Header{}}}
				d.record.ResponseWriter = &d.answer
				if !d.parsed.read([]byte("POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n\r\n")) {
					b.Fatal("not plain")
				}
				text := []byte(body)
				b.ReportAllocs()
				for b.Loop() {
					d.respond(text)
					d.out = d.answer.append(d.out[:0])
				}
				if d.answer.status != http.StatusOK {
					b.Fatal(string(d.answer.body))
				}
			})
		}
	}
}

package serve

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics counts what a [Server] does, for Prometheus. A nil Metrics counts nothing. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	rows     prometheus.Counter
	threats  prometheus.Counter
	skipped  *prometheus.CounterVec
	rejected *prometheus.CounterVec
	conns    prometheus.Gauge
	reloads  *prometheus.CounterVec
	unloaded prometheus.Counter
	shadow   *prometheus.CounterVec
	model    *prometheus.GaugeVec

	well map[string]*wellMetrics // by route
}

// wellMetrics are those of requests of a route that are answered with 200: found once, as most are.
type wellMetrics struct {
	once     sync.Once // a series is there when there is something to count
	requests prometheus.Counter
	seconds  prometheus.Observer
}

// NewMetrics returns metrics of their own registry, with those of the process and of the Go runtime.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "threatdetect", Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	m.requests = counter("requests_total", "Requests answered, by route and status.", "route", "status")
	m.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "threatdetect", Name: "request_seconds",
		Help:    "Time from the head of a request to the end of its answer, by route.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}}, []string{"route"})
	m.rows = counter("rows_total", "Rows scored.").WithLabelValues()
	m.threats = counter("threats_total", "Flows judged a threat.").WithLabelValues()
	m.skipped = counter("skipped_records_total", "Log records that gave no row, by reason.", "reason")
	m.rejected = counter("refused_total", "Requests and connections refused because there were too many, by what was short.", "short")
	m.reloads = counter("model_reloads_total", "Models that were to replace the one in use, by outcome.", "outcome")
	m.unloaded = counter("model_reload_failed_total", "Models that were refused; the one in use stayed.").WithLabelValues()
	m.shadow = counter("shadow_rows_total", "Rows that a second model scored as well, by whether the judgements agree.", "agree")
	m.conns = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "threatdetect", Name: "connections", Help: "Open connections."})
	m.model = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "threatdetect", Name: "model_info", Help: "1 for the model in use."}, []string{"digest"})
	m.registry.MustRegister(m.seconds, m.conns, m.model,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.well = map[string]*wellMetrics{"other": {}, "/models": {}}
	for _, route := range routes {
		m.well[route] = &wellMetrics{}
	}
	return m
}

// Handler answers /metrics and nothing else.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}

// routes are the paths that are told apart: what else clients ask for must not make new series.
var routes = []string{"/ping", "/invocations", "/execution-parameters", "/v1/score", "/healthz", "/readyz", "/"}

func (m *Metrics) request(r *http.Request, status int, took time.Duration) {
	if m == nil {
		return
	}
	route := "other"
	if strings.HasPrefix(r.URL.Path, "/models") {
		route = "/models"
	}
	for _, known := range routes {
		if r.URL.Path == known {
			route = known
		}
	}
	if status == http.StatusOK {
		w := m.well[route]
		w.once.Do(func() {
			w.requests, w.seconds = m.requests.WithLabelValues(route, "200"), m.seconds.WithLabelValues(route)
		})
		w.requests.Inc()
		w.seconds.Observe(took.Seconds())
		return
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

func (m *Metrics) refused(short string) {
	if m != nil {
		m.rejected.WithLabelValues(short).Inc()
	}
}

func (m *Metrics) connections(n int) {
	if m != nil {
		m.conns.Set(float64(n))
	}
}

func (m *Metrics) scored(rows int) {
	if m != nil {
		m.rows.Add(float64(rows))
	}
}

func (m *Metrics) shadowed(agree string, rows int) {
	if m != nil && rows > 0 {
		m.shadow.WithLabelValues(agree).Add(float64(rows))
	}
}

func (m *Metrics) lost(reason string, records int64) {
	if m != nil {
		m.skipped.WithLabelValues(reason).Add(float64(records))
	}
}

func (m *Metrics) threatened(flows int64) {
	if m != nil {
		m.threats.Add(float64(flows))
	}
}

// Reloaded counts a model that was to replace the one in use; digest is that of the model in use now.
func (m *Metrics) Reloaded(outcome, digest string) {
	if m == nil {
		return
	}
	m.reloads.WithLabelValues(outcome).Inc()
	if outcome == "refused" {
		m.unloaded.Inc()
	}
	m.Using(digest)
}

// Using tells the digest of the model in use.
func (m *Metrics) Using(digest string) {
	if m != nil {
		m.model.Reset()
		m.model.WithLabelValues(digest).Set(1)
	}
}

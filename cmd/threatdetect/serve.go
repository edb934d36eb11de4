package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"threatdetect/inference/rows"
	"threatdetect/inference/serve"
)

type serveFlags struct {
	trust                  trustFlags
	model, bundle, shadow  string
	listen, metrics, image string
	cache                  string
	reload                 time.Duration
	perAddress             int
	maxRows                int
	noPage                 bool

	approved, config, endpoint string
	every                      time.Duration
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve [--model MODEL | --bundle BUNDLE] --listen HOST:PORT [flags]",
		Short: "Answer requests for scores over HTTP",
		Long: "Serve scores numeric rows at /invocations, and logs and rows with reasons at /v1/score; /healthz and /readyz tell how it is, and / is a\n" +
			"page for people. It takes another model when the file changes or on SIGHUP, and keeps the one it has if the new one is no good.\n" +
			"The body of POST /v1/score is a log as score reads it, but not a compressed one, or, with ?input=rows and their Content-Type, rows as /invocations\n" +
			"takes them. More in the query: explain=N for the N features that contribute most, from=FORMAT of the log, threats=1 for threats alone. The\n" +
			"answer is one JSON object; of a log with Accept: application/x-ndjson one a flow, and the account of the log in the header X-Account.\n" +
			"With --sagemaker it answers as the container of SageMaker's built-in XGBoost does, byte for byte as the image of that tag, and reads the\n" +
			"variables of the environment that the image reads. Without a model it offers the multi-model API, without --sagemaker as image " + multiModelImage + " has it:\n" +
			"whoever can reach that can make it read any file that it can read itself.\n" +
			"It knows no passwords: put it behind a proxy that does. It ends on SIGTERM, when what was asked is answered.",
		Example: "  threatdetect serve --bundle model.tar.gz --listen 127.0.0.1:8080\n" +
			"  threatdetect serve --model model.tar.gz --listen 127.0.0.1:8080 --sagemaker 1.7-1\n" +
			"  curl --data-binary @conn.log '127.0.0.1:8080/v1/score?threats=1&explain=3'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.image != "" && !cmd.Flags().Changed("connections-per-address") {
				f.perAddress = 0 // all requests come from one address there
			}
			if rows := os.Getenv("THREATDETECT_MAX_ROWS"); rows != "" && !cmd.Flags().Changed("max-rows") { // SageMaker gives the program no flags
				if err := cmd.Flags().Set("max-rows", rows); err != nil {
					return usagef("THREATDETECT_MAX_ROWS=%s: want a number of rows", rows)
				}
			}
			return a.serve(&f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.model, "model", os.Getenv("THREATDETECT_MODEL"), "model file, directory or archive ($THREATDETECT_MODEL)")
	flags.StringVar(&f.bundle, "bundle", os.Getenv("THREATDETECT_BUNDLE"), "model.tar.gz with a contract inside, so that logs can be scored ($THREATDETECT_BUNDLE)")
	flags.StringVar(&f.shadow, "shadow", "", "a second model or bundle that scores along; where it disagrees is counted and logged")
	flags.StringVar(&f.listen, "listen", cmp.Or(os.Getenv("THREATDETECT_LISTEN"), "127.0.0.1:8080"), "address to listen on; port 0 is any free one ($THREATDETECT_LISTEN)")
	flags.StringVar(&f.metrics, "metrics", os.Getenv("THREATDETECT_METRICS"), "another address, for Prometheus: /metrics ($THREATDETECT_METRICS)")
	flags.StringVar(&f.image, "sagemaker", os.Getenv("THREATDETECT_SAGEMAKER"), "answer as the SageMaker image of this tag does, oddities included: 1.7-1 ($THREATDETECT_SAGEMAKER)")
	flags.StringVar(&f.cache, "cache", "", "directory for a copy of the last good model, used at a start when the model cannot be read")
	flags.DurationVar(&f.reload, "reload", 2*time.Second, "how often to look for another model; 0 is on SIGHUP only")
	flags.IntVar(&f.perAddress, "connections-per-address", 256, "refuse more connections than these from one address; 0 is no limit, for use behind a proxy, and the default with --sagemaker")
	flags.IntVar(&f.maxRows, "max-rows", serve.DefaultMaxRows, "refuse requests of more rows, and of more than a hundred times as many cells, with 413; more take longer, but no more memory ($THREATDETECT_MAX_ROWS)")
	flags.BoolVar(&f.noPage, "no-page", false, "no page at /")
	flags.StringVar(&f.approved, "approved", "", "follow approved models, in place of a file: registry, or the address of a pointer, s3://bucket/approved/current.json")
	flags.DurationVar(&f.every, "approved-every", time.Minute, "with --approved: how often to ask for another model")
	flags.StringVar(&f.config, "config", "threatdetect.yaml", "with --approved: file that describes the stack; a pointer can do without")
	flags.StringVar(&f.endpoint, "endpoint-url", "", "with --approved: ask this address in place of AWS (also AWS_ENDPOINT_URL)")
	f.trust.add(flags)
	return cmd
}

func (f *serveFlags) check() error {
	switch {
	case f.approved != "" && (f.model != "" || f.bundle != "" || f.image != ""):
		return usagef("--approved goes with none of --model, --bundle and --sagemaker")
	case f.approved != "" && f.approved != "registry" && !strings.HasPrefix(f.approved, "s3://"):
		return usagef("--approved %q: want registry or s3://bucket/approved/current.json", f.approved)
	case f.every <= 0:
		return usagef("--approved-every %v: want more than 0", f.every)
	case f.approved != "":
	case f.model != "" && f.bundle != "":
		return usagef("--model and --bundle: want one of them")
	case f.image == "" && f.model == "" && f.bundle == "" && (f.shadow != "" || f.cache != ""):
		return usagef("--shadow and --cache: want --model MODEL or --bundle BUNDLE; without one there is the multi-model API alone")
	case f.image != "" && (f.shadow != "" || f.cache != ""):
		return usagef("--sagemaker goes with neither --shadow nor --cache: the container has one model from its start to its end")
	case f.reload < 0:
		return usagef("--reload %v: want 0 or more", f.reload)
	case f.maxRows < 1 || f.maxRows > mostMaxRows:
		return usagef("--max-rows %d: want 1 to %d", f.maxRows, mostMaxRows)
	case f.perAddress < 0:
		return usagef("--connections-per-address %d: want 0 or more", f.perAddress)
	}
	return nil
}

// mostMaxRows is more rows than a request can have.
const mostMaxRows = 100_000_000

// multiModelImage is the image whose multi-model API is offered unless --sagemaker names another: the newest one that reads every form of model.
const multiModelImage = "3.0-5"

func (a *app) serve(f *serveFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.approved == "" && f.model == "" && f.bundle == "" {
		f.image = cmp.Or(f.image, multiModelImage)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-a.interrupt
		cancel()
	}()
	log := slog.New(slog.DiscardHandler)
	if !a.quiet {
		limited := serve.LimitLog(slog.NewTextHandler(a.stderr, nil))
		defer limited.Flush()
		log = slog.New(limited)
	}
	limitMemory(serveCeiling(f.model + f.bundle))
	if n := openFiles(); n < fewFiles {
		log.Warn("few files may be open at a time, and so few connections", "limit", n, "want", fewFiles)
	}
	metrics := serve.NewMetrics()
	handler, limit, err := a.handler(ctx, f, metrics, log)
	if err != nil {
		return err
	}
	l, err := listen(f.address())
	if err != nil {
		return err
	}
	if f.metrics != "" {
		ml, err := listen(f.metrics)
		if err != nil {
			l.Close()
			return err
		}
		fmt.Fprintf(a.stderr, "metrics at http://%s/metrics\n", ml.Addr())
		m := &serve.Server{Handler: metrics.Handler()}
		go m.Serve(ctx, ml)
	}
	if f.image != "" { // which itself knows other bounds
		log.Info("a request may have", "bytes", limit, "rows", f.maxRows, "cells", serve.CellsOfRow*f.maxRows)
	}
	collectEarly(serveGarbage)
	time.AfterFunc(afterStart, forgetLoading)
	fmt.Fprintf(a.stdout, "http://%s\n", l.Addr())
	s := &serve.Server{Handler: handler, Metrics: metrics, Limits: serve.Limits{Body: limit, PerAddress: f.perAddress},
		ErrorLog: func(text string) { log.Warn("connection", "error", text) }}
	if err := s.Serve(ctx, l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return &exitError{code: exitFailure, what: "serve", where: f.address(), err: err}
	}
	if syscall.Signal(a.signal.Load()) == syscall.SIGINT {
		return a.interrupted()
	}
	return nil // SIGTERM is how a server is meant to end
}

// fewFiles is what all connections that a server takes, and its own files, need.
const fewFiles = 4096 + 64

// address is where to listen. On SageMaker a host of several containers tells each its port.
func (f *serveFlags) address() string {
	port := os.Getenv("SAGEMAKER_BIND_TO_PORT")
	host, _, err := net.SplitHostPort(f.listen)
	if f.image == "" || port == "" || err != nil {
		return f.listen
	}
	return net.JoinHostPort(host, port)
}

func listen(address string) (net.Listener, error) {
	l, err := serve.Listen(address)
	if err != nil {
		return nil, &exitError{code: exitFailure, what: "listen", where: address, err: err}
	}
	return l, nil
}

// handler loads the model and makes what answers with it. limit is how many bytes a request may have; 0 is the default.
func (a *app) handler(ctx context.Context, f *serveFlags, metrics *serve.Metrics, log *slog.Logger) (h http.Handler, limit int64, err error) {
	if f.image != "" {
		return f.container(log)
	}
	load, err := f.trust.options()
	if err != nil {
		return nil, 0, err
	}
	path := f.model + f.bundle
	if f.approved != "" {
		if path, err = a.followApproved(ctx, f, load, log); err != nil {
			return nil, 0, err
		}
	}
	live := &serve.Live{}
	r := &serve.Reloader{Live: live, Path: path, Load: load, Metrics: metrics, Log: log, Cache: f.cache}
	if err := r.Start(); err != nil {
		return nil, 0, modelError(path, err)
	}
	if f.bundle != "" && live.Model().Detector() == nil {
		return nil, 0, modelError(path, errors.New("no contract: a bundle is a model.tar.gz with threatdetect/contract.json; a model alone is --model"))
	}
	if f.shadow != "" {
		m, err := serve.OpenModel(f.shadow, load)
		if err != nil {
			return nil, 0, modelError(f.shadow, err)
		}
		live.SetShadow(m)
	}
	go r.Run(ctx, f.reload, hangups())
	return &serve.API{Live: live, Metrics: metrics, Log: log, Page: !f.noPage, MaxRows: f.maxRows}, 0, nil
}

// container makes what answers as a SageMaker image.
func (f *serveFlags) container(log *slog.Logger) (http.Handler, int64, error) {
	image, err := rows.LookupImage(f.image)
	if err != nil {
		return nil, 0, usagef("--sagemaker: %w", err)
	}
	load, err := f.trust.options()
	if err != nil {
		return nil, 0, err
	}
	settings := serve.SettingsFromEnv(image, os.LookupEnv)
	settings.Load, settings.MaxRows = load, f.maxRows
	if settings.MaxContentLength > serve.MaxContentLength {
		log.Warn("MAX_CONTENT_LENGTH is more than requests may have: longer ones get 413", "asked", settings.MaxContentLength, "limit", serve.MaxContentLength)
	}
	path := f.model + f.bundle
	if path == "" || settings.MultiModel {
		m := serve.NewMultiModel(settings)
		return m, m.Limit(), nil
	}
	c, err := serve.OpenContainer(path, settings)
	if err != nil {
		return nil, 0, modelError(path, err)
	}
	return c, c.Limit(), nil
}

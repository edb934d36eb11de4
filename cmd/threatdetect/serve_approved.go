//go:build !noaws

package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"threatdetect/inference/serve"
	"threatdetect/model"
	"threatdetect/train"
)

// followApproved fetches the newest approved bundle to a file, which it replaces whenever another one is approved, until ctx ends. The file is there when it
// returns; so is one of before, if AWS does not answer.
func (a *app) followApproved(ctx context.Context, f *serveFlags, load *model.LoadOptions, log *slog.Logger) (path string, err error) {
	stack, err := f.approvedStack()
	if err != nil {
		return "", err
	}
	aws, err := a.connectTo(ctx, stack, &awsFlags{config: f.config, endpoint: f.endpoint})
	if err != nil {
		return "", err
	}
	base := filepath.Join(f.cache, "approved")
	if f.cache == "" {
		if base, err = os.UserCacheDir(); err != nil {
			return "", usagef("want --cache DIR, where approved models are kept: %w", err)
		}
		base = filepath.Join(base, "threatdetect", cmp.Or(stack.Name, stack.Bucket))
	}
	pace, beside := serve.NewPace(), *load // requests are answered meanwhile
	beside.Pauser = pace
	o := &train.WatchOptions{Dir: filepath.Join(base, "releases"), Every: f.every, Load: &beside,
		Verify: func(b *model.Bundle) error { return verifyPausing(b, pace) }}
	if f.approved != "registry" {
		o.Pointer = f.approved
	}
	path = filepath.Join(base, "model.tar.gz")
	first := make(chan error, 1)
	go func() {
		for r, err := range train.Watch(ctx, aws, o) {
			if err == nil {
				err = replaceLink(r.Path, path)
			}
			if err != nil {
				log.Warn("approved models", "error", err.Error())
			} else {
				log.Info("approved model", "version", r.Version, "sha256", r.SHA256, "source", r.Source, "offline", r.Offline)
			}
			select {
			case first <- err:
			default:
			}
		}
	}()
	select {
	case err := <-first:
		if err != nil {
			return "", awsError(f.approved, err)
		}
		return path, nil
	case <-ctx.Done():
		return "", a.interrupted()
	}
}

// approvedStack is the stack of --config; a program that only follows a pointer can do without.
func (f *serveFlags) approvedStack() (*train.Stack, error) {
	stack, err := train.Open(f.config)
	u, parse := url.Parse(f.approved)
	if errors.Is(err, fs.ErrNotExist) && f.approved != "registry" && parse == nil && u.Scheme == "s3" {
		return &train.Stack{Bucket: u.Host, Region: cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))}, nil
	}
	if err != nil {
		return nil, awsError(f.config, err)
	}
	return stack, nil
}

// replaceLink lets path be the file old, at once for whoever looks.
func replaceLink(old, path string) error {
	next := path + ".next"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Link(old, next); err != nil {
		return err
	}
	return os.Rename(next, path)
}

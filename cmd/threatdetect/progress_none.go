//go:build noprogress

package main

import "io"

// progress is left out: a container has no terminal to show it on.
type progress struct{}

func (a *app) newProgress(string, int64) *progress         { return nil }
func (a *app) progressFrom(string, int64, int64) *progress { return nil }

func (p *progress) count(r io.ReadCloser) io.ReadCloser { return r }
func (p *progress) add(int64)                           {}
func (p *progress) stop()                               {}

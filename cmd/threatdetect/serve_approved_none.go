//go:build noaws

package main

import (
	"context"
	"log/slog"

	"threatdetect/model"
)

// followApproved is left out: a build without AWS serves files.
func (a *app) followApproved(context.Context, *serveFlags, *model.LoadOptions, *slog.Logger) (string, error) {
	return "", usagef("--approved: this program was built without AWS (tag noaws)")
}

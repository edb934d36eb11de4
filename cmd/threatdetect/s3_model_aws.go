//go:build !noaws

package main

import (
	"github.com/spf13/cobra"

	"threatdetect/train"
)

// fetchModel reads a model from S3 into the user's own cache.
func (a *app) fetchModel(cmd *cobra.Command, address string) (string, error) {
	ctx, cancel := a.context(cmd)
	defer cancel()
	bar := a.newJobProgress("model")
	defer bar.stop()
	path, err := train.FetchModel(ctx, address, &train.ModelOptions{
		Progress: func(n, total int64) { bar.tell(train.Event{What: "download", Sent: n, Total: total}) },
	})
	if err != nil {
		if a.signal.Load() != 0 {
			return "", a.interrupted()
		}
		return "", awsError(address, err)
	}
	return path, nil
}

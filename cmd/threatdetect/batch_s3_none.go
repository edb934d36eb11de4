//go:build noaws

package main

import (
	"context"

	"github.com/spf13/pflag"

	"threatdetect/inference/batch"
)

// awsFlags are none.
type awsFlags struct{}

func (*awsFlags) addPlace(*pflag.FlagSet) {}

func (a *app) openBucket(_ context.Context, _ *awsFlags, url string) (batch.Store, error) {
	return nil, usagef("%s: this program was built without AWS (tag noaws)", url)
}

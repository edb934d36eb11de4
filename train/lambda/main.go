// Command lambda is the Lambda function that starts the pipeline for markers that land in a bucket: see package trigger. It is built and deployed by
// threatdetect trigger create --lambda, which also sets its environment.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"threatdetect/train/trigger"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	h, err := newHandler(context.Background(), os.Getenv, log)
	if err != nil {
		log.Error("start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(h.Handle)
}

// newHandler makes the handler of what the environment says.
func newHandler(ctx context.Context, env func(string) string, log *slog.Logger) (*trigger.Handler, error) {
	for _, name := range []string{"PIPELINE", "BUCKET", "DEBOUNCE"} {
		if env(name) == "" {
			return nil, fmt.Errorf("environment variable %s is not set", name)
		}
	}
	debounce, err := time.ParseDuration(env("DEBOUNCE"))
	if err != nil || debounce < 0 {
		return nil, fmt.Errorf("environment variable DEBOUNCE is %q: want a time such as 10m", env("DEBOUNCE"))
	}
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return &trigger.Handler{
		Rule:     trigger.Rule{Bucket: env("BUCKET"), Prefix: env("PREFIX"), Marker: env("MARKER")},
		Debounce: debounce, Log: log,
		Service: &service{
			sagemaker: sagemaker.NewFromConfig(c), scheduler: scheduler.NewFromConfig(c),
			pipeline: env("PIPELINE"), deferred: env("DEFERRED"), role: env("DEFERRED_ROLE"), queue: env("DEFERRED_QUEUE"),
		},
	}, nil
}

//go:build !noaws

package main

import (
	"context"
	"os"
	"strconv"
	"time"

	"threatdetect/train"
)

// rehearsalClock waits as many times shorter as THREATDETECT_AWS_SPEED says, for rehearsals with fake-aws, whose jobs need not the time of real ones; nil without it.
func rehearsalClock() train.Clock {
	speed, err := strconv.ParseFloat(os.Getenv("THREATDETECT_AWS_SPEED"), 64)
	if err != nil || !(speed > 1) {
		return nil
	}
	return fastClock{speed}
}

type fastClock struct{ speed float64 }

func (fastClock) Now() time.Time { return time.Now() }

func (c fastClock) Sleep(ctx context.Context, d time.Duration) error {
	return train.SystemClock.Sleep(ctx, time.Duration(float64(d)/c.speed))
}

package train

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	maxAttempts = 5
	backoffBase = 200 * time.Millisecond
	backoffCap  = 20 * time.Second
)

// newRetryer repeats what may go right the next time: connections, timeouts, the service's own failures, and being asked too often.
func newRetryer(clock Clock) aws.Retryer {
	standard := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxAttempts
		o.MaxBackoff = backoffCap
		o.Backoff = retry.BackoffDelayerFunc(backoff)
		o.RateLimiter = ratelimit.None // the attempts of one call are bounded; calls do not spend each other's
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(neverRetried)}, o.Retryables...)
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(brokenOff), retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}}})
	})
	return retryer{standard, clock}
}

// backoff is a random part of a time that doubles with each attempt; the service may ask for another.
func backoff(attempt int, err error) (time.Duration, error) {
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok && response.Response != nil {
		if seconds, err := strconv.Atoi(response.Response.Header.Get("Retry-After")); err == nil && seconds >= 0 {
			return min(time.Duration(min(seconds, 3600))*time.Second, backoffCap), nil
		}
	}
	limit := min(backoffBase<<min(max(attempt, 1)-1, 10), backoffCap)
	return time.Duration(rand.Int64N(int64(limit) + 1)), nil
}

// brokenOff is an answer that ended too early, which the SDK takes for one that it cannot read.
func brokenOff(err error) aws.Ternary {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

func neverRetried(err error) aws.Ternary {
	if errors.Is(err, errPlain) || errors.Is(err, errRedirect) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// retryer waits by the clock. The SDK sleeps by the real time, but only for what RetryDelay returns.
type retryer struct {
	*retry.Standard
	clock Clock
}

func (r retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	d, err := r.Standard.RetryDelay(attempt, err)
	if err != nil || r.clock == SystemClock {
		return d, err // which the SDK can end with the context
	}
	return 0, r.clock.Sleep(context.Background(), d)
}

package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// DeleteTrigger removes all that starts the pipeline by itself: rule, schedules, function, and the queue, unless events lie in it and keepEvents asks to keep those.
// It goes on past errors and returns all of them. That the bucket notifies EventBridge stays: it costs nothing, and others may want it.
func (a *AWS) DeleteTrigger(ctx context.Context, keepEvents bool) (deleted, left []string, err error) {
	var errs []error
	note := func(what string, found bool, err error) {
		if err != nil {
			errs = append(errs, err)
			left = append(left, what+": "+err.Error())
		} else if found {
			deleted = append(deleted, what)
		}
	}
	s := a.stack
	found, err := a.deleteRule(ctx)
	note("rule "+s.Resource(KindTrigger), found, err)
	for _, name := range []string{s.Resource(KindSchedule), s.Resource(kindDeferred)} {
		found, err := a.deleteSchedule(ctx, name)
		note("schedule "+name, found, err)
	}
	found, err = a.deleteFunction(ctx)
	note("function "+s.Resource(KindTrigger), found, err)
	url, err := a.queue(ctx)
	if err != nil || url == "" {
		note("queue "+s.Resource(KindUndone), false, err)
		return deleted, left, errors.Join(errs...)
	}
	n, err := a.undelivered(ctx, url)
	if err == nil && n > 0 && keepEvents {
		left = append(left, fmt.Sprintf("queue %s: %d events in it that nobody could deliver", s.Resource(KindUndone), n))
		return deleted, left, errors.Join(errs...)
	}
	if err == nil {
		_, err = a.SQS().DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url})
	}
	note("queue "+s.Resource(KindUndone), true, err)
	return deleted, left, errors.Join(errs...)
}

package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"threatdetect/train/trigger"
)

// Check is one thing that has to be right for something to work.
type Check struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Why  string `json:"why,omitempty"` // it is not, and what to do
}

// CheckTrigger follows an event of a new object with this key to the pipeline, without starting it: the event against the rule, by our reading and by the service's,
// and each part on the way.
func (a *AWS) CheckTrigger(ctx context.Context, key string) ([]Check, error) {
	s := a.stack
	account, err := a.Account(ctx)
	if err != nil {
		return nil, err
	}
	var list []Check
	check := func(ok bool, what, why string, args ...any) {
		c := Check{What: what, OK: ok}
		if !ok {
			c.Why = fmt.Sprintf(why, args...)
		}
		list = append(list, c)
	}
	rule := s.Rule()
	check(rule.Matches(s.Bucket, key), "the key is one of a marker", "want %s…/%s", rule.Prefix, rule.Marker)
	event, err := a.event(account, key)
	if err != nil {
		return nil, err
	}
	t, err := a.DescribeTrigger(ctx)
	if err != nil {
		return nil, err
	}
	check(len(key) <= 256-len("--trigger="), "the key fits into an argument of the prepare step", "%d bytes: want at most %d", len(key), 256-len("--trigger="))
	switch {
	case t.Schedule != "":
		check(t.Enabled, "the schedule is on: "+t.Expression, "enable it, or run threatdetect trigger create")
	case t.Rule == "":
		check(false, "there is a rule or a schedule", "run threatdetect trigger create")
	default:
		check(t.Enabled, "the rule is on", "enable it, or run threatdetect trigger create")
		check(samePattern(t.Pattern, rule.Pattern()), "the rule is that of the stack", "it is %s: run threatdetect trigger create", t.Pattern)
		out, err := a.Events().TestEventPattern(ctx, &eventbridge.TestEventPatternInput{Event: aws.String(string(event)), EventPattern: aws.String(t.Pattern)})
		if err != nil {
			return nil, err
		}
		check(out.Result, "EventBridge would let the event through", "the pattern of the rule does not match it")
		pipeline, function := s.arnOf("sagemaker", account, "pipeline/"+s.Resource(KindPipeline)), a.functionARN(account)
		to := strings.Join(t.Targets, ", ")
		check(to == pipeline || to == function, "the rule has one target", "it has %q: run threatdetect trigger create", to)
		check(to != function || t.Function != "", "the function is there", "run threatdetect trigger create --lambda")
		check(t.Notifies, "the bucket tells EventBridge of new objects", "run threatdetect trigger create")
	}
	check(t.Queue != "", "there is a queue for what cannot be delivered", "run threatdetect trigger create")
	check(t.Undelivered == 0, "no event was left undelivered", "%d in the queue %s", t.Undelivered, t.Queue)
	_, err = a.SageMaker().DescribePipeline(ctx, &sagemaker.DescribePipelineInput{PipelineName: aws.String(s.Resource(KindPipeline))})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	check(err == nil, "the pipeline is there", "run threatdetect pipeline create")
	return list, nil
}

// samePattern compares patterns as JSON.
func samePattern(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return fmt.Sprint(x) == fmt.Sprint(y) // which sorts maps
}

// event is what EventBridge gets of a new object.
func (a *AWS) event(account, key string) ([]byte, error) {
	s := a.stack
	e := trigger.Event{ID: "00000000-0000-0000-0000-000000000000", Source: "aws.s3", DetailType: "Object Created", Account: account, Region: s.Region, Time: a.clock.Now().UTC().Truncate(time.Second)}
	e.Detail.Bucket.Name, e.Detail.Object.Key, e.Detail.Reason = s.Bucket, key, "PutObject"
	text, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	var whole map[string]any
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, err
	}
	whole["version"], whole["resources"] = "0", []string{"arn:" + s.Partition() + ":s3:::" + s.Bucket} // TestEventPattern wants all members
	return json.Marshal(whole)
}

// SendMarker puts an empty marker into the bucket and waits until a run begins, for at most the time given. This starts a run that costs.
func (a *AWS) SendMarker(ctx context.Context, key string, wait time.Duration) (run string, err error) {
	before, err := a.runs(ctx, 1)
	if err != nil {
		return "", err
	}
	if _, err := a.S3().PutObject(ctx, &s3.PutObjectInput{Bucket: &a.stack.Bucket, Key: &key, Body: strings.NewReader("")}); err != nil {
		return "", err
	}
	for end := a.clock.Now().Add(wait); ; {
		now, err := a.runs(ctx, 1)
		if err != nil {
			return "", err
		}
		if len(now) > 0 && (len(before) == 0 || now[0].ARN != before[0].ARN) {
			return now[0].ARN, nil
		}
		if !a.clock.Now().Before(end) || a.DryRun() {
			return "", fmt.Errorf("%w: no run %v after the marker %s", ErrNotFound, wait, key)
		}
		if err := a.clock.Sleep(ctx, 3*time.Second); err != nil {
			return "", err
		}
	}
}

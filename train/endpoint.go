package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// EndpointState is what an endpoint is at present.
type EndpointState struct {
	Name, ARN, Status string
	Config            string
	Changed           bool // false: it was so before
}

const (
	endpointPoll = 15 * time.Second
	endpointTime = time.Hour // after which waiting for an endpoint ends
)

// CostOf says what the stack's endpoint costs while nobody asks it. There are no prices in it, for they change.
func (s *Stack) CostOf() string {
	e := s.Endpoint
	const month = 730 // hours
	if e.Serverless.MemoryMB > 0 {
		return fmt.Sprintf("a serverless endpoint of %d MB costs nothing while idle, and the first request after a pause waits for it to start", e.Serverless.MemoryMB)
	}
	least := e.Count
	text := fmt.Sprintf("an idle endpoint costs %d instance hours of %s a month (%d × %d), until threatdetect endpoint delete", least*month, e.Instance, least, month)
	if e.Autoscale.Max > 0 {
		text += fmt.Sprintf("; scaling keeps at least %d and at most %d instances: %d to %d hours", e.Autoscale.Min, e.Autoscale.Max, e.Autoscale.Min*month, e.Autoscale.Max*month)
	}
	return text + "; the same model scores where the logs are, without one"
}

// CreateEndpoint makes the stack's endpoint and waits until it answers. Said again, it finds what it made; another model is for [AWS.UpdateEndpoint].
// Progress, unless nil, is told each status, and ahead of them if the model is one that the same request took before.
func (a *AWS) CreateEndpoint(ctx context.Context, m *Served, progress func(status string)) (*EndpointState, error) {
	state, t, err := a.serve(ctx, "endpoint-create", m, progress, func(config string) (changed bool, err error) {
		name := a.stack.Resource(KindEndpoint)
		_, err = a.SageMaker().CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: &name, EndpointConfigName: &config, Tags: a.stack.resourceTags()})
		if !errors.Is(err, ErrExists) {
			return true, err
		}
		old, err := a.describeEndpoint(ctx)
		if err == nil && configOf(old) != config {
			err = fmt.Errorf("%w: endpoint %s serves another model, or is otherwise made: see threatdetect endpoint update", ErrExists, name)
		}
		return false, err
	})
	return state, t.ended(err)
}

// UpdateEndpoint lets the endpoint serve another model, or in another way, without a gap, and removes what it served before. Progress is told as by [AWS.CreateEndpoint].
func (a *AWS) UpdateEndpoint(ctx context.Context, m *Served, progress func(status string)) (*EndpointState, error) {
	old, err := a.describeEndpoint(ctx)
	if err != nil {
		return nil, err
	}
	state, t, err := a.serve(ctx, "endpoint-update", m, progress, func(config string) (changed bool, err error) {
		if configOf(old) != config { // which is not under way already
			in := &sagemaker.UpdateEndpointInput{EndpointName: old.EndpointName, EndpointConfigName: &config, RetainAllVariantProperties: aws.Bool(true)}
			if a.stack.Endpoint.Autoscale.Max == 0 { // then the file says how many instances there are
				in.ExcludeRetainedVariantProperties = []types.VariantProperty{{VariantPropertyType: types.VariantPropertyTypeDesiredInstanceCount}}
			}
			_, err = a.SageMaker().UpdateEndpoint(ctx, in)
		}
		return aws.ToString(old.EndpointConfigName) != config, err
	})
	if err == nil {
		_, err = a.deleteServed(ctx, state.Config)
	}
	return state, t.ended(err)
}

// serve makes model and configuration, has do let the endpoint serve them, and waits. What it took of the registry is to be forgotten in the end.
func (a *AWS) serve(ctx context.Context, kind string, m *Served, progress func(string), do func(config string) (changed bool, err error)) (*EndpointState, *taken, error) {
	full, t, err := a.resolve(ctx, kind, m)
	if err != nil {
		return nil, t, err
	}
	if t != nil && t.remembered && progress != nil {
		progress("goes on with " + t.model + ", the newest approved model when this command began")
	}
	config, err := a.endpointConfig(ctx, &full)
	if err != nil {
		return nil, t, err
	}
	changed, err := do(config)
	if err != nil {
		return nil, t, err
	}
	state, err := a.waitEndpoint(ctx, config, progress)
	if err == nil {
		state.Changed = changed
	}
	return state, t, err
}

// DeleteEndpoint removes the endpoint, and every model and configuration that it had. It returns what it removed; nothing is no error.
func (a *AWS) DeleteEndpoint(ctx context.Context, progress func(status string)) (removed []string, err error) {
	if err := a.removeScaling(ctx); err != nil {
		return nil, err
	}
	name := a.stack.Resource(KindEndpoint)
	switch _, err := a.SageMaker().DeleteEndpoint(ctx, &sagemaker.DeleteEndpointInput{EndpointName: &name}); {
	case err == nil:
		removed = append(removed, "endpoint "+name)
		if err := a.waitGone(ctx, progress); err != nil {
			return removed, err
		}
	case !errors.Is(err, ErrNotFound):
		return nil, err
	}
	more, err := a.deleteServed(ctx, "")
	return append(removed, more...), err
}

func (a *AWS) describeEndpoint(ctx context.Context) (*sagemaker.DescribeEndpointOutput, error) {
	return a.SageMaker().DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String(a.stack.Resource(KindEndpoint))})
}

// configOf is the configuration that an endpoint serves, or is about to.
func configOf(e *sagemaker.DescribeEndpointOutput) string {
	if e.PendingDeploymentSummary != nil {
		return aws.ToString(e.PendingDeploymentSummary.EndpointConfigName)
	}
	return aws.ToString(e.EndpointConfigName)
}

// waitEndpoint waits until the endpoint serves a configuration.
func (a *AWS) waitEndpoint(ctx context.Context, config string, progress func(string)) (*EndpointState, error) {
	for end := a.clock.Now().Add(endpointTime); ; {
		out, err := a.describeEndpoint(ctx)
		if err != nil {
			return nil, err
		}
		name, status, why := aws.ToString(out.EndpointName), out.EndpointStatus, aws.ToString(out.FailureReason)
		if progress != nil {
			progress(string(status))
		}
		switch status {
		case types.EndpointStatusInService:
			if aws.ToString(out.EndpointConfigName) != config {
				return nil, fmt.Errorf("%w: endpoint %s still serves what it did before: %s", ErrJob, name, orNoReason(why))
			}
			return &EndpointState{Name: name, ARN: aws.ToString(out.EndpointArn), Status: string(status), Config: config}, nil
		case types.EndpointStatusFailed, types.EndpointStatusUpdateRollbackFailed, types.EndpointStatusOutOfService:
			return nil, fmt.Errorf("%w: endpoint %s: %s: %s", ErrJob, name, status, orNoReason(why))
		}
		if a.clock.Now().After(end) {
			return nil, fmt.Errorf("%w: endpoint %s is still %s after %v; it goes on, and threatdetect endpoint create waits again", ErrService, name, status, endpointTime)
		}
		if err := a.clock.Sleep(ctx, endpointPoll); err != nil {
			return nil, err
		}
	}
}

func orNoReason(why string) string {
	if why == "" {
		return "AWS gives no reason"
	}
	return why
}

// waitGone waits until the endpoint is no more.
func (a *AWS) waitGone(ctx context.Context, progress func(string)) error {
	for end := a.clock.Now().Add(endpointTime); ; {
		out, err := a.describeEndpoint(ctx)
		switch {
		case errors.Is(err, ErrNotFound):
			return nil
		case err != nil:
			return err
		case out.EndpointStatus == types.EndpointStatusFailed:
			return fmt.Errorf("%w: endpoint %s: %s", ErrService, aws.ToString(out.EndpointName), orNoReason(aws.ToString(out.FailureReason)))
		case a.clock.Now().After(end):
			return fmt.Errorf("%w: endpoint %s is still %s after %v", ErrService, aws.ToString(out.EndpointName), out.EndpointStatus, endpointTime)
		}
		if progress != nil {
			progress(string(out.EndpointStatus))
		}
		if err := a.clock.Sleep(ctx, endpointPoll); err != nil {
			return err
		}
	}
}

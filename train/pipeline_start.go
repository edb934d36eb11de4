package train

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// StartOptions are those of a run that people start.
type StartOptions struct {
	Parameters map[string]string
	// Token is the same for a start that is to happen once: asked again with it, the service answers with the run that is there. "" is a new one, or that of Beside.
	Token string
	Name  string // that people see; "": none
	// Beside is a file beside which a start is remembered, from before it is asked for until [AWS.ForgetStart]; "": nowhere. The same start again is then the same run.
	Beside string
	New    bool // forget what is remembered
}

// StartPipeline starts a run, and returns its ARN. It waits for nothing.
func (a *AWS) StartPipeline(ctx context.Context, o *StartOptions) (arn string, err error) {
	in := &sagemaker.StartPipelineExecutionInput{PipelineName: aws.String(a.stack.Resource(KindPipeline))}
	faults := Faults{Where: "pipeline", Kind: ErrStack}
	known := Parameters()
	for _, name := range slices.Sorted(maps.Keys(o.Parameters)) {
		value := o.Parameters[name]
		switch {
		case !slices.Contains(known, name):
			faults.add(0, name, "no such parameter; there are %s", strings.Join(known, " "))
		case len(value) > 1024:
			faults.add(0, name, "%d bytes: want at most 1024", len(value))
		}
		in.PipelineParameters = append(in.PipelineParameters, types.Parameter{Name: aws.String(name), Value: aws.String(value)})
	}
	if n := len(o.Token); n > 0 && (n < 32 || n > 128) {
		faults.add(0, "token", "%d characters: want 32 to 128", n)
	}
	if err := faults.or(nil, nil); err != nil {
		return "", err
	}
	state, err := a.startState(o)
	if err != nil {
		return "", err
	}
	switch {
	case state != nil && state.Output != "":
		return state.Output, nil
	case state != nil:
		in.ClientRequestToken = &state.Job
	case o.Token != "":
		in.ClientRequestToken = &o.Token
	default:
		in.ClientRequestToken = a.token(*in.PipelineName, fmt.Sprint(o.Parameters))
	}
	if o.Name != "" {
		in.PipelineExecutionDisplayName = &o.Name
	}
	out, err := a.SageMaker().StartPipelineExecution(ctx, in)
	if err != nil {
		return "", err
	}
	arn = aws.ToString(out.PipelineExecutionArn)
	if state != nil {
		state.Submitted, state.Output = true, arn
		err = state.save()
	}
	return arn, err
}

// startState is what is remembered of a start: its token and, once it is known, the run. Nil: nothing is to be.
func (a *AWS) startState(o *StartOptions) (*runState, error) {
	if o.Beside == "" || o.Token != "" || a.DryRun() {
		return nil, nil
	}
	print, err := fingerprint(a.stack.Resource(KindPipeline), a.stack.Region, a.endpoint, o.Parameters, o.Name)
	if err != nil {
		return nil, err
	}
	state, _, err := openState(statePath("start", o.Beside), print)
	if err != nil {
		return nil, err
	}
	if o.New || state.Job == "" {
		state = &runState{path: state.path, Fingerprint: print, Created: a.clock.Now().UTC(), Job: rand.Text() + rand.Text()}
		err = state.save()
	}
	return state, err
}

// ForgetStart makes the next start another run: for when the run of this one has ended, or nobody waits for it.
func (a *AWS) ForgetStart(o *StartOptions) error {
	if o.Beside == "" || o.Token != "" || a.DryRun() {
		return nil
	}
	return (&runState{path: statePath("start", o.Beside)}).remove()
}

package train

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
)

// Answer is what an endpoint said.
type Answer struct {
	Body        []byte
	ContentType string
	Variant     string
}

// maxInvocation is the largest request of an endpoint, bytes: real-time, serverless.
const (
	maxInvocation           = 6291456
	maxServerlessInvocation = 4 << 20
)

// Invoke asks the endpoint. The types of content are such as text/csv; accept may be empty.
func (a *AWS) Invoke(ctx context.Context, body []byte, contentType, accept string) (*Answer, error) {
	limit := maxInvocation
	if a.stack.Endpoint.Serverless.MemoryMB > 0 {
		limit = maxServerlessInvocation
	}
	if len(body) > limit {
		return nil, fmt.Errorf("%w: %d bytes in one request, the endpoint takes at most %d: ask in parts, or see threatdetect transform submit", ErrInput, len(body), limit)
	}
	in := &sagemakerruntime.InvokeEndpointInput{EndpointName: aws.String(a.stack.Resource(KindEndpoint)), Body: body, ContentType: &contentType}
	if accept != "" {
		in.Accept = &accept
	}
	ctx, cancel := context.WithTimeout(ctx, invokeTime)
	defer cancel()
	out, err := a.Runtime().InvokeEndpoint(ctx, in)
	if err != nil {
		return nil, err
	}
	return &Answer{Body: out.Body, ContentType: aws.ToString(out.ContentType), Variant: aws.ToString(out.InvokedProductionVariant)}, nil
}

// invokeTime is how long an endpoint may take, with all attempts: it has 60 s for each.
const invokeTime = 5 * time.Minute

package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
)

// ConnectOptions say how AWS is reached. The zero value, and nil, are what the SDK does by itself: its environment variables, its shared configuration
// files and the credentials of the machine.
type ConnectOptions struct {
	EndpointURL string // in place of every service's address
	Profile     string // of the shared configuration files
	// DryRun gets each request as one line of JSON, and nothing is sent.
	DryRun io.Writer
	// Clock measures waiting, between the attempts of a request too; nil is the real time.
	Clock Clock
	// HTTPClient sends the requests; nil is a client that refuses redirections to other hosts, and addresses without TLS beyond this machine.
	HTTPClient *http.Client
}

// AWS holds the clients of one account and region, which are made when they are first needed. It is safe for concurrent use. Every error of a
// client holds a *[ServiceError]. It must not be put into an interface: see the package comment.
type AWS struct {
	stack    *Stack
	clock    Clock
	config   aws.Config
	endpoint string
	dry      *dryRun // nil if requests are sent
	clients
	account func() (string, error)
}

// Connect makes clients for the stack's region. It sends nothing; whether there are credentials shows with the first request. A dry run wants none.
func Connect(ctx context.Context, s *Stack, opts *ConnectOptions) (*AWS, error) {
	if opts == nil {
		opts = &ConnectOptions{}
	}
	a := &AWS{stack: s, clock: opts.Clock, endpoint: opts.EndpointURL}
	if a.clock == nil {
		a.clock = SystemClock
	}
	if err := checkEndpoint(opts.EndpointURL); err != nil {
		return nil, err
	}
	if opts.DryRun != nil {
		a.dry = &dryRun{w: opts.DryRun, clock: a.clock, state: map[string]any{}}
		a.config = aws.Config{Region: s.Region, Credentials: credentials.NewStaticCredentialsProvider("dry", "run", "")}
	} else if err := a.load(ctx, opts); err != nil {
		return nil, err
	}
	a.config.Logger = logging.Nop{} // what matters is in the errors
	a.config.APIOptions = append(a.config.APIOptions, a.middlewares)
	a.clients.config = &a.config
	a.account = sync.OnceValues(func() (string, error) { return a.askAccount(ctx) })
	return a, nil
}

// load asks the SDK for its configuration.
func (a *AWS) load(ctx context.Context, opts *ConnectOptions) error {
	load := []func(*config.LoadOptions) error{
		config.WithRegion(a.stack.Region),
		config.WithRetryer(func() aws.Retryer { return newRetryer(a.clock) }),
	}
	if opts.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(opts.Profile))
	}
	var err error
	if a.config, err = config.LoadDefaultConfig(ctx, load...); err != nil {
		return &ServiceError{Service: "aws", Operation: "configuration", Kind: ErrLogin, Message: err.Error(), Hint: "see AWS_PROFILE, AWS_CONFIG_FILE and --profile", Err: err}
	}
	a.config.HTTPClient = guarded(a.config.HTTPClient)
	if opts.HTTPClient != nil {
		a.config.HTTPClient = opts.HTTPClient
	}
	if opts.EndpointURL != "" {
		a.config.BaseEndpoint = aws.String(opts.EndpointURL)
	}
	if a.config.BaseEndpoint != nil {
		return checkEndpoint(*a.config.BaseEndpoint)
	}
	return nil
}

// middlewares are what every request of every service goes through.
func (a *AWS) middlewares(stack *middleware.Stack) error {
	if err := stack.Initialize.Add(&explainer{credentials: a.config.Credentials, operation: stack.ID()}, middleware.Before); err != nil {
		return err
	}
	if a.dry == nil {
		return nil
	}
	// At the end of the step: what the SDK checks and fills in by itself is checked and filled in.
	return stack.Initialize.Add(&dryRunner{a.dry, stack.ID()}, middleware.After)
}

// Stack is the stack that the clients are for.
func (a *AWS) Stack() *Stack { return a.stack }

// Clock is what waiting is measured with.
func (a *AWS) Clock() Clock { return a.clock }

// DryRun reports whether requests are printed instead of sent.
func (a *AWS) DryRun() bool { return a.dry != nil }

// Account is the number of the account: that of the stack, or of the credentials. A dry run asks nobody.
func (a *AWS) Account(context.Context) (string, error) { return a.account() }

func (a *AWS) askAccount(ctx context.Context) (string, error) {
	switch {
	case a.stack.Account != "":
		return a.stack.Account, nil
	case a.dry != nil:
		return DryRunAccount, nil
	}
	out, err := a.STS().GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Account), nil
}

// Role is the ARN of one of the stack's roles.
func (a *AWS) Role(ctx context.Context, kind string) (string, error) {
	account, err := a.Account(ctx)
	if err != nil {
		return "", err
	}
	return a.stack.RoleARN(kind, account), nil
}

// checkEndpoint refuses addresses that would give requests away.
func checkEndpoint(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%w: endpoint %q: want an address such as https://host or http://127.0.0.1:5000", ErrStack, clip(address))
	}
	return checkPlain(u)
}

var errPlain = errors.New("without TLS, requests and data would be open to everyone in between: want https")

// checkPlain allows HTTP without TLS on this machine, and for the addresses where AWS's machines find their credentials.
func checkPlain(u *url.URL) error {
	if u.Scheme == "https" || u.Hostname() == "localhost" {
		return nil
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && (ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.Equal(net.ParseIP("fd00:ec2::254")) || ip.Equal(net.ParseIP("fd00:ec2::23"))) {
		return nil
	}
	return fmt.Errorf("%w: endpoint %s://%s: %w", ErrStack, u.Scheme, u.Host, errPlain)
}

var errRedirect = errors.New("refused to follow a redirection to another host")

// guarded is the SDK's client, with its certificates, but for what it follows.
func guarded(client aws.HTTPClient) aws.HTTPClient {
	buildable, ok := client.(*awshttp.BuildableClient)
	if !ok {
		buildable = awshttp.NewBuildableClient()
	}
	return &http.Client{
		Transport: guardedTransport{buildable.GetTransport()},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
				return fmt.Errorf("%w: %s to %s", errRedirect, via[0].URL.Host, r.URL.Host)
			}
			return http.ErrUseLastResponse
		},
	}
}

// guardedTransport sees every address, also those of environment variables of single services.
type guardedTransport struct{ http.RoundTripper }

func (t guardedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := checkPlain(r.URL); err != nil {
		return nil, err
	}
	return t.RoundTripper.RoundTrip(r)
}

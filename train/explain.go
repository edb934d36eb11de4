package train

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"threatdetect/internal/lazyregexp"
)

// explainer makes a *ServiceError of every error of the SDK, and renews credentials that expired on the way, once.
type explainer struct {
	credentials aws.CredentialsProvider
	operation   string
}

func (*explainer) ID() string { return "threatdetect.Explain" }

func (e *explainer) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	rewind := bodyOf(in.Parameters)
	out, metadata, err := next.HandleInitialize(ctx, in)
	if err == nil {
		return out, metadata, nil
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && expired(api.ErrorCode()) && rewind() {
		if cache, ok := e.credentials.(*aws.CredentialsCache); ok {
			cache.Invalidate()
			if out, metadata, err = next.HandleInitialize(ctx, in); err == nil {
				return out, metadata, nil
			}
		}
	}
	return out, metadata, explain(ctx, e.operation, in.Parameters, metadata, err)
}

func expired(code string) bool {
	return code == "ExpiredToken" || code == "ExpiredTokenException" || code == "RequestExpired" || code == "TokenRefreshRequired"
}

// services are the names of the services in the API, by the SDK's.
var services = map[string]string{
	"S3": "s3", "SageMaker": "sagemaker", "SageMaker Runtime": "sagemaker-runtime", "EventBridge": "events", "Scheduler": "scheduler", "Lambda": "lambda",
	"IAM": "iam", "STS": "sts", "CloudFormation": "cloudformation", "CloudWatch": "cloudwatch", "CloudWatch Logs": "logs",
	"Application Auto Scaling": "application-autoscaling", "SQS": "sqs", "Resource Groups Tagging API": "resourcegroupstaggingapi",
}

func serviceName(ctx context.Context) string {
	id := middleware.GetServiceID(ctx)
	if name, ok := services[id]; ok {
		return name
	}
	return strings.ToLower(id)
}

func explain(ctx context.Context, operation string, input any, metadata middleware.Metadata, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if _, ok := errors.AsType[*ServiceError](err); ok {
		return err
	}
	e := &ServiceError{Service: serviceName(ctx), Operation: operation, Resource: resourceOf(input), Err: err}
	if attempts, ok := retry.GetAttemptResults(metadata); ok {
		e.Attempts = len(attempts.Results)
	}
	status := 0
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		status, e.RequestID = response.HTTPStatusCode(), response.RequestID
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		e.Code, e.Message = api.ErrorCode(), api.ErrorMessage()
		e.Hint, e.Kind = kindOf(e.Code, e.Message, status)
		return e
	}
	e.Hint, e.Message, e.Kind = kindOfSilence(err, status)
	return e
}

// kinds are those of the codes that services answer with.
var kinds = map[string]error{}

func init() {
	for kind, codes := range map[error]string{
		ErrNotFound: "NoSuchBucket NoSuchKey NoSuchUpload NotFound ResourceNotFound ResourceNotFoundException NoSuchEntity NoSuchEntityException AWS.SimpleQueueService.NonExistentQueue QueueDoesNotExist ObjectNotFoundException",
		ErrExists: "BucketAlreadyExists BucketAlreadyOwnedByYou ResourceInUse ResourceInUseException ConflictException ResourceConflictException EntityAlreadyExists " +
			"AlreadyExistsException ResourceAlreadyExistsException OperationAborted DeleteConflict",
		ErrDenied: "AccessDenied AccessDeniedException UnauthorizedOperation Forbidden AuthorizationError AllAccessDisabled KMS.AccessDeniedException",
		ErrLogin: "ExpiredToken ExpiredTokenException RequestExpired TokenRefreshRequired InvalidClientTokenId UnrecognizedClientException InvalidAccessKeyId SignatureDoesNotMatch " +
			"InvalidSignatureException RequestTimeTooSkewed MissingAuthenticationToken IncompleteSignature InvalidToken",
		ErrQuota:     "ResourceLimitExceeded LimitExceeded LimitExceededException ServiceQuotaExceededException TooManyTagsException",
		ErrCapacity:  "CapacityError InsufficientInstanceCapacity InsufficientCapacityException",
		ErrThrottled: "Throttling ThrottlingException ThrottledException TooManyRequestsException SlowDown RequestLimitExceeded RequestThrottled RequestThrottledException ProvisionedThroughputExceededException PriorRequestNotComplete",
		ErrChanged:   "PreconditionFailed ConditionalRequestConflict",
		ErrIntegrity: "BadDigest XAmzContentChecksumMismatch XAmzContentSHA256Mismatch InvalidDigest InvalidPart IncompleteBody",
	} {
		for code := range strings.FieldsSeq(codes) {
			kinds[code] = kind
		}
	}
}

var missing = lazyregexp.New(`(?i)could not find|does not exist|cannot find|not found|no such`)

// kindOf tells what an answer means, and what to do about it.
func kindOf(code, message string, status int) (hint string, kind error) {
	kind, ok := kinds[code]
	switch {
	case ok:
	case code == "ValidationException" || code == "ValidationError":
		// SageMaker has no code of its own for what is missing or there already.
		switch {
		case missing.MatchString(message):
			kind = ErrNotFound
		case strings.Contains(message, "already exist"), strings.Contains(message, "already in use"):
			kind = ErrExists
		default:
			kind = ErrRequest
		}
	case status == http.StatusNotFound:
		kind = ErrNotFound
	case status == http.StatusForbidden:
		kind = ErrDenied
	case status == http.StatusUnauthorized:
		kind = ErrLogin
	case status == http.StatusTooManyRequests:
		kind = ErrThrottled
	case status == http.StatusConflict:
		kind = ErrExists
	case status >= 500:
		kind = ErrService
	default:
		kind = ErrRequest
	}
	return hintOf(kind, code, message), kind
}

func hintOf(kind error, code, message string) string {
	switch {
	case code == "NoSuchBucket":
		return "threatdetect deploy makes the bucket of the stack"
	case code == "RequestTimeTooSkewed":
		return "set the clock of this machine"
	case code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed" || code == "IllegalLocationConstraintException":
		return "the bucket lies in another region than the stack"
	case strings.Contains(message, "AssumeRole") || strings.Contains(message, "assume the role") || strings.Contains(message, "assume role"):
		return "the role does not exist yet, or does not trust the service: threatdetect deploy makes it, threatdetect iam policies shows what it needs"
	}
	switch kind {
	case ErrDenied:
		return "threatdetect iam policies prints the rights that the stack needs"
	case ErrLogin:
		return "log in again (aws sso login), or see AWS_PROFILE and --profile"
	case ErrQuota:
		return "new accounts may use none of many types of machines: ask for more under Service Quotas, or take another type"
	case ErrCapacity:
		return "try later, another type of machine or another region"
	case ErrThrottled:
		return "try again later"
	}
	return ""
}

// kindOfSilence explains an error that is no answer of a service.
func kindOfSilence(err error, status int) (hint, message string, kind error) {
	text := err.Error()
	for deepest := err; deepest != nil; deepest = errors.Unwrap(deepest) {
		text = deepest.Error()
	}
	if _, ok := errors.AsType[*unprinted](err); ok {
		return "", text, ErrPrint
	}
	var params smithy.InvalidParamsError
	switch {
	case errors.As(err, &params):
		return "", strings.Join(strings.Fields(params.Error()), " "), ErrRequest
	case errors.Is(err, errPlain), errors.Is(err, errRedirect):
		if transport, ok := errors.AsType[*url.Error](err); ok {
			text = transport.Err.Error()
		}
		return "see --endpoint-url and AWS_ENDPOINT_URL", text, ErrRequest
	case strings.Contains(err.Error(), "get identity"), strings.Contains(err.Error(), "failed to refresh cached credentials"):
		return "log in (aws sso login), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; --dry-run needs none of them", text, ErrLogin
	case strings.Contains(err.Error(), "checksum"):
		return "", text, ErrIntegrity
	case status == http.StatusNotFound:
		return "", "", ErrNotFound
	case status == http.StatusForbidden:
		return hintOf(ErrDenied, "", ""), "", ErrDenied
	case status >= 500, strings.Contains(err.Error(), "deserialization failed"):
		return "", text, ErrService
	case status >= 400:
		return "", text, ErrRequest
	}
	return "see the network, a proxy (HTTPS_PROXY), the region and --endpoint-url", text, ErrNetwork
}

var secrets = lazyregexp.New(`(?i)(X-Amz-(Signature|Credential|Security-Token)=[^&\s"]*|(Signature|Credential|AWSAccessKeyId|SecretAccessKey|SessionToken|Authorization)\s*[=:]\s*[^&,\s"]+(\s+Credential=[^\s]+)?|\b(AKIA|ASIA)[A-Z0-9]{12,})`)

// redact takes what could open an account out of a message of a service.
func redact(s string) string { return secrets.ReplaceAllString(s, "[redacted]") }

// resourceOf is the name of what a request is about.
func resourceOf(input any) string {
	v := reflect.Indirect(reflect.ValueOf(input))
	if v.Kind() != reflect.Struct {
		return ""
	}
	text := func(name string) string {
		if f := v.FieldByName(name); f.IsValid() && f.Kind() == reflect.Pointer && !f.IsNil() && f.Elem().Kind() == reflect.String {
			return f.Elem().String()
		}
		return ""
	}
	if bucket := text("Bucket"); bucket != "" {
		if key := text("Key"); key != "" {
			return "s3://" + bucket + "/" + key
		}
		return "s3://" + bucket
	}
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if strings.HasSuffix(name, "Name") || strings.HasSuffix(name, "Arn") || name == "Name" {
			if s := text(name); s != "" {
				return s
			}
		}
	}
	return ""
}

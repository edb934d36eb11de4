package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
)

// rehearsal is an AWS in this process, and a client whose clock stands still but for its own waiting.
type rehearsal struct {
	*testing.T
	server *awsfake.Server
	aws    *AWS
	clock  *fakeClock
	store  *Store
	dir    string
	big    string // a file of three parts
	small  string
	data   []byte // of the object "object", 300 KiB
}

func newRehearsal(t *testing.T) *rehearsal {
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE12", "AWS_SECRET_ACCESS_KEY": "s", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull} {
		t.Setenv(k, v)
	}
	r := &rehearsal{T: t, dir: t.TempDir(), clock: &fakeClock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}
	var err error
	r.server, err = awsfake.New(awsfake.Options{Start: r.clock.now})
	require.NoError(t, err)
	t.Cleanup(func() { r.server.Close() })
	r.aws, err = Connect(context.Background(), &Stack{Name: "demo", Region: "us-east-1", Bucket: "td-bucket"}, &ConnectOptions{EndpointURL: r.server.URL, Clock: r.clock})
	require.NoError(t, err)
	r.store = r.aws.Bucket()
	write := func(name string, n int) (string, []byte) {
		data := make([]byte, n)
		rand.New(rand.NewSource(int64(n))).Read(data)
		path := filepath.Join(r.dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path, data
	}
	r.small, r.data = write("small", 300<<10)
	require.NoError(t, r.server.Put("td-bucket", "other", []byte("x")))
	_, err = r.store.Upload(context.Background(), "object", r.small, nil)
	require.NoError(t, err)
	return r
}

// asked counts the requests of an operation since the object was put.
func (r *rehearsal) asked(operation string) (n int) {
	for _, q := range r.server.Requests() {
		if q.Operation == operation {
			n++
		}
	}
	if operation == "PutObject" || operation == "HeadObject" {
		n-- // of "object", when it was put
	}
	return n
}

// What each script does.
func doUpload(r *rehearsal) error {
	_, err := r.store.Upload(context.Background(), "new", r.small, nil)
	return err
}

func doParts(r *rehearsal) error {
	data := make([]byte, 2*partSize+1000)
	rand.New(rand.NewSource(7)).Read(data)
	r.big = filepath.Join(r.dir, "big")
	require.NoError(r, os.WriteFile(r.big, data, 0o600))
	_, err := r.store.Upload(context.Background(), "new", r.big, nil)
	return err
}

func doDownload(r *rehearsal) error {
	_, err := r.store.Download(context.Background(), "object", filepath.Join(r.dir, "got"), nil)
	return err
}

func doPutNew(r *rehearsal) error {
	_, err := r.store.Put(context.Background(), "object", []byte("x"), true)
	return err
}

func doHead(r *rehearsal) error {
	_, err := r.store.Head(context.Background(), "object")
	return err
}

func doList(r *rehearsal) error {
	n := 0
	err := r.store.List(context.Background(), "", func(Object) bool { n++; return true })
	if err == nil && n != 2 {
		return fmt.Errorf("%d objects", n)
	}
	return err
}

func doDescribe(r *rehearsal) error {
	_, err := r.aws.SageMaker().ListTrainingJobs(context.Background(), &sagemaker.ListTrainingJobsInput{})
	return err
}

func doAccount(r *rehearsal) error {
	_, err := r.aws.STS().GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	return err
}

func doGroups(r *rehearsal) error {
	_, err := r.aws.Logs().DescribeLogGroups(context.Background(), &cloudwatchlogs.DescribeLogGroupsInput{})
	return err
}

func doRules(r *rehearsal) error {
	_, err := r.aws.Events().ListRules(context.Background(), &eventbridge.ListRulesInput{})
	return err
}

func doRoles(r *rehearsal) error {
	_, err := r.aws.IAM().ListRoles(context.Background(), &iam.ListRolesInput{})
	return err
}

func doFunctions(r *rehearsal) error {
	_, err := r.aws.Lambda().ListFunctions(context.Background(), &lambda.ListFunctionsInput{})
	return err
}

// refuse is an answer of S3 that is no success.
func refuse(operation string, status int, code string, times int) awsfake.Fault {
	return awsfake.Fault{Service: "s3", Operation: operation, Kind: "error", Status: status, Code: code, Message: "injected", Times: times}
}

func s3Fault(operation, kind string, after int64, times int) awsfake.Fault {
	return awsfake.Fault{Service: "s3", Operation: operation, Kind: kind, After: after, Times: times}
}

// faultScripts are what may go wrong, and what has to come of it: the kind of error, how often was asked, how often was
// waited.
var faultScripts = []struct {
	name   string
	do     func(*rehearsal) error
	faults []awsfake.Fault
	kind   error // nil is success, with every byte right
	asked  map[string]int
	waits  int // -1: Go's own client may ask once more at once when a connection of an earlier request is reset
	check  func(*rehearsal)
}{
	{name: "put: 503 twice", do: doUpload, faults: []awsfake.Fault{refuse("PutObject", 503, "SlowDown", 2)}, asked: map[string]int{"PutObject": 3}, waits: 2},
	{name: "put: 503 for ever", do: doUpload, faults: []awsfake.Fault{refuse("PutObject", 503, "SlowDown", -1)}, kind: ErrThrottled, asked: map[string]int{"PutObject": 5}, waits: 4},
	{name: "put: 500 four times", do: doUpload, faults: []awsfake.Fault{refuse("PutObject", 500, "InternalError", 4)}, asked: map[string]int{"PutObject": 5}, waits: 4},
	{name: "put: 500 for ever", do: doUpload, faults: []awsfake.Fault{refuse("PutObject", 500, "InternalError", -1)}, kind: ErrService, asked: map[string]int{"PutObject": 5}, waits: 4},
	{name: "put: 429", do: doUpload, faults: []awsfake.Fault{refuse("PutObject", 429, "TooManyRequests", 1)}, asked: map[string]int{"PutObject": 2}, waits: 1},
	{name: "put: 502 and 504", do: doUpload, faults: []awsfake.Fault{refuse("PutObject", 502, "BadGateway", 1), refuse("PutObject", 504, "GatewayTimeout", 1)}, asked: map[string]int{"PutObject": 3}, waits: 2},
	{name: "put: told when to come again", do: doUpload, faults: []awsfake.Fault{{Service: "s3", Operation: "PutObject", Kind: "error", Status: 503, Code: "SlowDown", RetryAfter: "7"}},
		asked: map[string]int{"PutObject": 2}, waits: 1, check: func(r *rehearsal) { require.Equal(r, 7*time.Second, r.clock.slept[0]) }},
	{name: "put: told to come again in a day", do: doUpload, faults: []awsfake.Fault{{Service: "s3", Operation: "PutObject", Kind: "error", Status: 503, Code: "SlowDown", RetryAfter: "86400"}},
		asked: map[string]int{"PutObject": 2}, waits: 1, check: func(r *rehearsal) { require.Equal(r, 20*time.Second, r.clock.slept[0]) }},
	{name: "put: 400", do: doUpload, faults: []awsfake.Fault{refuse("PutObject", 400, "InvalidArgument", -1)}, kind: ErrRequest, asked: map[string]int{"PutObject": 1}},
	{name: "put: 403", do: doUpload, faults: []awsfake.Fault{refuse("PutObject", 403, "AccessDenied", -1)}, kind: ErrDenied, asked: map[string]int{"PutObject": 1}},
	{name: "put: no bucket", do: doUpload, faults: []awsfake.Fault{refuse("PutObject", 404, "NoSuchBucket", -1)}, kind: ErrNotFound, asked: map[string]int{"PutObject": 1}},
	{name: "put: the digest is not that of the bytes", do: doUpload, faults: []awsfake.Fault{refuse("PutObject", 400, "BadDigest", -1)}, kind: ErrIntegrity},
	{name: "put: token expired for good", do: doUpload, faults: []awsfake.Fault{awsfake.ExpiredToken("s3", "PutObject", -1)}, kind: ErrLogin, asked: map[string]int{"PutObject": 2}},
	{name: "put: token expired once", do: doUpload, faults: []awsfake.Fault{awsfake.ExpiredToken("s3", "PutObject", 1)}, asked: map[string]int{"PutObject": 2}},
	{name: "put: clock of this machine", do: doUpload, faults: []awsfake.Fault{{Service: "s3", Operation: "PutObject", Kind: "error", Status: 403, Code: "RequestTimeTooSkewed", Skew: time.Hour}}, asked: map[string]int{"PutObject": 2}, waits: 1},
	{name: "put: connection reset twice", do: doUpload, faults: []awsfake.Fault{s3Fault("PutObject", "reset", 0, 2)}, asked: map[string]int{"PutObject": 3}, waits: 2},
	{name: "put: connection reset for ever", do: doUpload, faults: []awsfake.Fault{s3Fault("PutObject", "reset", 0, -1)}, kind: ErrNetwork, asked: map[string]int{"PutObject": 5}, waits: 4},
	{name: "put: done, but the answer is lost", do: doUpload, faults: []awsfake.Fault{s3Fault("PutObject", "lost", 0, 1)}, asked: map[string]int{"PutObject": 2}, waits: 1},
	{name: "put: sent to another host", do: doUpload, faults: []awsfake.Fault{{Service: "s3", Operation: "PutObject", Kind: "redirect", Location: "http://127.0.0.1:1/elsewhere", Times: -1}}, kind: ErrRequest, asked: map[string]int{"PutObject": 1}},
	{name: "put: one is there", do: doPutNew, kind: ErrExists, asked: map[string]int{"PutObject": 1}},
	{name: "put: one comes in between", do: doPutNew, faults: []awsfake.Fault{refuse("PutObject", 503, "SlowDown", 1)}, kind: ErrExists, asked: map[string]int{"PutObject": 2}, waits: 1},

	{name: "parts: no upload can be begun at first", do: doParts, faults: []awsfake.Fault{refuse("CreateMultipartUpload", 503, "SlowDown", 1)}, asked: map[string]int{"CreateMultipartUpload": 2, "UploadPart": 3}, waits: 1},
	{name: "parts: 503 for one", do: doParts, faults: []awsfake.Fault{refuse("UploadPart", 503, "SlowDown", 1)}, asked: map[string]int{"UploadPart": 4, "CompleteMultipartUpload": 1}, waits: 1},
	{name: "parts: reset of two", do: doParts, faults: []awsfake.Fault{s3Fault("UploadPart", "reset", 0, 2)}, asked: map[string]int{"UploadPart": 5}, waits: 2},
	{name: "parts: answer of one lost", do: doParts, faults: []awsfake.Fault{s3Fault("UploadPart", "lost", 0, 1)}, asked: map[string]int{"UploadPart": 4}, waits: 1},
	{name: "parts: one is denied", do: doParts, faults: []awsfake.Fault{refuse("UploadPart", 403, "AccessDenied", 1)}, kind: ErrDenied, asked: map[string]int{"AbortMultipartUpload": 1, "CompleteMultipartUpload": 0}},
	{name: "parts: one is denied, and deleting the others fails once", do: doParts, faults: []awsfake.Fault{refuse("UploadPart", 403, "AccessDenied", 1), refuse("AbortMultipartUpload", 503, "SlowDown", 1)}, kind: ErrDenied,
		asked: map[string]int{"AbortMultipartUpload": 2}, waits: 1},
	{name: "parts: 500 at the end", do: doParts, faults: []awsfake.Fault{refuse("CompleteMultipartUpload", 500, "InternalError", 2)}, asked: map[string]int{"CompleteMultipartUpload": 3}, waits: 2},
	{name: "parts: done, but the answer is lost", do: doParts, faults: []awsfake.Fault{s3Fault("CompleteMultipartUpload", "lost", 0, 1)}, asked: map[string]int{"CompleteMultipartUpload": 2}, waits: 1},
	{name: "parts: a part got lost at the end", do: doParts, faults: []awsfake.Fault{refuse("CompleteMultipartUpload", 400, "InvalidPart", -1)}, kind: ErrIntegrity, asked: map[string]int{"CompleteMultipartUpload": 1, "AbortMultipartUpload": 1}},

	{name: "get: 503 twice", do: doDownload, faults: []awsfake.Fault{refuse("GetObject", 503, "SlowDown", 2)}, asked: map[string]int{"GetObject": 3}, waits: 2},
	{name: "get: 404", do: doDownload, faults: []awsfake.Fault{refuse("GetObject", 404, "NoSuchKey", -1)}, kind: ErrNotFound, asked: map[string]int{"GetObject": 1}},
	{name: "get: token expired for good", do: doDownload, faults: []awsfake.Fault{awsfake.ExpiredToken("s3", "GetObject", -1)}, kind: ErrLogin},
	{name: "get: reset before the answer", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "reset", 0, 1)}, asked: map[string]int{"GetObject": 2}, waits: -1},
	{name: "get: cut at 0", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "cut", 0, 1)}, asked: map[string]int{"GetObject": 2}, check: resumedAt(0)},
	{name: "get: cut at 64 KiB", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "cut", 64<<10, 1)}, asked: map[string]int{"GetObject": 2}, check: resumedAt(64 << 10)},
	{name: "get: cut at 128 KiB", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "cut", 128<<10, 1)}, asked: map[string]int{"GetObject": 2}, check: resumedAt(128 << 10)},
	{name: "get: cut at 192 KiB", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "cut", 192<<10, 1)}, asked: map[string]int{"GetObject": 2}, check: resumedAt(192 << 10)},
	{name: "get: cut at 256 KiB", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "cut", 256<<10, 1)}, asked: map[string]int{"GetObject": 2}, check: resumedAt(256 << 10)},
	{name: "get: cut before the last byte", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "cut", 300<<10-1, 1)}, asked: map[string]int{"GetObject": 2}, check: resumedAt(300<<10 - 1)},
	{name: "get: cut four times, each further on", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "cut", 64<<10, 4)}, asked: map[string]int{"GetObject": 5}},
	{name: "get: cut at 0 for ever", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "cut", 0, -1)}, kind: ErrNetwork, asked: map[string]int{"GetObject": 5}},
	{name: "get: stalls at 64 KiB", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "stall", 64<<10, 1)}, asked: map[string]int{"GetObject": 2}, check: resumedAt(64 << 10)},
	{name: "get: another entity tag once", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "etag", 0, 1)}, asked: map[string]int{"GetObject": 2, "HeadObject": 2}},
	{name: "get: another entity tag each time", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "etag", 0, -1)}, kind: ErrChanged, asked: map[string]int{"GetObject": 3, "HeadObject": 3}},
	{name: "get: changed, says the service once", do: doDownload, faults: []awsfake.Fault{refuse("GetObject", 412, "PreconditionFailed", 1)}, asked: map[string]int{"GetObject": 2, "HeadObject": 2}},
	{name: "get: changed, says the service each time", do: doDownload, faults: []awsfake.Fault{refuse("GetObject", 412, "PreconditionFailed", -1)}, kind: ErrChanged, asked: map[string]int{"GetObject": 3}},
	{name: "get: shorter than it was", do: doDownload, faults: []awsfake.Fault{refuse("GetObject", 416, "InvalidRange", 1)}, asked: map[string]int{"GetObject": 2, "HeadObject": 2}},
	{name: "get: another range", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "range", 0, -1)}, kind: ErrIntegrity, asked: map[string]int{"GetObject": 1}},
	{name: "get: the whole in place of a part", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "full", 0, 1)}, asked: map[string]int{"GetObject": 1}},
	{name: "get: cut, and then the whole in place of the rest", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "cut", 64<<10, 1), s3Fault("GetObject", "full", 0, -1)}, kind: ErrIntegrity, asked: map[string]int{"GetObject": 2}, waits: 1},
	{name: "get: one bit is wrong", do: doDownload, faults: []awsfake.Fault{s3Fault("GetObject", "corrupt", 1000, 1)}, kind: ErrIntegrity},
	{name: "get: no checksum comes", do: doDownload, faults: []awsfake.Fault{s3Fault("", "nochecksum", 0, -1)}, asked: map[string]int{"GetObject": 1}},
	{name: "get: sent to another host", do: doDownload, faults: []awsfake.Fault{{Service: "s3", Operation: "GetObject", Kind: "redirect", Location: "http://127.0.0.1:1/elsewhere", Times: -1}}, kind: ErrRequest, asked: map[string]int{"GetObject": 1}},
	{name: "get: larger than wanted", kind: ErrRequest, asked: map[string]int{"GetObject": 0}, do: func(r *rehearsal) error {
		_, err := r.store.Download(context.Background(), "object", filepath.Join(r.dir, "got"), &DownloadOptions{MaxBytes: 1000})
		return err
	}},
	{name: "get: not the digest that was wanted", kind: ErrIntegrity, do: func(r *rehearsal) error {
		_, err := r.store.Download(context.Background(), "object", filepath.Join(r.dir, "got"), &DownloadOptions{SHA256: strings.Repeat("0", 64)})
		return err
	}},

	{name: "head: 503 twice", do: doHead, faults: []awsfake.Fault{refuse("HeadObject", 503, "SlowDown", 2)}, asked: map[string]int{"HeadObject": 3}, waits: 2},
	{name: "head: 403", do: doHead, faults: []awsfake.Fault{refuse("HeadObject", 403, "AccessDenied", -1)}, kind: ErrDenied, asked: map[string]int{"HeadObject": 1}},
	{name: "list: 500 and reset", do: doList, faults: []awsfake.Fault{refuse("ListObjectsV2", 500, "InternalError", 1), s3Fault("ListObjectsV2", "reset", 0, 1)}, asked: map[string]int{"ListObjectsV2": 3}, waits: -1},
	{name: "list: cut", do: doList, faults: []awsfake.Fault{s3Fault("ListObjectsV2", "cut", 100, 1)}, asked: map[string]int{"ListObjectsV2": 2}, waits: 1},

	{name: "sagemaker: throttled four times", do: doDescribe, faults: []awsfake.Fault{awsfake.Throttle("sagemaker", "", 4)}, asked: map[string]int{"ListTrainingJobs": 5}, waits: 4},
	{name: "sagemaker: throttled for ever", do: doDescribe, faults: []awsfake.Fault{awsfake.Throttle("sagemaker", "", -1)}, kind: ErrThrottled, asked: map[string]int{"ListTrainingJobs": 5}, waits: 4},
	{name: "sagemaker: 500", do: doDescribe, faults: []awsfake.Fault{{Service: "sagemaker", Kind: "error", Status: 500, Code: "InternalFailure"}}, asked: map[string]int{"ListTrainingJobs": 2}, waits: 1},
	{name: "sagemaker: reset", do: doDescribe, faults: []awsfake.Fault{{Service: "sagemaker", Kind: "reset"}}, asked: map[string]int{"ListTrainingJobs": 2}, waits: 1},
	{name: "sagemaker: cut in the middle of JSON", do: doDescribe, faults: []awsfake.Fault{{Service: "sagemaker", Kind: "cut", After: 5}}, asked: map[string]int{"ListTrainingJobs": 2}, waits: 1},
	{name: "sagemaker: quota", do: doDescribe, faults: []awsfake.Fault{{Service: "sagemaker", Kind: "error", Status: 400, Code: "ResourceLimitExceeded", Times: -1}}, kind: ErrQuota, asked: map[string]int{"ListTrainingJobs": 1}},
	{name: "sagemaker: denied", do: doDescribe, faults: []awsfake.Fault{{Service: "sagemaker", Kind: "error", Status: 400, Code: "AccessDeniedException", Times: -1}}, kind: ErrDenied, asked: map[string]int{"ListTrainingJobs": 1}},
	{name: "sagemaker: token expired once", do: doDescribe, faults: []awsfake.Fault{awsfake.ExpiredToken("sagemaker", "", 1)}, asked: map[string]int{"ListTrainingJobs": 2}},
	{name: "sagemaker: token expired for good", do: doDescribe, faults: []awsfake.Fault{awsfake.ExpiredToken("sagemaker", "", -1)}, kind: ErrLogin, asked: map[string]int{"ListTrainingJobs": 2}},
	{name: "sts: throttled", do: doAccount, faults: []awsfake.Fault{{Service: "sts", Kind: "error", Status: 400, Code: "Throttling", Times: 2}}, asked: map[string]int{"GetCallerIdentity": 3}, waits: 2},
	{name: "sts: key of nobody", do: doAccount, faults: []awsfake.Fault{{Service: "sts", Kind: "error", Status: 403, Code: "InvalidClientTokenId", Times: -1}}, kind: ErrLogin, asked: map[string]int{"GetCallerIdentity": 1}},
	{name: "logs: throttled", do: doGroups, faults: []awsfake.Fault{awsfake.Throttle("logs", "", 1)}, asked: map[string]int{"DescribeLogGroups": 2}, waits: 1},
	{name: "events: 500", do: doRules, faults: []awsfake.Fault{{Service: "events", Kind: "error", Status: 500, Code: "InternalException", Times: 2}}, asked: map[string]int{"ListRules": 3}, waits: 2},
	{name: "iam: throttled", do: doRoles, faults: []awsfake.Fault{{Service: "iam", Kind: "error", Status: 400, Code: "Throttling", Times: 1}}, asked: map[string]int{"ListRoles": 2}, waits: 1},
	{name: "lambda: 429", do: doFunctions, faults: []awsfake.Fault{{Service: "lambda", Kind: "error", Status: 429, Code: "TooManyRequestsException", Times: 2}}, asked: map[string]int{"ListFunctions": 3}, waits: 2},
	{name: "lambda: reset for ever", do: doFunctions, faults: []awsfake.Fault{{Service: "lambda", Kind: "reset", Times: -1}}, kind: ErrNetwork, waits: -1},
}

// resumedAt tells that the second read began where the first had ended.
func resumedAt(offset int) func(*rehearsal) {
	return func(r *rehearsal) {
		var ranges []string
		for _, q := range r.server.Requests() {
			if q.Operation == "GetObject" {
				ranges = append(ranges, fmt.Sprint(q.Input["Range"]))
			}
		}
		require.Equal(r, fmt.Sprintf("bytes=%d-%d", offset, 300<<10-1), ranges[1])
	}
}

func TestFaultScripts(t *testing.T) {
	old := stallTimeout
	stallTimeout = 200 * time.Millisecond
	t.Cleanup(func() { stallTimeout = old })
	require.GreaterOrEqual(t, len(faultScripts), 40)
	for _, s := range faultScripts {
		t.Run(s.name, func(t *testing.T) {
			r := newRehearsal(t)
			for _, f := range s.faults {
				r.server.Inject(f)
			}
			err := s.do(r)
			if s.kind == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, s.kind)
				require.NotContains(t, err.Error(), "\n")
				require.NotContains(t, err.Error(), os.Getenv("AWS_ACCESS_KEY_ID"))
			}
			for operation, n := range s.asked {
				require.Equal(t, n, r.asked(operation), operation)
			}
			if s.waits > 0 || s.waits == 0 && s.kind != nil && !errors.Is(s.kind, ErrNetwork) {
				require.Len(t, r.clock.slept, s.waits)
			}
			for i, d := range r.clock.slept {
				if !slices.ContainsFunc(s.faults, func(f awsfake.Fault) bool { return f.RetryAfter != "" }) {
					require.LessOrEqual(t, d, backoffBase<<i, "wait %d", i)
				}
			}
			r.checkObjects(s.kind == nil)
			if s.check != nil {
				s.check(r)
			}
		})
	}
}

// checkObjects holds what is there against what was sent: whole objects or none, no files that look whole, no parts that
// somebody pays for.
func (r *rehearsal) checkObjects(success bool) {
	got, err := os.ReadFile(filepath.Join(r.dir, "got"))
	if err == nil {
		require.True(r, bytes.Equal(r.data, got), "the file is not the object")
		require.True(r, success, "a file is there, and an error too")
	}
	body, err := r.server.Get("td-bucket", "new")
	switch {
	case err != nil:
	case r.big != "":
		want, err := os.ReadFile(r.big)
		require.NoError(r, err)
		require.True(r, bytes.Equal(want, body), "the object is not the file")
	default:
		require.True(r, bytes.Equal(r.data, body), "the object is not the file")
	}
	uploads, err := r.server.Uploads("td-bucket")
	require.NoError(r, err)
	require.Empty(r, uploads, "parts are left")
}

package train

import (
	"bytes"
	"context"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
	"threatdetect/model"
)

// quick is a clock that never waits, but lets the test act each time somebody would.
type quick struct {
	now   time.Time
	slept func()
}

func (q *quick) Now() time.Time { return q.now }

func (q *quick) Sleep(ctx context.Context, d time.Duration) error {
	q.now = q.now.Add(d)
	if q.slept != nil {
		q.slept()
	}
	return ctx.Err()
}

// registry is an account with a bucket, and a registry with versions of the demo model.
type registry struct {
	*AWS
	t      *testing.T
	server *awsfake.Server
	clock  *quick
}

func newRegistry(t *testing.T) *registry {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "td-demo-111122223333"), 0o755))
	server, err := awsfake.New(awsfake.Options{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "rehearsal", "AWS_SECRET_ACCESS_KEY": "rehearsal", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none"} {
		t.Setenv(k, v)
	}
	clock := &quick{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	a, err := Connect(t.Context(), testStack(t), &ConnectOptions{EndpointURL: server.URL, Clock: clock})
	require.NoError(t, err)
	require.NoError(t, a.createGroup(t.Context()))
	return &registry{a, t, server, clock}
}

func (r *registry) put(key string, data []byte) string {
	_, err := r.S3().PutObject(r.t.Context(), &s3.PutObjectInput{Bucket: &r.stack.Bucket, Key: &key, Body: strings.NewReader(string(data))})
	require.NoError(r.t, err)
	return r.stack.S3(key)
}

// register makes a version of an artifact and, unless it is empty, a contract.
func (r *registry) register(approval, artifact, contract string) {
	meta := map[string]string{metaSet: "flow-portable/1"}
	if contract != "" {
		meta[metaContract] = contract
	}
	_, err := r.SageMaker().CreateModelPackage(r.t.Context(), &sagemaker.CreateModelPackageInput{
		ModelPackageGroupName: aws.String(r.stack.Resource(KindModels)), ModelApprovalStatus: types.ModelApprovalStatus(approval), CustomerMetadataProperties: meta,
		InferenceSpecification: &types.InferenceSpecification{
			Containers:            []types.ModelPackageContainerDefinition{{Image: aws.String("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"), ModelDataUrl: &artifact}},
			SupportedContentTypes: []string{"text/csv"}, SupportedResponseMIMETypes: []string{"text/csv"}},
	})
	require.NoError(r.t, err)
}

// demo is the demo bundle, and what SageMaker and the prepare step would have left of it: the artifact alone, and the contract.
func demo(t *testing.T) (bundle, artifact, contract []byte) {
	bundle, err := os.ReadFile("../testdata/demo/model.tar.gz")
	require.NoError(t, err)
	b, err := model.OpenBundle("../testdata/demo/model.tar.gz", nil)
	require.NoError(t, err)
	contract, b.Contract = b.Contract, nil
	var out bytes.Buffer
	require.NoError(t, model.WriteBundle(&out, b))
	return bundle, out.Bytes(), contract
}

// next is what is yielded next, a release or the text of an error.
func next(t *testing.T, pull func() (*Release, error, bool)) (*Release, string) {
	r, err, ok := pull()
	require.True(t, ok)
	if err != nil {
		require.Nil(t, r)
		return nil, err.Error()
	}
	require.FileExists(t, r.Path)
	return r, ""
}

// An agent sees each version that is approved, the one before it when that is rejected, nothing that is not fit for use, and what it had when AWS is away.
func TestWatchRegistry(t *testing.T) {
	r := newRegistry(t)
	bundle, artifact, contract := demo(t)
	whole, bare, part := r.put("models/a/model.tar.gz", bundle), r.put("models/d/model.tar.gz", artifact), r.put("runs/a/contract.json", contract)
	dir := filepath.Join(t.TempDir(), "cache")
	pull, stop := iter.Pull2(Watch(t.Context(), r.AWS, &WatchOptions{Dir: dir}))
	defer stop()

	_, why := next(t, pull)
	require.Contains(t, why, "no version of td-demo-models is approved")
	r.register(Approved, bare, part)
	first, _ := next(t, pull)
	require.Equal(t, 1, first.Version)
	b, err := model.OpenBundle(first.Path, nil)
	require.NoError(t, err)
	require.Equal(t, contract, b.Contract)
	require.Equal(t, r.clock.now.Truncate(time.Second), first.At)

	r.register(Pending, whole, part) // which nobody gets before it is approved
	r.clock.slept = func() { require.NoError(t, r.Judge(t.Context(), 2, Approved, "")); r.clock.slept = nil }
	second, _ := next(t, pull)
	require.Equal(t, 2, second.Version)
	require.FileExists(t, first.Path, "whoever reads it still can")

	require.NoError(t, r.Judge(t.Context(), 2, Rejected, "bad"))
	again, _ := next(t, pull)
	require.Equal(t, 1, again.Version, "rolled back")

	broken := r.put("models/b/model.tar.gz", bundle[:len(bundle)/2])
	r.register(Approved, broken, part)
	_, why = next(t, pull)
	require.Contains(t, why, "version 3 is not used")
	asked := len(r.server.Requests())
	r.register(Approved, bare, "s3://elsewhere/contract.json")
	_, why = next(t, pull)
	require.Contains(t, why, "version 4 is not used")
	require.Contains(t, why, "another bucket")
	require.Less(t, len(r.server.Requests())-asked, 20, "what was refused is not fetched again and again")

	// Another run of the agent, without AWS.
	r.server.Close()
	pull2, stop2 := iter.Pull2(Watch(t.Context(), r.AWS, &WatchOptions{Dir: dir}))
	defer stop2()
	offline, _ := next(t, pull2)
	require.Equal(t, 1, offline.Version)
	require.True(t, offline.Offline)
	_, why = next(t, pull2)
	require.NotEmpty(t, why)
}

// The pointer leads to the bundle of the highest approved version, and is asked for without fetching it again.
func TestWatchPointer(t *testing.T) {
	r := newRegistry(t)
	bundle, _, contract := demo(t)
	whole, part := r.put("models/a/model.tar.gz", bundle), r.put("runs/a/contract.json", contract)
	p, err := r.Publish(t.Context(), nil)
	require.NoError(t, err)
	require.Nil(t, p)
	r.register(Approved, whole, part)
	p, err = r.Publish(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, 1, p.Version)
	require.Equal(t, "binary:logistic", p.Objective)

	dir := filepath.Join(t.TempDir(), "cache")
	pull, stop := iter.Pull2(Watch(t.Context(), r.AWS, &WatchOptions{Dir: dir, Pointer: r.stack.S3(r.stack.PointerKey())}))
	defer stop()
	first, _ := next(t, pull)
	require.Equal(t, p.SHA256, first.SHA256)

	r.register(Approved, whole, part)
	looks := 0
	r.clock.slept = func() { // two looks at the same pointer, then another one
		if looks++; looks == 3 {
			key := r.put("models/c/model.tar.gz", bundle)
			r.register(Approved, key, "")
			_, err := r.Publish(t.Context(), nil)
			require.NoError(t, err)
			text := `{"version":9,"s3Key":"approved/none.tar.gz","sha256":"` + strings.Repeat("0", 64) + `","size":10}`
			r.put(r.stack.PointerKey(), []byte(text))
			r.put("approved/none.tar.gz", []byte("0123456789"))
			r.clock.slept = nil
		}
	}
	_, why := next(t, pull)
	require.Contains(t, why, "version 9 is not used")
	require.Contains(t, why, "the pointer says 10, 000000")
	require.GreaterOrEqual(t, looks, 3)
	fetched := 0
	for _, q := range r.server.Requests() {
		if q.Operation == "GetObject" && strings.Contains(q.Path, "approved/1-") {
			fetched++
		}
	}
	require.LessOrEqual(t, fetched, 1)
}

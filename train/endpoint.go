package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
)

// Served is a model and the image that serves it.
type Served struct {
	Artifact    string            // s3:// address of model.tar.gz; "": that of the newest approved model of the registry
	Image       string            // "": the built-in XGBoost of the stack
	Environment map[string]string // of the container, at most 16
}

// Endpoint is what an endpoint is at present.
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
// Progress, unless nil, is told each status.
func (a *AWS) CreateEndpoint(ctx context.Context, m *Served, progress func(status string)) (*EndpointState, error) {
	config, err := a.endpointConfig(ctx, m)
	if err != nil {
		return nil, err
	}
	name := a.stack.Resource(KindEndpoint)
	_, err = a.SageMaker().CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: &name, EndpointConfigName: &config, Tags: a.stack.resourceTags()})
	made := err == nil
	if errors.Is(err, ErrExists) {
		var old *sagemaker.DescribeEndpointOutput
		if old, err = a.describeEndpoint(ctx); err == nil && aws.ToString(old.EndpointConfigName) != config {
			return nil, fmt.Errorf("%w: endpoint %s serves another model, or is otherwise made: see threatdetect endpoint update", ErrExists, name)
		}
	}
	if err != nil {
		return nil, err
	}
	state, err := a.waitEndpoint(ctx, config, progress)
	if state != nil {
		state.Changed = made
	}
	return state, err
}

// UpdateEndpoint lets the endpoint serve another model, or in another way, without a gap, and removes what it served before.
func (a *AWS) UpdateEndpoint(ctx context.Context, m *Served, progress func(status string)) (*EndpointState, error) {
	old, err := a.describeEndpoint(ctx)
	if err != nil {
		return nil, err
	}
	config, err := a.endpointConfig(ctx, m)
	if err != nil {
		return nil, err
	}
	changed := aws.ToString(old.EndpointConfigName) != config
	if changed {
		in := &sagemaker.UpdateEndpointInput{EndpointName: old.EndpointName, EndpointConfigName: &config, RetainAllVariantProperties: aws.Bool(true)}
		if a.stack.Endpoint.Autoscale.Max == 0 { // then the file says how many instances there are
			in.ExcludeRetainedVariantProperties = []types.VariantProperty{{VariantPropertyType: types.VariantPropertyTypeDesiredInstanceCount}}
		}
		if _, err := a.SageMaker().UpdateEndpoint(ctx, in); err != nil {
			return nil, err
		}
	}
	state, err := a.waitEndpoint(ctx, config, progress)
	if err != nil {
		return nil, err
	}
	state.Changed = changed
	_, err = a.deleteServed(ctx, config)
	return state, err
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

// resolve fills in what a caller left open.
func (a *AWS) resolve(ctx context.Context, m *Served) (Served, error) {
	var full Served
	if m != nil {
		full = *m
	}
	if full.Artifact == "" {
		address, err := a.newestArtifact(ctx)
		if err != nil {
			return full, err
		}
		full.Artifact = address
	}
	if !strings.HasPrefix(full.Artifact, "s3://") {
		return full, fmt.Errorf("%w: model %s: want an s3:// address of a model.tar.gz", ErrInput, clip(full.Artifact))
	}
	if full.Image == "" {
		uri, err := a.stack.ImageURI()
		if err != nil {
			return full, err
		}
		full.Image = uri
	}
	if len(full.Environment) > maxEnvironment {
		return full, fmt.Errorf("%w: %d variables of the container, want at most %d", ErrInput, len(full.Environment), maxEnvironment)
	}
	return full, nil
}

const maxEnvironment = 16

// newestArtifact is the artifact of the approved model with the highest version.
func (a *AWS) newestArtifact(ctx context.Context) (string, error) {
	if a.DryRun() {
		return a.stack.S3(a.stack.Prefixes.Models + "MODEL/output/model.tar.gz"), nil
	}
	group := a.stack.Resource(KindModels)
	var newest *types.ModelPackageSummary
	in := &sagemaker.ListModelPackagesInput{ModelPackageGroupName: &group, ModelApprovalStatus: types.ModelApprovalStatusApproved}
	for {
		out, err := a.SageMaker().ListModelPackages(ctx, in)
		if err != nil {
			return "", err
		}
		for i := range out.ModelPackageSummaryList {
			p := &out.ModelPackageSummaryList[i]
			if newest == nil || aws.ToInt32(p.ModelPackageVersion) > aws.ToInt32(newest.ModelPackageVersion) {
				newest = p
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if newest == nil {
		return "", fmt.Errorf("%w: an approved model in the registry %s: see threatdetect registry list, or say --model s3://…", ErrNotFound, group)
	}
	out, err := a.SageMaker().DescribeModelPackage(ctx, &sagemaker.DescribeModelPackageInput{ModelPackageName: newest.ModelPackageArn})
	if err != nil {
		return "", err
	}
	if out.InferenceSpecification == nil || len(out.InferenceSpecification.Containers) == 0 {
		return "", fmt.Errorf("%w: model package %s has no artifact", ErrRequest, aws.ToString(newest.ModelPackageArn))
	}
	c := &out.InferenceSpecification.Containers[0]
	if url := aws.ToString(c.ModelDataUrl); url != "" {
		return url, nil
	}
	if c.ModelDataSource != nil && c.ModelDataSource.S3DataSource != nil {
		return aws.ToString(c.ModelDataSource.S3DataSource.S3Uri), nil
	}
	return "", fmt.Errorf("%w: model package %s has no artifact", ErrRequest, aws.ToString(newest.ModelPackageArn))
}

// contentName names what cannot be changed once it is there after what is in it, so that the same request finds it again.
func (s *Stack) contentName(kind string, content any) string {
	text, err := json.Marshal(content)
	if err != nil {
		panic("train: " + err.Error()) // of strings and numbers
	}
	sum := sha256.Sum256(text)
	return s.Resource(kind) + "-" + hex.EncodeToString(sum[:5])
}

// isContentName tells whether [Stack.contentName] made a name: others may begin in the same way.
func isContentName(resource, name string) bool {
	sum, ok := strings.CutPrefix(name, resource+"-")
	_, err := hex.DecodeString(sum)
	return ok && err == nil && len(sum) == 10
}

// makeModel makes a model and returns its name.
func (a *AWS) makeModel(ctx context.Context, kind string, m *Served) (string, error) {
	role, err := a.Role(ctx, RoleTraining)
	if err != nil {
		return "", err
	}
	in := &sagemaker.CreateModelInput{
		ExecutionRoleArn: &role,
		PrimaryContainer: &types.ContainerDefinition{Image: &m.Image, ModelDataUrl: &m.Artifact, Environment: m.Environment},
		VpcConfig:        a.stack.vpc(),
	}
	if a.stack.Training.NetworkIsolation {
		in.EnableNetworkIsolation = aws.Bool(true)
	}
	in.ModelName = aws.String(a.stack.contentName(kind, in))
	in.Tags = a.stack.resourceTags()
	if _, err := a.SageMaker().CreateModel(ctx, in); err != nil && !errors.Is(err, ErrExists) {
		return "", err
	}
	return *in.ModelName, nil
}

func (s *Stack) vpc() *types.VpcConfig {
	if len(s.Training.Subnets) == 0 {
		return nil
	}
	return &types.VpcConfig{Subnets: s.Training.Subnets, SecurityGroupIds: s.Training.SecurityGroups}
}

// endpointConfig makes model and configuration, and returns the name of the latter.
func (a *AWS) endpointConfig(ctx context.Context, m *Served) (string, error) {
	full, err := a.resolve(ctx, m)
	if err != nil {
		return "", err
	}
	name, err := a.makeModel(ctx, KindEndpoint, &full)
	if err != nil {
		return "", err
	}
	e := a.stack.Endpoint
	variant := types.ProductionVariant{VariantName: aws.String(variantName), ModelName: &name, InitialVariantWeight: aws.Float32(1)}
	if e.Serverless.MemoryMB > 0 {
		variant.ServerlessConfig = &types.ProductionVariantServerlessConfig{MemorySizeInMB: aws.Int32(int32(e.Serverless.MemoryMB)), MaxConcurrency: aws.Int32(int32(e.Serverless.MaxConcurrency))}
	} else {
		variant.InstanceType, variant.InitialInstanceCount = types.ProductionVariantInstanceType(e.Instance), aws.Int32(int32(e.Count))
	}
	in := &sagemaker.CreateEndpointConfigInput{ProductionVariants: []types.ProductionVariant{variant}}
	if key := a.stack.Training.KMSKey; key != "" && e.Serverless.MemoryMB == 0 {
		in.KmsKeyId = &key
	}
	in.EndpointConfigName = aws.String(a.stack.contentName(KindEndpoint, in))
	in.Tags = a.stack.resourceTags()
	if _, err := a.SageMaker().CreateEndpointConfig(ctx, in); err != nil && !errors.Is(err, ErrExists) {
		return "", err
	}
	return *in.EndpointConfigName, nil
}

// deleteServed removes the configurations and models of endpoints, but for one configuration and its model.
func (a *AWS) deleteServed(ctx context.Context, keep string) (removed []string, err error) {
	prefix := a.stack.Resource(KindEndpoint)
	keepModel := ""
	if keep != "" {
		out, err := a.SageMaker().DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: &keep})
		if err != nil {
			return nil, err
		}
		if len(out.ProductionVariants) > 0 {
			keepModel = aws.ToString(out.ProductionVariants[0].ModelName)
		}
	}
	configs, err := a.configNames(ctx, prefix)
	if err != nil {
		return nil, err
	}
	for _, name := range configs {
		if name == keep {
			continue
		}
		if _, err := a.SageMaker().DeleteEndpointConfig(ctx, &sagemaker.DeleteEndpointConfigInput{EndpointConfigName: &name}); err != nil && !errors.Is(err, ErrNotFound) {
			return removed, err
		}
		removed = append(removed, "endpoint configuration "+name)
	}
	models, err := a.modelNames(ctx, prefix)
	if err != nil {
		return removed, err
	}
	for _, name := range models {
		if name == keepModel {
			continue
		}
		if _, err := a.SageMaker().DeleteModel(ctx, &sagemaker.DeleteModelInput{ModelName: &name}); err != nil && !errors.Is(err, ErrNotFound) {
			return removed, err
		}
		removed = append(removed, "model "+name)
	}
	return removed, nil
}

func (a *AWS) configNames(ctx context.Context, prefix string) (names []string, err error) {
	in := &sagemaker.ListEndpointConfigsInput{NameContains: &prefix}
	for {
		out, err := a.SageMaker().ListEndpointConfigs(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, c := range out.EndpointConfigs {
			if isContentName(prefix, aws.ToString(c.EndpointConfigName)) {
				names = append(names, *c.EndpointConfigName)
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return names, nil
		}
	}
}

func (a *AWS) modelNames(ctx context.Context, prefix string) (names []string, err error) {
	in := &sagemaker.ListModelsInput{NameContains: &prefix}
	for {
		out, err := a.SageMaker().ListModels(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, m := range out.Models {
			if isContentName(prefix, aws.ToString(m.ModelName)) {
				names = append(names, *m.ModelName)
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return names, nil
		}
	}
}

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

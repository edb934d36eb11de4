package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// Served is a model and the image that serves it.
type Served struct {
	Artifact    string            // s3:// address of model.tar.gz; "": that of the newest approved model of the registry
	Image       string            // "": the built-in XGBoost of the stack
	Environment map[string]string // of the container, at most 16
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

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
	// Beside is a file beside which the newest approved model is remembered, where Artifact is "", until the endpoint serves it or never will; "": nowhere. The same
	// request again goes on with it, whatever was approved meanwhile.
	Beside string
}

// resolve fills in what a caller left open, for a request of a kind. It takes nothing if the model was named.
func (a *AWS) resolve(ctx context.Context, kind string, m *Served) (full Served, t *taken, err error) {
	if m != nil {
		full = *m
	}
	if full.Image == "" {
		if full.Image, err = a.stack.ImageURI(); err != nil {
			return full, nil, err
		}
	}
	if len(full.Environment) > maxEnvironment {
		return full, nil, fmt.Errorf("%w: %d variables of the container, want at most %d", ErrInput, len(full.Environment), maxEnvironment)
	}
	beside := full.Beside
	if full.Beside = ""; full.Artifact == "" {
		if t, err = a.takeNewest(ctx, kind, beside, false, full); err != nil {
			return full, nil, err
		}
		full.Artifact = t.model
	}
	if !strings.HasPrefix(full.Artifact, "s3://") {
		err = fmt.Errorf("%w: model %s: want an s3:// address of a model.tar.gz", ErrInput, clip(full.Artifact))
	}
	return full, t, err
}

const maxEnvironment = 16

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
	name, err := a.makeModel(ctx, KindEndpoint, m)
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

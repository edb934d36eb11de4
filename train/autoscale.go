package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

func (s *Stack) scaled() *string {
	return aws.String("endpoint/" + s.Resource(KindEndpoint) + "/variant/" + variantName)
}

// Autoscale lets the endpoint have as many instances as its load wants, within the bounds of the stack; without bounds it removes the scaling.
func (a *AWS) Autoscale(ctx context.Context) error {
	bounds := a.stack.Endpoint.Autoscale
	switch {
	case a.stack.Endpoint.Serverless.MemoryMB > 0:
		return fmt.Errorf("%w: a serverless endpoint scales by itself", ErrStack)
	case bounds.Max == 0:
		return a.removeScaling(ctx)
	}
	_, err := a.Autoscaling().RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: types.ServiceNamespaceSagemaker, ResourceId: a.stack.scaled(), ScalableDimension: types.ScalableDimensionSageMakerVariantDesiredInstanceCount,
		MinCapacity: aws.Int32(int32(bounds.Min)), MaxCapacity: aws.Int32(int32(bounds.Max)),
	})
	if err != nil {
		return err
	}
	_, err = a.Autoscaling().PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
		PolicyName: aws.String(a.stack.Resource("scaling")), PolicyType: types.PolicyTypeTargetTrackingScaling,
		ServiceNamespace: types.ServiceNamespaceSagemaker, ResourceId: a.stack.scaled(), ScalableDimension: types.ScalableDimensionSageMakerVariantDesiredInstanceCount,
		TargetTrackingScalingPolicyConfiguration: &types.TargetTrackingScalingPolicyConfiguration{
			TargetValue:                   aws.Float64(bounds.Target),
			PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricTypeSageMakerVariantInvocationsPerInstance},
			ScaleInCooldown:               aws.Int32(300), ScaleOutCooldown: aws.Int32(60), // seconds: quick to help, slow to leave
		},
	})
	return err
}

// removeScaling also removes the policy.
func (a *AWS) removeScaling(ctx context.Context) error {
	_, err := a.Autoscaling().DeregisterScalableTarget(ctx, &applicationautoscaling.DeregisterScalableTargetInput{
		ServiceNamespace: types.ServiceNamespaceSagemaker, ResourceId: a.stack.scaled(), ScalableDimension: types.ScalableDimensionSageMakerVariantDesiredInstanceCount,
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

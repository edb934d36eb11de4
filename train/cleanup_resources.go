package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
)

// cleanupEndpoint removes what costs every second, and the models of transform jobs.
func (a *AWS) cleanupEndpoint() []cleanupStep {
	endpoint, transform := a.stack.Resource(KindEndpoint), a.stack.Resource(KindTransform)
	return []cleanupStep{
		{kind: "endpoint", assume: []string{endpoint},
			find: func(ctx context.Context) ([]string, error) {
				_, err := a.describeEndpoint(ctx)
				if err == nil {
					return []string{endpoint}, nil
				}
				if !errors.Is(err, ErrNotFound) {
					return nil, err
				}
				// Somebody may have deleted the endpoint alone.
				configs, err := a.configNames(ctx, endpoint)
				if err != nil {
					return nil, err
				}
				models, err := a.modelNames(ctx, endpoint)
				if err != nil || len(configs)+len(models) == 0 {
					return nil, err
				}
				return []string{endpoint}, nil
			},
			remove: func(ctx context.Context, _ string) error {
				_, err := a.DeleteEndpoint(ctx, nil)
				return err
			}},
		{kind: "model", find: func(ctx context.Context) ([]string, error) { return a.modelNames(ctx, transform) },
			remove: func(ctx context.Context, name string) error {
				_, err := a.SageMaker().DeleteModel(ctx, &sagemaker.DeleteModelInput{ModelName: &name})
				return err
			}},
	}
}

// cleanupPipeline removes the stack in CloudFormation, and what was made without it.
func (a *AWS) cleanupPipeline() []cleanupStep {
	stack, pipeline, group := a.stack.StackName(), a.stack.Resource(KindPipeline), a.stack.Resource(KindModels)
	return []cleanupStep{
		{kind: "CloudFormation stack", assume: []string{stack},
			find: only(stack, func(ctx context.Context) error {
				out, err := a.CloudFormation().DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
				if err == nil && len(out.Stacks) == 0 {
					return ErrNotFound
				}
				return err
			}),
			remove: func(ctx context.Context, _ string) error {
				_, err := a.deleteStack(ctx, nil)
				return err
			}},
		{kind: "pipeline", assume: []string{pipeline},
			find: only(pipeline, func(ctx context.Context) error {
				_, err := a.SageMaker().DescribePipeline(ctx, &sagemaker.DescribePipelineInput{PipelineName: &pipeline})
				return err
			}),
			remove: func(ctx context.Context, name string) error {
				_, err := a.SageMaker().DeletePipeline(ctx, &sagemaker.DeletePipelineInput{PipelineName: &name, ClientRequestToken: a.token("delete", name)})
				return err
			}},
		{kind: "model package", find: a.packageARNs,
			remove: func(ctx context.Context, arn string) error {
				_, err := a.SageMaker().DeleteModelPackage(ctx, &sagemaker.DeleteModelPackageInput{ModelPackageName: &arn})
				return err
			}},
		{kind: "model package group", assume: []string{group},
			find: only(group, func(ctx context.Context) error {
				_, err := a.SageMaker().DescribeModelPackageGroup(ctx, &sagemaker.DescribeModelPackageGroupInput{ModelPackageGroupName: &group})
				return err
			}),
			remove: func(ctx context.Context, name string) error {
				_, err := a.SageMaker().DeleteModelPackageGroup(ctx, &sagemaker.DeleteModelPackageGroupInput{ModelPackageGroupName: &name})
				return err
			}},
	}
}

// packageARNs lists the versions in the stack's group of the registry.
func (a *AWS) packageARNs(ctx context.Context) (arns []string, err error) {
	in := &sagemaker.ListModelPackagesInput{ModelPackageGroupName: aws.String(a.stack.Resource(KindModels))}
	for {
		out, err := a.SageMaker().ListModelPackages(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, p := range out.ModelPackageSummaryList {
			arns = append(arns, aws.ToString(p.ModelPackageArn))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return arns, nil
		}
	}
}

func (a *AWS) cleanupMonitor() []cleanupStep {
	dashboard := a.stack.Resource(KindDashboard)
	var all []string
	for _, alarm := range a.stack.alarms(watched{function: true, endpoint: true}) {
		all = append(all, alarm.Name)
	}
	return []cleanupStep{
		{kind: "alarm", assume: all,
			find: func(ctx context.Context) (names []string, err error) {
				states, err := a.alarmStates(ctx)
				for _, s := range states {
					names = append(names, s.Name)
				}
				return names, err
			},
			remove: func(ctx context.Context, name string) error {
				_, err := a.CloudWatch().DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{name}})
				return err
			}},
		{kind: "dashboard", assume: []string{dashboard},
			find: only(dashboard, func(ctx context.Context) error {
				_, err := a.CloudWatch().GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &dashboard})
				return err
			}),
			remove: func(ctx context.Context, _ string) error { return a.removeDashboard(ctx) }},
	}
}

// untouched are parts of the stack that nothing here deletes, if there are any.
func (a *AWS) untouched(ctx context.Context, r *CleanupReport) (left []Leftover, err error) {
	if a.DryRun() {
		return nil, nil
	}
	s := a.stack
	for _, role := range []struct{ kind, arn string }{{RoleTraining, s.Roles.Training}, {RolePipeline, s.Roles.Pipeline}, {RoleEvents, s.Roles.Events},
		{RoleLambda, s.Roles.Lambda}, {RoleScheduler, s.Roles.Scheduler}} {
		if role.arn != CreateRole {
			left = append(left, Leftover{"role", role.arn, "it was there before: " + s.Path() + " names it"})
		}
	}
	if s.Image.Own != "" {
		left = append(left, Leftover{"image", s.Image.Own, "it was made elsewhere"})
	}
	if s.Training.KMSKey != "" {
		left = append(left, Leftover{"key", s.Training.KMSKey, "it was there before, and what it encrypted may be kept"})
	}
	records, err := a.jobRecords(ctx)
	if err == nil && len(records) > 0 {
		left = append(left, Leftover{"job records", fmt.Sprintf("%d", len(records)), "records of jobs that ended cost nothing"})
	}
	return left, err
}

// removeDashboard removes the dashboard; none is no error.
func (a *AWS) removeDashboard(ctx context.Context) error {
	_, err := a.CloudWatch().DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{a.stack.Resource(KindDashboard)}})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

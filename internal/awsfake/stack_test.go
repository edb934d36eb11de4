package awsfake

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/stretchr/testify/require"
)

const stackTemplate = `AWSTemplateFormatVersion: "2010-09-09"
Parameters: {Tag: {Type: String, Default: td}, Topic: {Type: String, Default: ""}}
Conditions: {HasTopic: !Not [!Equals [!Ref Topic, ""]]}
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    Properties: {BucketName: !Sub "${Tag}-${AWS::AccountId}", NotificationConfiguration: {EventBridgeConfiguration: {EventBridgeEnabled: true}}}
  EventsRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub ${Tag}-events
      Path: /threatdetect/
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: sts:AssumeRole}]}
      Policies:
        - PolicyName: start
          PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: sagemaker:StartPipelineExecution, Resource: !Sub "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:pipeline/${Tag}-pipeline"}]}
  Undone: {Type: AWS::SQS::Queue}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Name: !Sub ${Tag}-trigger
      EventPattern: {source: [aws.s3], detail-type: ["Object Created"], detail: {bucket: {name: [!Ref Bucket]}, object: {key: [{wildcard: "new-data/*/_SUCCESS"}]}}}
      Targets:
        - Id: pipeline
          Arn: !Sub "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:pipeline/${Tag}-pipeline"
          RoleArn: !GetAtt EventsRole.Arn
          DeadLetterConfig: {Arn: !GetAtt Undone.Arn}
          SageMakerPipelineParameters: {PipelineParameterList: [{Name: Key, Value: $.detail.object.key}]}
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Condition: HasTopic
    Properties: {Namespace: AWS/Events, MetricName: FailedInvocations, Dimensions: [{Name: RuleName, Value: !Ref Rule}], Statistic: Sum, Period: 300, EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: GreaterThanOrEqualToThreshold, AlarmActions: [!Ref Topic]}
Outputs: {Bucket: {Value: !Ref Bucket}, RoleArn: {Value: !GetAtt EventsRole.Arn}}
`

func TestStackOverTheSDK(t *testing.T) {
	ctx := context.Background()
	s, cfg := start(t, Options{})
	client := cloudformation.NewFromConfig(cfg)
	in := &cloudformation.CreateStackInput{StackName: aws.String("td-demo"), TemplateBody: aws.String(stackTemplate)}
	_, err := client.CreateStack(ctx, in)
	requireCode(t, err, "InsufficientCapabilitiesException", "CAPABILITY_NAMED_IAM")
	in.Capabilities = []cftypes.Capability{cftypes.CapabilityCapabilityNamedIam}
	_, err = client.CreateStack(ctx, in)
	require.NoError(t, err)
	s.Settle(time.Hour)
	d, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: in.StackName})
	require.NoError(t, err)
	require.Equal(t, cftypes.StackStatusCreateComplete, d.Stacks[0].StackStatus, "%v", aws.ToString(d.Stacks[0].StackStatusReason))
	require.Equal(t, "td-111122223333", *d.Stacks[0].Outputs[0].OutputValue)
	r, err := iam.NewFromConfig(cfg).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("td-events")})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::111122223333:role/threatdetect/td-events", *r.Role.Arn)
	targets, err := eventbridge.NewFromConfig(cfg).ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: aws.String("td-trigger")})
	require.NoError(t, err)
	require.Equal(t, *r.Role.Arn, *targets.Targets[0].RoleArn)

	update := &cloudformation.UpdateStackInput{StackName: in.StackName, TemplateBody: in.TemplateBody, Capabilities: in.Capabilities}
	_, err = client.UpdateStack(ctx, update)
	requireCode(t, err, "ValidationError", "No updates")
	update.Parameters = []cftypes.Parameter{{ParameterKey: aws.String("Topic"), ParameterValue: aws.String("arn:aws:sns:us-east-1:111122223333:alarms")}}
	_, err = client.UpdateStack(ctx, update)
	require.NoError(t, err)
	s.Settle(time.Hour)
	l, err := client.ListStackResources(ctx, &cloudformation.ListStackResourcesInput{StackName: in.StackName})
	require.NoError(t, err)
	require.Len(t, l.StackResourceSummaries, 5)

	_, err = client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: in.StackName})
	require.NoError(t, err)
	s.Settle(time.Hour)
	_, err = client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: in.StackName})
	requireCode(t, err, "ValidationError", "does not exist")
	_, err = s.Keys("td-111122223333", "")
	require.NoError(t, err, "the bucket stays")
}

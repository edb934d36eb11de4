package train

import (
	"os"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// clients are made when they are first needed. None is converted to an interface: see the package comment.
type clients struct {
	config *aws.Config
	mu     sync.Mutex

	s3             *s3.Client
	sagemaker      *sagemaker.Client
	runtime        *sagemakerruntime.Client
	events         *eventbridge.Client
	scheduler      *scheduler.Client
	lambda         *lambda.Client
	iam            *iam.Client
	sts            *sts.Client
	cloudformation *cloudformation.Client
	cloudwatch     *cloudwatch.Client
	logs           *cloudwatchlogs.Client
	autoscaling    *applicationautoscaling.Client
	sqs            *sqs.Client
	tagging        *resourcegroupstaggingapi.Client
}

func once[C any](c *clients, client **C, make func() *C) *C {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *client == nil {
		*client = make()
	}
	return *client
}

// S3 is the client of the object store. Other stores than AWS's are asked by path, and for checksums only where the protocol wants them.
func (c *clients) S3() *s3.Client {
	return once(c, &c.s3, func() *s3.Client {
		return s3.NewFromConfig(*c.config, func(o *s3.Options) {
			if o.BaseEndpoint == nil && os.Getenv("AWS_ENDPOINT_URL_S3") == "" {
				return
			}
			o.UsePathStyle = true
			if os.Getenv("AWS_REQUEST_CHECKSUM_CALCULATION") == "" {
				o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			}
			if os.Getenv("AWS_RESPONSE_CHECKSUM_VALIDATION") == "" {
				o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
			}
		})
	})
}

// SageMaker is the client of jobs, models, endpoints, pipelines and the registry.
func (c *clients) SageMaker() *sagemaker.Client {
	return once(c, &c.sagemaker, func() *sagemaker.Client { return sagemaker.NewFromConfig(*c.config) })
}

// Runtime is the client that asks endpoints.
func (c *clients) Runtime() *sagemakerruntime.Client {
	return once(c, &c.runtime, func() *sagemakerruntime.Client { return sagemakerruntime.NewFromConfig(*c.config) })
}

// Events is the client of EventBridge.
func (c *clients) Events() *eventbridge.Client {
	return once(c, &c.events, func() *eventbridge.Client { return eventbridge.NewFromConfig(*c.config) })
}

// Scheduler is the client of EventBridge Scheduler.
func (c *clients) Scheduler() *scheduler.Client {
	return once(c, &c.scheduler, func() *scheduler.Client { return scheduler.NewFromConfig(*c.config) })
}

// Lambda is the client of functions.
func (c *clients) Lambda() *lambda.Client {
	return once(c, &c.lambda, func() *lambda.Client { return lambda.NewFromConfig(*c.config) })
}

// IAM is the client of roles and policies.
func (c *clients) IAM() *iam.Client {
	return once(c, &c.iam, func() *iam.Client { return iam.NewFromConfig(*c.config) })
}

// STS is the client that knows who we are.
func (c *clients) STS() *sts.Client {
	return once(c, &c.sts, func() *sts.Client { return sts.NewFromConfig(*c.config) })
}

// CloudFormation is the client of stacks of resources.
func (c *clients) CloudFormation() *cloudformation.Client {
	return once(c, &c.cloudformation, func() *cloudformation.Client { return cloudformation.NewFromConfig(*c.config) })
}

// CloudWatch is the client of metrics, alarms and dashboards.
func (c *clients) CloudWatch() *cloudwatch.Client {
	return once(c, &c.cloudwatch, func() *cloudwatch.Client { return cloudwatch.NewFromConfig(*c.config) })
}

// Logs is the client of CloudWatch Logs.
func (c *clients) Logs() *cloudwatchlogs.Client {
	return once(c, &c.logs, func() *cloudwatchlogs.Client { return cloudwatchlogs.NewFromConfig(*c.config) })
}

// Autoscaling is the client of Application Auto Scaling.
func (c *clients) Autoscaling() *applicationautoscaling.Client {
	return once(c, &c.autoscaling, func() *applicationautoscaling.Client { return applicationautoscaling.NewFromConfig(*c.config) })
}

// SQS is the client of queues.
func (c *clients) SQS() *sqs.Client {
	return once(c, &c.sqs, func() *sqs.Client { return sqs.NewFromConfig(*c.config) })
}

// Tagging is the client that finds resources by their tags.
func (c *clients) Tagging() *resourcegroupstaggingapi.Client {
	return once(c, &c.tagging, func() *resourcegroupstaggingapi.Client { return resourcegroupstaggingapi.NewFromConfig(*c.config) })
}

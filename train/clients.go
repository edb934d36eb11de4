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

// clients are made when they are first needed. None is converted to an interface, nor made by a generic function, whose dictionary does the same: see the
// package comment.
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

// S3 is the client of the object store. Other stores than AWS's are asked by path, and for checksums only where the protocol wants them.
func (c *clients) S3() *s3.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s3 == nil {
		c.s3 = s3.NewFromConfig(*c.config, otherStore)
	}
	return c.s3
}

func otherStore(o *s3.Options) {
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
}

// SageMaker is the client of jobs, models, endpoints, pipelines and the registry.
func (c *clients) SageMaker() *sagemaker.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sagemaker == nil {
		c.sagemaker = sagemaker.NewFromConfig(*c.config)
	}
	return c.sagemaker
}

// Runtime is the client that asks endpoints.
func (c *clients) Runtime() *sagemakerruntime.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runtime == nil {
		c.runtime = sagemakerruntime.NewFromConfig(*c.config)
	}
	return c.runtime
}

// Events is the client of EventBridge.
func (c *clients) Events() *eventbridge.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.events == nil {
		c.events = eventbridge.NewFromConfig(*c.config)
	}
	return c.events
}

// Scheduler is the client of EventBridge Scheduler.
func (c *clients) Scheduler() *scheduler.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.scheduler == nil {
		c.scheduler = scheduler.NewFromConfig(*c.config)
	}
	return c.scheduler
}

// Lambda is the client of functions.
func (c *clients) Lambda() *lambda.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lambda == nil {
		c.lambda = lambda.NewFromConfig(*c.config)
	}
	return c.lambda
}

// IAM is the client of roles and policies.
func (c *clients) IAM() *iam.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.iam == nil {
		c.iam = iam.NewFromConfig(*c.config)
	}
	return c.iam
}

// STS is the client that knows who we are.
func (c *clients) STS() *sts.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sts == nil {
		c.sts = sts.NewFromConfig(*c.config)
	}
	return c.sts
}

// CloudFormation is the client of stacks of resources.
func (c *clients) CloudFormation() *cloudformation.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cloudformation == nil {
		c.cloudformation = cloudformation.NewFromConfig(*c.config)
	}
	return c.cloudformation
}

// CloudWatch is the client of metrics, alarms and dashboards.
func (c *clients) CloudWatch() *cloudwatch.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cloudwatch == nil {
		c.cloudwatch = cloudwatch.NewFromConfig(*c.config)
	}
	return c.cloudwatch
}

// Logs is the client of CloudWatch Logs.
func (c *clients) Logs() *cloudwatchlogs.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.logs == nil {
		c.logs = cloudwatchlogs.NewFromConfig(*c.config)
	}
	return c.logs
}

// Autoscaling is the client of Application Auto Scaling.
func (c *clients) Autoscaling() *applicationautoscaling.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.autoscaling == nil {
		c.autoscaling = applicationautoscaling.NewFromConfig(*c.config)
	}
	return c.autoscaling
}

// SQS is the client of queues.
func (c *clients) SQS() *sqs.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sqs == nil {
		c.sqs = sqs.NewFromConfig(*c.config)
	}
	return c.sqs
}

// Tagging is the client that finds resources by their tags.
func (c *clients) Tagging() *resourcegroupstaggingapi.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tagging == nil {
		c.tagging = resourcegroupstaggingapi.NewFromConfig(*c.config)
	}
	return c.tagging
}

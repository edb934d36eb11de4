package train

// operatorPolicy is for whoever runs the commands. The permissions for deploy, destroy and cleanup are narrowed to what bears the stack's name.
func (s *Stack) operatorPolicy(at site) *Policy {
	named := s.Resource("") + "*" // td-NAME-...
	bucket, group := at.bucket(s.Bucket), s.Resource(KindModels)
	var jobs Strings
	for _, kind := range []string{"training-job", "processing-job", "transform-job", "hyper-parameter-tuning-job", "model", "endpoint-config", "endpoint"} {
		jobs = append(jobs, at.arn("sagemaker", kind+"/*"))
	}
	pipelines := Strings{s.pipelineARN(at), s.pipelineARN(at) + "/execution/*"}
	models := Strings{at.arn("sagemaker", "model-package-group/"+group), at.arn("sagemaker", "model-package/"+group+"/*")}
	statements := []Statement{
		allow("Data", Strings{"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload",
			"s3:ListMultipartUploadParts", "s3:PutObjectTagging", "s3:GetObjectTagging"}, Strings{bucket + "/*"}),
		allow("Bucket", Strings{"s3:CreateBucket", "s3:DeleteBucket", "s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads",
			"s3:GetBucketLocation", "s3:GetBucketNotification", "s3:PutBucketNotification", "s3:GetBucketVersioning", "s3:PutBucketVersioning",
			"s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration", "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock",
			"s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration", "s3:GetBucketTagging", "s3:PutBucketTagging"}, Strings{bucket}),
		allow("Jobs", Strings{"sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob", "sagemaker:DeleteTrainingJob",
			"sagemaker:CreateHyperParameterTuningJob", "sagemaker:DescribeHyperParameterTuningJob", "sagemaker:StopHyperParameterTuningJob",
			"sagemaker:ListTrainingJobsForHyperParameterTuningJob", "sagemaker:CreateProcessingJob", "sagemaker:DescribeProcessingJob", "sagemaker:StopProcessingJob",
			"sagemaker:CreateTransformJob", "sagemaker:DescribeTransformJob", "sagemaker:StopTransformJob",
			"sagemaker:CreateModel", "sagemaker:DescribeModel", "sagemaker:DeleteModel",
			"sagemaker:CreateEndpointConfig", "sagemaker:DescribeEndpointConfig", "sagemaker:DeleteEndpointConfig",
			"sagemaker:CreateEndpoint", "sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpoint", "sagemaker:DeleteEndpoint", "sagemaker:InvokeEndpoint",
			"sagemaker:AddTags", "sagemaker:ListTags"}, jobs),
		allow("Pipelines", Strings{"sagemaker:CreatePipeline", "sagemaker:UpdatePipeline", "sagemaker:DescribePipeline", "sagemaker:DeletePipeline",
			"sagemaker:StartPipelineExecution", "sagemaker:StopPipelineExecution", "sagemaker:DescribePipelineExecution", "sagemaker:ListPipelineExecutions",
			"sagemaker:ListPipelineExecutionSteps", "sagemaker:AddTags", "sagemaker:ListTags"}, pipelines),
		allow("Registry", Strings{"sagemaker:CreateModelPackageGroup", "sagemaker:DescribeModelPackageGroup", "sagemaker:DeleteModelPackageGroup",
			"sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage", "sagemaker:DeleteModelPackage",
			"sagemaker:ListModelPackages", "sagemaker:AddTags", "sagemaker:ListTags"}, models),
		allow("Lists", Strings{"sagemaker:ListTrainingJobs", "sagemaker:ListHyperParameterTuningJobs", "sagemaker:ListProcessingJobs", "sagemaker:ListTransformJobs",
			"sagemaker:ListModels", "sagemaker:ListEndpointConfigs", "sagemaker:ListEndpoints", "sagemaker:ListPipelines", "sagemaker:ListModelPackageGroups",
			"sts:GetCallerIdentity", "tag:GetResources", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "cloudwatch:ListDashboards",
			"application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies", "iam:ListRoles",
			"lambda:GetAccountSettings", "logs:DescribeLogGroups", "cloudformation:ValidateTemplate"}, Strings{"*"}),
		s.passRole(at, "PassJobRoles", "sagemaker.amazonaws.com", RoleTraining, RolePipeline),
		s.passRole(at, "PassEventsRole", "events.amazonaws.com", RoleEvents),
		s.passRole(at, "PassLambdaRole", "lambda.amazonaws.com", RoleLambda),
		s.passRole(at, "PassSchedulerRole", "scheduler.amazonaws.com", RoleScheduler),
		allow("JobLogs", Strings{"logs:DescribeLogStreams", "logs:GetLogEvents", "logs:FilterLogEvents", "logs:DeleteLogStream"},
			Strings{at.arn("logs", "log-group:/aws/sagemaker/*")}),
		allow("OwnLogs", Strings{"logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:PutRetentionPolicy", "logs:TagResource", "logs:ListTagsForResource"},
			Strings{at.arn("logs", "log-group:/aws/lambda/"+s.Resource(KindTrigger)+"*"), at.arn("logs", "log-group:/aws/sagemaker/*")}),
		allow("Rules", Strings{"events:PutRule", "events:DescribeRule", "events:DeleteRule", "events:EnableRule", "events:DisableRule", "events:PutTargets",
			"events:RemoveTargets", "events:ListTargetsByRule", "events:TagResource", "events:UntagResource", "events:ListTagsForResource"},
			Strings{at.arn("events", "rule/"+named)}),
		allow("TestEvents", Strings{"events:TestEventPattern"}, Strings{"*"}),
		allow("Schedules", Strings{"scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:GetSchedule", "scheduler:DeleteSchedule"},
			Strings{at.arn("scheduler", "schedule/default/"+named)}),
		allow("Functions", Strings{"lambda:CreateFunction", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "lambda:GetFunction",
			"lambda:GetFunctionConfiguration", "lambda:DeleteFunction", "lambda:AddPermission", "lambda:RemovePermission", "lambda:GetPolicy", "lambda:InvokeFunction",
			"lambda:PutFunctionEventInvokeConfig", "lambda:DeleteFunctionEventInvokeConfig", "lambda:TagResource", "lambda:ListTags"},
			Strings{at.arn("lambda", "function:"+named)}),
		allow("Queues", Strings{"sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:ListQueueTags"},
			Strings{at.arn("sqs", named)}),
		allow("Topics", Strings{"sns:CreateTopic", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:Subscribe", "sns:TagResource", "sns:ListTagsForResource"},
			Strings{at.arn("sns", named)}),
		allow("Subscriptions", Strings{"sns:Unsubscribe", "sns:GetSubscriptionAttributes"}, Strings{"*"}),
		allow("Alarms", Strings{"cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:TagResource", "cloudwatch:ListTagsForResource"},
			Strings{at.arn("cloudwatch", "alarm:"+named)}),
		allow("Dashboards", Strings{"cloudwatch:PutDashboard", "cloudwatch:GetDashboard", "cloudwatch:DeleteDashboards"},
			Strings{"arn:" + at.partition + ":cloudwatch::" + at.account + ":dashboard/" + named}),
		allow("Scaling", Strings{"application-autoscaling:RegisterScalableTarget", "application-autoscaling:DeregisterScalableTarget",
			"application-autoscaling:PutScalingPolicy", "application-autoscaling:DeleteScalingPolicy"},
			Strings{at.arn("application-autoscaling", "scalable-target/*")}),
		allow("ScalingRole", Strings{"iam:CreateServiceLinkedRole"}, Strings{"arn:" + at.partition + ":iam::" + at.account +
			":role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"}).
			on("StringLike", "iam:AWSServiceName", "sagemaker.application-autoscaling.amazonaws.com"),
		allow("Stack", Strings{"cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:DeleteChangeSet",
			"cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents", "cloudformation:ListStackResources", "cloudformation:GetTemplate",
			"cloudformation:DeleteStack", "cloudformation:TagResource"},
			Strings{at.arn("cloudformation", "stack/"+s.StackName()+"/*")}),
		allow("Roles", Strings{"iam:CreateRole", "iam:GetRole", "iam:DeleteRole", "iam:TagRole", "iam:ListRoleTags", "iam:PutRolePolicy", "iam:GetRolePolicy",
			"iam:DeleteRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:DetachRolePolicy", "iam:UpdateAssumeRolePolicy"},
			Strings{at.role(named)}),
	}
	return newPolicy(append(statements, s.keyStatements(at, true)...)...)
}

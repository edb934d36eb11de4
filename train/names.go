package train

// Kinds of a stack's resources, as in their names: see [Stack.Resource]. Roles have kinds of their own.
const (
	KindPipeline  = "pipeline"  // SageMaker pipeline
	KindModels    = "models"    // model package group
	KindTrigger   = "trigger"   // EventBridge rule, and the Lambda function that it may start
	KindSchedule  = "schedule"  // EventBridge schedule
	KindUndone    = "undone"    // SQS queue of events that nobody could deliver
	KindEndpoint  = "endpoint"  // endpoint
	KindDashboard = "dashboard" // CloudWatch dashboard
	KindTopic     = "alarms"    // SNS topic
)

package train

import (
	"slices"
	"strings"
)

// Kinds of permissions that belong to people and programs, not to roles that SageMaker, EventBridge and Lambda take.
const (
	PermitOperator = "operator" // whoever runs the commands, deploy, destroy and cleanup included
	PermitAgent    = "agent"    // a program that watches the registry for approved models
	PermitReader   = "reader"   // a program that watches the pointer in the bucket
)

// Permissions are what one role, person or program of a stack may do.
type Permissions struct {
	Kind   string  `json:"kind"`
	Role   string  `json:"role,omitempty"`  // name of the role; "" if the permissions are for people or programs
	Trust  *Policy `json:"trust,omitempty"` // who may take the role
	Policy *Policy `json:"policy"`          // what it may do
}

// Policies are the least permissions with which the stack works in an account: of its five roles, and of people and programs.
func (s *Stack) Policies(account string) []Permissions {
	return s.policies(site{s.Partition(), s.Region, account})
}

// site is where a stack lives, as ARNs need it. In a CloudFormation template its members are pseudo parameters.
type site struct{ partition, region, account string }

// arn of a resource of the account and region.
func (at site) arn(service, resource string) string {
	return "arn:" + at.partition + ":" + service + ":" + at.region + ":" + at.account + ":" + resource
}

func (at site) bucket(name string) string { return "arn:" + at.partition + ":s3:::" + name }

func (at site) role(name string) string {
	return "arn:" + at.partition + ":iam::" + at.account + ":role" + RolePath + name
}

func (s *Stack) policies(at site) []Permissions {
	list := []Permissions{
		{Kind: RoleTraining, Trust: trust("sagemaker.amazonaws.com", "StringEquals", "aws:SourceAccount", at.account), Policy: s.trainingPolicy(at)},
		{Kind: RolePipeline, Trust: trust("sagemaker.amazonaws.com", "StringEquals", "aws:SourceAccount", at.account), Policy: s.pipelinePolicy(at)},
		{Kind: RoleEvents, Trust: trust("events.amazonaws.com", "ArnEquals", "aws:SourceArn", at.arn("events", "rule/"+s.Resource(KindTrigger))),
			Policy: newPolicy(s.startPipeline(at))},
		{Kind: RoleLambda, Trust: trust("lambda.amazonaws.com", "StringEquals", "aws:SourceAccount", at.account), Policy: s.lambdaPolicy(at)},
		{Kind: RoleScheduler, Trust: trust("scheduler.amazonaws.com", "StringEquals", "aws:SourceAccount", at.account),
			Policy: newPolicy(s.startPipeline(at), s.deliverAgain(at), s.useQueue(at))},
	}
	for i := range list {
		list[i].Role = s.Resource(list[i].Kind)
	}
	return append(list,
		Permissions{Kind: PermitOperator, Policy: s.operatorPolicy(at)},
		Permissions{Kind: PermitAgent, Policy: s.agentPolicy(at)},
		Permissions{Kind: PermitReader, Policy: s.readerPolicy(at)})
}

// keys are ARNs of all objects below prefixes.
func (s *Stack) keys(at site, prefixes ...string) Strings {
	var list Strings
	for _, p := range prefixes {
		list = append(list, at.bucket(s.Bucket)+"/"+p+"*")
	}
	return list
}

// trainingPolicy is for the machines that train, prepare, score and serve: they read runs and raw logs, and write artifacts.
func (s *Stack) trainingPolicy(at site) *Policy {
	p := s.Prefixes
	all := []string{p.Raw, p.Runs, p.Models, p.Checkpoints}
	var under []string
	for _, prefix := range all {
		under = append(under, prefix+"*")
	}
	statements := []Statement{
		allow("ReadData", Strings{"s3:GetObject"}, s.keys(at, all...)),
		allow("ListData", Strings{"s3:ListBucket"}, Strings{at.bucket(s.Bucket)}).on("StringLike", "s3:prefix", under...),
		allow("WriteResults", Strings{"s3:PutObject", "s3:AbortMultipartUpload"}, s.keys(at, p.Runs, p.Models, p.Checkpoints)),
		allow("ReplaceCheckpoints", Strings{"s3:DeleteObject"}, s.keys(at, p.Checkpoints)),
		allow("Log", Strings{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
			Strings{at.arn("logs", "log-group:/aws/sagemaker/*")}),
		allow("Measure", Strings{"cloudwatch:PutMetricData"}, Strings{"*"}).on("StringLike", "cloudwatch:namespace", "/aws/sagemaker/*", "aws/sagemaker/*"),
		allow("LogInToRegistry", Strings{"ecr:GetAuthorizationToken"}, Strings{"*"}),
		allow("FetchImages", Strings{"ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"}, s.repositories(at)),
	}
	statements = append(statements, s.keyStatements(at, true)...)
	if len(s.Training.Subnets) > 0 {
		statements = append(statements, allow("JoinNetwork", Strings{"ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission",
			"ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission", "ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcs",
			"ec2:DescribeDhcpOptions", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups"}, Strings{"*"}))
	}
	return newPolicy(statements...)
}

// repositories are ARNs of the repositories of images: that of the built-in XGBoost and our own.
func (s *Stack) repositories(at site) Strings {
	var list Strings
	uris := []string{s.Image.Own}
	if uri, err := s.ImageURI(); err == nil {
		uris = append(uris, uri)
	}
	for _, uri := range uris {
		if arn := repositoryARN(at.partition, uri); arn != "" {
			list = append(list, arn)
		}
	}
	slices.Sort(list)
	if list = slices.Compact(list); len(list) == 0 {
		return Strings{at.arn("ecr", "repository/*")}
	}
	return list
}

// repositoryARN is that of the repository of an image, ACCOUNT.dkr.ecr.REGION.SUFFIX/NAME:TAG; "" if it is none of ECR.
func repositoryARN(partition, uri string) string {
	host, name, ok := strings.Cut(uri, "/")
	part := strings.Split(host, ".")
	if !ok || len(part) < 5 || part[1] != "dkr" || part[2] != "ecr" {
		return ""
	}
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	return "arn:" + partition + ":ecr:" + part[3] + ":" + part[0] + ":repository/" + name
}

// keyStatements are for a key of the stack's own, none without one.
func (s *Stack) keyStatements(at site, volumes bool) []Statement {
	key := s.Training.KMSKey
	if key == "" {
		return nil
	}
	resource := key
	var list []Statement
	actions := Strings{"kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"}
	use := allow("UseKey", actions, Strings{resource})
	switch {
	case strings.HasPrefix(key, "arn:"):
	case strings.HasPrefix(key, "alias/"): // policies cannot name a key by its alias, only ask for it
		use = allow("UseKey", actions, Strings{at.arn("kms", "key/*")}).on("ForAnyValue:StringEquals", "kms:ResourceAliases", key)
	default:
		use.Resource = Strings{at.arn("kms", "key/"+key)}
	}
	list = append(list, use)
	if volumes {
		grant := Statement{Sid: "LendKeyToVolumes", Effect: "Allow", Action: Strings{"kms:CreateGrant"}, Resource: use.Resource, Condition: use.Condition}
		list = append(list, grant.on("Bool", "kms:GrantIsForAWSResource", "true"))
	}
	return list
}

// pipelinePolicy is for the pipeline: it starts jobs, and registers their models.
func (s *Stack) pipelinePolicy(at site) *Policy {
	group := s.Resource(KindModels)
	p := s.Prefixes
	return newPolicy(append([]Statement{
		allow("Train", Strings{"sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"}, Strings{at.arn("sagemaker", "training-job/*")}),
		allow("Process", Strings{"sagemaker:CreateProcessingJob", "sagemaker:DescribeProcessingJob", "sagemaker:StopProcessingJob"}, Strings{at.arn("sagemaker", "processing-job/*")}),
		allow("Register", Strings{"sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"}, Strings{at.arn("sagemaker", "model-package/"+group+"/*")}),
		allow("Group", Strings{"sagemaker:CreateModelPackageGroup", "sagemaker:DescribeModelPackageGroup", "sagemaker:CreateModelPackage"}, Strings{at.arn("sagemaker", "model-package-group/"+group)}),
		allow("Tag", Strings{"sagemaker:AddTags"}, Strings{at.arn("sagemaker", "training-job/*"), at.arn("sagemaker", "processing-job/*"),
			at.arn("sagemaker", "model-package/"+group+"/*"), at.arn("sagemaker", "model-package-group/"+group)}),
		allow("ReadData", Strings{"s3:GetObject"}, s.keys(at, p.Raw, p.Runs, p.Models)),
		allow("ListData", Strings{"s3:ListBucket"}, Strings{at.bucket(s.Bucket)}).on("StringLike", "s3:prefix", p.Raw+"*", p.Runs+"*", p.Models+"*"),
		s.passRole(at, "PassTrainingRole", "sagemaker.amazonaws.com", RoleTraining),
	}, s.keyStatements(at, false)...)...)
}

// passRole lets roles of the stack be given to a service.
func (s *Stack) passRole(at site, sid, service string, kinds ...string) Statement {
	var arns Strings
	for _, kind := range kinds {
		arns = append(arns, s.roleAt(at, kind))
	}
	return allow(sid, Strings{"iam:PassRole"}, arns).on("StringEquals", "iam:PassedToService", service)
}

// roleAt is [Stack.RoleARN] at a site.
func (s *Stack) roleAt(at site, kind string) string {
	if arn := s.RoleARN(kind, at.account); !strings.Contains(arn, RolePath+s.Resource(kind)) {
		return arn // one that was there before
	}
	return at.role(s.Resource(kind))
}

func (s *Stack) pipelineARN(at site) string {
	return at.arn("sagemaker", "pipeline/"+s.Resource(KindPipeline))
}

func (s *Stack) startPipeline(at site) Statement {
	return allow("StartPipeline", Strings{"sagemaker:StartPipelineExecution"}, Strings{s.pipelineARN(at)})
}

// useQueue lets what could not be delivered be kept.
func (s *Stack) useQueue(at site) Statement {
	return allow("KeepUndelivered", Strings{"sqs:SendMessage"}, Strings{at.arn("sqs", s.Resource(KindUndone))})
}

// deliverAgain lets an event that the function put off reach it once more.
func (s *Stack) deliverAgain(at site) Statement {
	return allow("DeliverAgain", Strings{"lambda:InvokeFunction"}, Strings{at.arn("lambda", "function:"+s.Resource(KindTrigger))})
}

func (s *Stack) lambdaPolicy(at site) *Policy {
	group := at.arn("logs", "log-group:/aws/lambda/"+s.Resource(KindTrigger))
	return newPolicy(
		allow("StartPipeline", Strings{"sagemaker:StartPipelineExecution", "sagemaker:ListPipelineExecutions"}, Strings{s.pipelineARN(at)}),
		allow("Log", Strings{"logs:CreateLogStream", "logs:PutLogEvents"}, Strings{group + ":*"}),
		allow("PutOff", Strings{"scheduler:CreateSchedule", "scheduler:UpdateSchedule"}, Strings{at.arn("scheduler", "schedule/default/"+s.Resource(kindDeferred))}),
		s.passRole(at, "PassSchedulerRole", "scheduler.amazonaws.com", RoleScheduler),
		s.useQueue(at))
}

// agentPolicy is for programs that fetch the newest approved model of the registry.
func (s *Stack) agentPolicy(at site) *Policy {
	group := s.Resource(KindModels)
	return newPolicy(append([]Statement{
		allow("FindModels", Strings{"sagemaker:ListModelPackages"}, Strings{at.arn("sagemaker", "model-package-group/"+group), at.arn("sagemaker", "model-package/"+group+"/*")}),
		allow("SeeModels", Strings{"sagemaker:DescribeModelPackage"}, Strings{at.arn("sagemaker", "model-package/"+group+"/*")}),
		allow("FetchModels", Strings{"s3:GetObject"}, s.keys(at, s.Prefixes.Models)),
	}, s.decryptStatement(at)...)...)
}

// readerPolicy is for programs that follow the pointer in the bucket.
func (s *Stack) readerPolicy(at site) *Policy {
	return newPolicy(append([]Statement{
		allow("FetchModels", Strings{"s3:GetObject"}, s.keys(at, s.Prefixes.Models, s.Prefixes.Approved)),
	}, s.decryptStatement(at)...)...)
}

func (s *Stack) decryptStatement(at site) []Statement {
	list := s.keyStatements(at, false)
	for i := range list {
		list[i].Action = Strings{"kms:Decrypt"}
	}
	return list
}

// StackName is the name of the stack in CloudFormation.
func (s *Stack) StackName() string { return strings.TrimSuffix(s.Resource(""), "-") }

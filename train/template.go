package train

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"threatdetect/train/trigger"
)

// Maximum sizes of a template, bytes: within a request, and as an object in S3.
const maxTemplate = 51200

// templateAccount stands for the account in a template: CloudFormation knows in which one it is.
const templateAccount = "${AWS::AccountId}"

// resource is one of a template. Members are in the order in which people read them.
type resource struct {
	Type                string
	DependsOn           []string `json:",omitempty"`
	DeletionPolicy      string   `json:",omitempty"`
	UpdateReplacePolicy string   `json:",omitempty"`
	Properties          any
}

type object = map[string]any

func ref(name string) object           { return object{"Ref": name} }
func attribute(name, of string) object { return object{"Fn::GetAtt": []string{name, of}} }

// logical names of resources that may be there without the template, and then are left out of it.
const (
	logicalBucket = "Bucket"
	logicalModels = "Models"
)

// templater collects the resources of a template.
type templater struct {
	s         *Stack
	at        site
	without   map[string]bool
	names     []string // in the order of the template
	resources map[string]*resource
	outputs   map[string]any
}

func (t *templater) add(name string, r *resource) {
	if t.without[name] {
		return
	}
	t.names = append(t.names, name)
	t.resources[name] = r
}

// Template is the CloudFormation template of the stack in YAML, always the same for the same stack: bucket, roles, registry, pipeline, rule,
// queue, alarms and dashboard. Resources that are there already are left out by their logical names (Bucket, Models). Definition is that
// of the pipeline, with ${AWS::AccountId} for the account; without one there is no pipeline and nothing that starts it.
func (s *Stack) Template(definition string, without ...string) ([]byte, error) {
	t := &templater{s: s, at: site{s.Partition(), s.Region, templateAccount}, without: map[string]bool{}, resources: map[string]*resource{}, outputs: object{}}
	for _, name := range without {
		t.without[name] = true
	}
	t.bucket()
	t.roles()
	t.registry()
	if definition != "" {
		t.pipeline(definition)
	}
	t.monitor()
	return t.yaml()
}

func (t *templater) tags() []object {
	var list []object
	tags := t.s.AllTags()
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, object{"Key": k, "Value": tags[k]})
	}
	return list
}

func (t *templater) bucket() {
	encryption := object{"SSEAlgorithm": "AES256"}
	if key := t.s.Training.KMSKey; key != "" {
		encryption = object{"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
	}
	t.add(logicalBucket, &resource{Type: "AWS::S3::Bucket", DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain", Properties: object{
		"BucketName":                     t.s.Bucket,
		"BucketEncryption":               object{"ServerSideEncryptionConfiguration": []object{{"ServerSideEncryptionByDefault": encryption, "BucketKeyEnabled": true}}},
		"VersioningConfiguration":        object{"Status": "Enabled"},
		"PublicAccessBlockConfiguration": object{"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
		"OwnershipControls":              object{"Rules": []object{{"ObjectOwnership": "BucketOwnerEnforced"}}},
		"NotificationConfiguration":      object{"EventBridgeConfiguration": object{"EventBridgeEnabled": true}},
		"LifecycleConfiguration": object{"Rules": []object{
			{"Id": "unfinished-uploads", "Status": "Enabled", "AbortIncompleteMultipartUpload": object{"DaysAfterInitiation": 7}},
			{"Id": "old-versions", "Status": "Enabled", "NoncurrentVersionExpiration": object{"NoncurrentDays": 90}}}},
		"Tags": t.tags(),
	}})
	arn := t.at.bucket(t.s.Bucket)
	if !t.without[logicalBucket] {
		t.add("BucketPolicy", &resource{Type: "AWS::S3::BucketPolicy", DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain", Properties: object{
			"Bucket": ref(logicalBucket),
			"PolicyDocument": newPolicy(Statement{Sid: "EncryptedConnectionsOnly", Effect: "Deny", Principal: "*", Action: Strings{"s3:*"},
				Resource: Strings{arn, arn + "/*"}, Condition: Condition{"Bool": {"aws:SecureTransport": Strings{"false"}}}}),
		}})
	}
	t.outputs["BucketName"] = object{"Value": t.s.Bucket}
}

// roles adds those that are to be made.
func (t *templater) roles() {
	wanted := map[string]string{RoleTraining: t.s.Roles.Training, RolePipeline: t.s.Roles.Pipeline, RoleEvents: t.s.Roles.Events,
		RoleLambda: t.s.Roles.Lambda, RoleScheduler: t.s.Roles.Scheduler}
	for _, p := range t.s.policies(t.at) {
		if p.Role == "" || wanted[p.Kind] != CreateRole {
			continue
		}
		name := roleLogical(p.Kind)
		t.add(name, &resource{Type: "AWS::IAM::Role", Properties: object{
			"RoleName": p.Role, "Path": RolePath, "Description": "threatdetect " + t.s.Name + ": " + p.Kind, "AssumeRolePolicyDocument": p.Trust,
			"Policies": []object{{"PolicyName": p.Kind, "PolicyDocument": p.Policy}}, "Tags": t.tags(),
		}})
		t.outputs[name+"Arn"] = object{"Value": attribute(name, "Arn")}
	}
}

// roleLogical is the logical name of a role: TrainingRole.
func roleLogical(kind string) string { return strings.ToUpper(kind[:1]) + kind[1:] + "Role" }

func (t *templater) registry() {
	t.add(logicalModels, &resource{Type: "AWS::SageMaker::ModelPackageGroup", DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain", Properties: object{
		"ModelPackageGroupName": t.s.Resource(KindModels), "ModelPackageGroupDescription": "Models that the pipeline of threatdetect " + t.s.Name + " trained", "Tags": t.tags(),
	}})
}

func (t *templater) pipeline(definition string) {
	s, at := t.s, t.at
	depends := func(kind string) (list []string) {
		if _, ok := t.resources[roleLogical(kind)]; ok {
			list = []string{roleLogical(kind)}
		}
		return list
	}
	t.add("Pipeline", &resource{Type: "AWS::SageMaker::Pipeline", DependsOn: depends(RolePipeline), Properties: object{
		"PipelineName": s.Resource(KindPipeline), "RoleArn": s.RoleARN(RolePipeline, at.account),
		"PipelineDefinition": object{"PipelineDefinitionBody": definition}, "Tags": t.tags(),
	}})
	rule := at.arn("events", "rule/"+s.Resource(KindTrigger))
	t.add("Undone", &resource{Type: "AWS::SQS::Queue", Properties: object{
		"QueueName": s.Resource(KindUndone), "MessageRetentionPeriod": 14 * 24 * 3600, "SqsManagedSseEnabled": true, "Tags": t.tags(),
	}})
	t.add("UndonePolicy", &resource{Type: "AWS::SQS::QueuePolicy", Properties: object{
		"Queues": []any{ref("Undone")},
		"PolicyDocument": newPolicy(Statement{Sid: "FromRule", Effect: "Allow", Principal: map[string]string{"Service": "events.amazonaws.com"},
			Action: Strings{"sqs:SendMessage"}, Resource: Strings{at.arn("sqs", s.Resource(KindUndone))}, Condition: Condition{"ArnEquals": {"aws:SourceArn": Strings{rule}}}}),
	}})
	t.add("Trigger", &resource{Type: "AWS::Events::Rule", DependsOn: append([]string{"Pipeline"}, depends(RoleEvents)...), Properties: object{
		"Name": s.Resource(KindTrigger), "Description": "Raw logs of threatdetect " + s.Name + " are complete", "State": "ENABLED",
		"EventPattern": json.RawMessage((&trigger.Rule{Bucket: s.Bucket, Prefix: s.Prefixes.Raw, Marker: s.Trigger.Marker}).Pattern()),
		"Targets": []object{{
			"Id": "pipeline", "Arn": s.pipelineARN(at), "RoleArn": s.RoleARN(RoleEvents, at.account),
			"DeadLetterConfig":            object{"Arn": attribute("Undone", "Arn")},
			"RetryPolicy":                 object{"MaximumRetryAttempts": 8, "MaximumEventAgeInSeconds": 3600},
			"SageMakerPipelineParameters": object{"PipelineParameterList": []object{{"Name": trigger.KeyParameter, "Value": "$.detail.object.key"}}},
		}},
	}})
	t.outputs["PipelineName"] = object{"Value": ref("Pipeline")}
}

func (t *templater) monitor() {
	topic := t.s.Monitor.Topic
	var actions []any
	if topic != "" {
		actions = []any{topic}
	}
	if t.s.Monitor.Email != "" {
		t.add("Topic", &resource{Type: "AWS::SNS::Topic", Properties: object{
			"TopicName": t.s.Resource(KindTopic), "Tags": t.tags(),
			"Subscription": []object{{"Protocol": "email", "Endpoint": t.s.Monitor.Email}},
		}})
		actions = []any{ref("Topic")}
	}
	for _, a := range t.s.alarms(watched{endpoint: t.s.Endpoint.Wanted}) {
		t.add(alarmLogical(strings.TrimPrefix(a.Name, t.s.Resource(""))), &resource{Type: "AWS::CloudWatch::Alarm", Properties: a.properties(actions)})
	}
	t.add("Dashboard", &resource{Type: "AWS::CloudWatch::Dashboard", Properties: object{
		"DashboardName": t.s.Resource(KindDashboard), "DashboardBody": t.s.dashboard(watched{endpoint: t.s.Endpoint.Wanted}),
	}})
}

// alarmLogical makes PipelineFailedAlarm of pipeline-failed.
func alarmLogical(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "-") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String() + "Alarm"
}

func (a *Alarm) properties(actions []any) object {
	p := object{"AlarmName": a.Name, "AlarmDescription": a.Description, "EvaluationPeriods": a.Periods, "Threshold": a.Threshold,
		"ComparisonOperator": a.Comparison, "TreatMissingData": a.Missing}
	if actions != nil {
		p["AlarmActions"] = actions
	}
	if a.Query != "" {
		p["Metrics"] = []object{{"Id": "q1", "Expression": a.Query, "Period": int(a.Period.Seconds()), "ReturnData": true}}
		return p
	}
	var dimensions []object
	for _, d := range a.Dimensions {
		dimensions = append(dimensions, object{"Name": d.Name, "Value": d.Value})
	}
	p["Namespace"], p["MetricName"], p["Dimensions"], p["Period"] = a.Namespace, a.Metric, dimensions, int(a.Period.Seconds())
	if strings.HasPrefix(a.Statistic, "p") {
		p["ExtendedStatistic"] = a.Statistic
	} else {
		p["Statistic"] = a.Statistic
	}
	return p
}

// yaml writes the template, as people do: block style, and CloudFormation's short forms of functions.
func (t *templater) yaml() ([]byte, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	put := func(key string, value any) error {
		n, err := node(value)
		if err != nil {
			return fmt.Errorf("train: template: %s: %w", key, err)
		}
		root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, n)
		return nil
	}
	if err := put("AWSTemplateFormatVersion", "2010-09-09"); err != nil {
		return nil, err
	}
	if err := put("Description", "threatdetect "+t.s.Name+": models of network threats, trained again when raw logs arrive"); err != nil {
		return nil, err
	}
	resources := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range t.names {
		n, err := node(t.resources[name])
		if err != nil {
			return nil, fmt.Errorf("train: template: %s: %w", name, err)
		}
		resources.Content = append(resources.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, n)
	}
	root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "Resources"}, resources)
	if err := put("Outputs", t.outputs); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("train: template: %w", err)
	}
	return out.Bytes(), nil
}

// node makes a YAML node of a value by way of JSON, which is YAML.
func node(value any) (*yaml.Node, error) {
	text, err := marshalPlain(value)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	n := doc.Content[0]
	shorten(n)
	return n, nil
}

// marshalPlain is json.Marshal that leaves < and > as they are.
func marshalPlain(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return b.Bytes(), err
}

// shorten turns a node of JSON into block style, {"Ref": X} into !Ref X, and texts with pseudo parameters into !Sub.
func shorten(n *yaml.Node) {
	quoted := n.Style & yaml.DoubleQuotedStyle
	n.Style = 0
	switch n.Kind {
	case yaml.ScalarNode:
		if strings.Contains(n.Value, "${AWS::") {
			n.Tag, n.Style = "!Sub", yaml.TaggedStyle
		} else if quoted != 0 {
			n.Tag = "!!str"
		}
	case yaml.MappingNode:
		if len(n.Content) == 2 && n.Content[0].Value == "Ref" {
			*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!Ref", Style: yaml.TaggedStyle, Value: n.Content[1].Value}
			return
		}
		if len(n.Content) == 2 && n.Content[0].Value == "Fn::GetAtt" {
			list := n.Content[1].Content
			*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!GetAtt", Style: yaml.TaggedStyle, Value: list[0].Value + "." + list[1].Value}
			return
		}
		for i := 1; i < len(n.Content); i += 2 {
			n.Content[i-1].Style = 0
			shorten(n.Content[i])
		}
	default:
		for _, c := range n.Content {
			shorten(c)
		}
	}
}

package awsfake

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"
)

// resourceMakers make the resources of stacks: by the same functions as the calls of the services. Each gives the physical
// id, the attributes and how to remove it.
var resourceMakers map[string]func(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError)

func init() {
	resourceMakers = map[string]func(*Server, *stack, string, doc, *stackResource) (*stackResource, *apiError){
		"AWS::S3::Bucket": makeBucket, "AWS::S3::BucketPolicy": makeNothing, "AWS::IAM::Role": makeRole, "AWS::SageMaker::ModelPackageGroup": makeGroup, "AWS::SageMaker::Pipeline": makePipeline,
		"AWS::SQS::Queue": makeQueue, "AWS::SQS::QueuePolicy": makeNothing, "AWS::Events::Rule": makeRule, "AWS::CloudWatch::Alarm": makeAlarm, "AWS::CloudWatch::Dashboard": makeDashboard,
		"AWS::SNS::Topic": makeTopic, "AWS::SNS::TopicPolicy": makeNothing, "AWS::SNS::Subscription": makeNothing, "AWS::Logs::LogGroup": makeLogGroup, "AWS::Lambda::Permission": makePermission,
		"AWS::Lambda::Function": makeFunction, "AWS::Scheduler::Schedule": makeSchedule, "AWS::Lambda::EventInvokeConfig": makeNothing,
	}
}

// makeResource makes one resource, or changes one whose properties are others now.
func (s *Server) makeResource(k *stack, logical string, r doc, at time.Time) *apiError {
	kind := str(r, "Type")
	maker := resourceMakers[kind]
	if maker == nil {
		return errorf("ValidationError", "awsfake does not make resources of type %s", kind)
	}
	v, err := k.value(r["Properties"])
	if err != nil {
		return errorf("ValidationError", "%v", err)
	}
	p, _ := v.(doc)
	if p == nil {
		p = doc{}
	}
	properties, old := toJSON(p), k.made[logical]
	if old != nil && old.properties == properties {
		return nil
	}
	made, apiErr := maker(s, k, logical, p, old)
	if apiErr != nil {
		return apiErr
	}
	made.logical, made.kind, made.properties = logical, kind, properties
	made.retain = str(r, "DeletionPolicy") == "Retain" || str(r, "DeletionPolicy") == "RetainExceptOnCreate"
	verb := "CREATE_COMPLETE"
	if old != nil {
		verb = "UPDATE_COMPLETE"
	}
	k.made[logical] = made
	k.event(logical, kind, made.id, verb, "", at)
	return nil
}

// physical is a name that the stack makes up where the template gives none.
func (k *stack) physical(p doc, member, logical string) string {
	if name := str(p, member); name != "" {
		return name
	}
	return k.name + "-" + logical + "-1A2B3C4D5E6F"
}

func makeNothing(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	return &stackResource{id: k.name + "-" + logical, attributes: map[string]string{}}, nil
}

func makeBucket(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	name := strings.ToLower(k.physical(p, "BucketName", logical))
	if old == nil {
		if err := s.backend.CreateBucket(name); err != nil {
			return nil, errorf("AlreadyExists", "%s already exists", name)
		}
	}
	if versioned, ok := s.backend.(gofakes3.VersionedBackend); ok && str(p, "VersioningConfiguration", "Status") == "Enabled" {
		versioned.SetVersioningConfiguration(name, gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled})
	}
	b := s.bucket(name)
	if flag(p, "NotificationConfiguration", "EventBridgeConfiguration", "EventBridgeEnabled") {
		b.settings["notification"] = []byte(`<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EventBridgeConfiguration></EventBridgeConfiguration></NotificationConfiguration>`)
	}
	if tags := docs(p, "Tags"); len(tags) > 0 {
		b.settings["tagging"] = tagging(tags)
	}
	return &stackResource{id: name, attributes: map[string]string{"Arn": "arn:" + partition(k.region) + ":s3:::" + name}, remove: func(s *Server) *apiError {
		if objects, err := s.list(name, ""); err == nil && len(objects) > 0 {
			return errorf("BucketNotEmpty", "The bucket you tried to delete is not empty")
		}
		s.backend.DeleteBucket(name)
		delete(s.buckets, name)
		return nil
	}}, nil
}

// tagging is the document that S3 keeps of a bucket's tags.
func tagging(tags []doc) []byte {
	type tag struct{ Key, Value string }
	var d struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Tagging"`
		Tags    []tag    `xml:"TagSet>Tag"`
	}
	for _, t := range tags {
		d.Tags = append(d.Tags, tag{str(t, "Key"), str(t, "Value")})
	}
	text, _ := xml.Marshal(d)
	return text
}

func documentText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	return toJSON(v)
}

func makeRole(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	name := k.physical(p, "RoleName", logical)
	t := s.thing("role", name)
	if old == nil {
		in := doc{"RoleName": name, "Path": str(p, "Path"), "AssumeRolePolicyDocument": documentText(p["AssumeRolePolicyDocument"]), "Tags": p["Tags"]}
		made, err := s.createRole(in, k.region)
		if err != nil {
			return nil, err
		}
		t = made
	}
	r := t.data.(*role)
	r.trust = documentText(p["AssumeRolePolicyDocument"])
	r.inline = map[string]string{}
	for _, d := range docs(p, "Policies") {
		if err := s.putRolePolicy(r, str(d, "PolicyName"), documentText(d["PolicyDocument"])); err != nil {
			return nil, err
		}
	}
	for _, a := range strs(p, "ManagedPolicyArns") {
		r.attached[a] = true
	}
	return &stackResource{id: name, attributes: map[string]string{"Arn": t.arn, "RoleId": "AROAREHEARSALEXAMPLE"}, remove: func(s *Server) *apiError { s.remove(t); return nil }}, nil
}

func makeGroup(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	name := str(p, "ModelPackageGroupName")
	t := s.thing("model-package-group", name)
	if old == nil {
		made, err := s.createGroup(p, k.region)
		if err != nil {
			return nil, err
		}
		t = made
	}
	return &stackResource{id: t.arn, attributes: map[string]string{"ModelPackageGroupArn": t.arn}, remove: func(s *Server) *apiError {
		for _, m := range s.all("model-package") {
			if str(m.in, "ModelPackageGroupName") == name {
				return errorf("ConflictException", "Model Package Group cannot be deleted because it still has Model Packages.")
			}
		}
		s.remove(t)
		return nil
	}}, nil
}

func makePipeline(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	in := pick(p, "PipelineName", "RoleArn", "PipelineDescription", "PipelineDisplayName", "Tags")
	if body := get(p, "PipelineDefinition", "PipelineDefinitionBody"); body != nil {
		in["PipelineDefinition"] = documentText(body)
	} else if l := sub(p, "PipelineDefinition", "PipelineDefinitionS3Location"); l != nil {
		in["PipelineDefinitionS3Location"] = doc{"Bucket": l["Bucket"], "ObjectKey": l["Key"]}
	}
	if old != nil {
		if t, err := s.pipeline(str(in, "PipelineName")); err == nil {
			s.remove(t)
		}
	}
	t, err := s.createPipeline(in, k.region)
	if err != nil {
		return nil, err
	}
	return &stackResource{id: str(in, "PipelineName"), attributes: map[string]string{}, remove: func(s *Server) *apiError { s.remove(t); return nil }}, nil
}

func makeQueue(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	name := k.physical(p, "QueueName", logical)
	t := s.thing("queue", name)
	if t == nil {
		t = s.createQueue(name, nil, k.region)
	}
	return &stackResource{id: s.queueURL(name), attributes: map[string]string{"Arn": t.arn, "QueueName": name, "QueueUrl": s.queueURL(name)}, remove: func(s *Server) *apiError { s.remove(t); return nil }}, nil
}

func makeRule(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	in := pick(p, "ScheduleExpression", "State", "Description", "RoleArn")
	in["Name"] = k.physical(p, "Name", logical)
	if pattern := p["EventPattern"]; pattern != nil {
		in["EventPattern"] = documentText(pattern)
	}
	t, err := s.putRule(in, k.region)
	if err != nil {
		return nil, err
	}
	// Stacks spell targets as the API does.
	var targets []doc
	for _, target := range docs(p, "Targets") {
		b, _ := json.Marshal(target)
		v, e := decodeJSON(services()["events"], "Target", b)
		if e != nil {
			return nil, errorf("ValidationException", "%v", e)
		}
		if faults := services()["events"].validate("Target", v, "target"); len(faults) > 0 {
			return nil, validationError(faults)
		}
		targets = append(targets, v)
	}
	t.data.(*rule).targets = nil
	if failed := s.putTargets(t.data.(*rule), targets); len(failed) > 0 {
		return nil, errorf("ValidationException", "%v", failed)
	}
	return &stackResource{id: t.name, attributes: map[string]string{"Arn": t.arn}, remove: func(s *Server) *apiError { s.remove(t); return nil }}, nil
}

// shaped gives a resource's properties the types of a request.
func shaped(service, shapeName string, p doc) (doc, *apiError) {
	v, err := decodeJSON(services()[service], shapeName, []byte(toJSON(p)))
	if err != nil {
		return nil, errorf("ValidationError", "Properties validation failed: %v", err)
	}
	if faults := services()[service].validate(shapeName, v, ""); len(faults) > 0 {
		return nil, validationError(faults)
	}
	return v, nil
}

func makeAlarm(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	p["AlarmName"] = k.physical(p, "AlarmName", logical)
	in, err := shaped("cloudwatch", "PutMetricAlarmInput", p)
	if err != nil {
		return nil, err
	}
	t, err := s.putAlarm(in, k.region)
	if err != nil {
		return nil, err
	}
	return &stackResource{id: t.name, attributes: map[string]string{"Arn": t.arn}, remove: func(s *Server) *apiError { s.remove(t); return nil }}, nil
}

func makeDashboard(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	name := k.physical(p, "DashboardName", logical)
	if err := s.putDashboard(name, documentText(p["DashboardBody"]), k.region); err != nil {
		return nil, err
	}
	return &stackResource{id: name, attributes: map[string]string{}, remove: func(s *Server) *apiError { s.remove(s.thing("dashboard", name)); return nil }}, nil
}

func makeTopic(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	name := k.physical(p, "TopicName", logical)
	address := arn("sns", k.region, name)
	return &stackResource{id: address, attributes: map[string]string{"TopicArn": address, "TopicName": name}}, nil
}

func makeLogGroup(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	name := k.physical(p, "LogGroupName", logical)
	if s.logs[name] == nil {
		s.logs[name] = &logGroup{name: name, created: s.clock.now(), streams: map[string]*logStream{}}
	} else if old == nil {
		return nil, errorf("AlreadyExists", "%s already exists", name)
	}
	s.logs[name].retention = num(p, "RetentionInDays")
	return &stackResource{id: name, attributes: map[string]string{"Arn": s.logs[name].arn(k.region) + ":*"}, remove: func(s *Server) *apiError { delete(s.logs, name); return nil }}, nil
}

func makeFunction(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	p["FunctionName"] = k.physical(p, "FunctionName", logical)
	code := p["Code"]
	in, err := shaped("lambda", "CreateFunctionRequest", with(without(p, "Tags", "Code"), "Code", code))
	if err != nil {
		return nil, err
	}
	if t := s.thing("function", str(in, "FunctionName")); t != nil && old != nil {
		s.remove(t)
	}
	t, err := s.createFunction(in, k.region)
	if err != nil {
		return nil, err
	}
	return &stackResource{id: t.name, attributes: map[string]string{"Arn": t.arn}, remove: func(s *Server) *apiError { s.remove(t); return nil }}, nil
}

func makePermission(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	t := s.thing("function", functionName(str(p, "FunctionName")))
	if t == nil {
		return nil, noFunction(str(p, "FunctionName"))
	}
	t.data.(*function).statement[logical] = permission{str(p, "Principal"), str(p, "Action"), str(p, "SourceArn")}
	return &stackResource{id: logical, attributes: map[string]string{}, remove: func(s *Server) *apiError { delete(t.data.(*function).statement, logical); return nil }}, nil
}

func makeSchedule(s *Server, k *stack, logical string, p doc, old *stackResource) (*stackResource, *apiError) {
	p["Name"] = k.physical(p, "Name", logical)
	in, err := shaped("scheduler", "CreateScheduleInput", with(p, "ClientToken", fmt.Sprintf("%s-%s", k.name, logical)))
	if err != nil {
		return nil, err
	}
	name := scheduleKey(in)
	t := s.thing("schedule", name)
	if t == nil {
		t = s.add(&thing{kind: "schedule", name: name, arn: arn("scheduler", k.region, "schedule/"+name)})
	}
	if err := s.putSchedule(t, in, k.region); err != nil {
		s.remove(t)
		return nil, err
	}
	return &stackResource{id: str(in, "Name"), attributes: map[string]string{"Arn": t.arn}, remove: func(s *Server) *apiError { s.remove(t); return nil }}, nil
}

package awsfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// busEvent is one on the default event bus.
type busEvent struct {
	source, detailType string
	resources          []string
	detail             doc
}

// rule is an EventBridge rule with its targets.
type rule struct {
	pattern  doc
	schedule string
	enabled  bool
	targets  []doc
}

// emit delivers an event to the rules whose pattern it matches. The lock is held.
func (s *Server) emit(region string, e busEvent) string {
	now := s.clock.now()
	s.serial++
	id := fmt.Sprintf("%08x-1111-4222-8333-%012x", s.serial, s.serial)
	resources := []any{}
	for _, r := range e.resources {
		resources = append(resources, r)
	}
	event := doc{"version": "0", "id": id, "source": e.source, "detail-type": e.detailType, "account": Account, "time": now.Format("2006-01-02T15:04:05Z"), "region": region,
		"resources": resources, "detail": map[string]any(e.detail)}
	// As JSON, so that numbers and lists are what a pattern is compared with.
	var plain doc
	json.Unmarshal([]byte(toJSON(event)), &plain)
	for _, t := range s.all("rule") {
		r := t.data.(*rule)
		if !r.enabled || r.pattern == nil || !matchPattern(r.pattern, plain) {
			continue
		}
		s.count("AWS/Events", "TriggeredRules", "RuleName", t.name)
		s.fire(t, plain, region)
	}
	return id
}

func (s *Server) count(namespace, name, dimension, value string) {
	s.metrics = append(s.metrics, datum{namespace: namespace, name: name, dimensions: map[string]string{dimension: value}, at: s.clock.now(), value: 1})
}

// fire plans the delivery of an event to a rule's targets, each a second from now.
func (s *Server) fire(t *thing, event doc, region string) {
	for _, target := range t.data.(*rule).targets {
		times := 1
		if f := s.nextFault("events", "Deliver", t.name, false); f != nil && f.Kind == "twice" {
			times = 2 // delivery is at least once
		}
		for range times {
			s.clock.at(s.clock.now().Add(time.Second), func(at time.Time) { s.deliver(t, target, event, region, 0) })
		}
	}
}

// deliver hands an event to one target, again later if that fails, and to the dead letter queue when it fails for good.
func (s *Server) deliver(t *thing, target, event doc, region string, tries int) {
	err, again := s.invokeTarget(t.arn, target, event, region)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count("AWS/Events", "Invocations", "RuleName", t.name)
	if err == nil {
		s.logf("events: rule %s delivered to %s", t.name, str(target, "Arn"))
		return
	}
	most := 185
	if n := get(target, "RetryPolicy", "MaximumRetryAttempts"); n != nil {
		most = int(num(target, "RetryPolicy", "MaximumRetryAttempts"))
	}
	s.logf("events: rule %s: %s: %v", t.name, str(target, "Arn"), err)
	if again && tries < most {
		s.clock.at(s.clock.now().Add(time.Duration(tries+1)*30*time.Second), func(time.Time) { s.deliver(t, target, event, region, tries+1) })
		return
	}
	s.count("AWS/Events", "FailedInvocations", "RuleName", t.name)
	if queue := str(target, "DeadLetterConfig", "Arn"); queue != "" {
		if s.send(queue, toJSON(event), map[string]string{"RULE_ARN": t.arn, "TARGET_ARN": str(target, "Arn"), "ERROR_CODE": err.Code, "ERROR_MESSAGE": err.Message}) {
			s.count("AWS/Events", "InvocationsSentToDLQ", "RuleName", t.name)
		}
	}
}

// invokeTarget tells whether a failure is worth another try.
func (s *Server) invokeTarget(source string, target, event doc, region string) (*apiError, bool) {
	address := str(target, "Arn")
	switch {
	case strings.Contains(address, ":pipeline/"):
		s.mu.Lock()
		defer s.mu.Unlock()
		if f := s.nextFault("events", "Deliver", address, false); f != nil && f.Kind == "error" {
			return errorf("ThrottlingException", "Rate exceeded"), true
		}
		role := str(target, "RoleArn")
		if err := s.checkRole(role, "events.amazonaws.com", region); err != nil && !strings.HasPrefix(source, "arn:aws:scheduler") {
			return errorf("INVALID_PERMISSIONS", "%s", err.Message), false
		}
		if err := s.may(role, "sagemaker:StartPipelineExecution", address, nil); err != nil {
			return errorf("NO_PERMISSIONS", "%s", err.Message), false
		}
		in := doc{"PipelineName": address, "ClientRequestToken": "", "PipelineParameters": []any{}}
		s.serial++
		in["ClientRequestToken"] = fmt.Sprintf("events-delivery-%032d", s.serial)
		var parameters []any
		for _, p := range docs(target, "SageMakerPipelineParameters", "PipelineParameterList") {
			value := str(p, "Value")
			if strings.HasPrefix(value, "$.") {
				got, ok := jsonPath(value, event)
				if !ok {
					return errorf("INVALID_JSON", "The path %s is not in the event", value), false
				}
				value = fmt.Sprint(got)
			}
			parameters = append(parameters, doc{"Name": p["Name"], "Value": value})
		}
		in["PipelineParameters"] = parameters
		_, err := s.startPipeline(in, region)
		if err != nil {
			return err, false
		}
		return nil, false
	case strings.Contains(address, ":lambda:"):
		return s.invokeAsync(source, str(target, "RoleArn"), address, targetInput(target, event)), false
	case strings.Contains(address, ":sqs:"):
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.send(address, string(targetInput(target, event)), nil) {
			return errorf("RESOURCE_NOT_FOUND", "no queue %s", address), false
		}
		return nil, false
	case strings.Contains(address, ":log-group:"):
		s.mu.Lock()
		defer s.mu.Unlock()
		name := address[strings.Index(address, ":log-group:")+len(":log-group:"):]
		now := s.clock.now()
		s.print(strings.TrimSuffix(name, ":*"), "events", now, logLine{now, string(targetInput(target, event))})
		return nil, false
	}
	return errorf("RESOURCE_NOT_FOUND", "awsfake delivers to pipelines, functions, queues and log groups, not to %s", address), false
}

// targetInput is what a target gets of the event.
func targetInput(target, event doc) []byte {
	if text := str(target, "Input"); text != "" {
		return []byte(text)
	}
	if path := str(target, "InputPath"); path != "" {
		v, _ := jsonPath(path, event)
		return []byte(toJSON(v))
	}
	if tr := sub(target, "InputTransformer"); tr != nil {
		text := str(tr, "InputTemplate")
		for name, path := range sub(tr, "InputPathsMap") {
			v, _ := jsonPath(fmt.Sprint(path), event)
			text = strings.ReplaceAll(text, "<"+name+">", fmt.Sprint(v))
		}
		return []byte(text)
	}
	return []byte(toJSON(event))
}

// created delivers the event of a new object, where its bucket has them. The lock is not held.
func (s *Server) created(r *http.Request, bucket, key, reason string, h http.Header, size int64) {
	s.mirror(bucket, key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.Contains(string(s.bucket(bucket).settings["notification"]), "EventBridgeConfiguration") {
		return
	}
	if size < 0 {
		if o, err := s.backend.HeadObject(bucket, key); err == nil {
			size = o.Size
			o.Contents.Close()
		}
	}
	s.serial++
	object := doc{"key": key, "size": size, "etag": strings.Trim(h.Get("ETag"), `"`), "sequencer": fmt.Sprintf("%018X", s.serial)}
	with(object, "version-id", h.Get("X-Amz-Version-Id"))
	region := "us-east-1"
	if r != nil {
		if at, _ := scope(r); at != "" {
			region = at
		}
	}
	s.emit(region, busEvent{source: "aws.s3", detailType: "Object Created", resources: []string{"arn:" + partition(region) + ":s3:::" + bucket}, detail: doc{
		"version": "0", "bucket": doc{"name": bucket}, "object": object, "request-id": "0000000000000000", "requester": Account, "source-ip-address": "127.0.0.1", "reason": reason}})
}

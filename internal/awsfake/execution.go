package awsfake

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// execution is one run of a pipeline.
type execution struct {
	id, arn           string
	pipeline          *thing
	definition        *definition
	text              string
	in                doc
	region            string
	parameters        map[string]any
	runs              map[string]*stepRun
	status, failure   string
	created, modified time.Time
	most              int    // steps at a time; 0 any number
	current           string // name of the job that is being made
	order             int
}

// stepRun is a step in an execution.
type stepRun struct {
	step           *step
	order          int
	status         string
	failure        string
	started, ended time.Time
	attempts       int
	job            *job
	metadata       doc
	properties     func() doc
	outcome        bool // of a condition
	cacheHit       string
	key            string // of the cache
}

func (r *stepRun) describe() doc {
	out := with(doc{"StepName": r.step.name, "StepStatus": r.status, "StartTime": r.started, "AttemptCount": int64(max(r.attempts, 1))},
		"EndTime", r.ended, "FailureReason", cut(r.failure, 1024), "StepDisplayName", str(r.step.raw, "DisplayName"), "StepDescription", str(r.step.raw, "Description"))
	if r.metadata != nil {
		out["Metadata"] = r.metadata
	}
	if r.cacheHit != "" {
		out["CacheHitResult"] = doc{"SourcePipelineExecutionArn": r.cacheHit}
	}
	return out
}

// proceed starts the steps whose turn it is. The lock is held.
func (x *execution) proceed(s *Server, at time.Time) {
	for again := true; again; {
		again = false
		if x.status != "Executing" || x.failed() {
			break
		}
		for _, st := range x.reachable(x.definition.steps) {
			if x.runs[st.name] != nil || !x.ready(st) || x.most > 0 && x.running() >= x.most {
				continue
			}
			x.order++
			r := &stepRun{step: st, order: x.order, status: "Starting", started: at}
			x.runs[st.name] = r
			x.begin(s, r, at)
			again = true
		}
	}
	x.settle(s, at)
}

// reachable are the steps of the top level, and those of the branches that conditions have taken.
func (x *execution) reachable(steps []*step) (out []*step) {
	for _, st := range steps {
		out = append(out, st)
		if r := x.runs[st.name]; r != nil && st.kind == "Condition" && r.status == "Succeeded" {
			for _, c := range st.children {
				if c.branch == r.outcome {
					out = append(out, x.reachable([]*step{c})...)
				}
			}
		}
	}
	return out
}

func (x *execution) ready(st *step) bool {
	for _, name := range st.depends {
		if r := x.runs[name]; r == nil || r.status != "Succeeded" {
			return false
		}
	}
	return true
}

func (x *execution) running() (n int) {
	for _, r := range x.runs {
		if r.status == "Starting" || r.status == "Executing" {
			n++
		}
	}
	return n
}

func (x *execution) failed() bool {
	for _, r := range x.runs {
		if r.status == "Failed" {
			return true
		}
	}
	return false
}

// settle ends the execution when nothing runs any more.
func (x *execution) settle(s *Server, at time.Time) {
	if x.status != "Executing" && x.status != "Stopping" || x.running() > 0 {
		return
	}
	name := str(x.pipeline.in, "PipelineName")
	switch {
	case x.status == "Stopping":
		x.status = "Stopped"
	case x.failed():
		x.status = "Failed"
		x.failure = "Step failure: One or multiple steps failed."
		s.count("AWS/Sagemaker/ModelBuildingPipeline", "ExecutionFailed", "PipelineName", name)
	default:
		x.status = "Succeeded"
		s.count("AWS/Sagemaker/ModelBuildingPipeline", "ExecutionSucceeded", "PipelineName", name)
	}
	x.modified = at
	s.metrics = append(s.metrics, datum{namespace: "AWS/Sagemaker/ModelBuildingPipeline", name: "ExecutionDuration", dimensions: map[string]string{"PipelineName": name}, at: at, value: float64(at.Sub(x.created).Milliseconds())})
	s.logf("pipeline %s: execution %s %s", name, x.id, x.status)
	s.emit(x.region, busEvent{source: "aws.sagemaker", detailType: "SageMaker Model Building Pipeline Execution Status Change", resources: []string{x.arn}, detail: doc{
		"pipelineArn": x.pipeline.arn, "pipelineExecutionArn": x.arn, "currentPipelineExecutionStatus": x.status, "executionStartTime": x.created.Format(time.RFC3339)}})
}

func (x *execution) done(s *Server, r *stepRun, status, failure string, at time.Time) {
	r.status, r.failure, r.ended, x.modified = status, failure, at, at
	s.logf("pipeline %s: step %s %s %s", str(x.pipeline.in, "PipelineName"), r.step.name, status, failure)
}

// begin starts a step.
func (x *execution) begin(s *Server, r *stepRun, at time.Time) {
	st := r.step
	r.attempts++
	r.status = "Executing"
	fail := func(format string, args ...any) { x.done(s, r, "Failed", fmt.Sprintf(format, args...), at) }
	switch st.kind {
	case "Condition":
		outcome := true
		for _, c := range docs(st.arguments, "Conditions") {
			ok, err := x.holds(s, c)
			if err != nil {
				fail("%v", err)
				return
			}
			outcome = outcome && ok
		}
		r.outcome = outcome
		r.metadata = doc{"Condition": doc{"Outcome": map[bool]string{true: "True", false: "False"}[outcome]}}
		x.done(s, r, "Succeeded", "", at)
		return
	case "Fail":
		message, err := x.resolve(s, st.arguments["ErrorMessage"])
		if err != nil {
			fail("%v", err)
			return
		}
		r.metadata = doc{"Fail": doc{"ErrorMessage": plainText(message)}}
		fail("%s", plainText(message))
		return
	case "Lambda":
		x.beginLambda(s, r, at)
		return
	}
	x.current = fmt.Sprintf("pipelines-%s-%s-%08x", x.id, strings.ReplaceAll(st.name, "_", "-"), x.order*31+r.attempts)
	kind := stepKinds[st.kind]
	plain, err := x.resolve(s, map[string]any(st.arguments))
	if err != nil {
		fail("%v", err)
		return
	}
	sm := services()["sagemaker"]
	v, err := sm.fromJSON(kind.request, "", plain)
	if err != nil {
		fail("ClientError: %v", err)
		return
	}
	in := v.(doc)
	if x.cached(s, r, in, at) {
		return
	}
	if st.kind != "RegisterModel" {
		in[kind.name] = x.current
	}
	if faults := sm.validate(kind.request, in, ""); len(faults) > 0 {
		fail("ClientError: %s", validationError(faults).Message)
		return
	}
	if apiErr := x.create(s, r, in, at); apiErr != nil {
		x.retryOrFail(s, r, map[string]string{"ThrottlingException": "Step.THROTTLING", "ResourceLimitExceeded": "SageMaker.RESOURCE_LIMIT"}[apiErr.Code], "ClientError: Failed to invoke sagemaker:"+
			strings.TrimSuffix(strings.TrimSuffix(kind.request, "Request"), "Input")+". Error Details: "+apiErr.Message, at)
	}
}

// create makes what the step is about.
func (x *execution) create(s *Server, r *stepRun, in doc, at time.Time) *apiError {
	role := str(x.pipeline.in, "RoleArn")
	prefix := "arn:" + partition(x.region) + ":sagemaker:" + x.region + ":" + Account + ":"
	operation := "Create" + map[string]string{"Training": "TrainingJob", "Processing": "ProcessingJob", "Transform": "TransformJob", "Tuning": "HyperParameterTuningJob", "Model": "Model", "RegisterModel": "ModelPackage"}[r.step.kind]
	target := prefix + map[string]string{"Training": "training-job/", "Processing": "processing-job/", "Transform": "transform-job/", "Tuning": "hyper-parameter-tuning-job/", "Model": "model/"}[r.step.kind] + strings.ToLower(x.current)
	if r.step.kind == "RegisterModel" {
		target = prefix + "model-package/" + str(in, "ModelPackageGroupName") + "/1"
	}
	if err := s.may(role, "sagemaker:"+operation, target, nil); err != nil {
		return err
	}
	if passed := firstOf(in, "RoleArn", "ExecutionRoleArn"); passed != "" {
		if err := s.may(role, "iam:PassRole", passed, map[string]string{"iam:PassedToService": "sagemaker.amazonaws.com"}); err != nil {
			return err
		}
	}
	if len(docs(in, "Tags")) > 0 {
		if err := s.may(role, "sagemaker:AddTags", target, nil); err != nil {
			return err
		}
	}
	if f := s.nextFault("pipeline", operation, r.step.name, false); f != nil && f.Kind == "error" {
		return &apiError{Code: f.Code, Message: f.Message, Status: f.Status}
	}
	var t *thing
	var err *apiError
	switch r.step.kind {
	case "Training":
		if t, err = s.createTraining(in, x.region, in["Tags"]); err == nil {
			r.metadata, r.properties = doc{"TrainingJob": doc{"Arn": t.arn}}, func() doc { return s.describeTraining(t) }
		}
	case "Processing":
		if t, err = s.createProcessing(in, x.region); err == nil {
			r.metadata, r.properties = doc{"ProcessingJob": doc{"Arn": t.arn}}, func() doc { return with(without(t.in), "ProcessingJobArn", t.arn) }
		}
	case "Transform":
		if t, err = s.createTransform(in, x.region); err == nil {
			r.metadata, r.properties = doc{"TransformJob": doc{"Arn": t.arn}}, func() doc { return with(without(t.in), "TransformJobArn", t.arn) }
		}
	case "Tuning":
		in["HyperParameterTuningJobName"] = cut(x.id+"-"+strings.ToLower(r.step.name), 27) + fmt.Sprintf("-%04x", x.order)
		if t, err = s.createTuning(in, x.region); err == nil {
			r.metadata, r.properties = doc{"TuningJob": doc{"Arn": t.arn}}, func() doc { return s.describeTuning(t) }
			x.watchTuning(s, r, t)
		}
		return err
	case "Model":
		c := &call{service: services()["sagemaker"], in: in, region: x.region}
		if _, err = handlers["sagemaker"]["CreateModel"](s, c); err == nil {
			t = s.thing("model", x.current)
			r.metadata, r.properties = doc{"Model": doc{"Arn": t.arn}}, func() doc { return t.in }
			x.done(s, r, "Succeeded", "", at)
		}
		return err
	case "RegisterModel":
		if group := str(in, "ModelPackageGroupName"); group != "" && s.thing("model-package-group", last(group)) == nil {
			if err = s.may(role, "sagemaker:CreateModelPackageGroup", prefix+"model-package-group/"+group, nil); err == nil {
				_, err = s.createGroup(doc{"ModelPackageGroupName": group}, x.region)
			}
			if err != nil {
				return err
			}
		}
		if t, err = s.createPackage(in, x.region); err == nil {
			r.metadata, r.properties = doc{"RegisterModel": doc{"Arn": t.arn}}, func() doc {
				return with(without(t.in), "ModelPackageArn", t.arn, "ModelPackageVersion", t.out["version"])
			}
			x.done(s, r, "Succeeded", "", at)
		}
		return err
	}
	if err != nil {
		return err
	}
	r.job = t.job
	t.job.ends = append(t.job.ends, func(at time.Time) {
		switch t.job.status {
		case "Completed":
			x.done(s, r, "Succeeded", "", at)
		case "Stopped":
			x.done(s, r, "Stopped", "", at)
		default:
			kind := map[bool]string{true: "SageMaker.JOB_INTERNAL_ERROR"}[strings.HasPrefix(t.job.failure, "InternalServerError")]
			if strings.HasPrefix(t.job.failure, "CapacityError") {
				kind = "SageMaker.CAPACITY_ERROR"
			}
			x.retryOrFail(s, r, kind, "ClientError: "+t.job.failure, at)
		}
		x.proceed(s, at)
	})
	return nil
}

// retryOrFail begins a step again where a policy says so.
func (x *execution) retryOrFail(s *Server, r *stepRun, kind, failure string, at time.Time) {
	for _, p := range docs(r.step.raw, "RetryPolicies") {
		if kind == "" || !slices.Contains(strs(p, "ExceptionType"), kind) || x.status != "Executing" {
			continue
		}
		wait := float(p, "IntervalSeconds")
		if wait == 0 {
			wait = 1
		}
		rate := float(p, "BackoffRate")
		if rate == 0 {
			rate = 2
		}
		for range r.attempts - 1 {
			wait *= rate
		}
		again := at.Add(time.Duration(wait * float64(time.Second)))
		if n := int(float(p, "MaxAttempts")); n > 0 && r.attempts > n || p["ExpireAfterMin"] != nil && again.Sub(r.started) > time.Duration(float(p, "ExpireAfterMin"))*time.Minute {
			break
		}
		r.status, r.job = "Starting", nil
		s.logf("pipeline: step %s again at %s after %s", r.step.name, again.Format(time.RFC3339), failure)
		s.clock.at(again, func(at time.Time) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if x.status == "Executing" && r.status == "Starting" {
				x.begin(s, r, at)
				x.proceed(s, at)
			}
		})
		return
	}
	x.done(s, r, "Failed", failure, at)
}

// cached takes the result of an earlier execution of the same pipeline, step and arguments.
func (x *execution) cached(s *Server, r *stepRun, in doc, at time.Time) bool {
	cache := sub(r.step.raw, "CacheConfig")
	if on, _ := cache["Enabled"].(bool); !on {
		return false
	}
	r.key = toJSON(in)
	age := parseISO(str(cache, "ExpireAfter"))
	all := s.executions(x.pipeline)
	slices.Reverse(all)
	for _, e := range all {
		other := e.data.(*execution)
		old := other.runs[r.step.name]
		if other == x || old == nil || old.status != "Succeeded" || old.key != r.key || age > 0 && at.Sub(old.started) > age {
			continue
		}
		r.metadata, r.properties, r.cacheHit = old.metadata, old.properties, other.arn
		if old.cacheHit != "" {
			r.cacheHit = old.cacheHit
		}
		x.done(s, r, "Succeeded", "", at)
		return true
	}
	return false
}

// watchTuning looks again and again whether a tuning job has ended.
func (x *execution) watchTuning(s *Server, r *stepRun, t *thing) {
	s.clock.at(s.clock.now().Add(30*time.Second), func(at time.Time) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch tj := t.data.(*tuningJob); tj.status {
		case "InProgress", "Stopping":
			x.watchTuning(s, r, t)
			return
		case "Completed":
			x.done(s, r, "Succeeded", "", at)
		case "Stopped":
			x.done(s, r, "Stopped", "", at)
		default:
			x.done(s, r, "Failed", tj.failure, at)
		}
		x.proceed(s, at)
	})
}

// beginLambda calls a function as a step.
func (x *execution) beginLambda(s *Server, r *stepRun, at time.Time) {
	address := str(r.step.raw, "FunctionArn")
	t := s.thing("function", functionName(address))
	plain, err := x.resolve(s, map[string]any(r.step.arguments))
	if err == nil && t == nil {
		err = fmt.Errorf("no function %s", address)
	}
	if err != nil {
		x.done(s, r, "Failed", "ClientError: "+err.Error(), at)
		return
	}
	s.clock.at(at, func(at time.Time) {
		answer, failed, err := s.runFunction(t, []byte(toJSON(plain)))
		s.mu.Lock()
		defer s.mu.Unlock()
		if failed || err != nil {
			x.done(s, r, "Failed", fmt.Sprintf("ClientError: Lambda function failed: %s %v", answer, err), at)
		} else {
			r.metadata = doc{"Lambda": doc{"Arn": t.arn}}
			x.done(s, r, "Succeeded", "", at)
		}
		x.proceed(s, at)
	})
}

package awsfake

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

var _ = register("sagemaker", map[string]handler{
	"CreatePipeline": func(s *Server, c *call) (doc, *apiError) {
		name := str(c.in, "PipelineName")
		if token := str(c.in, "ClientRequestToken"); s.tokens["pipeline "+token] == name && s.thing("pipeline", strings.ToLower(name)) != nil {
			return doc{"PipelineArn": s.thing("pipeline", strings.ToLower(name)).arn}, nil
		}
		t, err := s.createPipeline(c.in, c.region)
		if err != nil {
			return nil, err
		}
		s.tokens["pipeline "+str(c.in, "ClientRequestToken")] = name
		return doc{"PipelineArn": t.arn}, nil
	},
	"UpdatePipeline": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.pipeline(str(c.in, "PipelineName"))
		if err != nil {
			return nil, err
		}
		in := without(t.in)
		if c.in["PipelineDefinition"] != nil || c.in["PipelineDefinitionS3Location"] != nil {
			text, err := s.definitionText(c.in)
			if err != nil {
				return nil, err
			}
			d, err := parseDefinition(text)
			if err != nil {
				return nil, err
			}
			t.data, in["PipelineDefinition"] = d, text
		}
		if role := str(c.in, "RoleArn"); role != "" {
			if err := s.checkRole(role, "sagemaker.amazonaws.com", c.region); err != nil {
				return nil, err
			}
		}
		for k, v := range pick(c.in, "RoleArn", "PipelineDescription", "PipelineDisplayName", "ParallelismConfiguration") {
			in[k] = v
		}
		t.in, t.modified = in, s.clock.now()
		return doc{"PipelineArn": t.arn}, nil
	},
	"DescribePipeline": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.pipeline(str(c.in, "PipelineName"))
		if err != nil {
			return nil, err
		}
		return with(pick(t.in, "PipelineName", "PipelineDefinition", "RoleArn", "PipelineDescription", "PipelineDisplayName", "ParallelismConfiguration"), "PipelineArn", t.arn, "PipelineStatus", "Active",
			"CreationTime", t.created, "LastModifiedTime", t.modified, "LastRunTime", t.out["run"]), nil
	},
	"DeletePipeline": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.pipeline(str(c.in, "PipelineName"))
		if err != nil {
			return nil, err
		}
		for _, e := range s.executions(t) {
			if st := e.data.(*execution).status; st == "Executing" || st == "Stopping" {
				return nil, errorf("ConflictException", "Pipeline %s cannot be deleted: execution %s is %s.", t.name, e.arn, st)
			}
		}
		for _, e := range s.executions(t) {
			s.remove(e)
		}
		s.remove(t)
		return doc{"PipelineArn": t.arn}, nil
	},
	"ListPipelines": func(s *Server, c *call) (doc, *apiError) {
		var all []any
		for _, t := range s.all("pipeline") {
			if strings.HasPrefix(str(t.in, "PipelineName"), str(c.in, "PipelineNamePrefix")) {
				all = append(all, with(doc{"PipelineName": str(t.in, "PipelineName"), "PipelineArn": t.arn, "RoleArn": str(t.in, "RoleArn"), "CreationTime": t.created, "LastModifiedTime": t.modified},
					"PipelineDisplayName", str(t.in, "PipelineDisplayName")))
			}
		}
		some, next, err := page(c.in, all, 10)
		return with(doc{"PipelineSummaries": some}, "NextToken", next), err
	},
	"StartPipelineExecution": func(s *Server, c *call) (doc, *apiError) {
		x, err := s.startPipeline(c.in, c.region)
		if err != nil {
			return nil, err
		}
		return doc{"PipelineExecutionArn": x.arn}, nil
	},
	"DescribePipelineExecution": func(s *Server, c *call) (doc, *apiError) {
		x, err := s.executionOf(c)
		if err != nil {
			return nil, err
		}
		return with(doc{"PipelineArn": x.pipeline.arn, "PipelineExecutionArn": x.arn, "PipelineExecutionStatus": x.status, "CreationTime": x.created, "LastModifiedTime": x.modified},
			"PipelineExecutionDisplayName", str(x.in, "PipelineExecutionDisplayName"), "PipelineExecutionDescription", str(x.in, "PipelineExecutionDescription"), "FailureReason", cut(x.failure, 1300)), nil
	},
	"ListPipelineExecutions": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.pipeline(str(c.in, "PipelineName"))
		if err != nil {
			return nil, err
		}
		all := s.executions(t)
		if str(c.in, "SortOrder") != "Ascending" {
			slices.Reverse(all)
		}
		some, next, err := page(c.in, all, 10)
		out := []any{}
		for _, e := range some {
			x := e.data.(*execution)
			out = append(out, with(doc{"PipelineExecutionArn": x.arn, "StartTime": x.created, "PipelineExecutionStatus": x.status}, "PipelineExecutionDisplayName", str(x.in, "PipelineExecutionDisplayName"),
				"PipelineExecutionFailureReason", cut(x.failure, 1300)))
		}
		return with(doc{"PipelineExecutionSummaries": out}, "NextToken", next), err
	},
	"ListPipelineExecutionSteps": func(s *Server, c *call) (doc, *apiError) {
		x, err := s.executionOf(c)
		if err != nil {
			return nil, err
		}
		runs := []*stepRun{}
		for _, r := range x.runs {
			runs = append(runs, r)
		}
		sort.Slice(runs, func(i, j int) bool { return runs[i].order > runs[j].order })
		if str(c.in, "SortOrder") == "Ascending" {
			slices.Reverse(runs)
		}
		some, next, err := page(c.in, runs, 100)
		out := []any{}
		for _, r := range some {
			out = append(out, r.describe())
		}
		return with(doc{"PipelineExecutionSteps": out}, "NextToken", next), err
	},
	"StopPipelineExecution": func(s *Server, c *call) (doc, *apiError) {
		x, err := s.executionOf(c)
		if err != nil {
			return nil, err
		}
		if x.status != "Executing" {
			return nil, invalid("Pipeline execution with status %s cannot be stopped.", x.status)
		}
		x.status, x.modified = "Stopping", s.clock.now()
		for _, r := range x.runs {
			if r.job != nil && r.job.status == "InProgress" {
				s.stop(r.job)
			}
		}
		x.settle(s, s.clock.now())
		return doc{"PipelineExecutionArn": x.arn}, nil
	},
	"RetryPipelineExecution": func(s *Server, c *call) (doc, *apiError) {
		x, err := s.executionOf(c)
		if err != nil {
			return nil, err
		}
		if x.status != "Failed" && x.status != "Stopped" {
			return nil, invalid("Pipeline execution with status %s cannot be retried.", x.status)
		}
		x.status, x.failure = "Executing", ""
		for name, r := range x.runs {
			if r.status == "Failed" || r.status == "Stopped" {
				delete(x.runs, name)
			}
		}
		x.proceed(s, s.clock.now())
		return doc{"PipelineExecutionArn": x.arn}, nil
	},
	"UpdatePipelineExecution": func(s *Server, c *call) (doc, *apiError) {
		x, err := s.executionOf(c)
		if err != nil {
			return nil, err
		}
		return doc{"PipelineExecutionArn": x.arn}, nil
	},
	"ListPipelineParametersForExecution": func(s *Server, c *call) (doc, *apiError) {
		x, err := s.executionOf(c)
		if err != nil {
			return nil, err
		}
		out := []any{}
		for _, name := range sortedKeys(x.parameters) {
			out = append(out, doc{"Name": name, "Value": plainText(x.parameters[name])})
		}
		return doc{"PipelineParameters": out}, nil
	},
	"DescribePipelineDefinitionForExecution": func(s *Server, c *call) (doc, *apiError) {
		x, err := s.executionOf(c)
		if err != nil {
			return nil, err
		}
		return doc{"PipelineDefinition": x.text, "CreationTime": x.created}, nil
	},
})

// pipeline finds a pipeline by name or ARN, in whose names case does not matter.
func (s *Server) pipeline(name string) (*thing, *apiError) {
	t := s.thing("pipeline", strings.ToLower(last(name)))
	if t == nil {
		return nil, errorf("ResourceNotFound", "Pipeline '%s' does not exist.", arn("sagemaker", "us-east-1", "pipeline/"+strings.ToLower(last(name))))
	}
	return t, nil
}

func (s *Server) definitionText(in doc) (string, *apiError) {
	inline, location := str(in, "PipelineDefinition"), sub(in, "PipelineDefinitionS3Location")
	if (inline == "") == (location == nil) {
		return "", invalid("Exactly one of PipelineDefinition and PipelineDefinitionS3Location must be given.")
	}
	if inline != "" {
		return inline, nil
	}
	body, err := s.getObject(str(location, "Bucket"), str(location, "ObjectKey"))
	if err != nil {
		return "", invalid("Unable to read the pipeline definition at s3://%s/%s: %v", str(location, "Bucket"), str(location, "ObjectKey"), err)
	}
	return string(body), nil
}

// createPipeline is also how stacks make pipelines.
func (s *Server) createPipeline(in doc, region string) (*thing, *apiError) {
	name := str(in, "PipelineName")
	if t := s.thing("pipeline", strings.ToLower(name)); t != nil {
		return nil, invalid("Pipeline names must be unique within an AWS account and region. Pipeline with name (%s) already exists.", name)
	}
	if err := s.checkRole(str(in, "RoleArn"), "sagemaker.amazonaws.com", region); err != nil {
		return nil, err
	}
	text, err := s.definitionText(in)
	if err != nil {
		return nil, err
	}
	d, err := parseDefinition(text)
	if err != nil {
		return nil, err
	}
	in = without(in, "PipelineDefinitionS3Location")
	in["PipelineDefinition"] = text
	t := s.add(&thing{kind: "pipeline", name: strings.ToLower(name), arn: arn("sagemaker", region, "pipeline/"+strings.ToLower(name)), in: in, data: d})
	s.tag(t.arn, docs(in, "Tags"))
	return t, nil
}

func (s *Server) executions(t *thing) (out []*thing) {
	for _, e := range s.all("execution") {
		if e.data.(*execution).pipeline == t {
			out = append(out, e)
		}
	}
	return out
}

func (s *Server) executionOf(c *call) (*execution, *apiError) {
	t := s.thing("execution", str(c.in, "PipelineExecutionArn"))
	if t == nil {
		return nil, errorf("ResourceNotFound", "Pipeline execution '%s' does not exist.", str(c.in, "PipelineExecutionArn"))
	}
	return t.data.(*execution), nil
}

// startPipeline starts an execution, or gives the one that the same token started. The lock is held.
func (s *Server) startPipeline(in doc, region string) (*execution, *apiError) {
	t, err := s.pipeline(str(in, "PipelineName"))
	if err != nil {
		return nil, err
	}
	token := "start " + t.arn + " " + str(in, "ClientRequestToken")
	if arn, ok := s.tokens[token]; ok {
		if e := s.thing("execution", arn); e != nil {
			return e.data.(*execution), nil
		}
	}
	if n := len(str(in, "ClientRequestToken")); n < 32 || n > 128 {
		return nil, invalid("ClientRequestToken: want 32 to 128 characters, got %d", n)
	}
	d := t.data.(*definition)
	x := &execution{pipeline: t, definition: d, text: str(t.in, "PipelineDefinition"), in: in, region: region, parameters: map[string]any{}, runs: map[string]*stepRun{}, created: s.clock.now(), status: "Executing"}
	if err := x.setParameters(docs(in, "PipelineParameters")); err != nil {
		return nil, err
	}
	s.serial++
	x.id = executionID(s.serial)
	x.arn = t.arn + "/execution/" + x.id
	x.most = int(num(t.in, "ParallelismConfiguration", "MaxParallelExecutionSteps"))
	if n := num(in, "ParallelismConfiguration", "MaxParallelExecutionSteps"); n > 0 {
		x.most = int(n)
	}
	x.modified = x.created
	s.add(&thing{kind: "execution", name: x.arn, arn: x.arn, in: in, data: x})
	s.tokens[token] = x.arn
	t.out["run"] = x.created
	s.count("AWS/Sagemaker/ModelBuildingPipeline", "ExecutionStarted", "PipelineName", str(t.in, "PipelineName"))
	x.proceed(s, x.created)
	return x, nil
}

// executionID is twelve small letters and digits, as the service makes them.
func executionID(n int) string {
	text := strconv.FormatUint(uint64(n)*0x9e3779b97f4a7c15, 36)
	return fmt.Sprintf("%012s", text[max(len(text)-12, 0):])
}

// setParameters takes the values of a start; each has to be known and of its type.
func (x *execution) setParameters(given []doc) *apiError {
	for _, p := range x.definition.parameters {
		x.parameters[str(p, "Name")] = p["DefaultValue"]
	}
	for _, g := range given {
		name, text := str(g, "Name"), str(g, "Value")
		var p doc
		for _, q := range x.definition.parameters {
			if str(q, "Name") == name {
				p = q
			}
		}
		if p == nil {
			return invalid("Pipeline parameter %s is not defined in the pipeline.", name)
		}
		var v any = text
		var err error
		switch str(p, "Type") {
		case "Integer":
			var n int64
			n, err = strconv.ParseInt(text, 10, 64)
			v = float64(n)
		case "Float":
			v, err = strconv.ParseFloat(text, 64)
		case "Boolean":
			v, err = strconv.ParseBool(text)
		}
		if err != nil {
			return invalid("Pipeline parameter %s: %q is no %s.", name, text, str(p, "Type"))
		}
		if enum := list(p, "EnumValues"); enum != nil && !slices.Contains(enum, v) {
			return invalid("Pipeline parameter %s: %q is none of %v.", name, text, enum)
		}
		x.parameters[name] = v
	}
	for name, v := range x.parameters {
		if v == nil {
			return invalid("Pipeline parameter %s has neither a value nor a default.", name)
		}
	}
	return nil
}

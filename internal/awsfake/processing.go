package awsfake

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// processing is what a processing job has besides its life.
type processing struct {
	exit    string
	outputs map[string][]byte // by s3 address
	logs    []string          // of each host
}

var workPhases = []phase{{"Starting", "", 60 * time.Second}, {"Training", "", 0}, {"Uploading", "", 5 * time.Second}}

var _ = register("sagemaker", map[string]handler{
	"CreateProcessingJob": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.createProcessing(c.in, c.region)
		if err != nil {
			return nil, err
		}
		return doc{"ProcessingJobArn": t.arn}, nil
	},
	"DescribeProcessingJob": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("processing-job", str(c.in, "ProcessingJobName"))
		if t == nil {
			return nil, invalid("Requested resource not found.")
		}
		out := pick(t.in, "ProcessingJobName", "ProcessingInputs", "ProcessingOutputConfig", "ProcessingResources", "StoppingCondition", "AppSpecification", "Environment", "NetworkConfig", "RoleArn")
		with(out, "ProcessingJobArn", t.arn, "ProcessingJobStatus", t.job.status, "CreationTime", t.created, "LastModifiedTime", t.modified, "ProcessingStartTime", t.job.started,
			"ProcessingEndTime", t.job.ended, "FailureReason", cut(t.job.failure, 1024), "ExitMessage", cut(t.data.(*processing).exit, 1024))
		return out, nil
	},
	"StopProcessingJob":   s_stop("processing-job", "ProcessingJobName"),
	"DeleteProcessingJob": s_delete("processing-job", "ProcessingJobName"),
	"ListProcessingJobs": func(s *Server, c *call) (doc, *apiError) {
		some, next, err := s.found(c, "processing-job", jobStatus)
		out := []any{}
		for _, t := range some {
			out = append(out, with(doc{"ProcessingJobName": t.name, "ProcessingJobArn": t.arn, "CreationTime": t.created, "LastModifiedTime": t.modified, "ProcessingJobStatus": t.job.status},
				"ProcessingEndTime", t.job.ended, "FailureReason", cut(t.job.failure, 1024), "ExitMessage", t.data.(*processing).exit))
		}
		return with(doc{"ProcessingJobSummaries": out}, "NextToken", next), err
	},
})

func (s *Server) createProcessing(in doc, region string) (*thing, *apiError) {
	name := str(in, "ProcessingJobName")
	if t := s.thing("processing-job", name); t != nil {
		return nil, errorf("ResourceInUse", "Job name must be unique within an AWS account and region, and a job with this name already exists (%s)", t.arn)
	}
	if _, err := parseImage(str(in, "AppSpecification", "ImageUri"), region); err != nil {
		return nil, err
	}
	role := str(in, "RoleArn")
	if err := s.checkRole(role, "sagemaker.amazonaws.com", region); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	unique := func(name string) *apiError {
		if seen[name] {
			return invalid("Input and output names must be unique within a processing job: %s", name)
		}
		seen[name] = true
		return nil
	}
	for _, i := range docs(in, "ProcessingInputs") {
		if err := unique(str(i, "InputName")); err != nil {
			return nil, err
		}
		source := sub(i, "S3Input")
		if source == nil {
			return nil, invalid("Input %s: awsfake knows S3Input only.", str(i, "InputName"))
		}
		if !strings.HasPrefix(str(source, "LocalPath"), "/opt/ml/processing/") {
			return nil, invalid("LocalPath %q of input %s must be below /opt/ml/processing/.", str(source, "LocalPath"), str(i, "InputName"))
		}
		if err := s.mayRead(role, source, partition(region)); err != nil {
			return nil, err
		}
	}
	for _, o := range docs(in, "ProcessingOutputConfig", "Outputs") {
		if err := unique(str(o, "OutputName")); err != nil {
			return nil, err
		}
		if !strings.HasPrefix(str(o, "S3Output", "LocalPath"), "/opt/ml/processing/") {
			return nil, invalid("LocalPath %q of output %s must be below /opt/ml/processing/.", str(o, "S3Output", "LocalPath"), str(o, "OutputName"))
		}
		bucket, key, err := splitS3(str(o, "S3Output", "S3Uri"))
		if err != nil {
			return nil, invalid("%v", err)
		}
		if err := s.may(role, "s3:PutObject", "arn:"+partition(region)+":s3:::"+bucket+"/"+strings.TrimSuffix(key, "/")+"/x", nil); err != nil {
			return nil, denied(err)
		}
	}
	t := s.add(&thing{kind: "processing-job", name: name, arn: arn("sagemaker", region, "processing-job/"+strings.ToLower(name)), in: in, data: &processing{}})
	s.tag(t.arn, docs(in, "Tags"))
	j := &job{t: t, phases: workPhases}
	j.limit = time.Duration(num(in, "StoppingCondition", "MaxRuntimeInSeconds")) * time.Second
	t.job = j
	s.doom(j, "CreateProcessingJob", in)
	j.work = func(at time.Time) { s.process(t, at) }
	j.keep = func(at time.Time) { s.keepOutputs(j, t.data.(*processing).outputs) }
	s.start(j)
	return t, nil
}

// doom gives a job the fault that was meant for it.
func (s *Server) doom(j *job, operation string, in doc) {
	if f := s.nextFault("sagemaker", operation, toJSON(in), true); f != nil {
		j.doom = f.Kind
	}
}

// keepOutputs uploads what a job wrote; the lock is held.
func (s *Server) keepOutputs(j *job, outputs map[string][]byte) {
	s.mu.Unlock()
	defer s.mu.Lock()
	for _, uri := range sortedKeys(outputs) {
		bucket, key, err := splitS3(uri)
		if err == nil {
			err = s.putObject(bucket, key, outputs[uri])
		}
		if err != nil {
			j.fail = "ClientError: Output upload failed: " + err.Error()
			return
		}
	}
}

// process runs the job's container once for each instance, one after the other.
func (s *Server) process(t *thing, at time.Time) {
	p := &processing{outputs: map[string][]byte{}}
	fail := ""
	count := max(int(num(t.in, "ProcessingResources", "ClusterConfig", "InstanceCount")), 1)
	var hosts []string
	for i := range count {
		hosts = append(hosts, fmt.Sprintf("algo-%d", i+1))
	}
	if t.job.doom == "algorithm" {
		fail = "AlgorithmError: injected by a fault, exit code: 1"
	}
	for i, host := range hosts {
		if fail != "" {
			break
		}
		message, log, err := s.processHost(t.in, p, hosts, i)
		p.logs = append(p.logs, log)
		p.exit = message
		if err != nil {
			fail = "AlgorithmError: See job logs for more information on " + host + ": " + err.Error()
			if message != "" {
				fail = "AlgorithmError: " + message
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.data = p
	t.job.fail, t.job.lasts = fail, 90*time.Second
	for i, log := range p.logs {
		var lines []logLine
		for k, text := range strings.Split(strings.TrimSpace(log), "\n") {
			lines = append(lines, logLine{at.Add(time.Duration(k) * time.Millisecond), text})
		}
		s.print("/aws/sagemaker/ProcessingJobs", fmt.Sprintf("%s/%s-%d", t.name, hosts[i], at.Unix()), at, lines...)
	}
}

func (s *Server) processHost(in doc, p *processing, hosts []string, n int) (message, log string, err error) {
	b, err := newSandbox()
	if err != nil {
		return "", "", err
	}
	defer b.remove()
	for _, i := range docs(in, "ProcessingInputs") {
		source := sub(i, "S3Input")
		objects, err := s.inputObjects(source)
		if err != nil {
			return "", "", err
		}
		for k, o := range objects {
			if str(source, "S3DataDistributionType") == "ShardedByS3Key" && k%len(hosts) != n || strings.HasSuffix(o.key, "/") {
				continue
			}
			body, err := s.getObject(o.bucket, o.key)
			if err != nil {
				return "", "", err
			}
			if err := b.write(path.Join(str(source, "LocalPath"), relative(str(source, "S3Uri"), o.key)), body); err != nil {
				return "", "", err
			}
		}
	}
	for _, o := range docs(in, "ProcessingOutputConfig", "Outputs") {
		if err := b.write(path.Join(str(o, "S3Output", "LocalPath"), ".keep"), nil); err != nil {
			return "", "", err
		}
	}
	if err := b.writeJSON("/opt/ml/config/resourceconfig.json", doc{"current_host": hosts[n], "hosts": hosts}); err != nil {
		return "", "", err
	}
	if err := b.writeJSON("/opt/ml/config/processingjobconfig.json", services()["sagemaker"].toJSON("CreateProcessingJobRequest", in)); err != nil {
		return "", "", err
	}
	log, err = s.run(b, strs(in, "AppSpecification", "ContainerEntrypoint"), strs(in, "AppSpecification", "ContainerArguments"), environment(sub(in, "Environment")), workTime)
	message = cut(string(b.read("/opt/ml/output/message")), 1024)
	if err != nil {
		return message, log, fmt.Errorf("%w: %s", err, lastLine(log))
	}
	for _, o := range docs(in, "ProcessingOutputConfig", "Outputs") {
		files, err := b.files(str(o, "S3Output", "LocalPath"))
		if err != nil {
			return message, log, err
		}
		for rel, body := range files {
			if rel == ".keep" {
				continue
			}
			uri := strings.TrimSuffix(str(o, "S3Output", "S3Uri"), "/") + "/" + rel
			if _, twice := p.outputs[uri]; twice && len(hosts) > 1 {
				s.logf("processing job: %s was written by two hosts: the later one stays", uri)
			}
			p.outputs[uri] = body
		}
	}
	return message, log, nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

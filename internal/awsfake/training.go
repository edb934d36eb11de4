package awsfake

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// training is what a training job has besides its life.
type training struct {
	region  string
	image   image
	result  *trainingResult
	tuning  string // ARN of the tuning job that started it
	stream  string
	metrics map[string]metricValue // final ones, shown as the clock reaches them
}

type metricValue struct {
	value float64
	at    time.Time
}

var _ = register("sagemaker", map[string]handler{
	"CreateTrainingJob": func(s *Server, c *call) (doc, *apiError) {
		t, err := s.createTraining(c.in, c.region, c.in["Tags"])
		if err != nil {
			return nil, err
		}
		return doc{"TrainingJobArn": t.arn}, nil
	},
	"DescribeTrainingJob": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("training-job", str(c.in, "TrainingJobName"))
		if t == nil {
			return nil, invalid("Requested resource not found.")
		}
		return s.describeTraining(t), nil
	},
	"StopTrainingJob":   s_stop("training-job", "TrainingJobName"),
	"DeleteTrainingJob": s_delete("training-job", "TrainingJobName"),
	"ListTrainingJobs": func(s *Server, c *call) (doc, *apiError) {
		some, next, err := s.found(c, "training-job", jobStatus)
		out := []any{}
		for _, t := range some {
			out = append(out, with(doc{"TrainingJobName": t.name, "TrainingJobArn": t.arn, "CreationTime": t.created, "LastModifiedTime": t.modified, "TrainingJobStatus": t.job.status, "SecondaryStatus": t.job.secondary},
				"TrainingEndTime", t.job.ended))
		}
		return with(doc{"TrainingJobSummaries": out}, "NextToken", next), err
	},
})

func jobStatus(t *thing) string { return t.job.status }

// s_stop stops a job of a kind that is named by a member.
func s_stop(kind, member string) handler {
	return func(s *Server, c *call) (doc, *apiError) {
		t := s.thing(kind, str(c.in, member))
		if t == nil {
			return nil, invalid("Requested resource not found.")
		}
		if t.job.status != "InProgress" {
			return nil, invalid("The request was rejected because the %s is in status %s.", strings.ReplaceAll(kind, "-", " "), t.job.status)
		}
		s.stop(t.job)
		return nil, nil
	}
}

func s_delete(kind, member string) handler {
	return func(s *Server, c *call) (doc, *apiError) {
		t := s.thing(kind, str(c.in, member))
		if t == nil {
			return nil, invalid("Requested resource not found.")
		}
		if !t.job.finished {
			return nil, errorf("ResourceInUse", "The %s is in status %s: stop it first.", strings.ReplaceAll(kind, "-", " "), t.job.status)
		}
		s.remove(t)
		return nil, nil
	}
}

// createTraining checks a request beyond its shape, and starts the job. The lock is held.
func (s *Server) createTraining(in doc, region string, tags any) (*thing, *apiError) {
	name := str(in, "TrainingJobName")
	if t := s.thing("training-job", name); t != nil {
		return nil, errorf("ResourceInUse", "Training job names must be unique within an AWS account and region, and a training job with this name already exists (%s)", t.arn)
	}
	im, err := s.checkTraining(in, region)
	if err != nil {
		return nil, err
	}
	t := s.add(&thing{kind: "training-job", name: name, arn: arn("sagemaker", region, "training-job/"+strings.ToLower(name)), in: in})
	tr := &training{region: region, image: im, metrics: map[string]metricValue{}}
	t.data = tr
	if list, ok := tags.([]any); ok {
		s.tag(t.arn, docs(doc{"t": list}, "t"))
	}
	j := &job{t: t, phases: trainingPhases, restarts: int(num(in, "RetryStrategy", "MaximumRetryAttempts"))}
	j.limit = time.Duration(cmp.Or(num(in, "StoppingCondition", "MaxRuntimeInSeconds"), 86400)) * time.Second
	j.waits = time.Duration(num(in, "StoppingCondition", "MaxWaitTimeInSeconds")) * time.Second
	j.keepsAfterStop = str(in, "HyperParameters", "save_model_on_termination") == "true"
	if f := s.nextFault("sagemaker", "CreateTrainingJob", toJSON(in), true); f != nil {
		j.doom = f.Kind
		switch f.Kind {
		case "spot":
			j.interrupt = max(f.Interruptions, 1)
		case "internal":
			// It fails as often as the fault says, and then the machine works.
			if f.Interruptions > 0 && j.restarts >= f.Interruptions {
				j.restarts, j.doom = f.Interruptions, ""
				j.attempts = f.Interruptions
			}
		}
	}
	t.job = j
	j.work = func(at time.Time) { s.train(t, at) }
	j.keep = func(at time.Time) { s.keepModel(t) }
	s.start(j)
	return t, nil
}

// checkTraining is what the service refuses at once.
func (s *Server) checkTraining(in doc, region string) (image, *apiError) {
	algorithm := sub(in, "AlgorithmSpecification")
	if (str(algorithm, "TrainingImage") == "") == (str(algorithm, "AlgorithmName") == "") {
		return image{}, invalid("Exactly one of TrainingImage and AlgorithmName must be given.")
	}
	im, err := parseImage(str(algorithm, "TrainingImage"), region)
	if err != nil {
		return im, err
	}
	if im.version != "" && len(list(algorithm, "MetricDefinitions")) > 0 {
		return im, invalid("You can't override the metric definitions for Amazon SageMaker algorithms. Please retry the request without specifying metric definitions.")
	}
	if err := s.checkRole(str(in, "RoleArn"), "sagemaker.amazonaws.com", region); err != nil {
		return im, err
	}
	if err := checkLimits(in); err != nil {
		return im, err
	}
	seen := map[string]bool{}
	for _, ch := range docs(in, "InputDataConfig") {
		name := str(ch, "ChannelName")
		if seen[name] {
			return im, invalid("Duplicate channel name %s in InputDataConfig.", name)
		}
		seen[name] = true
		uri := str(ch, "DataSource", "S3DataSource", "S3Uri")
		if uri == "" {
			continue
		}
		if objects, why := s.inputObjects(ch); why != nil || len(objects) == 0 {
			bucket, _, _ := splitS3(uri)
			return im, invalid("No S3 objects found under S3 URL %q given in input data source. Please ensure that the bucket exists in the selected region (%s), that objects exist under that S3 prefix, and that the role %q has \"s3:ListBucket\" permissions on bucket %q.",
				uri, region, str(in, "RoleArn"), bucket)
		}
	}
	return im, s.checkAccess(in, region)
}

// checkLimits are rules between members, which shapes cannot say.
func checkLimits(in doc) *apiError {
	stopping, resources := sub(in, "StoppingCondition"), sub(in, "ResourceConfig")
	spot := flag(in, "EnableManagedSpotTraining")
	run, wait := num(stopping, "MaxRuntimeInSeconds"), num(stopping, "MaxWaitTimeInSeconds")
	switch {
	case spot && wait == 0:
		return invalid("Invalid MaxWaitTimeInSeconds. It must be present when EnableManagedSpotTraining is true.")
	case !spot && wait != 0:
		return invalid("Invalid MaxWaitTimeInSeconds. It must only be present when EnableManagedSpotTraining is true.")
	case spot && wait < run:
		return invalid("Invalid MaxWaitTimeInSeconds. It must be equal to or greater than MaxRuntimeInSeconds.")
	case spot && num(resources, "KeepAlivePeriodInSeconds") > 0:
		return invalid("KeepAlivePeriodInSeconds can't be used with EnableManagedSpotTraining.")
	}
	groups := list(resources, "InstanceGroups")
	if len(groups) == 0 && str(resources, "TrainingPlanArn") == "" {
		if str(resources, "InstanceType") == "" || num(resources, "InstanceCount") == 0 {
			return invalid("InstanceType and InstanceCount must be given in ResourceConfig unless InstanceGroups are.")
		}
	}
	if resources != nil && num(resources, "VolumeSizeInGB") == 0 && num(in, "ResourceConfig", "VolumeSizeInGB") == 0 {
		return invalid("VolumeSizeInGB must be given in ResourceConfig.")
	}
	if flag(in, "EnableInterContainerTrafficEncryption") && num(resources, "InstanceCount") < 2 {
		return invalid("EnableInterContainerTrafficEncryption needs more than one instance.")
	}
	tags := map[string]bool{}
	for _, t := range docs(in, "Tags") {
		if k := str(t, "Key"); tags[k] || strings.HasPrefix(strings.ToLower(k), "aws:") {
			return invalid("Tag key %q is given twice or begins with aws:.", k)
		} else {
			tags[k] = true
		}
	}
	if bucket, _, err := splitS3(str(in, "OutputDataConfig", "S3OutputPath")); err != nil || bucket == "" {
		return invalid("S3OutputPath %q: want s3://bucket/prefix.", str(in, "OutputDataConfig", "S3OutputPath"))
	}
	return nil
}

// describeTraining is the request and what has become of it.
func (s *Server) describeTraining(t *thing) doc {
	j, tr := t.job, t.data.(*training)
	out := pick(t.in, "TrainingJobName", "HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig", "VpcConfig", "StoppingCondition",
		"EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "CheckpointConfig", "ProfilerConfig", "Environment", "RetryStrategy", "DebugHookConfig")
	with(out, "TrainingJobArn", t.arn, "TrainingJobStatus", j.status, "SecondaryStatus", j.secondary, "CreationTime", t.created, "LastModifiedTime", t.modified,
		"FailureReason", cut(j.failure, 1024), "SecondaryStatusTransitions", anys(j.transitions), "TrainingStartTime", j.started, "TuningJobArn", tr.tuning)
	if j.finished {
		took, billed := int64(j.worked/time.Second), int64(j.worked/time.Second)
		if flag(t.in, "EnableManagedSpotTraining") {
			billed = billed * 3 / 10 // what spot machines often cost
		}
		with(out, "TrainingEndTime", j.ended, "BillableTimeInSeconds", max(billed, 1))
		if !j.started.IsZero() {
			out["TrainingTimeInSeconds"] = max(took, 1)
		}
	}
	if uri := str(t.out, "S3ModelArtifacts"); uri != "" {
		out["ModelArtifacts"] = doc{"S3ModelArtifacts": uri}
	}
	var final []any
	for _, name := range sortedKeys(tr.metrics) {
		if m := tr.metrics[name]; !m.at.After(s.clock.now()) {
			final = append(final, doc{"MetricName": name, "Value": m.value, "Timestamp": m.at})
		}
	}
	if len(final) > 0 {
		out["FinalMetricDataList"] = final
	}
	return out
}

func cut(text string, n int) string {
	if len(text) > n {
		return text[:n]
	}
	return text
}

// train does the work of a training job: the container's checks, then XGBoost or the stored artifact.
func (s *Server) train(t *thing, at time.Time) {
	tr, j := t.data.(*training), t.job
	h := map[string]string{}
	for k, v := range sub(t.in, "HyperParameters") {
		h[k], _ = v.(string)
	}
	spec := &trainingSpec{name: t.name, version: tr.image.version, hyperparameters: h, in: t.in}
	rounds, _ := strconv.Atoi(h["num_round"])
	if j.interrupt > 0 { // after a half, three quarters and so on, so that a job that goes on with a checkpoint has something to do each time
		spec.until = max(rounds-rounds>>(j.taken+1), 1)
	}
	result := &trainingResult{}
	fail := func(err error) { result.failure = err.Error() }
	if err := s.gather(spec); err != nil {
		fail(err)
	} else if j.doom == "algorithm" {
		result.failure = "AlgorithmError: framework error: injected by a fault, exit code: 1"
	} else if err := checkHyperparameters(spec.version, h); err != nil && spec.version != "" {
		fail(fmt.Errorf("ClientError: %w, exit code: 1", err))
	} else if err := checkChannels(spec); err != nil {
		fail(fmt.Errorf("ClientError: %w, exit code: 1", err))
	} else if err := s.runTraining(spec, result); err != nil {
		fail(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tr.result = result
	j.fail = result.failure
	if spec.until == 0 || result.replayed {
		rounds = len(result.rounds)
	}
	j.lasts = 30*time.Second + time.Duration(rounds)*200*time.Millisecond
	s.printTraining(t, at)
}

// printTraining gives the log its lines, spread over the time of training, and the metrics their values.
func (s *Server) printTraining(t *thing, at time.Time) {
	tr, j := t.data.(*training), t.job
	tr.stream = fmt.Sprintf("%s/algo-1-%d", t.name, at.Unix())
	var lines []logLine
	say := func(at time.Time, text string) {
		lines = append(lines, logLine{at, strings.ReplaceAll(text, "\t", "#011")})
	}
	if tr.result.replayed || len(tr.result.notes) == 0 {
		say(at, at.UTC().Format("[2006-01-02:15:04:05:INFO]")+" Running XGBoost Sagemaker in algorithm mode")
	}
	for i, text := range tr.result.notes {
		say(at.Add(time.Duration(i+1)*time.Millisecond), text)
	}
	for i, r := range tr.result.rounds {
		when := at.Add(10*time.Second + time.Duration(i)*200*time.Millisecond)
		say(when, r.line)
		for _, line := range r.after {
			say(when, line)
		}
		for name, v := range r.metrics {
			tr.metrics[name] = metricValue{v, at.Add(j.lasts)}
		}
	}
	if j.fail != "" {
		say(at.Add(j.lasts), j.fail)
	}
	s.print("/aws/sagemaker/TrainingJobs", tr.stream, at, lines...)
	for i := int64(2); i <= num(t.in, "ResourceConfig", "InstanceCount"); i++ {
		s.print("/aws/sagemaker/TrainingJobs", fmt.Sprintf("%s/algo-%d-%d", t.name, i, at.Unix()), at, logLine{at, "INFO sagemaker-training: waiting for algo-1"})
	}
	for name, m := range tr.metrics {
		s.metrics = append(s.metrics, datum{namespace: "/aws/sagemaker/TrainingJobs", name: name, dimensions: map[string]string{"TrainingJobName": t.name}, at: m.at, value: m.value})
	}
	for _, name := range []string{"CPUUtilization", "MemoryUtilization", "DiskUtilization"} {
		s.metrics = append(s.metrics, datum{namespace: "/aws/sagemaker/TrainingJobs", name: name, dimensions: map[string]string{"Host": t.name + "/algo-1"}, at: at.Add(30 * time.Second), value: 42})
	}
	slices.SortStableFunc(s.metrics, func(a, b datum) int { return a.at.Compare(b.at) })
}

// keepModel uploads the artifact. The lock is held.
func (s *Server) keepModel(t *thing) {
	tr := t.data.(*training)
	if tr.result == nil || len(tr.result.artifact) == 0 {
		return
	}
	uri := strings.TrimSuffix(str(t.in, "OutputDataConfig", "S3OutputPath"), "/") + "/" + t.name + "/output/model.tar.gz"
	bucket, key, _ := splitS3(uri)
	s.mu.Unlock()
	err := s.putObject(bucket, key, tr.result.artifact)
	s.mu.Lock()
	if err != nil {
		t.job.fail = "ClientError: Artifact upload failed: " + err.Error()
		return
	}
	t.out["S3ModelArtifacts"] = uri
}

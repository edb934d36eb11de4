package awsfake

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tuningJob starts training jobs, so many at a time, and remembers the best.
type tuningJob struct {
	region   string
	status   string
	failure  string
	ended    time.Time
	children []*thing
	running  int
	next     int
	random   *rand.Rand
	grid     []map[string]string
}

var _ = register("sagemaker", map[string]handler{
	"CreateHyperParameterTuningJob": func(s *Server, c *call) (doc, *apiError) {
		name := str(c.in, "HyperParameterTuningJobName")
		if t := s.thing("tuning-job", name); t != nil {
			return nil, errorf("ResourceInUse", "Hyper Parameter Tuning Job name must be unique within an AWS account and region, and a job with this name already exists (%s)", t.arn)
		}
		t, err := s.createTuning(c.in, c.region)
		if err != nil {
			return nil, err
		}
		return doc{"HyperParameterTuningJobArn": t.arn}, nil
	},
	"DescribeHyperParameterTuningJob": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("tuning-job", str(c.in, "HyperParameterTuningJobName"))
		if t == nil {
			return nil, errorf("ResourceNotFound", "Amazon SageMaker can't find a tuning job with the name %s.", str(c.in, "HyperParameterTuningJobName"))
		}
		return s.describeTuning(t), nil
	},
	"StopHyperParameterTuningJob": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("tuning-job", str(c.in, "HyperParameterTuningJobName"))
		if t == nil {
			return nil, errorf("ResourceNotFound", "Amazon SageMaker can't find a tuning job with the name %s.", str(c.in, "HyperParameterTuningJobName"))
		}
		tj := t.data.(*tuningJob)
		if tj.status != "InProgress" {
			return nil, invalid("The tuning job is in status %s.", tj.status)
		}
		tj.status = "Stopping"
		for _, child := range tj.children {
			if child.job.status == "InProgress" {
				s.stop(child.job)
			}
		}
		if tj.running == 0 {
			tj.status, tj.ended = "Stopped", s.clock.now()
		}
		return nil, nil
	},
	"DeleteHyperParameterTuningJob": func(s *Server, c *call) (doc, *apiError) {
		if t := s.thing("tuning-job", str(c.in, "HyperParameterTuningJobName")); t != nil {
			s.remove(t)
		}
		return nil, nil
	},
	"ListHyperParameterTuningJobs": func(s *Server, c *call) (doc, *apiError) {
		some, next, err := s.found(c, "tuning-job", func(t *thing) string { return t.data.(*tuningJob).status })
		out := []any{}
		for _, t := range some {
			d := s.describeTuning(t)
			out = append(out, with(pick(d, "HyperParameterTuningJobName", "HyperParameterTuningJobArn", "HyperParameterTuningJobStatus", "CreationTime", "HyperParameterTuningEndTime", "LastModifiedTime",
				"TrainingJobStatusCounters", "ObjectiveStatusCounters"), "Strategy", get(t.in, "HyperParameterTuningJobConfig", "Strategy"), "ResourceLimits", get(t.in, "HyperParameterTuningJobConfig", "ResourceLimits")))
		}
		return with(doc{"HyperParameterTuningJobSummaries": out}, "NextToken", next), err
	},
	"ListTrainingJobsForHyperParameterTuningJob": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("tuning-job", str(c.in, "HyperParameterTuningJobName"))
		if t == nil {
			return nil, errorf("ResourceNotFound", "Amazon SageMaker can't find a tuning job with the name %s.", str(c.in, "HyperParameterTuningJobName"))
		}
		tj := t.data.(*tuningJob)
		all := slices.Clone(tj.children)
		if str(c.in, "SortBy") == "FinalObjectiveMetricValue" {
			slices.SortStableFunc(all, func(a, b *thing) int { return s.better(t, a, b) })
		}
		if str(c.in, "SortOrder") == "Descending" && str(c.in, "SortBy") != "FinalObjectiveMetricValue" {
			slices.Reverse(all)
		}
		some, next, err := page(c.in, all, 10)
		out := []any{}
		for _, child := range some {
			out = append(out, s.childSummary(t, child))
		}
		return with(doc{"TrainingJobSummaries": out}, "NextToken", next), err
	},
})

func (s *Server) createTuning(in doc, region string) (*thing, *apiError) {
	def, cfg := sub(in, "TrainingJobDefinition"), sub(in, "HyperParameterTuningJobConfig")
	if def == nil {
		return nil, invalid("awsfake knows tuning jobs of one TrainingJobDefinition only.")
	}
	probe := without(def, "StaticHyperParameters", "HyperParameterTuningResourceConfig")
	probe["HyperParameters"], probe["TrainingJobName"] = def["StaticHyperParameters"], str(in, "HyperParameterTuningJobName")+"-001-00000000"
	im, err := s.checkTraining(probe, region)
	if err != nil {
		return nil, err
	}
	metric, kind := str(cfg, "HyperParameterTuningJobObjective", "MetricName"), str(cfg, "HyperParameterTuningJobObjective", "Type")
	if part, name, ok := strings.Cut(metric, ":"); im.version != "" {
		most, least := slices.Contains(maximise, name), slices.Contains(minimise, name)
		if !ok || part != "validation" || !most && !least {
			return nil, invalid("The objective metric %s for the hyperparameter tuning job isn't valid for this algorithm.", metric)
		}
		if most != (kind == "Maximize") {
			return nil, invalid("The objective type %s is not that of metric %s.", kind, metric)
		}
		if !hasChannel(def, "validation") {
			return nil, invalid("The objective metric %s needs a validation channel.", metric)
		}
	}
	limits, strategy := sub(cfg, "ResourceLimits"), str(cfg, "Strategy")
	if strategy == "Grid" && limits["MaxNumberOfTrainingJobs"] != nil {
		return nil, invalid("MaxNumberOfTrainingJobs must not be given with strategy Grid.")
	}
	if strategy != "Grid" && limits["MaxNumberOfTrainingJobs"] == nil && num(limits, "MaxRuntimeInSeconds") == 0 {
		return nil, invalid("MaxNumberOfTrainingJobs must be given with strategy %s.", strategy)
	}
	ranges := 0
	for _, group := range []string{"IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges"} {
		for _, r := range docs(cfg, "ParameterRanges", group) {
			ranges++
			if err := checkRange(group, r, def, im.version, strategy); err != nil {
				return nil, err
			}
		}
	}
	if ranges == 0 && len(docs(cfg, "ParameterRanges", "AutoParameters")) == 0 {
		return nil, invalid("At least one hyperparameter must have a range.")
	}
	name := str(in, "HyperParameterTuningJobName")
	seed := uint64(num(cfg, "RandomSeed"))
	tj := &tuningJob{region: region, status: "InProgress", random: rand.New(rand.NewPCG(seed, 1))}
	t := s.add(&thing{kind: "tuning-job", name: name, arn: arn("sagemaker", region, "hyper-parameter-tuning-job/"+strings.ToLower(name)), in: in, data: tj})
	s.tag(t.arn, docs(in, "Tags"))
	if strategy == "Grid" {
		tj.grid = gridOf(docs(cfg, "ParameterRanges", "CategoricalParameterRanges"))
	}
	s.startChildren(t)
	return t, nil
}

func hasChannel(in doc, name string) bool {
	for _, ch := range docs(in, "InputDataConfig") {
		if str(ch, "ChannelName") == name {
			return true
		}
	}
	return false
}

func checkRange(group string, r, def doc, version, strategy string) *apiError {
	name := str(r, "Name")
	if get(def, "StaticHyperParameters", name) != nil {
		return invalid("Hyperparameter %s is both static and has a range.", name)
	}
	if canonical, ok := aliases[name]; ok {
		name = canonical
	}
	b, known := hyperparameters[name]
	if version != "" && (!known || !b.tunable) {
		return invalid("The hyperparameter %s is not tunable in this algorithm.", name)
	}
	if group == "CategoricalParameterRanges" {
		if len(list(r, "Values")) == 0 {
			return invalid("Hyperparameter %s has no values.", name)
		}
		return nil
	}
	if strategy == "Grid" {
		return invalid("Strategy Grid knows categorical ranges only: %s.", name)
	}
	lo, e1 := strconv.ParseFloat(str(r, "MinValue"), 64)
	hi, e2 := strconv.ParseFloat(str(r, "MaxValue"), 64)
	switch {
	case e1 != nil || e2 != nil || lo >= hi:
		return invalid("The range of hyperparameter %s isn't valid: %s to %s.", name, str(r, "MinValue"), str(r, "MaxValue"))
	case str(r, "ScalingType") == "Logarithmic" && lo <= 0:
		return invalid("The range of hyperparameter %s: logarithmic scaling needs values above 0.", name)
	case str(r, "ScalingType") == "ReverseLogarithmic" && (lo < 0 || hi >= 1):
		return invalid("The range of hyperparameter %s: reverse logarithmic scaling needs values from 0 to below 1.", name)
	}
	if known {
		for _, v := range []string{str(r, "MinValue"), str(r, "MaxValue")} {
			if err := b.check(version, name, v); err != nil {
				return invalid("The range of hyperparameter %s isn't valid: %v", name, err)
			}
		}
	}
	return nil
}

func gridOf(ranges []doc) []map[string]string {
	out := []map[string]string{{}}
	for _, r := range ranges {
		var more []map[string]string
		for _, have := range out {
			for _, v := range strs(r, "Values") {
				one := map[string]string{str(r, "Name"): v}
				for k, x := range have {
					one[k] = x
				}
				more = append(more, one)
			}
		}
		out = more
	}
	return out
}

// startChildren keeps as many training jobs running as may be. The lock is held.
func (s *Server) startChildren(t *thing) {
	tj, cfg := t.data.(*tuningJob), sub(t.in, "HyperParameterTuningJobConfig")
	most := int(num(cfg, "ResourceLimits", "MaxNumberOfTrainingJobs"))
	if tj.grid != nil {
		most = len(tj.grid)
	} else if most == 0 {
		most = 10
	}
	for tj.status == "InProgress" && tj.running < int(num(cfg, "ResourceLimits", "MaxParallelTrainingJobs")) && tj.next < most {
		tj.next++
		in := without(sub(t.in, "TrainingJobDefinition"), "StaticHyperParameters", "HyperParameterTuningResourceConfig", "HyperParameterRanges", "TuningObjective", "DefinitionName")
		h := doc{}
		for k, v := range sub(t.in, "TrainingJobDefinition", "StaticHyperParameters") {
			h[k] = v
		}
		for k, v := range tj.draw(cfg) {
			h[k] = v
		}
		h["_tuning_objective_metric"] = str(cfg, "HyperParameterTuningJobObjective", "MetricName")
		in["HyperParameters"] = h
		name := fmt.Sprintf("%s-%03d-%08x", t.name, tj.next, tj.random.Uint32())
		in["TrainingJobName"] = name
		if c := sub(in, "CheckpointConfig"); c != nil { // in one folder they would go on with each other's rounds
			in["CheckpointConfig"] = with(without(c), "S3Uri", strings.TrimSuffix(str(c, "S3Uri"), "/")+"/"+name)
		}
		child, err := s.createTraining(in, tj.region, nil)
		if err != nil {
			tj.status, tj.failure, tj.ended = "Failed", err.Message, s.clock.now()
			return
		}
		child.data.(*training).tuning = t.arn
		tj.children = append(tj.children, child)
		tj.running++
		child.job.ends = append(child.job.ends, func(at time.Time) {
			tj.running--
			t.modified = at
			s.startChildren(t)
			if tj.running > 0 {
				return
			}
			switch {
			case tj.status == "Stopping":
				tj.status, tj.ended = "Stopped", at
			case tj.status == "InProgress":
				tj.status, tj.ended = "Completed", at
				if s.best(t) == nil {
					tj.status, tj.failure = "Failed", "All training jobs failed. Please take a look at the training jobs failures to get more details."
				}
			}
		})
	}
}

// draw takes a point of the ranges: at random, whatever the strategy but Grid.
func (tj *tuningJob) draw(cfg doc) map[string]string {
	if tj.grid != nil {
		return tj.grid[tj.next-1]
	}
	out := map[string]string{}
	for _, group := range []string{"IntegerParameterRanges", "ContinuousParameterRanges"} {
		for _, r := range docs(cfg, "ParameterRanges", group) {
			lo, _ := strconv.ParseFloat(str(r, "MinValue"), 64)
			hi, _ := strconv.ParseFloat(str(r, "MaxValue"), 64)
			v := lo + (hi-lo)*tj.random.Float64()
			if str(r, "ScalingType") == "Logarithmic" {
				v = math.Exp(math.Log(lo) + (math.Log(hi)-math.Log(lo))*tj.random.Float64())
			}
			if group == "IntegerParameterRanges" {
				out[str(r, "Name")] = strconv.FormatInt(int64(math.Round(v)), 10)
			} else {
				out[str(r, "Name")] = strconv.FormatFloat(v, 'g', 16, 64)
			}
		}
	}
	for _, r := range docs(cfg, "ParameterRanges", "CategoricalParameterRanges") {
		values := strs(r, "Values")
		out[str(r, "Name")] = values[tj.random.IntN(len(values))]
	}
	for _, r := range docs(cfg, "ParameterRanges", "AutoParameters") {
		out[str(r, "Name")] = str(r, "ValueHint")
	}
	return out
}

// objective is a child's final value.
func (s *Server) objective(t, child *thing) (float64, bool) {
	m, ok := child.data.(*training).metrics[str(t.in, "HyperParameterTuningJobConfig", "HyperParameterTuningJobObjective", "MetricName")]
	return m.value, ok && child.job.status == "Completed"
}

func (s *Server) better(t, a, b *thing) int {
	x, okX := s.objective(t, a)
	y, okY := s.objective(t, b)
	switch {
	case okX != okY:
		if okX {
			return -1
		}
		return 1
	case str(t.in, "HyperParameterTuningJobConfig", "HyperParameterTuningJobObjective", "Type") == "Maximize":
		x, y = y, x
	}
	if x < y {
		return -1
	} else if x > y {
		return 1
	}
	return 0
}

func (s *Server) best(t *thing) *thing {
	children := slices.Clone(t.data.(*tuningJob).children)
	slices.SortStableFunc(children, func(a, b *thing) int { return s.better(t, a, b) })
	if len(children) > 0 {
		if _, ok := s.objective(t, children[0]); ok {
			return children[0]
		}
	}
	return nil
}

func (s *Server) childSummary(t, child *thing) doc {
	j := child.job
	d := with(doc{"TrainingJobName": child.name, "TrainingJobArn": child.arn, "CreationTime": child.created, "TrainingJobStatus": j.status},
		"TrainingStartTime", j.started, "TrainingEndTime", j.ended, "FailureReason", cut(j.failure, 1024))
	tuned := doc{}
	for k, v := range sub(child.in, "HyperParameters") {
		if get(t.in, "TrainingJobDefinition", "StaticHyperParameters", k) == nil && !strings.HasPrefix(k, "_") {
			tuned[k] = v
		}
	}
	d["TunedHyperParameters"] = tuned
	if v, ok := s.objective(t, child); ok {
		o := sub(t.in, "HyperParameterTuningJobConfig", "HyperParameterTuningJobObjective")
		d["FinalHyperParameterTuningJobObjectiveMetric"] = doc{"Type": o["Type"], "MetricName": o["MetricName"], "Value": v}
		d["ObjectiveStatus"] = "Succeeded"
	}
	return d
}

func (s *Server) describeTuning(t *thing) doc {
	tj := t.data.(*tuningJob)
	out := pick(t.in, "HyperParameterTuningJobName", "HyperParameterTuningJobConfig", "TrainingJobDefinition", "WarmStartConfig")
	counts := map[string]int64{}
	objectives := map[string]int64{}
	for _, c := range tj.children {
		counts[map[string]string{"Completed": "Completed", "InProgress": "InProgress", "Failed": "NonRetryableError", "Stopped": "Stopped", "Stopping": "Stopped"}[c.job.status]]++
		if _, ok := s.objective(t, c); ok {
			objectives["Succeeded"]++
		} else if c.job.finished {
			objectives["Failed"]++
		} else {
			objectives["Pending"]++
		}
	}
	with(out, "HyperParameterTuningJobArn", t.arn, "HyperParameterTuningJobStatus", tj.status, "CreationTime", t.created, "LastModifiedTime", t.modified, "HyperParameterTuningEndTime", tj.ended, "FailureReason", tj.failure,
		"TrainingJobStatusCounters", doc{"Completed": counts["Completed"], "InProgress": counts["InProgress"], "RetryableError": int64(0), "NonRetryableError": counts["NonRetryableError"], "Stopped": counts["Stopped"]},
		"ObjectiveStatusCounters", doc{"Succeeded": objectives["Succeeded"], "Pending": objectives["Pending"], "Failed": objectives["Failed"]})
	if def := sub(out, "TrainingJobDefinition"); def != nil {
		// The service adds the metric that it tunes by.
		def = without(def)
		h := without(sub(def, "StaticHyperParameters"))
		h["_tuning_objective_metric"] = str(t.in, "HyperParameterTuningJobConfig", "HyperParameterTuningJobObjective", "MetricName")
		def["StaticHyperParameters"] = h
		out["TrainingJobDefinition"] = def
	}
	if b := s.best(t); b != nil {
		out["BestTrainingJob"] = s.childSummary(t, b)
	}
	return out
}

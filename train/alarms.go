package train

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Alarm is an alarm of CloudWatch. It watches one metric, or the one series that a query gives.
type Alarm struct {
	Name        string
	Description string
	Namespace   string
	Metric      string
	Dimensions  []Dimension
	Query       string // of Metrics Insights, in place of namespace, metric and dimensions
	Statistic   string // Sum, Average, Minimum, Maximum, or a percentile such as p99
	Period      time.Duration
	Periods     int    // that have to be beyond the threshold, one after the other
	Comparison  string // as in the API
	Threshold   float64
	Missing     string // breaching or notBreaching: what no data means
}

// Dimension narrows a metric.
type Dimension struct{ Name, Value string }

// watched tells which parts of a stack are there to be watched.
type watched struct{ function, endpoint bool }

const (
	atLeast = "GreaterThanOrEqualToThreshold"
	above   = "GreaterThanThreshold"
	below   = "LessThanThreshold"
	atMost  = "LessThanOrEqualToThreshold"

	quiet    = "notBreaching"
	alarming = "breaching"

	pipelineMetrics = "AWS/Sagemaker/ModelBuildingPipeline"
	endpointMetrics = "AWS/SageMaker"
	trainingMetrics = "/aws/sagemaker/TrainingJobs"
	variantName     = "all" // of the one variant of an endpoint

	// maxLookback is how far back an alarm of CloudWatch can look.
	maxLookback = 7 * 24 * time.Hour
)

// alarms of the stack, always in the same order.
func (s *Stack) alarms(w watched) []Alarm {
	pipeline := []Dimension{{"PipelineName", s.Resource(KindPipeline)}}
	rule := []Dimension{{"RuleName", s.Resource(KindTrigger)}}
	silence := min(s.Monitor.MaxAge, maxLookback).Truncate(time.Hour)
	list := []Alarm{
		count("pipeline-failed", "A run of the pipeline failed.", pipelineMetrics, "ExecutionFailed", pipeline),
		{Name: "pipeline-silent", Description: fmt.Sprintf("No run of the pipeline began within %s.", days(silence)),
			Namespace: pipelineMetrics, Metric: "ExecutionStarted", Dimensions: pipeline, Statistic: "Sum",
			Period: time.Hour, Periods: int(silence / time.Hour), Comparison: below, Threshold: 1, Missing: alarming},
		count("rule-failed", "The rule could not start its target.", "AWS/Events", "FailedInvocations", rule),
		count("rule-undelivered", "An event went to the queue of undelivered ones.", "AWS/Events", "InvocationsSentToDlq", rule),
		{Name: "training-memory", Description: "A machine that trains is short of memory (any job of the account: CloudWatch cannot choose by a part of the name).",
			Query:     fmt.Sprintf("SELECT MAX(MemoryUtilization) FROM SCHEMA(%q, Host)", trainingMetrics),
			Statistic: "Maximum", Period: 5 * time.Minute, Periods: 1, Comparison: above, Threshold: 90, Missing: quiet},
		{Name: "training-auc", Description: fmt.Sprintf("A trained model has validation:auc below %v (any job of the account).", s.Monitor.MinAUC),
			Query:     fmt.Sprintf("SELECT MIN(%q) FROM SCHEMA(%q, TrainingJobName)", "validation:auc", trainingMetrics),
			Statistic: "Minimum", Period: time.Hour, Periods: 1, Comparison: below, Threshold: s.Monitor.MinAUC, Missing: quiet},
	}
	if w.function {
		function := []Dimension{{"FunctionName", s.Resource(KindTrigger)}}
		list = append(list,
			count("lambda-errors", "The function of the trigger failed.", "AWS/Lambda", "Errors", function),
			count("lambda-throttles", "The function of the trigger was not started, for too many run.", "AWS/Lambda", "Throttles", function),
			count("lambda-dropped", "An event was dropped after all retries of the function.", "AWS/Lambda", "AsyncEventsDropped", function))
	}
	if w.endpoint {
		list = append(list, s.endpointAlarms()...)
	}
	for i := range list {
		list[i].Name = s.Resource(list[i].Name)
	}
	return list
}

// count is an alarm for one event within five minutes.
func count(name, description, namespace, metric string, dimensions []Dimension) Alarm {
	return Alarm{Name: name, Description: description, Namespace: namespace, Metric: metric, Dimensions: dimensions, Statistic: "Sum",
		Period: 5 * time.Minute, Periods: 1, Comparison: atLeast, Threshold: 1, Missing: quiet}
}

func (s *Stack) endpointAlarms() []Alarm {
	variant := []Dimension{{"EndpointName", s.Resource(KindEndpoint)}, {"VariantName", variantName}}
	return []Alarm{
		count("endpoint-5xx", "The endpoint answered with an error of its own.", endpointMetrics, "Invocation5XXErrors", variant),
		count("endpoint-model-errors", "The model container failed.", endpointMetrics, "InvocationModelErrors", variant),
		{Name: "endpoint-slow", Description: fmt.Sprintf("One answer of a hundred took longer than %v.", s.Monitor.Latency),
			Namespace: endpointMetrics, Metric: "ModelLatency", Dimensions: variant, Statistic: "p99",
			Period: 5 * time.Minute, Periods: 3, Comparison: above, Threshold: float64(s.Monitor.Latency.Microseconds()), Missing: quiet},
		{Name: "endpoint-idle", Description: fmt.Sprintf("Nobody asked the endpoint for %s; it costs all the same: threatdetect endpoint delete.", days(s.Monitor.IdleAfter)),
			Namespace: endpointMetrics, Metric: "Invocations", Dimensions: variant, Statistic: "Sum",
			Period: time.Hour, Periods: int(s.Monitor.IdleAfter / time.Hour), Comparison: atMost, Threshold: 0, Missing: alarming},
	}
}

// days writes a time of hours and days.
func days(d time.Duration) string {
	if d == 24*time.Hour {
		return "a day"
	}
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return fmt.Sprintf("%d hours", d/time.Hour)
}

// widget is a graph of a dashboard.
type widget struct {
	Type       string         `json:"type"`
	X          int            `json:"x"`
	Y          int            `json:"y"`
	Width      int            `json:"width"`
	Height     int            `json:"height"`
	Properties map[string]any `json:"properties"`
}

// dashboard is the body of the stack's dashboard: a row each for pipeline and trigger, training, and whatever else is there.
func (s *Stack) dashboard(w watched) string {
	d := &board{region: s.Region}
	d.graph("Runs of the pipeline", "Sum", series(pipelineMetrics, Dimension{"PipelineName", s.Resource(KindPipeline)},
		"ExecutionStarted", "ExecutionSucceeded", "ExecutionFailed")...)
	d.graph("Events of raw logs", "Sum", series("AWS/Events", Dimension{"RuleName", s.Resource(KindTrigger)},
		"TriggeredRules", "FailedInvocations", "InvocationsSentToDlq")...)
	d.graph("Training: machines, %", "Maximum", search(trainingMetrics, "Host", `MetricName=("CPUUtilization" OR "MemoryUtilization" OR "DiskUtilization")`, "Maximum"))
	d.graph("Training: validation", "Maximum", search(trainingMetrics, "TrainingJobName", `"validation"`, "Maximum"))
	if w.function {
		d.graph("Function of the trigger", "Sum", series("AWS/Lambda", Dimension{"FunctionName", s.Resource(KindTrigger)},
			"Invocations", "Errors", "Throttles", "AsyncEventsDropped")...)
	}
	if w.endpoint {
		d.graph("Endpoint: requests", "Sum", endpointSeries(s.Resource(KindEndpoint), "Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")...)
		d.graph("Endpoint: latency, µs", "p99", endpointSeries(s.Resource(KindEndpoint), "ModelLatency", "OverheadLatency")...)
	}
	d.text("Alarms ring by the names " + s.Resource("") + "…; `threatdetect monitor show` lists them. An endpoint costs every second until `threatdetect endpoint delete`.")
	body, err := json.Marshal(map[string]any{"widgets": d.widgets})
	if err != nil {
		panic("train: dashboard: " + err.Error()) // of strings and numbers
	}
	return string(body)
}

// board arranges widgets, two in a row.
type board struct {
	region  string
	widgets []widget
	graphs  int
}

func (b *board) graph(title, stat string, metrics ...any) {
	b.widgets = append(b.widgets, widget{Type: "metric", X: 12 * (b.graphs % 2), Y: 6 * (b.graphs / 2), Width: 12, Height: 6,
		Properties: map[string]any{"title": title, "region": b.region, "stat": stat, "period": 300, "view": "timeSeries", "metrics": metrics}})
	b.graphs++
}

func (b *board) text(markdown string) {
	b.widgets = append(b.widgets, widget{Type: "text", X: 0, Y: 6 * ((b.graphs + 1) / 2), Width: 24, Height: 2, Properties: map[string]any{"markdown": markdown}})
}

func series(namespace string, by Dimension, metrics ...string) (list []any) {
	for _, m := range metrics {
		list = append(list, []any{namespace, m, by.Name, by.Value})
	}
	return list
}

func endpointSeries(endpoint string, metrics ...string) (list []any) {
	for _, m := range metrics {
		list = append(list, []any{endpointMetrics, m, "EndpointName", endpoint, "VariantName", variantName})
	}
	return list
}

// search is a row of graphs for whatever jobs there are.
func search(namespace, dimension, what, stat string) any {
	expression := fmt.Sprintf("SEARCH('{%s,%s} %s', '%s', 300)", namespace, dimension, strings.ReplaceAll(what, "'", ""), stat)
	return []any{map[string]any{"expression": expression, "id": "q1"}}
}

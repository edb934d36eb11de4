package awsfake

import (
	"encoding/json"
	"math"
	"strings"
	"time"
)

// datum is one value of a metric.
type datum struct {
	namespace, name string
	dimensions      map[string]string
	at              time.Time
	value           float64
}

func (d datum) is(namespace, name string, dimensions []doc) bool {
	if d.namespace != namespace || d.name != name || len(dimensions) != len(d.dimensions) {
		return false
	}
	for _, q := range dimensions {
		if d.dimensions[str(q, "Name")] != str(q, "Value") {
			return false
		}
	}
	return true
}

// statistic sums up values of a period.
func statistic(name string, values []float64) (float64, bool) {
	if len(values) == 0 {
		return 0, false
	}
	sum, low, high := 0.0, math.Inf(1), math.Inf(-1)
	for _, v := range values {
		sum += v
		low, high = math.Min(low, v), math.Max(high, v)
	}
	switch name {
	case "Sum":
		return sum, true
	case "Minimum":
		return low, true
	case "Maximum":
		return high, true
	case "SampleCount":
		return float64(len(values)), true
	}
	return sum / float64(len(values)), true // Average, and percentiles of what has one value
}

// values are those of a metric in a period that have happened.
func (s *Server) values(namespace, name string, dimensions []doc, from, to time.Time) (out []float64) {
	now := s.clock.now()
	for _, d := range s.metrics {
		if d.is(namespace, name, dimensions) && !d.at.Before(from) && d.at.Before(to) && !d.at.After(now) {
			out = append(out, d.value)
		}
	}
	return out
}

// alarmState evaluates an alarm over the periods that end now.
func (s *Server) alarmState(in doc) string {
	period := time.Duration(num(in, "Period")) * time.Second
	if period == 0 {
		return "INSUFFICIENT_DATA" // of metric math
	}
	n := int(num(in, "EvaluationPeriods"))
	need := int(num(in, "DatapointsToAlarm"))
	if need == 0 {
		need = n
	}
	breaching, missing := 0, 0
	to := s.clock.now().Add(time.Millisecond)
	for range n {
		v, ok := statistic(str(in, "Statistic"), s.values(str(in, "Namespace"), str(in, "MetricName"), docs(in, "Dimensions"), to.Add(-period), to))
		to = to.Add(-period)
		if !ok {
			missing++
			if str(in, "TreatMissingData") == "breaching" {
				breaching++
			}
			continue
		}
		t := float(in, "Threshold")
		if map[string]bool{"GreaterThanOrEqualToThreshold": v >= t, "GreaterThanThreshold": v > t, "LessThanThreshold": v < t, "LessThanOrEqualToThreshold": v <= t}[str(in, "ComparisonOperator")] {
			breaching++
		}
	}
	switch treat := str(in, "TreatMissingData"); {
	case breaching >= need:
		return "ALARM"
	case missing == n && treat != "breaching" && treat != "notBreaching":
		return "INSUFFICIENT_DATA"
	}
	return "OK"
}

func (s *Server) describeAlarm(t *thing) doc {
	out := without(t.in, "Tags")
	return with(out, "AlarmArn", t.arn, "StateValue", s.alarmState(t.in), "StateReason", "evaluated when asked", "AlarmConfigurationUpdatedTimestamp", t.modified)
}

// putAlarm is also how stacks make alarms.
func (s *Server) putAlarm(in doc, region string) (*thing, *apiError) {
	name := str(in, "AlarmName")
	if len(list(in, "Metrics")) == 0 {
		if str(in, "MetricName") == "" || num(in, "Period") == 0 || (str(in, "Statistic") == "") == (str(in, "ExtendedStatistic") == "") {
			return nil, errorf("ValidationError", "MetricName, Period and one of Statistic and ExtendedStatistic must be given")
		}
		if p := num(in, "Period"); p != 10 && p != 30 && p%60 != 0 {
			return nil, errorf("ValidationError", "Period must be 10, 30 or a multiple of 60")
		}
		if p, n := num(in, "Period"), num(in, "EvaluationPeriods"); p < 3600 && p*n > 86400 || p*n > 7*86400 {
			return nil, errorf("ValidationError", "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400), or seven days for periods of an hour and more")
		}
	}
	t := s.thing("alarm", name)
	if t == nil {
		t = s.add(&thing{kind: "alarm", name: name, arn: arn("cloudwatch", region, "alarm:"+name)})
	}
	t.in, t.modified = in, s.clock.now()
	s.tag(t.arn, docs(in, "Tags"))
	return t, nil
}

// putDashboard checks that a dashboard has widgets that draw metrics.
func (s *Server) putDashboard(name, body string, region string) *apiError {
	var d struct {
		Widgets []struct {
			Type                string
			X, Y, Width, Height float64
			Properties          map[string]any
		}
	}
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		return errorf("InvalidParameterInput", "The field DashboardBody must be a valid JSON object: %v", err)
	}
	for i, w := range d.Widgets {
		if w.X+w.Width > 24 || w.Width < 0 || w.Type == "" {
			return errorf("InvalidParameterInput", "The dashboard body is invalid: widget %d is wider than the grid of 24, or has no type", i)
		}
		if w.Type == "metric" && (w.Properties["metrics"] == nil && w.Properties["annotations"] == nil || w.Properties["region"] == nil) {
			return errorf("InvalidParameterInput", "The dashboard body is invalid: widget %d has no metrics or no region", i)
		}
	}
	t := s.thing("dashboard", name)
	if t == nil {
		t = s.add(&thing{kind: "dashboard", name: name, arn: "arn:" + partition(region) + ":cloudwatch::" + Account + ":dashboard/" + name})
	}
	t.in, t.modified = doc{"DashboardBody": body}, s.clock.now()
	return nil
}

var _ = register("cloudwatch", map[string]handler{
	"PutMetricAlarm": func(s *Server, c *call) (doc, *apiError) {
		_, err := s.putAlarm(c.in, c.region)
		return nil, err
	},
	"DescribeAlarms": func(s *Server, c *call) (doc, *apiError) {
		names := map[string]bool{}
		for _, n := range strs(c.in, "AlarmNames") {
			names[n] = true
		}
		var all []any
		for _, t := range s.all("alarm") {
			if len(names) > 0 && !names[t.name] || !strings.HasPrefix(t.name, str(c.in, "AlarmNamePrefix")) {
				continue
			}
			d := s.describeAlarm(t)
			if want := str(c.in, "StateValue"); want == "" || want == d["StateValue"] {
				all = append(all, d)
			}
		}
		some, next, err := page(c.in, all, 50)
		return with(doc{"MetricAlarms": some, "CompositeAlarms": []any{}}, "NextToken", next), err
	},
	"DeleteAlarms": func(s *Server, c *call) (doc, *apiError) {
		for _, n := range strs(c.in, "AlarmNames") {
			if t := s.thing("alarm", n); t != nil {
				s.remove(t)
			}
		}
		return nil, nil
	},
	"PutDashboard": func(s *Server, c *call) (doc, *apiError) {
		if err := s.putDashboard(str(c.in, "DashboardName"), str(c.in, "DashboardBody"), c.region); err != nil {
			return nil, err
		}
		return doc{"DashboardValidationMessages": []any{}}, nil
	},
	"GetDashboard": func(s *Server, c *call) (doc, *apiError) {
		t := s.thing("dashboard", str(c.in, "DashboardName"))
		if t == nil {
			return nil, notFound("ResourceNotFound", "Dashboard %s does not exist", str(c.in, "DashboardName"))
		}
		return doc{"DashboardArn": t.arn, "DashboardBody": str(t.in, "DashboardBody"), "DashboardName": t.name}, nil
	},
	"ListDashboards": func(s *Server, c *call) (doc, *apiError) {
		out := []any{}
		for _, t := range s.all("dashboard") {
			if strings.HasPrefix(t.name, str(c.in, "DashboardNamePrefix")) {
				out = append(out, doc{"DashboardName": t.name, "DashboardArn": t.arn, "LastModified": t.modified, "Size": int64(len(str(t.in, "DashboardBody")))})
			}
		}
		return doc{"DashboardEntries": out}, nil
	},
	"DeleteDashboards": func(s *Server, c *call) (doc, *apiError) {
		for _, n := range strs(c.in, "DashboardNames") {
			t := s.thing("dashboard", n)
			if t == nil {
				return nil, notFound("ResourceNotFound", "Dashboard %s does not exist", n)
			}
			s.remove(t)
		}
		return doc{}, nil
	},
	"PutMetricData": func(s *Server, c *call) (doc, *apiError) {
		if strings.HasPrefix(str(c.in, "Namespace"), "AWS/") {
			return nil, errorf("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid.")
		}
		for _, m := range docs(c.in, "MetricData") {
			d := datum{namespace: str(c.in, "Namespace"), name: str(m, "MetricName"), dimensions: map[string]string{}, at: s.clock.now(), value: float(m, "Value")}
			if at, ok := m["Timestamp"].(time.Time); ok {
				d.at = at
			}
			for _, q := range docs(m, "Dimensions") {
				d.dimensions[str(q, "Name")] = str(q, "Value")
			}
			s.metrics = append(s.metrics, d)
		}
		return nil, nil
	},
	"GetMetricStatistics": func(s *Server, c *call) (doc, *apiError) {
		from, _ := c.in["StartTime"].(time.Time)
		to, _ := c.in["EndTime"].(time.Time)
		period := time.Duration(max(num(c.in, "Period"), 60)) * time.Second
		points := []any{}
		for at := from; at.Before(to); at = at.Add(period) {
			values := s.values(str(c.in, "Namespace"), str(c.in, "MetricName"), docs(c.in, "Dimensions"), at, at.Add(period))
			if len(values) == 0 {
				continue
			}
			p := doc{"Timestamp": at}
			for _, name := range strs(c.in, "Statistics") {
				p[name], _ = statistic(name, values)
			}
			points = append(points, p)
		}
		return doc{"Label": str(c.in, "MetricName"), "Datapoints": points}, nil
	},
	"GetMetricData": func(s *Server, c *call) (doc, *apiError) {
		from, _ := c.in["StartTime"].(time.Time)
		to, _ := c.in["EndTime"].(time.Time)
		out := []any{}
		for _, q := range docs(c.in, "MetricDataQueries") {
			m := sub(q, "MetricStat")
			period := time.Duration(max(num(m, "Period"), 60)) * time.Second
			times, numbers := []any{}, []any{}
			for at := from; m != nil && at.Before(to); at = at.Add(period) {
				values := s.values(str(m, "Metric", "Namespace"), str(m, "Metric", "MetricName"), docs(m, "Metric", "Dimensions"), at, at.Add(period))
				if v, ok := statistic(str(m, "Stat"), values); ok {
					times, numbers = append(times, at), append(numbers, v)
				}
			}
			out = append(out, doc{"Id": q["Id"], "Label": str(m, "Metric", "MetricName"), "StatusCode": "Complete", "Timestamps": times, "Values": numbers})
		}
		return doc{"MetricDataResults": out}, nil
	},
	"ListMetrics": func(s *Server, c *call) (doc, *apiError) {
		seen, out := map[string]bool{}, []any{}
		for _, d := range s.metrics {
			if n := str(c.in, "Namespace"); n != "" && n != d.namespace || str(c.in, "MetricName") != "" && str(c.in, "MetricName") != d.name || d.at.After(s.clock.now()) {
				continue
			}
			dimensions := []any{}
			for _, k := range sortedKeys(d.dimensions) {
				dimensions = append(dimensions, doc{"Name": k, "Value": d.dimensions[k]})
			}
			one := doc{"Namespace": d.namespace, "MetricName": d.name, "Dimensions": dimensions}
			if key := toJSON(one); !seen[key] {
				seen[key] = true
				out = append(out, one)
			}
		}
		return doc{"Metrics": out}, nil
	},
	"TagResource": tagByMap,
	"ListTagsForResource": func(s *Server, c *call) (doc, *apiError) {
		return doc{"Tags": s.tagList(str(c.in, "ResourceARN"))}, nil
	},
})

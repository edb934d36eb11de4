package train

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// Monitoring is what watches the stack.
type Monitoring struct {
	Dashboard string // its name, "" if there is none
	Address   string // of the dashboard in the console
	Alarms    []AlarmState
	Removed   []string // alarms of what is no longer there
	Notes     []string // what is not as the stack wants it, and why
}

// AlarmState is an alarm as it is at present.
type AlarmState struct {
	Name    string
	State   string // OK, ALARM or INSUFFICIENT_DATA
	Reason  string
	Updated time.Time
}

// CreateMonitor makes the dashboard and the alarms of the stack, or brings them up to date. What is not there, an endpoint or the function of a trigger, is not
// watched, and its alarms are removed.
func (a *AWS) CreateMonitor(ctx context.Context) (*Monitoring, error) {
	w, err := a.watched(ctx)
	if err != nil {
		return nil, err
	}
	actions, err := a.alarmActions(ctx)
	if err != nil {
		return nil, err
	}
	alarms := a.stack.alarms(w)
	for i := range alarms {
		if _, err := a.CloudWatch().PutMetricAlarm(ctx, alarms[i].input(actions)); err != nil {
			return nil, err
		}
	}
	name := a.stack.Resource(KindDashboard)
	out, err := a.CloudWatch().PutDashboard(ctx, &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: aws.String(a.stack.dashboard(w))})
	if err != nil {
		return nil, err
	}
	m := &Monitoring{}
	for _, v := range out.DashboardValidationMessages {
		m.Notes = append(m.Notes, fmt.Sprintf("dashboard: %s: %s", aws.ToString(v.DataPath), aws.ToString(v.Message)))
	}
	if a.stack.Monitor.MaxAge > maxLookback {
		m.Notes = append(m.Notes, fmt.Sprintf("monitor.max_age is %s, and an alarm looks back 7 days: it rings after 7 days without a run", days(a.stack.Monitor.MaxAge)))
	}
	if a.stack.Monitor.Topic == "" && a.stack.Monitor.Email == "" {
		m.Notes = append(m.Notes, "neither monitor.topic nor monitor.email is set: alarms change their state, and tell nobody")
	}
	if m.Removed, err = a.removeAlarms(ctx, alarms); err != nil {
		return m, err
	}
	state, err := a.ShowMonitor(ctx)
	if err != nil {
		return m, err
	}
	m.Dashboard, m.Address, m.Alarms = state.Dashboard, state.Address, state.Alarms
	return m, nil
}

// watched finds out what there is to watch.
func (a *AWS) watched(ctx context.Context) (w watched, err error) {
	w.endpoint = a.stack.Endpoint.Wanted
	if !w.endpoint {
		_, err := a.describeEndpoint(ctx)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return w, err
		}
		w.endpoint = err == nil
	}
	function := a.stack.Resource(KindTrigger)
	_, err = a.Lambda().GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	w.function = err == nil
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return w, err
}

// alarmActions is the topic that alarms tell. The one for an address is made by deploy.
func (a *AWS) alarmActions(ctx context.Context) ([]string, error) {
	m := a.stack.Monitor
	switch {
	case m.Topic != "":
		return []string{m.Topic}, nil
	case m.Email == "":
		return nil, nil
	}
	account, err := a.Account(ctx)
	return []string{site{a.stack.Partition(), a.stack.Region, account}.arn("sns", a.stack.Resource(KindTopic))}, err
}

func (a *Alarm) input(actions []string) *cloudwatch.PutMetricAlarmInput {
	in := &cloudwatch.PutMetricAlarmInput{
		AlarmName: &a.Name, AlarmDescription: &a.Description, AlarmActions: actions, EvaluationPeriods: aws.Int32(int32(a.Periods)), Threshold: &a.Threshold,
		ComparisonOperator: types.ComparisonOperator(a.Comparison), TreatMissingData: &a.Missing,
	}
	period := aws.Int32(int32(a.Period / time.Second))
	if a.Query != "" {
		in.Metrics = []types.MetricDataQuery{{Id: aws.String("q1"), Expression: &a.Query, Period: period, ReturnData: aws.Bool(true)}}
		return in
	}
	in.Namespace, in.MetricName, in.Period = &a.Namespace, &a.Metric, period
	for _, d := range a.Dimensions {
		in.Dimensions = append(in.Dimensions, types.Dimension{Name: &d.Name, Value: &d.Value})
	}
	if strings.HasPrefix(a.Statistic, "p") {
		in.ExtendedStatistic = &a.Statistic
	} else {
		in.Statistic = types.Statistic(a.Statistic)
	}
	return in
}

// ShowMonitor tells how the alarms of the stack are.
func (a *AWS) ShowMonitor(ctx context.Context) (*Monitoring, error) {
	m := &Monitoring{}
	var err error
	if m.Alarms, err = a.alarmStates(ctx); err != nil {
		return nil, err
	}
	name := a.stack.Resource(KindDashboard)
	_, err = a.CloudWatch().GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &name})
	switch {
	case err == nil:
		m.Dashboard = name
		m.Address = fmt.Sprintf("https://%s.console.%s/cloudwatch/home?region=%[1]s#dashboards/dashboard/%[3]s", a.stack.Region, consoleHost(a.stack.Partition()), url.PathEscape(name))
	case !errors.Is(err, ErrNotFound):
		return nil, err
	}
	return m, nil
}

func consoleHost(partition string) string {
	switch partition {
	case "aws-cn":
		return "amazonaws.cn"
	case "aws-us-gov":
		return "amazonaws-us-gov.com"
	}
	return "aws.amazon.com"
}

// alarmStates lists the alarms that are the stack's: another stack's name may begin with this one's.
func (a *AWS) alarmStates(ctx context.Context) (list []AlarmState, err error) {
	var known []string
	for _, alarm := range a.stack.alarms(watched{function: true, endpoint: true}) {
		known = append(known, alarm.Name)
	}
	in := &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: aws.String(a.stack.Resource("")), AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm}}
	for {
		out, err := a.CloudWatch().DescribeAlarms(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, m := range out.MetricAlarms {
			if slices.Contains(known, aws.ToString(m.AlarmName)) {
				list = append(list, AlarmState{*m.AlarmName, string(m.StateValue), aws.ToString(m.StateReason), aws.ToTime(m.StateUpdatedTimestamp)})
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return list, nil
		}
	}
}

// removeAlarms removes the stack's alarms but for those that are wanted.
func (a *AWS) removeAlarms(ctx context.Context, wanted []Alarm) (removed []string, err error) {
	states, err := a.alarmStates(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range states {
		if !slices.ContainsFunc(wanted, func(a Alarm) bool { return a.Name == s.Name }) {
			removed = append(removed, s.Name)
		}
	}
	if len(removed) == 0 {
		return nil, nil
	}
	_, err = a.CloudWatch().DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: removed})
	return removed, err
}

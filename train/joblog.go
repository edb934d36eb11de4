package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"threatdetect/internal/lazyregexp"
)

// trainingLogs is the group of the logs of all training jobs.
const trainingLogs = "/aws/sagemaker/TrainingJobs"

// jobLog reads the streams of a job, one a machine, from where it stopped the last time.
type jobLog struct {
	a       *AWS
	group   string
	job     string
	streams map[string]*string // token of each
}

func (a *AWS) jobLog(job string) *jobLog {
	return &jobLog{a: a, group: trainingLogs, job: job, streams: map[string]*string{}}
}

// read tells every line that is new. A log that does not exist yet has none.
func (l *jobLog) read(ctx context.Context, tell func(Event)) error {
	in := &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String(l.group), LogStreamNamePrefix: aws.String(l.job + "/")}
	for {
		out, err := l.a.Logs().DescribeLogStreams(ctx, in)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, s := range out.LogStreams {
			if name := aws.ToString(s.LogStreamName); name != "" {
				if _, ok := l.streams[name]; !ok {
					l.streams[name] = nil
				}
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	names := make([]string, 0, len(l.streams))
	for name := range l.streams {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := l.stream(ctx, name, tell); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// stream reads one stream until the token stays the same, which is its end for now.
func (l *jobLog) stream(ctx context.Context, name string, tell func(Event)) error {
	for range 10_000 {
		out, err := l.a.Logs().GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: aws.String(l.group), LogStreamName: aws.String(name), StartFromHead: aws.Bool(true), NextToken: l.streams[name],
		})
		if err != nil {
			return err
		}
		for _, e := range out.Events {
			line := aws.ToString(e.Message)
			round, values := ParseRound(line)
			tell(Event{Line: line, Round: round, Values: values})
		}
		before := l.streams[name]
		l.streams[name] = out.NextForwardToken
		if out.NextForwardToken == nil || before != nil && *before == *out.NextForwardToken {
			return nil
		}
	}
	return nil
}

// Logs tells every line of the log of a job; with follow, until the job is done.
func (a *AWS) JobLogs(ctx context.Context, name string, follow bool, poll time.Duration, tell func(Event)) error {
	j, err := a.Describe(ctx, name)
	if err != nil {
		return err
	}
	if follow && !j.Done() {
		_, err := a.WaitJob(ctx, name, poll, tell)
		return err
	}
	return a.jobLog(name).read(ctx, tell)
}

// XGBoost divides by a tab, which some log pipelines write as #011.
var (
	roundLine  = lazyregexp.New(`(?:^|\s)\[(\d+)\]((?:(?:\t|#011|\s+)[\w@.]+-[\w@.-]+:[^\s#]+)+)\s*$`)
	roundValue = lazyregexp.New(`(?:\t|#011|\s)([A-Za-z]+)-([\w@.-]+):([^\s#]+)`)
)

// ParseRound reads a line such as [17] train-auc:0.99812 validation-auc:0.99431; values is nil for any other line. Folds have +deviations behind their means.
func ParseRound(line string) (round int, values map[string]float64) {
	m := roundLine.FindStringSubmatch(line)
	if m == nil {
		return 0, nil
	}
	round, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, nil
	}
	for _, v := range roundValue.FindAllStringSubmatch(m[2], -1) {
		text, _, _ := strings.Cut(v[3], "+")
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			x = math.NaN()
		}
		if values == nil {
			values = map[string]float64{}
		}
		values[v[1]+":"+v[2]] = x
	}
	return round, values
}

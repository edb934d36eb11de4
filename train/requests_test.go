package train

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fixedClock stands still, and never waits.
type fixedClock struct{}

func (fixedClock) Now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func (fixedClock) Sleep(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }

// requests are those that an operation prints in a dry run, as one golden file each.
func requests(t *testing.T, name string, s *Stack, do func(context.Context, *AWS) error) {
	t.Helper()
	var out bytes.Buffer
	a, err := Connect(t.Context(), s, &ConnectOptions{DryRun: &out, Clock: fixedClock{}})
	require.NoError(t, err)
	require.NoError(t, do(t.Context(), a))
	for line := range bytes.Lines(out.Bytes()) {
		var r struct {
			Service, Operation string
			Input              map[string]any
		}
		require.NoError(t, json.Unmarshal(line, &r))
		require.NotEmpty(t, r.Service+r.Operation)
	}
	golden(t, "requests/"+name+".ndjson", randomName.ReplaceAll(out.Bytes(), []byte("${1}ab")))
}

// randomName is that of a job, whose end nobody knows before.
var randomName = regexp.MustCompile(`\b(td-demo-20260102-030405-|demo-260102-030405-)[0-9a-f]{2,4}\b`)

// What train and tune ask, with all that a stack can say of them.
func TestRequestsOfTraining(t *testing.T) {
	dir := t.TempDir()
	for name, rows := range map[string]int{"train.csv": 6, "validation.csv": 3} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat("0,1,2\n1,2,3\n", rows)), 0o644))
	}
	data, err := OpenData(dir)
	require.NoError(t, err)
	spot := fullStack(t, "spot: false", "spot: true", "count: 1\n  volume", "count: 3\n  volume", "sharded: false", "sharded: true", "network_isolation: false", "network_isolation: true")
	warm := initStack(t, "warm_pool: 0s ", "warm_pool: 30m ", "input_mode: File ", "input_mode: FastFile ")
	for name, s := range map[string]*Stack{"": initStack(t), "-spot": spot, "-warm": warm} {
		require.NoError(t, s.CheckData(data))
		requests(t, "train-submit"+name, s, func(ctx context.Context, a *AWS) error {
			_, err := a.Train(ctx, &TrainingRun{Data: data, Output: filepath.Join(dir, "model.tar.gz")})
			return err
		})
	}
	grid := initStack(t, "strategy: Bayesian", "strategy: Grid    ", "    - {name: eta, min: 0.01, max: 0.5, scale: Logarithmic}\n    - {name: max_depth, min: 3, max: 10, scale: Linear}\n"+
		"    - {name: min_child_weight, min: 1, max: 20, scale: Logarithmic}\n    - {name: subsample, min: 0.5, max: 1, scale: Linear}\n    - {name: colsample_bytree, min: 0.4, max: 1, scale: Linear}\n"+
		"    - {name: num_round, min: 50, max: 1000, scale: Linear}\n", "    - {name: max_depth, values: ['3', '5', '8']}\n")
	for name, s := range map[string]*Stack{"": initStack(t), "-spot": spot, "-grid": grid} {
		requests(t, "tune-submit"+name, s, func(ctx context.Context, a *AWS) error {
			job, err := a.SubmitTuning(ctx, &TuningRun{Data: data, Run: filepath.Join(dir, "model.tar.gz")})
			if err == nil {
				_, err = a.WaitTuning(ctx, job, 0, func(*TuningJob) {})
			}
			return err
		})
	}
	const job = "td-demo-20260102-030405-cdab"
	for name, ask := range map[string]func(context.Context, *AWS) error{
		"train-status": func(ctx context.Context, a *AWS) error { _, err := a.Describe(ctx, job); return err },
		"train-logs":   func(ctx context.Context, a *AWS) error { return a.JobLogs(ctx, job, true, 0, func(Event) {}) },
		"train-stop":   func(ctx context.Context, a *AWS) error { return a.StopJob(ctx, job) },
		"train-list":   func(ctx context.Context, a *AWS) error { return a.Jobs(ctx, func(Job) bool { return true }) },
		"tune-stop":    func(ctx context.Context, a *AWS) error { return a.StopTuning(ctx, "demo-260102-030405-ab") },
	} {
		requests(t, name, initStack(t), ask)
	}
}

func TestRequestsOfEndpoints(t *testing.T) {
	plain := initStack(t)
	m := &Served{Artifact: "s3://td-demo-111122223333/models/job/output/model.tar.gz"}
	create := func(ctx context.Context, a *AWS) error {
		_, err := a.CreateEndpoint(ctx, m, nil)
		return err
	}
	requests(t, "endpoint-create", plain, create)
	requests(t, "endpoint-create-full", fullStack(t), create)
	requests(t, "endpoint-create-serverless", initStack(t, "memory_mb: 0", "memory_mb: 2048"), create)
	requests(t, "endpoint-update", plain, func(ctx context.Context, a *AWS) error {
		_, err := a.UpdateEndpoint(ctx, m, nil)
		return err
	})
	requests(t, "endpoint-invoke", plain, func(ctx context.Context, a *AWS) error {
		_, err := a.Invoke(ctx, []byte("1,2,3\n"), "text/csv", "application/json")
		return err
	})
	requests(t, "endpoint-autoscale", initStack(t, "max: 0\n", "max: 4\n"), func(ctx context.Context, a *AWS) error { return a.Autoscale(ctx) })
	requests(t, "endpoint-delete", plain, func(ctx context.Context, a *AWS) error {
		_, err := a.DeleteEndpoint(ctx, nil)
		return err
	})
}

func TestRequestsOfScoreJobs(t *testing.T) {
	job := &ScoreJob{Input: "s3://td-demo-111122223333/raw/2026-01-02/", Output: "s3://td-demo-111122223333/runs/scores/", Model: "s3://td-demo-111122223333/models/m/output/model.tar.gz", Count: 3}
	transform := func(ctx context.Context, a *AWS) error {
		state, err := a.SubmitTransform(ctx, job, &TransformOptions{Join: true})
		require.Equal(t, job.Output, state.Output)
		return err
	}
	process := func(ctx context.Context, a *AWS) error {
		state, err := a.SubmitProcess(ctx, job, &ProcessOptions{From: "zeek", To: "csv", All: true, Strict: true})
		require.Equal(t, job.Output, state.Output)
		return err
	}
	requests(t, "transform-submit", initStack(t), transform)
	requests(t, "transform-submit-full", fullStack(t), transform)
	requests(t, "process-submit", initStack(t), process)
	requests(t, "process-submit-full", fullStack(t), process)
}

func TestRequestsOfRolesAndMonitor(t *testing.T) {
	requests(t, "iam-apply", initStack(t), func(ctx context.Context, a *AWS) error {
		names, err := a.CreateRoles(ctx)
		require.Len(t, names, 5)
		return err
	})
	requests(t, "iam-apply-one", initStack(t, "events: create", "events: arn:aws:iam::111122223333:role/mine"), func(ctx context.Context, a *AWS) error {
		names, err := a.CreateRoles(ctx)
		require.Len(t, names, 4)
		return err
	})
	requests(t, "monitor-create", fullStack(t), func(ctx context.Context, a *AWS) error {
		_, err := a.CreateMonitor(ctx)
		return err
	})
	requests(t, "monitor-show", initStack(t), func(ctx context.Context, a *AWS) error {
		_, err := a.ShowMonitor(ctx)
		return err
	})
}

// The same request is the same job, and another one is not.
func TestNamesOfContent(t *testing.T) {
	names := func(changes ...string) (list []string) {
		var out bytes.Buffer
		a, err := Connect(t.Context(), initStack(t, changes...), &ConnectOptions{DryRun: &out, Clock: fixedClock{}})
		require.NoError(t, err)
		for _, count := range []int{1, 2} {
			s, err := a.SubmitProcess(t.Context(), &ScoreJob{Count: count}, nil)
			require.NoError(t, err)
			require.Regexp(t, jobName, s.Name)
			list = append(list, s.Name)
		}
		return list
	}
	first, again, other := names(), names(), names("volume_gb: 10", "volume_gb: 20")
	require.Equal(t, first, again)
	require.NotEqual(t, first[0], first[1])
	require.NotEqual(t, first[0], other[0])
	require.True(t, isContentName("td-demo-process", first[0]))
	require.False(t, isContentName("td-demo", first[0]))
	require.False(t, isContentName("td-demo-process", "td-demo-process-endpoint-0123456789"))
}

func TestScoreJobFaults(t *testing.T) {
	var out bytes.Buffer
	a, err := Connect(t.Context(), initStack(t), &ConnectOptions{DryRun: &out, Clock: fixedClock{}})
	require.NoError(t, err)
	_, err = a.SubmitProcess(t.Context(), &ScoreJob{Input: "raw/", Output: "s3://b", Count: 1000, Instance: "m5", Name: "a--"}, nil)
	require.ErrorIs(t, err, ErrInput)
	require.ErrorContains(t, err, "7 faults")
	_, err = a.SubmitProcess(t.Context(), &ScoreJob{Input: "s3://td-demo-111122223333/runs/", Output: "s3://td-demo-111122223333/runs/scores/"}, nil)
	require.ErrorContains(t, err, "the next job would score the scores")
	require.Empty(t, out.String(), "nothing was asked for")
}

// What pipeline, trigger and registry ask.
func TestRequestsOfPipelines(t *testing.T) {
	function := &FunctionPackage{Zip: []byte("zip"), Arch: "arm64"}
	for name, ask := range map[string]func(context.Context, *AWS) error{
		"pipeline-create": func(ctx context.Context, a *AWS) error { _, err := a.CreatePipeline(ctx); return err },
		"pipeline-status": func(ctx context.Context, a *AWS) error {
			_, err := a.DescribePipeline(ctx, 10)
			if err == nil {
				_, err = a.DescribeRun(ctx, "arn:aws:sagemaker:us-east-1:111122223333:pipeline/td-demo-pipeline/execution/abcdefghijkl")
			}
			return err
		},
		"pipeline-delete": func(ctx context.Context, a *AWS) error { _, _, err := a.DeletePipeline(ctx); return err },
		"trigger-create":  func(ctx context.Context, a *AWS) error { _, err := a.CreateTrigger(ctx, nil); return err },
		"trigger-create-function": func(ctx context.Context, a *AWS) error {
			_, err := a.CreateTrigger(ctx, &TriggerOptions{Function: function})
			return err
		},
		"trigger-test":     func(ctx context.Context, a *AWS) error { _, err := a.CheckTrigger(ctx, "raw/x/_SUCCESS"); return err },
		"trigger-delete":   func(ctx context.Context, a *AWS) error { _, _, err := a.DeleteTrigger(ctx, true); return err },
		"registry-list":    func(ctx context.Context, a *AWS) error { _, err := a.ListModels(ctx, Pending); return err },
		"registry-pull":    func(ctx context.Context, a *AWS) error { _, err := a.NewestApproved(ctx); return err },
		"registry-approve": func(ctx context.Context, a *AWS) error { return a.Judge(ctx, 3, Approved, "looked at it") },
		"registry-publish": func(ctx context.Context, a *AWS) error { _, err := a.Publish(ctx, nil); return err },
		"pipeline-start": func(ctx context.Context, a *AWS) error {
			arn, err := a.StartPipeline(ctx, &StartOptions{Parameters: map[string]string{ParameterLimit: "0.9"}, Token: "0123456789abcdef0123456789abcdef"})
			if err == nil {
				_, err = a.WaitRun(ctx, arn, nil)
			}
			return err
		},
	} {
		requests(t, name, initStack(t), ask)
	}
	requests(t, "trigger-create-schedule", initStack(t, `schedule: "" `, "schedule: rate(7 days) "), func(ctx context.Context, a *AWS) error {
		_, err := a.CreateTrigger(ctx, nil)
		return err
	})
}

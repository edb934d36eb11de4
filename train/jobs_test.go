package train

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
)

// newAccount is an account with a bucket, and a client of it that never waits: whenever it asks how something is, twenty seconds have passed.
func newAccount(t *testing.T, s *Stack) (*AWS, *awsfake.Server) {
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "rehearsal", "AWS_SECRET_ACCESS_KEY": "rehearsal", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none"} {
		t.Setenv(k, v)
	}
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	server, err := awsfake.New(awsfake.Options{Start: start, Tick: 20 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	require.NoError(t, server.Put(s.Bucket, "x", nil))
	a, err := Connect(t.Context(), s, &ConnectOptions{EndpointURL: server.URL, Clock: &quick{now: start}})
	require.NoError(t, err)
	return a, server
}

// asked counts the requests of an operation.
func asked(server *awsfake.Server, operation string) (n int) {
	for _, q := range server.Requests() {
		if q.Operation == operation {
			n++
		}
	}
	return n
}

// A job whose spot machines are taken away goes on by itself; whoever waits for it is told, may go away, and comes back to the same job.
func TestSpotInterruptions(t *testing.T) {
	a, server := newAccount(t, initStack(t, "spot: false", "spot: true"))
	server.Inject(awsfake.Fault{Service: "sagemaker", Operation: "CreateTrainingJob", Kind: "spot", Interruptions: 2})
	data, err := OpenData(trainingFolder(t, 40))
	require.NoError(t, err)
	ctx, leave := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	var states []string
	last := -1
	run := &TrainingRun{Data: data, Output: filepath.Join(t.TempDir(), "model.tar.gz"), Tell: func(e Event) {
		switch {
		case e.Values != nil:
			last = e.Round
		case e.Job != nil:
			states = append(states, e.Job.Secondary)
			if e.Job.Secondary == "Interrupted" {
				leave(gone)
			}
		}
	}}
	_, err = a.Train(ctx, run)
	require.ErrorIs(t, err, gone)
	require.Equal(t, "Interrupted", states[len(states)-1])
	r, err := a.Train(t.Context(), run)
	require.NoError(t, err)
	require.True(t, r.Resumed)
	require.Equal(t, 1, asked(server, "CreateTrainingJob"))
	text := strings.Join(states, " ")
	require.Equal(t, 2, strings.Count(text, "Interrupted Starting"), text)
	require.Equal(t, "Completed", states[len(states)-1])
	require.Equal(t, 99, last, "the log is read to its end, though each try has one of its own")
	require.True(t, r.Job.Spot)
	require.Equal(t, []time.Duration{100 * time.Second, 30 * time.Second}, []time.Duration{r.Job.Took, r.Job.Billable}, "two halves and a whole; what is waited for is not billed")
	require.Equal(t, 100, r.Bundle.Trees)

	// One that finds no machines for longer than the stack allows ends without a model.
	server.Inject(awsfake.Fault{Service: "sagemaker", Operation: "CreateTrainingJob", Kind: "spot", Interruptions: 1000})
	run.New = true
	r, err = a.Train(t.Context(), run)
	require.ErrorIs(t, err, ErrStopped)
	require.ErrorContains(t, err, "it waited for training.max_wait, and no spot machine came")
	require.Less(t, r.Job.Ended.Sub(r.Job.Created), 2*time.Hour+time.Minute)
}

// The best job is the one whose last value is the best, whichever direction that is, and not one that failed.
func TestTuningFindsTheBest(t *testing.T) {
	data, err := OpenData(trainingFolder(t, 40))
	require.NoError(t, err)
	for metric, better := range map[string]func(a, b float64) bool{
		"validation:auc":     func(a, b float64) bool { return a > b },
		"validation:logloss": func(a, b float64) bool { return a < b },
	} {
		t.Run(metric, func(t *testing.T) {
			a, server := newAccount(t, initStack(t, "metric: validation:auc\n  max_jobs: 20", "metric: "+metric+"\n  max_jobs: 6 ", "min: 50, max: 1000", "min: 5, max: 100"))
			server.Inject(awsfake.Fault{Service: "sagemaker", Operation: "CreateTrainingJob", Kind: "algorithm", Skip: 2})
			name, err := a.SubmitTuning(t.Context(), &TuningRun{Data: data, Run: filepath.Join(t.TempDir(), "model.tar.gz")})
			require.NoError(t, err)
			j, err := a.WaitTuning(t.Context(), name, 0, func(*TuningJob) {})
			require.NoError(t, err)
			require.Equal(t, []any{"Completed", 5, 1}, []any{j.Status, j.Completed, j.Failed})
			out, err := a.SageMaker().ListTrainingJobs(t.Context(), &sagemaker.ListTrainingJobsInput{NameContains: &name})
			require.NoError(t, err)
			require.Len(t, out.TrainingJobSummaries, 6)
			var best []string
			values := map[float64]bool{}
			for _, one := range out.TrainingJobSummaries {
				child, err := a.Describe(t.Context(), aws.ToString(one.TrainingJobName))
				require.NoError(t, err)
				v, ok := child.Metrics[metric]
				require.Equal(t, child.Status == "Completed", ok)
				if !ok {
					continue
				}
				values[v] = true
				require.False(t, better(v, j.BestValue), "%s has %v, the best is said to have %v", child.Name, v, j.BestValue)
				if v == j.BestValue {
					best = append(best, child.Name)
				}
			}
			require.Greater(t, len(values), 2, "jobs that are all alike tell nothing")
			require.Contains(t, best, j.Best.Name)
		})
	}
}

// What failed of a batch in an answer of success is an error, and the same command again puts it right.
func TestPartialFailures(t *testing.T) {
	a, server := newAccount(t, initStack(t))
	server.Inject(awsfake.Fault{Service: "events", Operation: "PutTargets", Kind: "partial"})
	_, err := a.CreateTrigger(t.Context(), nil)
	require.ErrorIs(t, err, ErrRequest)
	require.ErrorContains(t, err, "The rule was changed meanwhile")
	state, err := a.CreateTrigger(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, state.Targets, 1)

	server.Inject(awsfake.Fault{Service: "events", Operation: "RemoveTargets", Kind: "partial"})
	_, _, err = a.DeleteTrigger(t.Context(), true)
	require.ErrorIs(t, err, ErrRequest)
	require.ErrorContains(t, err, "events RemoveTargets: td-demo-trigger")
	_, left, err := a.DeleteTrigger(t.Context(), true)
	require.NoError(t, err)
	require.Empty(t, left)
	state, err = a.DescribeTrigger(t.Context())
	require.NoError(t, err)
	require.Equal(t, &TriggerState{Notifies: true}, state)

	for _, key := range []string{"raw/a", "raw/b", "raw/c"} {
		require.NoError(t, server.Put(a.stack.Bucket, key, []byte("x")))
	}
	server.Inject(awsfake.Fault{Service: "s3", Operation: "DeleteObjects", Kind: "partial"})
	err = a.empty(t.Context())
	require.ErrorIs(t, err, ErrService)
	require.ErrorContains(t, err, "raw/a: InternalError")
	keys, err := server.Keys(a.stack.Bucket, "raw/")
	require.NoError(t, err)
	require.Equal(t, []string{"raw/a"}, keys)
	require.NoError(t, a.empty(t.Context()))
	keys, err = server.Keys(a.stack.Bucket, "")
	require.NoError(t, err)
	require.Empty(t, keys)
}

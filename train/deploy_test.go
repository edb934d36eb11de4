package train

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRequestsOfDeploy(t *testing.T) {
	requests(t, "deploy", initStack(t), func(ctx context.Context, a *AWS) error {
		d, err := a.PlanDeploy(ctx, nil)
		if err != nil {
			return err
		}
		require.NotEmpty(t, d.Changes)
		return a.Deploy(ctx, d, nil)
	})
	requests(t, "destroy", initStack(t), func(ctx context.Context, a *AWS) error {
		deleted, left, err := a.Destroy(ctx, nil)
		require.True(t, deleted)
		require.Empty(t, left)
		return err
	})
}

func TestRequestsOfCleanup(t *testing.T) {
	requests(t, "cleanup", initStack(t), func(ctx context.Context, a *AWS) error {
		r, err := a.Cleanup(ctx, nil)
		require.Equal(t, len(r.Found), r.Deleted)
		return err
	})
	requests(t, "cleanup-data", initStack(t, "training: create", "training: arn:aws:iam::111122223333:role/mine"), func(ctx context.Context, a *AWS) error {
		r, err := a.Cleanup(ctx, &CleanupOptions{DeleteData: true})
		require.Empty(t, r.Left)
		return err
	})
}

// What could start something goes first, what runs next, rights last: each step only needs what the later ones delete.
func TestCleanupOrder(t *testing.T) {
	a, err := Connect(t.Context(), initStack(t), &ConnectOptions{DryRun: discard{}, Clock: fixedClock{}})
	require.NoError(t, err)
	var kinds []string
	for _, s := range a.cleanupSteps() {
		if len(kinds) == 0 || kinds[len(kinds)-1] != s.kind {
			kinds = append(kinds, s.kind)
		}
	}
	require.Equal(t, []string{"schedule", "rule", "function", "queue", "running execution", "running tuning job", "running training job", "running processing job",
		"running transform job", "endpoint", "model", "CloudFormation stack", "pipeline", "model package", "model package group", "alarm", "dashboard",
		"log group", "log streams of job", "bucket", "role"}, kinds)
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

func TestDeployTemplateGolden(t *testing.T) {
	text, err := initStack(t).DeployTemplate()
	require.NoError(t, err)
	golden(t, "template-deploy.yaml", text)
	require.Less(t, len(text), maxTemplate)
	text, err = fullStack(t).DeployTemplate()
	require.NoError(t, err)
	golden(t, "template-deploy-full.yaml", text)
}

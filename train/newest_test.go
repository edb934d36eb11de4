package train

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
)

// A request without a model that was begun goes on with the model that was the newest then, whatever was approved meanwhile, until its job is seen to its end.
func TestScoreJobsRememberTheirModel(t *testing.T) {
	for kind, create := range map[string]string{KindTransform: "CreateTransformJob", KindProcess: "CreateProcessingJob"} {
		t.Run(kind, func(t *testing.T) {
			r := newRegistry(t)
			bundle, _, _ := demo(t)
			r.put("raw/a.csv", []byte("1,2\n"))
			r.put("raw/more/b.csv", []byte("1,2\n"))
			older, newer := r.put("models/a/model.tar.gz", bundle), r.put("models/b/model.tar.gz", bundle)
			beside := filepath.Join(t.TempDir(), "threatdetect.yaml")
			submit := func(change func(*ScoreJob)) (*JobState, error) {
				j := &ScoreJob{Beside: beside}
				if change != nil {
					change(j)
				}
				if kind == KindTransform {
					return r.SubmitTransform(t.Context(), j, nil)
				}
				return r.SubmitProcess(t.Context(), j, nil)
			}
			modelOf := func(name string) string {
				if kind == KindProcess {
					out, err := r.SageMaker().DescribeProcessingJob(t.Context(), &sagemaker.DescribeProcessingJobInput{ProcessingJobName: &name})
					require.NoError(t, err)
					return *out.ProcessingInputs[1].S3Input.S3Uri
				}
				job, err := r.SageMaker().DescribeTransformJob(t.Context(), &sagemaker.DescribeTransformJobInput{TransformJobName: &name})
				require.NoError(t, err)
				out, err := r.SageMaker().DescribeModel(t.Context(), &sagemaker.DescribeModelInput{ModelName: job.ModelName})
				require.NoError(t, err)
				return *out.PrimaryContainer.ModelDataUrl
			}
			files := func() int {
				all, err := os.ReadDir(filepath.Dir(beside))
				require.NoError(t, err)
				return len(all)
			}
			r.register("Approved", older, "")

			// It ended after it had found the model, and before there was a job; then after there was one.
			r.server.Inject(awsfake.Fault{Service: "sagemaker", Operation: create, Kind: "error", Status: 400, Code: "AccessDeniedException", Message: "not now"})
			_, err := submit(nil)
			require.Error(t, err)
			r.register("Approved", newer, "")
			first, err := submit(nil)
			require.NoError(t, err)
			require.Equal(t, []string{older, older}, []string{first.Remembered, modelOf(first.Name)})
			again, err := submit(nil)
			require.NoError(t, err)
			require.Equal(t, []string{first.Name, older}, []string{again.Name, again.Remembered})

			// Another request is not it, and leaves it alone.
			other, err := submit(func(j *ScoreJob) { j.Input = r.stack.S3("raw/more/") })
			require.NoError(t, err)
			require.Equal(t, []string{"", newer}, []string{other.Remembered, modelOf(other.Name)})
			require.NoError(t, other.Forget())
			again, err = submit(nil)
			require.NoError(t, err)
			require.Equal(t, first.Name, again.Name)

			// Without a memory, and after it, it is the newest.
			bare, err := submit(func(j *ScoreJob) { j.Beside = "" })
			require.NoError(t, err)
			require.Equal(t, newer, modelOf(bare.Name))
			require.Equal(t, 1, files())
			require.NoError(t, again.Forget())
			require.NoError(t, again.Forget())
			require.Zero(t, files())
			last, err := submit(nil)
			require.NoError(t, err)
			require.Equal(t, []string{bare.Name, ""}, []string{last.Name, last.Remembered})
			require.Equal(t, 1, files())
			anew, err := submit(func(j *ScoreJob) { j.New = true })
			require.NoError(t, err)
			require.Equal(t, []string{newer, ""}, []string{modelOf(anew.Name), anew.Remembered})
			require.Zero(t, files())
		})
	}
}

// So does a request for an endpoint, until the endpoint serves the model or never will.
func TestEndpointsRememberTheirModel(t *testing.T) {
	r := newRegistry(t)
	bundle, _, _ := demo(t)
	artifacts := []string{r.put("models/a/model.tar.gz", bundle), r.put("models/b/model.tar.gz", bundle), r.put("models/c/model.tar.gz", bundle)}
	beside := filepath.Join(t.TempDir(), "threatdetect.yaml")
	files := func() int {
		all, err := os.ReadDir(filepath.Dir(beside))
		require.NoError(t, err)
		return len(all)
	}
	serves := func() string {
		endpoint, err := r.describeEndpoint(t.Context())
		require.NoError(t, err)
		config, err := r.SageMaker().DescribeEndpointConfig(t.Context(), &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: endpoint.EndpointConfigName})
		require.NoError(t, err)
		out, err := r.SageMaker().DescribeModel(t.Context(), &sagemaker.DescribeModelInput{ModelName: config.ProductionVariants[0].ModelName})
		require.NoError(t, err)
		return *out.PrimaryContainer.ModelDataUrl
	}
	stopped := func(do func(context.Context, *Served, func(string)) (*EndpointState, error)) {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := do(ctx, &Served{Beside: beside}, func(string) { cancel() }) // as it waits
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 1, files())
	}
	for i, do := range []func(context.Context, *Served, func(string)) (*EndpointState, error){r.CreateEndpoint, r.UpdateEndpoint} {
		if i == 0 {
			r.register("Approved", artifacts[0], "")
		}
		stopped(do)
		r.register("Approved", artifacts[i+1], "")
		stopped(do)
		var told []string
		state, err := do(t.Context(), &Served{Beside: beside}, func(status string) { told = append(told, status) })
		require.NoError(t, err)
		require.Contains(t, told[0], "goes on with "+artifacts[i])
		require.Equal(t, []string{artifacts[i], "InService"}, []string{serves(), state.Status})
		require.Zero(t, files())
	}
	_, err := r.UpdateEndpoint(t.Context(), &Served{Beside: beside}, nil)
	require.NoError(t, err)
	require.Equal(t, artifacts[2], serves())
	// What AWS refuses for good is not asked for again.
	r.register("Approved", r.put("models/gone/model.tar.gz", bundle), "")
	require.NoError(t, r.Bucket().Delete(t.Context(), "models/gone/model.tar.gz"))
	_, err = r.UpdateEndpoint(t.Context(), &Served{Beside: beside}, nil)
	require.Error(t, err)
	require.Zero(t, files())
}

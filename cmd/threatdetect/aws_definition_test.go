//go:build !noaws

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
	"threatdetect/train"
	"threatdetect/train/pipeline"
)

// A definition that is too large for a request lies in the bucket; a gate reads the report that the prepare step wrote.
func TestDefinitionInTheBucket(t *testing.T) {
	// Tags count by letters, definitions by bytes.
	text := string(train.InitFile())
	for i := range 45 {
		text += fmt.Sprintf("  %s%d: %s\n", strings.Repeat("数", 120), i, strings.Repeat("据", 250))
	}
	stack, err := train.Parse([]byte(text), "threatdetect.yaml")
	require.NoError(t, err)
	binary, err := exec.LookPath("threatdetect")
	require.NoError(t, err)
	server, err := awsfake.New(awsfake.Options{Binary: binary, Tick: time.Minute})
	require.NoError(t, err)
	defer server.Close()
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "rehearsal", "AWS_SECRET_ACCESS_KEY": "rehearsal", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none", "THREATDETECT_PYTHON": os.DevNull} {
		t.Setenv(k, v)
	}
	log, err := os.ReadFile("../../testdata/demo/conn.log")
	require.NoError(t, err)
	require.NoError(t, server.Put(stack.Bucket, "raw/a/conn.log", log))
	require.NoError(t, server.Put(stack.Bucket, "raw/a/_SUCCESS", nil))
	aws, err := train.Connect(t.Context(), stack, &train.ConnectOptions{EndpointURL: server.URL, Clock: fastClock{1e6}})
	require.NoError(t, err)
	created, err := aws.CreatePipeline(t.Context())
	require.NoError(t, err)
	require.True(t, created)
	keys, err := server.Keys(stack.Bucket, "runs/pipeline/")
	require.NoError(t, err)
	require.Len(t, keys, 1)
	for _, q := range server.Requests() {
		if q.Operation == "CreatePipeline" {
			require.NotContains(t, q.Input, "PipelineDefinition")
			require.Contains(t, fmt.Sprint(q.Input["PipelineDefinitionS3Location"]), keys[0])
		}
	}
	placed, err := server.Get(stack.Bucket, keys[0])
	require.NoError(t, err)
	require.Greater(t, len(placed), pipeline.InlineLimit)

	d, err := stack.Definition(train.DryRunAccount)
	require.NoError(t, err)
	own, err := d.JSON()
	require.NoError(t, err)
	require.JSONEq(t, string(own), string(placed))
	prepare, gate := d.Steps[0], d.Steps[2].Arguments.(*pipeline.Condition)
	prepare.PropertyFiles = []pipeline.PropertyFile{{PropertyFileName: "Report", OutputName: "report", FilePath: "report.json"}}
	gate.Conditions = append(gate.Conditions, pipeline.AtLeast(prepare.JSON("Report", "attacks"), pipeline.Int(100)),
		pipeline.Not(pipeline.AtLeast(prepare.JSON("Report", "parts[0].rows"), pipeline.Int(100_000))))
	require.NoError(t, d.Validate(&pipeline.Options{Triggered: true}))
	changed, err := d.JSON()
	require.NoError(t, err)
	require.NoError(t, server.Put(stack.Bucket, keys[0], changed))
	name := stack.Resource(train.KindPipeline)
	_, err = aws.SageMaker().UpdatePipeline(t.Context(), &sagemaker.UpdatePipelineInput{PipelineName: &name, PipelineDefinitionS3Location: &types.PipelineDefinitionS3Location{Bucket: &stack.Bucket, ObjectKey: &keys[0]}})
	require.NoError(t, err)
	run, err := aws.StartPipeline(t.Context(), &train.StartOptions{})
	require.NoError(t, err)
	done, err := aws.WaitRun(t.Context(), run, nil)
	require.NoError(t, err)
	require.Equal(t, "Register", done.Steps[len(done.Steps)-1].Name)
}

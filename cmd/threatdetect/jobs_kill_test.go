//go:build unix && !noaws

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
)

// What starts something on AWS and waits for it can be killed before it has started it, after, and while it waits: the same command again finishes the
// same thing, and there is no second one.
func TestJobsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("programs are started some forty times")
	}
	binary, err := exec.LookPath("threatdetect") // of testscript.Main
	require.NoError(t, err)
	const bucket = "td-demo-111122223333"
	artifact := []string{"--model", "s3://" + bucket + "/models/m/output/model.tar.gz"}
	for _, c := range []struct {
		name   string
		args   []string
		before []string // a command that has to come first
		create string   // the request that starts it
		wait   string   // the request that asks how it is
		n      int      // how often that is asked before the kill
		want   string   // at the end
	}{
		{"tune", []string{"tune", "submit", "--yes", "--poll", "1ms"}, nil, "SageMaker.CreateHyperParameterTuningJob", "SageMaker.DescribeHyperParameterTuningJob", 2, "Completed, "},
		{"pipeline", []string{"pipeline", "start", "--yes", "--set", "Minimum=0.1"}, []string{"pipeline", "create"}, "SageMaker.StartPipelineExecution", "SageMaker.DescribePipelineExecution", 2, "Succeeded "},
		{"transform", append([]string{"transform", "submit", "--yes", "--input", "s3://" + bucket + "/runs/rows/", "--output", "s3://" + bucket + "/runs/scores/"}, artifact...), nil,
			"SageMaker.CreateTransformJob", "SageMaker.DescribeTransformJob", 2, ": Completed"},
		{"process", append([]string{"process", "submit", "--yes", "--output", "s3://" + bucket + "/runs/verdicts/"}, artifact...), nil,
			"SageMaker.CreateProcessingJob", "SageMaker.DescribeProcessingJob", 2, ": Completed"},
		{"endpoint", append([]string{"endpoint", "create", "--yes"}, artifact...), nil, "SageMaker.CreateEndpoint", "SageMaker.DescribeEndpoint ", 2, ": InService: "},
		{"endpoint update", []string{"endpoint", "update", "--yes", "--model", "s3://" + bucket + "/models/other/output/model.tar.gz"}, append([]string{"endpoint", "create", "--yes"}, artifact...),
			"SageMaker.UpdateEndpoint ", "SageMaker.DescribeEndpoint ", 4, ": InService: serves "},
		{"deploy", []string{"deploy", "--yes"}, nil, "CloudFormation.ExecuteChangeSet", "CloudFormation.DescribeStacks", 2, "stack td-demo: "},
	} {
		for _, p := range []struct {
			name, match string
			n           int
			after       bool
		}{{"before it is started", c.create, 1, false}, {"after it is started", c.create, 1, true}, {"while it waits", c.wait, c.n, false}} {
			t.Run(c.name+" "+p.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				place := func(from, to string) {
					text, err := os.ReadFile(filepath.Join("../../testdata/demo", from))
					require.NoError(t, err)
					to = filepath.Join(dir, "s3", bucket, to)
					require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o777))
					require.NoError(t, os.WriteFile(to, text, 0o644))
				}
				if c.name != "deploy" { // which makes the bucket
					place("model.tar.gz", "models/m/output/model.tar.gz")
					place("model.tar.gz", "models/other/output/model.tar.gz")
				}
				require.NoError(t, os.MkdirAll(filepath.Join(dir, "s3"), 0o777))
				switch c.name {
				case "pipeline":
					place("conn.log", "raw/2024-03-04/conn.log")
					require.NoError(t, os.WriteFile(filepath.Join(dir, "s3", bucket, "raw/2024-03-04/_SUCCESS"), nil, 0o644))
				case "process":
					place("conn.log", "raw/2024-03-04/conn.log")
				case "transform":
					rows := filepath.Join(dir, "s3", bucket, "runs/rows/rows.csv")
					require.NoError(t, os.MkdirAll(filepath.Dir(rows), 0o777))
					require.NoError(t, command(t, "features", "--quiet", "--no-header", "--set", "flow-portable/1", "-o", rows, "../../testdata/demo/conn.log").Run())
				case "tune":
					require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o777))
					for _, name := range []string{"train.csv", "validation.csv"} {
						require.NoError(t, os.WriteFile(filepath.Join(dir, "data", name), []byte("0,1\n1,2\n"), 0o644))
					}
				}
				options := awsfake.Options{Dir: filepath.Join(dir, "s3"), Tick: time.Minute}
				if c.name != "tune" { // whose training is a replay
					options.Binary = binary
				}
				fake, err := awsfake.New(options)
				require.NoError(t, err)
				t.Cleanup(func() { fake.Close() })
				k := newKiller(t, fake)
				initStack(t, dir)
				if c.before != nil {
					k.survivor(t, dir, c.before)
				}
				k.arm("POST", p.match, p.n, p.after)
				k.victim(t, dir, c.args)
				said := k.survivor(t, dir, c.args)
				require.Contains(t, said, c.want)
				names := map[string]bool{}
				for _, name := range k.seen(strings.TrimSpace(c.create)) {
					require.NotEmpty(t, name)
					names[name] = true
				}
				require.Len(t, names, 1, "one thing, however often it was asked for")
			})
		}
	}
}

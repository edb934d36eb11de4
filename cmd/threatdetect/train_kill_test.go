//go:build unix && !noaws

package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
	"threatdetect/model"
)

// A submit that is killed, at whatever point, is finished by the same command, with the same job.
func TestTrainKilled(t *testing.T) {
	fake, err := awsfake.New(awsfake.Options{Tick: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { fake.Close() })
	k := newKiller(t, fake)
	r, err := http.NewRequest(http.MethodPut, fake.URL+"/td-demo-111122223333", nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())

	row := strings.Repeat(",0.123456789", 70)
	big := strings.Repeat("0"+row+"\n1"+row+"\n", 12_000) // 20 MB: three parts
	for i, p := range []struct {
		command             string
		name, method, match string
		n                   int  // the n-th such request
		after               bool // AWS has done it, and nobody hears of it
	}{
		{"train", "upload, before a part", "PUT", "partNumber=2", 1, false},
		{"train", "upload, after a part", "PUT", "partNumber=1", 1, true},
		{"train", "upload, after the last part is put together", "POST", "uploadId=", 1, true},
		{"train", "upload, of the small file", "PUT", "validation.csv", 1, true},
		{"train", "job, before", "POST", "SageMaker.CreateTrainingJob", 1, false},
		{"train", "job, after", "POST", "SageMaker.CreateTrainingJob", 1, true},
		{"train", "wait", "POST", "SageMaker.DescribeTrainingJob", 2, false},
		{"train", "fetch, before", "GET", "output/model.tar.gz", 1, false},
		{"train", "fetch, after", "GET", "output/model.tar.gz", 1, true},
		{"tune", "upload, after a part", "PUT", "partNumber=1", 1, true},
		{"tune", "fetch, before", "GET", "output/model.tar.gz", 1, false},
		{"tune", "fetch, after", "GET", "output/model.tar.gz", 1, true},
	} {
		t.Run(p.command+" "+p.name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o777))
			train := big
			if !strings.Contains(p.name, "part") {
				train = big[:100*(len(row)+2)]
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "train.csv"), []byte(train), 0o644))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "validation.csv"), []byte(big[:10*(len(row)+2)]), 0o644))
			initStack(t, dir)
			config := filepath.Join(dir, "threatdetect.yaml")
			text, err := os.ReadFile(config)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(config, bytes.ReplaceAll(text, []byte("max_jobs: 20"), []byte("max_jobs: 2")), 0o644))
			create := map[string]string{"train": "SageMaker.CreateTrainingJob", "tune": "SageMaker.CreateHyperParameterTuningJob"}[p.command]
			jobs := len(k.seen(create))
			submit := []string{p.command, "submit", "--yes", "--poll", "20ms"}
			k.arm(p.method, p.match, p.n, p.after)
			k.victim(t, dir, submit)
			require.NoFileExists(t, filepath.Join(dir, "model.tar.gz"))
			k.survivor(t, dir, submit)
			m, err := model.Open(filepath.Join(dir, "model.tar.gz"), nil)
			require.NoError(t, err)
			require.Len(t, m.Trees, 100)
			// However often it was asked for, there is one job more than before.
			names := map[string]bool{}
			for _, name := range k.seen(create)[jobs:] {
				names[name] = true
			}
			require.Len(t, names, 1, "case %d", i)
			left, err := filepath.Glob(filepath.Join(dir, ".*"))
			require.NoError(t, err)
			require.Equal(t, []string{filepath.Join(dir, ".threatdetect-"+p.command+"-model.tar.gz.json")}, left)
			answer, err := http.Get(fake.URL + "/td-demo-111122223333?uploads")
			require.NoError(t, err)
			uploads, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.NotContains(t, string(uploads), "<UploadId>", "no parts are left that nobody uses")
		})
	}
}

//go:build unix && !noaws

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
)

// python is a program that stands for one with XGBoost 1.7.4, with the folder of the container as its third argument.
func python(t *testing.T, script string) string {
	stored, err := filepath.Abs("../../internal/awsfake/stored/xgboost-model.gz")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "python")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\nif [ \"$1\" = -c ]; then echo 1.7.4; exit; fi\ncat >/dev/null\n"+script+"\ngunzip <'"+stored+"' >\"$3/model/xgboost-model\"\n"), 0o755))
	return path
}

// rehearsal is a stack in a folder with training files, and a rehearsed AWS that trains with a program in the place of Python.
func rehearsal(t *testing.T, python string) (dir string, fake *awsfake.Server, k *killer) {
	binary, err := exec.LookPath("threatdetect") // of testscript.Main
	require.NoError(t, err)
	dir = t.TempDir()
	fake, err = awsfake.New(awsfake.Options{Binary: binary, Python: python, Tick: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { fake.Close() })
	require.NoError(t, fake.Put("td-demo-111122223333", "runs/x", nil))
	initStack(t, dir)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o777))
	for _, name := range []string{"train.csv", "validation.csv"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "data", name), []byte("0,1\n1,2\n"), 0o644))
	}
	return dir, fake, newKiller(t, fake) // which kills nobody here
}

// The lines that XGBoost writes come through train local, the rehearsed SageMaker and train logs as CloudWatch would have them, for metrics are read out of them.
func TestTrainingLog(t *testing.T) {
	lines := []string{"[2026-01-02:03:04:05:INFO] Train matrix has 2 rows and 1 columns", "[0]\ttrain-auc:0.75000\tvalidation-auc:0.50000",
		"[2026-01-02:03:04:05:WARNING] something", "[1]\ttrain-auc:1.00000\tvalidation-auc:0.62500"}
	dir, _, k := rehearsal(t, python(t, "printf '%b\\n' '"+strings.ReplaceAll(strings.Join(lines, `\n`), "\t", `\t`)+"'"))
	require.Contains(t, k.survivor(t, dir, []string{"train", "submit", "--yes", "--poll", "1ms"}), "metric    validation:auc 0.625")
	job := k.seen("SageMaker.CreateTrainingJob")[0]
	said := k.survivor(t, dir, []string{"train", "logs", job})
	require.Equal(t, strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "\t", "#011"), said)
	found := regexp.MustCompile(`.*\[[0-9]+\].*#011validation-auc:(\S+)`).FindAllStringSubmatch(said, -1) // the definition of the metric in the container
	require.Len(t, found, 2)
	require.Equal(t, "0.62500", found[1][1])
}

// A job whose machines are taken away goes on with the rounds that it kept, as far as its image finds them again.
func TestSpotCheckpoints(t *testing.T) {
	dir, fake, k := rehearsal(t, python(t, `
rounds=$(tr -dc 'a-z_0-9":' <"$3/input/config/hyperparameters.json" | sed 's/.*"num_round":"\([0-9]*\)".*/\1/')
folder=$(sed -n 's/.*"LocalPath": "\(.*\)".*/\1/p' "$3/input/config/checkpointconfig.json")
i=$(ls "$folder" | wc -l)
while [ $i -lt $rounds ]; do
	printf '[%d]\tvalidation-auc:0.%05d\n' $i $i
	echo $i >"$folder/xgboost-checkpoint.$i"
	i=$((i + 1))
done`))
	config := filepath.Join(dir, "threatdetect.yaml")
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(config, []byte(strings.Replace(string(text), "spot: false", "spot: true", 1)), 0o644))
	fake.Inject(awsfake.Fault{Service: "sagemaker", Operation: "CreateTrainingJob", Kind: "spot", Interruptions: 2})
	k.survivor(t, dir, []string{"train", "submit", "--yes", "--poll", "1ms"})
	job := k.seen("SageMaker.CreateTrainingJob")[0]
	kept, err := fake.Keys("td-demo-111122223333", "checkpoints/"+job+"/")
	require.NoError(t, err)
	require.Len(t, kept, 100)
	var rounds []string
	for _, found := range regexp.MustCompile(`(?m)^\[(\d+)\]`).FindAllStringSubmatch(k.survivor(t, dir, []string{"train", "logs", job}), -1) {
		rounds = append(rounds, found[1])
	}
	require.Len(t, rounds, 100, "none of them twice")
	require.Equal(t, []string{"0", "49", "50", "74", "75", "99"}, []string{rounds[0], rounds[49], rounds[50], rounds[74], rounds[75], rounds[99]})
}

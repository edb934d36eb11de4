//go:build unix && !noaws

package main

import (
	"fmt"
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

// The lines that XGBoost writes come through train local, the rehearsed SageMaker and train logs as CloudWatch would have them, for metrics are read out of them.
func TestTrainingLog(t *testing.T) {
	binary, err := exec.LookPath("threatdetect") // of testscript.Main
	require.NoError(t, err)
	stored, err := filepath.Abs("../../internal/awsfake/stored/xgboost-model.gz")
	require.NoError(t, err)
	dir := t.TempDir()
	lines := []string{"[2026-01-02:03:04:05:INFO] Train matrix has 2 rows and 1 columns", "[0]\ttrain-auc:0.75000\tvalidation-auc:0.50000",
		"[2026-01-02:03:04:05:WARNING] something", "[1]\ttrain-auc:1.00000\tvalidation-auc:0.62500"}
	python := filepath.Join(dir, "python")
	require.NoError(t, os.WriteFile(python, []byte(fmt.Sprintf(`#!/bin/sh
if [ "$1" = -c ]; then echo 1.7.4; exit; fi
cat >/dev/null
printf '%%b\n' '%s'
gunzip <'%s' >"$3/model/xgboost-model"
`, strings.ReplaceAll(strings.Join(lines, `\n`), "\t", `\t`), stored)), 0o755))
	fake, err := awsfake.New(awsfake.Options{Binary: binary, Python: python, Tick: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { fake.Close() })
	require.NoError(t, fake.Put("td-demo-111122223333", "runs/x", nil))
	k := newKiller(t, fake) // which kills nobody here
	initStack(t, dir)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o777))
	for _, name := range []string{"train.csv", "validation.csv"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "data", name), []byte("0,1\n1,2\n"), 0o644))
	}
	require.Contains(t, k.survivor(t, dir, []string{"train", "submit", "--yes", "--poll", "1ms"}), "metric    validation:auc 0.625")
	job := k.seen("SageMaker.CreateTrainingJob")[0]
	said := k.survivor(t, dir, []string{"train", "logs", job})
	require.Equal(t, strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "\t", "#011"), said)
	found := regexp.MustCompile(`.*\[[0-9]+\].*#011validation-auc:(\S+)`).FindAllStringSubmatch(said, -1) // the definition of the metric in the container
	require.Len(t, found, 2)
	require.Equal(t, "0.62500", found[1][1])
}

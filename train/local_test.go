package train

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/model"
)

// trainingFolder has files like those of fit, of n rows that can be learned.
func trainingFolder(t *testing.T, n int) string {
	dir := t.TempDir()
	r := rand.New(rand.NewSource(1))
	for name, rows := range map[string]int{"train.csv": n, "validation.csv": n / 4} {
		var b strings.Builder
		for range rows {
			x, y := r.Float64(), r.Float64()
			label := 0
			if x+y > 1 {
				label = 1
			}
			fmt.Fprintf(&b, "%d,%.4f,%.4f,\n", label, x, y)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o644))
	}
	return dir
}

// The real XGBoost of a few images, where a Python has it: VENVS is a folder with one virtual environment a release, named xgb-1.7.4 and so on.
func TestLocal(t *testing.T) {
	venvs := os.Getenv("VENVS")
	if venvs == "" {
		t.Skip("no VENVS with releases of XGBoost")
	}
	data, err := OpenData(trainingFolder(t, 400))
	require.NoError(t, err)
	for _, c := range []struct{ image, release string }{{"0.90-2", "0.90"}, {"1.3-1", "1.3.3"}, {"1.7-1", "1.7.4"}, {"3.0-5", "3.0.5"}} {
		python := filepath.Join(venvs, "xgb-"+c.release, "bin", "python")
		if _, err := os.Stat(python); err != nil {
			continue
		}
		t.Run(c.image, func(t *testing.T) {
			image, err := LookupImage(c.image)
			require.NoError(t, err)
			rounds := 0
			run := &LocalRun{Image: image, Python: python, Data: data, Layout: t.TempDir(), Output: filepath.Join(t.TempDir(), "model.tar.gz"),
				Hyperparameters: map[string]string{"objective": "binary:logistic", "num_round": "20", "eval_metric": "logloss,auc"},
				Tell: func(e Event) {
					if e.Values != nil {
						rounds++
						if _, ok := e.Values["validation:auc"]; !ok {
							t.Errorf("round without validation:auc: %s", e.Line)
						}
					}
				}}
			b, err := Local(t.Context(), run)
			require.NoError(t, err)
			require.Equal(t, 20, b.Trees)
			require.Equal(t, 20, rounds)
			m, err := model.Open(run.Output, nil)
			require.NoError(t, err)
			require.Equal(t, image.Artifact, m.Format, "the form that the image writes")
			// The same in the folder that is laid out now.
			again := &LocalRun{Image: image, Python: python, Layout: run.Layout}
			b, err = LocalLayout(t.Context(), again)
			require.NoError(t, err)
			require.Equal(t, 20, b.Trees)

			run.Hyperparameters["early_stopping_rounds"] = "1"
			run.Hyperparameters["num_round"] = "400"
			run.Hyperparameters["eta"] = "1"
			b, err = Local(t.Context(), run)
			require.NoError(t, err)
			require.Less(t, b.Trees, 400)

			run.Hyperparameters = map[string]string{"objective": "binary:logistic", "num_round": "5", "_kfold": "3"}
			data := *data
			data.Validation = nil
			run.Data, run.Layout = &data, ""
			b, err = Local(t.Context(), run)
			require.NoError(t, err)
			require.Equal(t, 3, b.Members)

			run.Hyperparameters = map[string]string{"objective": "multi:softmax", "num_round": "5", "num_class": "2", "tree_method": "exact", "base_score": "0.5", "max_depth": "0"}
			if _, err = Local(t.Context(), run); err != nil {
				require.ErrorIs(t, err, ErrJob, "what XGBoost refuses is a failure of the job")
			}
		})
	}
}

func TestLocalRefuses(t *testing.T) {
	data, err := OpenData(trainingFolder(t, 40))
	require.NoError(t, err)
	image, err := LookupImage("1.7-1")
	require.NoError(t, err)
	_, err = Local(t.Context(), &LocalRun{Image: image, Data: data, Hyperparameters: map[string]string{"num_rounds": "1"}})
	require.ErrorContains(t, err, "2 faults: hyperparameters: num_round: is missing; hyperparameters: num_rounds: the container knows no such hyperparameter; did you mean num_round?")
	_, err = Local(t.Context(), &LocalRun{Image: image, Data: data, Python: "/nowhere/python", Hyperparameters: map[string]string{"num_round": "1"}})
	require.ErrorIs(t, err, ErrNoPython)
	require.ErrorContains(t, err, "pip install xgboost==1.7.4")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = FindPython(ctx, "", image)
	require.Error(t, err)
}

func TestCheckData(t *testing.T) {
	write := func(t *testing.T, files ...string) string {
		dir := t.TempDir()
		for i := 0; i < len(files); i += 2 {
			path := filepath.Join(dir, files[i])
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
			require.NoError(t, os.WriteFile(path, []byte(files[i+1]), 0o644))
		}
		return dir
	}
	for _, c := range []struct {
		name  string
		files []string
		want  []string // nil: right
	}{
		{"right", []string{"train.csv", "0,1\n1,2\n", "validation.csv", "1,\n0,3"}, nil},
		{"libsvm", []string{"train.libsvm", "0 0:1 5:2\n1 3:1\n"}, nil},
		{"folders", []string{"train/a.csv", "0,1\n1,2\n", "train/b.csv", "0,1\n1,2\n"}, nil},
		{"header", []string{"train.csv", "label,x\n0,1\n1,1\n"}, []string{"train.csv:1: \"label\" is no label: a header?"}},
		{"dotfile", []string{"train/.a.csv", "0,1\n", "train/b.csv", "0,1\n1,2\n"}, []string{"begins with a dot"}},
		{"sub-folder", []string{"train/x/a.csv", "0,1\n", "train/b.csv", "0,1\n1,2\n"}, []string{"is a folder"}},
		{"empty", []string{"train.csv", ""}, []string{"train.csv: is empty"}},
		{"empty line", []string{"train.csv", "0,1\n\n1,2\n"}, []string{"train.csv:2: an empty line"}},
		{"ragged", []string{"train.csv", "0,1\n1,2,3\n"}, []string{"train.csv:2: 3 columns, the rows before have 2"}},
		{"columns differ", []string{"train.csv", "0,1\n1,2\n", "validation.csv", "0,1,2\n1,2,3\n"}, []string{"validation.csv: 3 columns, train.csv has 2"}},
		{"labels", []string{"train.csv", "0,1\n3,2\n"}, []string{"labels from 0 to 3: binary:logistic wants 0 and 1"}},
		{"one label", []string{"train.csv", "0,1\n0,2\n"}, []string{"every label is 0"}},
		{"one column", []string{"train.csv", "0\n1\n"}, []string{"one column"}},
		{"mixed", []string{"train.csv", "0,1\n1,2\n", "validation.libsvm", "0 1:1\n1 0:2\n"}, []string{"all have to be alike"}},
		{"bad libsvm", []string{"train.libsvm", "0 1:x\n1 0:2\n0 0:3\n"}, []string{"train.libsvm:1: \"1:x\": want index:value"}},
		{"many", []string{"train.csv", "0,1\n" + strings.Repeat("x,1\n", 100) + "1,1\n"}, []string{"train.csv:2", "and 95 more"}},
		{"contract", []string{"train.csv", "0,1\n1,2\n", "contract.json", "{"}, []string{"contract.json:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Parse(InitFile(), "x")
			require.NoError(t, err)
			dir := write(t, c.files...)
			d, err := OpenData(dir)
			require.NoError(t, err)
			err = s.CheckData(d)
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ErrInput)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
	_, err := OpenData(t.TempDir())
	require.ErrorContains(t, err, "no train.csv")
}

func TestParseRound(t *testing.T) {
	for line, want := range map[string]string{
		"[17]\ttrain-auc:0.99812\tvalidation-auc:0.99431":                   "17 map[train:auc:0.99812 validation:auc:0.99431]",
		"[0]#011train-logloss:0.5#011validation-error@0.3:nan":              "0 map[train:logloss:0.5 validation:error@0.3:NaN]",
		"[2026-01-02 10:00:00.123 ip-10-0-0-1:7:INFO] [3] train-rmse:1e-05": "3 map[train:rmse:1e-05]",
		"[100]\ttrain-auc:0.9+0.01\tvalidation-auc:0.8+0.02":                "100 map[train:auc:0.9 validation:auc:0.8]",
		"Stopping. Best iteration: [3] validation-auc:0.9":                  "3 map[validation:auc:0.9]",
		"INFO: nothing": "0 map[]",
		"[5]":           "0 map[]",
	} {
		round, values := ParseRound(line)
		require.Equal(t, want, fmt.Sprint(round, " ", values), line)
	}
}

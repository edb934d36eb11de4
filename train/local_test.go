package train

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/inference"
	"threatdetect/model"
)

// trainingFolder has files like those of fit, of n rows that can be learned.
func trainingFolder(t *testing.T, n int) string {
	dir := t.TempDir()
	for name, rows := range map[string]int{"train.csv": n, "validation.csv": n / 4} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(csvOf(someRows(rows, int64(rows)))), 0o644))
	}
	return dir
}

// row is one of training: the label, how much it weighs, and columns, of which some are missing.
type row struct {
	label   int
	weight  float32
	columns [3]float32
}

func someRows(n int, seed int64) []row {
	r := rand.New(rand.NewSource(seed))
	rows := make([]row, n)
	for i := range rows {
		x, y := r.Float32(), r.Float32()
		rows[i] = row{weight: float32(1+r.Intn(3)) / 2, columns: [3]float32{x, y, float32(math.NaN())}}
		if x+y > 1 {
			rows[i].label = 1
		}
		if r.Intn(5) == 0 {
			rows[i].columns[0] = float32(math.NaN())
		} else {
			rows[i].columns[2] = r.Float32()
		}
	}
	return rows
}

func number(v float32) string {
	if v != v {
		return ""
	}
	return strconv.FormatFloat(float64(v), 'g', -1, 32)
}

func csvOf(rows []row) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%d,%s,%s,%s\n", r.label, number(r.columns[0]), number(r.columns[1]), number(r.columns[2]))
	}
	return b.String()
}

func weightedCSV(rows []row) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%d,%s,%s,%s,%s\n", r.label, number(r.weight), number(r.columns[0]), number(r.columns[1]), number(r.columns[2]))
	}
	return b.String()
}

func weightedLibsvm(rows []row) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%d:%s", r.label, number(r.weight))
		for i, v := range r.columns {
			if v == v {
				fmt.Fprintf(&b, " %d:%s", i, number(v))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// layout makes a folder like /opt/ml. Files are names below it and what is in them.
func layout(t *testing.T, contentType string, params map[string]string, files ...string) string {
	dir := t.TempDir()
	channels := map[string]map[string]string{"train": {"ContentType": contentType, "TrainingInputMode": "File"}}
	for i := 0; i < len(files); i += 2 {
		if strings.Contains(files[i], "data/validation/") {
			channels["validation"] = channels["train"]
		}
		putFile(t, filepath.Join(dir, "input", files[i]), files[i+1])
	}
	for name, v := range map[string]any{"hyperparameters.json": params, "inputdataconfig.json": channels} {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		putFile(t, filepath.Join(dir, "input/config", name), string(text))
	}
	return dir
}

func putFile(t *testing.T, path, text string) {
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

// heard is what a training here told: its rounds, and the metrics of each.
type heard struct {
	rounds []int
	values []map[string]float64
}

func (w *heard) tell(e Event) {
	if e.Values != nil {
		w.rounds, w.values = append(w.rounds, e.Round), append(w.values, e.Values)
	}
}

// logloss is that of a bundle, as XGBoost weighs rows. Gap is what a missing value is taken for, but in the last column.
func logloss(t *testing.T, path string, rows []row, gap float32) float64 {
	p, err := inference.Open(path, nil)
	require.NoError(t, err)
	sum, weights, out := 0.0, 0.0, make([]float32, 1)
	for _, r := range rows {
		in := r.columns
		for i, v := range in[:2] {
			if v != v {
				in[i] = gap
			}
		}
		require.NoError(t, p.Predict(out, in[:p.NumFeature()]))
		q := float64(out[0])
		if r.label == 0 {
			q = 1 - q
		}
		sum, weights = sum-float64(r.weight)*math.Log(max(q, 1e-16)), weights+float64(r.weight)
	}
	return sum / weights
}

// The real XGBoost of every image, where it is: VENVS is a folder with one virtual environment a release, named xgb-1.7.4 and so on. What is compared with are the
// rules of the container: how data are read, which rounds there are, when training stops, what is saved.
func TestLocal(t *testing.T) {
	venvs := os.Getenv("VENVS")
	if venvs == "" {
		t.Skip("no VENVS with releases of XGBoost")
	}
	for _, c := range []struct{ image, release string }{
		{"1", "0.72.1"}, {"0.90-1", "0.90"}, {"0.90-2", "0.90"}, {"1.0-1", "1.0.2"}, {"1.2-1", "1.2.1"}, {"1.2-2", "1.2.1"},
		{"1.3-1", "1.3.3"}, {"1.5-1", "1.5.2"}, {"1.7-1", "1.7.4"}, {"3.0-5", "3.0.5"}, {"3.2-0", "3.2.0"},
	} {
		t.Run(c.image, func(t *testing.T) {
			python := filepath.Join(venvs, "xgb-"+c.release, "bin", "python")
			if _, err := os.Stat(python); err != nil {
				t.Skip("no XGBoost " + c.release + " in VENVS")
			}
			image, err := LookupImage(c.image)
			require.NoError(t, err)
			l := &localImage{image: image, python: python}
			t.Run("files", l.files)
			t.Run("layout", l.layouts)
			t.Run("early stopping", l.earlyStopping)
			t.Run("folds", l.folds)
			t.Run("checkpoints", l.checkpoints)
			t.Run("failure", l.failure)
		})
	}
}

type localImage struct {
	image  *ImageVersion
	python string
}

func (l *localImage) since(version string) bool { return !older(l.image.Version, version) }

// train trains in a folder that is laid out.
func (l *localImage) train(t *testing.T, dir string) (*Bundle, *heard) {
	w := &heard{}
	b, err := LocalLayout(t.Context(), &LocalRun{Image: l.image, Python: l.python, Layout: dir, Tell: w.tell})
	require.NoError(t, err)
	return b, w
}

// The folder of fit is laid out, and what comes of it has the form of the image.
func (l *localImage) files(t *testing.T) {
	data, err := OpenData(trainingFolder(t, 400))
	require.NoError(t, err)
	w := &heard{}
	run := &LocalRun{Image: l.image, Python: l.python, Data: data, Layout: t.TempDir(), Output: filepath.Join(t.TempDir(), "model.tar.gz"), Tell: w.tell,
		Hyperparameters: map[string]string{"objective": "binary:logistic", "num_round": "20", "eval_metric": "logloss,auc,accuracy"}}
	b, err := Local(t.Context(), run)
	require.NoError(t, err)
	require.Equal(t, 20, b.Trees)
	require.Len(t, w.rounds, 20)
	for i, values := range w.values {
		require.Equal(t, i, w.rounds[i])
		for _, name := range []string{"train:logloss", "train:auc", "train:accuracy", "validation:logloss", "validation:auc", "validation:accuracy"} {
			require.Contains(t, values, name)
		}
	}
	m, err := model.Open(run.Output, nil)
	require.NoError(t, err)
	require.Equal(t, l.image.Artifact, m.Format, "the form that the image writes")
	for _, name := range []string{"input/config/hyperparameters.json", "input/config/inputdataconfig.json", "input/config/resourceconfig.json",
		"input/data/train/train.csv", "input/data/validation/validation.csv", "model/xgboost-model", "output/model.tar.gz"} {
		require.FileExists(t, filepath.Join(run.Layout, name))
	}
}

// Several files, weights, missing values, csv and libsvm: our own scores of the validation rows give the metric that the container would have printed.
func (l *localImage) layouts(t *testing.T) {
	params := map[string]string{"objective": "binary:logistic", "num_round": "8", "eval_metric": "auc,logloss"}
	rows, valid := someRows(300, 1), someRows(120, 2)
	libsvm := layout(t, "text/x-libsvm; charset=utf-8", params, "data/train/a", weightedLibsvm(rows[:100]), "data/train/b", weightedLibsvm(rows[100:]), "data/validation/v", weightedLibsvm(valid))
	b, w := l.train(t, libsvm)
	want := math.NaN()
	if n := len(w.values); n > 0 {
		want = w.values[n-1]["validation:logloss"]
	}
	require.InDelta(t, want, logloss(t, b.Path, valid, float32(math.NaN())), 6e-6)

	params["csv_weights"] = "1"
	dir := layout(t, "text/csv; label_size=1", params, "data/train/a.csv", weightedCSV(rows[:100]), "data/train/x/b.csv", weightedCSV(rows[100:]), "data/validation/v.csv", weightedCSV(valid))
	if !l.since("1.5-1") { // the first folder without another in it is all that these read
		require.NoError(t, os.Rename(filepath.Join(dir, "input/data/train/x/b.csv"), filepath.Join(dir, "input/data/train/b.csv")))
		require.NoError(t, os.Remove(filepath.Join(dir, "input/data/train/x")))
	}
	same, w := l.train(t, dir)
	gap := float32(math.NaN())
	if !l.since(gapsMissingSince) && l.image.Version != outdatedVersion {
		gap = 0
	}
	require.InDelta(t, w.values[len(w.values)-1]["validation:logloss"], logloss(t, same.Path, valid, gap), 6e-6)
	require.Equal(t, gap != gap, want == w.values[len(w.values)-1]["validation:logloss"], "an empty field is missing, or 0")
}

// Up to 1.2-2 XGBoost itself stops, and all rounds are saved; from 1.3-1 on the container stops, with a channel validation, and saves the best rounds.
func (l *localImage) earlyStopping(t *testing.T) {
	params := map[string]string{"objective": "binary:logistic", "num_round": "300", "eval_metric": "auc,logloss", "early_stopping_rounds": "4", "eta": "1"}
	files := []string{"data/train/t", weightedLibsvm(someRows(150, 3)), "data/validation/v", weightedLibsvm(someRows(80, 4))}
	b, w := l.train(t, layout(t, "libsvm", params, files...))
	rounds := len(w.rounds)
	best := rounds - 4 // as many rounds
	require.Positive(t, best)
	for i, v := range w.values {
		require.GreaterOrEqual(t, v["validation:logloss"], w.values[best-1]["validation:logloss"], "round %d", i)
	}
	if !l.since("1.3-1") {
		require.Equal(t, rounds, b.Trees)
		m, err := model.Open(b.Path, nil)
		require.NoError(t, err)
		require.Equal(t, best, m.BestRounds)
		return
	}
	require.Equal(t, best, b.Trees)
	params["num_round"] = "12"
	_, w = l.train(t, layout(t, "libsvm", params, files[:2]...))
	require.Len(t, w.rounds, 12, "nothing stops it without a channel validation")
}

func (l *localImage) folds(t *testing.T) {
	params := map[string]string{"objective": "binary:logistic", "num_round": "5", "_kfold": "3", "_num_cv_round": "2", "eval_metric": "logloss"}
	files := []string{"data/train/t", weightedLibsvm(someRows(100, 5)), "data/validation/v", weightedLibsvm(someRows(50, 6))}
	dir := layout(t, "libsvm", params, files...)
	if !l.since("1.2-2") {
		_, err := LocalLayout(t.Context(), &LocalRun{Image: l.image, Python: l.python, Layout: dir})
		require.ErrorContains(t, err, "_kfold: comes with image version 1.2-2")
		failure, err := os.ReadFile(filepath.Join(dir, "output/failure"))
		require.NoError(t, err)
		require.Contains(t, string(failure), "ClientError: ")
		if l.image.Version != "1.2-1" {
			return
		}
		delete(params, "_kfold")
		delete(params, "_num_cv_round")
		params["_nfold"] = "3"
		b, w := l.train(t, layout(t, "libsvm", params, files...))
		require.Equal(t, 5, b.Trees)
		require.Len(t, w.rounds, 5+5+1, "rounds of the training, of cross validation, and its end")
		require.Contains(t, w.values[10], "validation:logloss")
		return
	}
	b, w := l.train(t, dir)
	require.Equal(t, 6, b.Members)
	require.Len(t, w.rounds, 6*5+2+1, "each round of each fold, the means of both rounds, and of all")
	require.Equal(t, 5, w.rounds[len(w.rounds)-1])
	require.Contains(t, w.values[len(w.values)-1], "validation:logloss")
	predictions, err := os.ReadFile(filepath.Join(dir, "output/data/predictions.csv"))
	require.NoError(t, err)
	require.Equal(t, 150, strings.Count(string(predictions), "\n"))
	require.Regexp(t, `^[01]\.000000,0\.\d{6},[01]\.000000\n`, string(predictions))
	require.FileExists(t, filepath.Join(dir, "output/output.tar.gz"))
}

// Up to 1.2-2 a checkpoint is gone on with; later images write one after the first round, under a name that they do not find again.
func (l *localImage) checkpoints(t *testing.T) {
	params := map[string]string{"objective": "binary:logistic", "num_round": "7", "eval_metric": "logloss"}
	dir := layout(t, "libsvm", params, "data/train/t", weightedLibsvm(someRows(100, 7)), "config/checkpointconfig.json", `{"LocalPath":"/opt/ml/checkpoints"}`)
	_, w := l.train(t, dir)
	require.Len(t, w.rounds, 7)
	list, err := filepath.Glob(filepath.Join(dir, "checkpoints/xgboost-checkpoint*"))
	require.NoError(t, err)
	if !l.since("1.3-1") {
		require.Len(t, list, 5)
	} else {
		require.Len(t, list, 1)
	}
	params["num_round"] = "9"
	text, err := json.Marshal(params)
	require.NoError(t, err)
	putFile(t, filepath.Join(dir, "input/config/hyperparameters.json"), string(text))
	b, w := l.train(t, dir)
	require.Equal(t, 9, b.Trees)
	if !l.since("1.3-1") {
		require.Equal(t, []int{7, 8}, w.rounds)
	} else {
		require.Len(t, w.rounds, 9)
	}
}

// What the container refuses is a failure of the job, which says whose fault it is.
func (l *localImage) failure(t *testing.T) {
	params := map[string]string{"objective": "binary:logistic", "num_round": "2"}
	label := "ClientError: .*label must be in \\[0,1\\]"
	if l.since("3.2-0") { // the container knows the words of older releases
		label = "AlgorithmError: .*label must be in \\(0, 1\\)"
	}
	for i, c := range []struct{ contentType, file, text, want string }{
		{"text/csv", "t.csv", "0,1\n0,1\n1.5,2\n", label},
		{"text/csv", ".t.csv", "0,1\n1,2\n", "ClientError: Hidden file found in the data path!"},
		{"application/json", "t.csv", "0,1\n1,2\n", "ClientError: application/json is not an accepted ContentType: csv, libsvm, parquet"},
		{"libsvm", "t.csv", "0,1\n1,2\n", "ClientError: First line '0,1 ...' of file 't.csv' is not 'LIBSVM' format"},
	} {
		if i > 1 && l.image.Version != "1.3-1" {
			break // the code is the same for all
		}
		dir := layout(t, c.contentType, params, "data/train/"+c.file, c.text)
		_, err := LocalLayout(t.Context(), &LocalRun{Image: l.image, Python: l.python, Layout: dir})
		require.ErrorIs(t, err, ErrJob)
		require.Regexp(t, c.want, err.Error())
		failure, err := os.ReadFile(filepath.Join(dir, "output/failure"))
		require.NoError(t, err)
		require.Regexp(t, "^"+c.want, string(failure))
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

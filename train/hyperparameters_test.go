package train

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHyperparameters(t *testing.T) {
	base := func(more ...string) map[string]string {
		m := map[string]string{"num_round": "10"}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	for _, c := range []struct {
		name   string
		params map[string]string
		image  string
		want   []string // name: beginning of the fault
	}{
		{"the origin's", base("objective", "binary:logistic", "max_depth", "5", "eta", "0.2", "gamma", "4", "min_child_weight", "6", "subsample", "0.8", "verbosity", "1"), "", nil},
		{"nothing", map[string]string{}, "", []string{"num_round: is missing"}},
		{"extraneous", base("max_dept", "3", "zzz", "1"), "", []string{"max_dept: the container knows no such hyperparameter; did you mean max_depth?", "zzz: the container knows"}},
		{"alias", base("learning_rate", "0.3", "reg_lambda", "1"), "", nil},
		{"twice", base("learning_rate", "0.3", "eta", "0.2"), "", []string{"learning_rate: is given as eta, too"}},
		{"closed ends", base("eta", "1", "gamma", "0", "num_round", "1", "csv_weights", "1"), "", nil},
		{"past the ends", base("eta", "1.01", "gamma", "-1", "csv_weights", "2", "verbosity", "4"), "", []string{"csv_weights: 2: want a number from 0 to 1", "eta: 1.01: want a number from 0 to 1", "gamma: -1: want a number from 0", "verbosity: 4"}},
		{"open ends", base("subsample", "0", "sketch_eps", "1", "tweedie_variance_power", "2", "seed", "2147483647"), "",
			[]string{"seed:", "sketch_eps: 1: want a number above 0 and below 1", "subsample: 0: want a number above 0 to 1", "tweedie_variance_power:"}},
		{"no numbers", base("max_depth", "5.0", "eta", "nan", "gamma", "inf", "alpha", ""), "", []string{`alpha: ""`, `eta: "nan"`, "gamma: inf", `max_depth: "5.0": want a whole number`}},
		{"metrics", base("objective", "binary:logistic", "eval_metric", "auc,logloss,error@0.3,map@5-"), "", nil},
		{"bad metrics", base("objective", "binary:logistic", "eval_metric", "auc, logloss"), "", []string{"eval_metric: \" logloss\""}},
		{"threshold of a metric without", base("objective", "reg:squarederror", "eval_metric", "rmse@3"), "", []string{"eval_metric: \"rmse@3\": only error"}},
		{"auc of a regression", base("objective", "reg:squarederror", "eval_metric", "rmse,auc"), "", []string{"eval_metric: auc goes with"}},
		{"metrics of nothing", base("eval_metric", "rmse"), "", []string{"objective: is missing: the container fails"}},
		{"tuning with a threshold", base("_tuning_objective_metric", "validation:error@0.3"), "", []string{"_tuning_objective_metric:"}},
		{"classes", base("objective", "multi:softprob"), "", []string{"num_class: is missing"}},
		{"classes of nothing", base("num_class", "3"), "", []string{"num_class: goes with"}},
		{"absolute error", base("objective", "reg:absoluteerror"), "1.5-1", []string{"objective: reg:absoluteerror comes with image version 1.7-1; this is 1.5-1"}},
		{"absolute error now", base("objective", "reg:absoluteerror"), "1.7-1", nil},
		{"gpu_hist of 3", base("tree_method", "gpu_hist"), "3.2-0", []string{"tree_method: gpu_hist is gone since image version 1.7-1; this is 3.2-0: want hist"}},
		{"gpu_hist", base("tree_method", "gpu_hist"), "1.7-1", nil},
		{"dask", base("use_dask_gpu_training", "true", "tree_method", "gpu_hist"), "1.3-1", []string{"use_dask_gpu_training: comes with image version 1.5-1"}},
		{"signs", base("monotone_constraints", "(1,-1,0)", "tree_method", "hist"), "", nil},
		{"signs without method", base("monotone_constraints", "(1,-1,0)"), "", []string{"monotone_constraints: want tree_method exact or hist"}},
		{"bad signs", base("monotone_constraints", "(1,2)", "tree_method", "hist"), "", []string{"monotone_constraints: \"(1,2)\": want a tuple"}},
		{"columns", base("interaction_constraints", "[[1, 2], [3]]", "tree_method", "approx"), "", nil},
		{"bad columns", base("interaction_constraints", "[[0,1]]", "tree_method", "approx"), "", []string{"interaction_constraints:"}},
		{"updaters", base("updater", "grow_colmaker,prune"), "", nil},
		{"two builders", base("updater", "grow_colmaker,distcol"), "", []string{"updater: want at most one"}},
		{"a linear updater", base("updater", "shotgun", "booster", "gblinear"), "", nil},
		{"an updater of trees for lines", base("updater", "prune", "booster", "gblinear"), "", []string{"updater: want shotgun"}},
		{"updating", base("updater", "refresh,sync", "process_type", "update"), "", []string{"updater: want refresh and prune only"}},
		{"an old updater", base("updater", "grow_local_histmaker"), "1.7-1", []string{"updater: grow_local_histmaker is gone"}},
		{"folds", base("_kfold", "5", "_num_cv_round", "3"), "", nil},
		{"folds of old", base("_kfold", "5"), "1.2-1", []string{"_kfold: comes with image version 1.2-2; this is 1.2-1"}},
		{"folds of one image", base("_nfold", "5"), "1.2-1", nil},
		{"folds of one image, later", base("_nfold", "5"), "1.2-2", []string{"_nfold: is gone since image version 1.2-1; this is 1.2-2"}},
		{"constraints of old", base("monotone_constraints", "(1,0)", "interaction_constraints", "[[1,2]]", "tree_method", "hist"), "0.90-2",
			[]string{"interaction_constraints: comes with image version 1.0-1; this is 0.90-2", "monotone_constraints: comes with"}},
		{"aliases of old", base("learning_rate", "0.1"), "0.90-1", []string{"learning_rate: is a name from image version 0.90-2 on; this is 0.90-1: want eta"}},
		{"aliases", base("learning_rate", "0.1", "num_parallel_tree", "2"), "0.90-2", nil},
		{"forests of old", base("num_parallel_tree", "2"), "0.90-1", []string{"num_parallel_tree: comes with image version 0.90-2"}},
		{"silent", base("silent", "1"), "1.0-1", nil},
		{"silent of late", base("silent", "1"), "1.2-1", []string{"silent: is gone since image version 1.0-1"}},
		{"sampling of old", base("sampling_method", "uniform", "prob_buffer_row", "2"), "1.2-2", []string{"prob_buffer_row: comes with image version 1.3-1", "sampling_method: comes with"}},
		{"sampling", base("sampling_method", "uniform", "prob_buffer_row", "2"), "1.3-1", nil},
		{"histograms", base("single_precision_histogram", "true"), "1.5-1", nil},
		{"histograms of late", base("single_precision_histogram", "true"), "1.7-1", []string{"single_precision_histogram: is gone since image version 1.5-1"}},
		{"predictors of old", base("predictor", "auto"), "1.0-1", []string{"predictor: auto comes with image version 1.2-1"}},
		{"survival of old", base("objective", "survival:aft", "eval_metric", "aft-nloglik"), "1.0-1",
			[]string{"eval_metric: aft-nloglik comes with image version 1.2-1", "objective: survival:aft comes with"}},
		{"metrics of old", base("objective", "binary:logistic", "eval_metric", "f1,accuracy,error@0.3,balanced_accuracy"), "1.2-2",
			[]string{"eval_metric: balanced_accuracy comes with image version 1.3-1"}},
		{"tuned metrics of old", base("objective", "binary:logistic", "_tuning_objective_metric", "validation:recall"), "1.2-2",
			[]string{"_tuning_objective_metric: recall comes with image version 1.3-1"}},
		{"the oldest", base("objective", "reg:squarederror", "verbosity", "1"), "1", []string{"objective: reg:squarederror comes with image version 0.90-1; this is 1", "verbosity: comes with"}},
		{"the oldest, rightly", base("objective", "binary:logistic", "eval_metric", "auc,logloss", "silent", "0"), "1", nil},
		{"tuning", base("_tuning_objective_metric", "validation:auc", "objective", "binary:logistic"), "", nil},
		{"bad tuning", base("_tuning_objective_metric", "auc"), "", []string{"_tuning_objective_metric:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := c.image
			if image == "" {
				image = "1.7-1"
			}
			v, err := LookupImage(image)
			require.NoError(t, err)
			faults := CheckHyperparameters(c.params, v)
			require.Len(t, faults, len(c.want), "%v", faults)
			for i, f := range faults {
				require.Contains(t, f.Name+": "+f.What, c.want[i])
			}
		})
	}
}

func TestMetricMaximised(t *testing.T) {
	for metric, want := range map[string]bool{"validation:auc": true, "train:logloss": false, "map@10": true, "error@0.3": false} {
		got, err := MetricMaximised(metric)
		require.NoError(t, err)
		require.Equal(t, want, got, metric)
	}
	_, err := MetricMaximised("validation:nonsense")
	require.Error(t, err)
}

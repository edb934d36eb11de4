package awsfake

//lint:file-ignore ST1005 messages are spelled as the services and containers spell them

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"threatdetect/internal/lazyregexp"
)

// bound is an accepted range: of numbers lo to hi, each end open where it says so.
type bound struct {
	kind     string // int, float, cat, list, tuple, nested
	lo, hi   float64
	open     string // "lo", "hi", "both" ends that are not of the range
	of       []string
	tunable  bool
	required bool
}

const (
	inf   = 1e308
	int31 = 1 << 31
)

var (
	unit  = bound{kind: "float", lo: 0, hi: 1, open: "lo", tunable: true}
	zero  = bound{kind: "float", lo: 0, hi: inf, tunable: true}
	share = bound{kind: "float", lo: 0, hi: 1}
	bit   = bound{kind: "int", lo: 0, hi: 1}
	truth = bound{kind: "cat", of: []string{"true", "false"}}
	count = bound{kind: "int", lo: 0, hi: inf}
)

// hyperparameters is what the container's validator accepts.
var hyperparameters = map[string]bound{
	"num_round": {kind: "int", lo: 1, hi: inf, tunable: true, required: true},
	"objective": {kind: "cat", of: objectives}, "eta": {kind: "float", lo: 0, hi: 1, tunable: true}, "gamma": zero,
	"max_depth": {kind: "int", lo: 0, hi: inf, tunable: true}, "min_child_weight": zero, "max_delta_step": zero,
	"subsample": unit, "colsample_bytree": unit, "colsample_bylevel": unit, "colsample_bynode": unit, "lambda": zero, "alpha": zero,
	"scale_pos_weight": {kind: "float", lo: 0, hi: inf, open: "lo"}, "booster": {kind: "cat", of: []string{"gbtree", "gblinear", "dart"}},
	"tree_method": {kind: "cat", of: []string{"auto", "exact", "approx", "hist", "gpu_hist"}}, "grow_policy": {kind: "cat", of: []string{"depthwise", "lossguide"}},
	"max_leaves": count, "max_bin": count, "base_score": {kind: "float", lo: 0, hi: inf}, "num_class": {kind: "int", lo: 2, hi: inf},
	"eval_metric": {kind: "list", of: metricNames}, "early_stopping_rounds": {kind: "int", lo: 1, hi: inf},
	"seed": {kind: "int", lo: -int31, hi: int31 - 1, open: "both"}, "nthread": {kind: "int", lo: 1, hi: inf}, "verbosity": {kind: "int", lo: 0, hi: 3},
	"csv_weights": bit, "num_parallel_tree": {kind: "int", lo: 1, hi: inf}, "monotone_constraints": {kind: "tuple"}, "interaction_constraints": {kind: "nested"},
	"sample_type": {kind: "cat", of: []string{"uniform", "weighted"}}, "normalize_type": {kind: "cat", of: []string{"tree", "forest"}},
	"rate_drop": share, "skip_drop": share, "one_drop": bit, "refresh_leaf": bit, "lambda_bias": share,
	"sketch_eps": {kind: "float", lo: 0, hi: 1, open: "both"}, "tweedie_variance_power": {kind: "float", lo: 1, hi: 2, open: "both"},
	"process_type": {kind: "cat", of: []string{"default", "update"}}, "updater": {kind: "list", of: append(slices.Clone(builders), "sync", "refresh", "prune", "shotgun", "coord_descent")},
	"dsplit": {kind: "cat", of: []string{"row", "col"}}, "predictor": {kind: "cat", of: []string{"auto", "cpu_predictor", "gpu_predictor"}},
	"sampling_method": {kind: "cat", of: []string{"uniform", "gradient_based"}}, "deterministic_histogram": truth, "prob_buffer_row": {kind: "int", lo: 1, hi: inf, open: "lo"},
	"aft_loss_distribution": {kind: "cat", of: []string{"normal", "logistic", "extreme"}}, "aft_loss_distribution_scale": {kind: "float", lo: 0, hi: inf},
	"save_model_on_termination": truth, "use_dask_gpu_training": truth, "_kfold": {kind: "int", lo: 2, hi: inf}, "_num_cv_round": {kind: "int", lo: 1, hi: inf},
	"_tuning_objective_metric": {kind: "cat"}, "silent": bit, "_nfold": {kind: "int", lo: 2, hi: inf}, "single_precision_histogram": truth,
}

// came and went are the image versions that a hyperparameter, or one value of it, is known from, and known until.
var (
	came = map[string]string{
		"verbosity": "0.90-1", "colsample_bynode": "0.90-1", "objective=reg:squarederror": "0.90-1", "num_parallel_tree": "0.90-2",
		"learning_rate": "0.90-2", "min_split_loss": "0.90-2", "reg_lambda": "0.90-2", "reg_alpha": "0.90-2",
		"monotone_constraints": "1.0-1", "interaction_constraints": "1.0-1", "save_model_on_termination": "1.0-1", "objective=reg:squaredlogerror": "1.0-1", "eval_metric=rmsle": "1.0-1",
		"aft_loss_distribution": "1.2-1", "aft_loss_distribution_scale": "1.2-1", "deterministic_histogram": "1.2-1", "single_precision_histogram": "1.2-1", "_nfold": "1.2-1",
		"tree_method=gpu_hist": "1.2-1", "predictor=auto": "1.2-1", "predictor=gpu_predictor": "1.2-1", "objective=survival:aft": "1.2-1", "objective=reg:pseudohubererror": "1.2-1",
		"eval_metric=r2": "1.2-1", "eval_metric=aft-nloglik": "1.2-1", "eval_metric=interval-regression-accuracy": "1.2-1", "eval_metric=mphe": "1.2-1",
		"_kfold": "1.2-2", "_num_cv_round": "1.2-2", "eval_metric=f1_binary": "1.2-2", "eval_metric=f1_macro": "1.2-2",
		"sampling_method": "1.3-1", "prob_buffer_row": "1.3-1", "eval_metric=balanced_accuracy": "1.3-1", "eval_metric=mape": "1.3-1",
		"eval_metric=precision": "1.3-1", "eval_metric=precision_macro": "1.3-1", "eval_metric=precision_micro": "1.3-1",
		"eval_metric=recall": "1.3-1", "eval_metric=recall_macro": "1.3-1", "eval_metric=recall_micro": "1.3-1",
		"use_dask_gpu_training": "1.5-1", "objective=reg:absoluteerror": "1.7-1",
	}
	went = map[string]string{"silent": "1.0-1", "_nfold": "1.2-1", "single_precision_histogram": "1.5-1", "updater=grow_local_histmaker": "1.5-1"}
)

// known tells whether a version of the image has a hyperparameter, or a value of one: name=value.
func known(version, what string) bool {
	if version == "1" {
		version = "0.72"
	}
	last, gone := went[what]
	return !older(version, came[what]) && !(gone && older(last, version))
}

var aliases = map[string]string{"learning_rate": "eta", "min_split_loss": "gamma", "reg_lambda": "lambda", "reg_alpha": "alpha"}

var objectives = strings.Fields(`binary:logistic binary:logitraw binary:hinge count:poisson multi:softmax multi:softprob rank:pairwise rank:ndcg rank:map
	reg:linear reg:squarederror reg:logistic reg:gamma reg:pseudohubererror reg:squaredlogerror reg:absoluteerror reg:tweedie survival:aft survival:cox`)

var (
	builders = []string{"grow_colmaker", "distcol", "grow_histmaker", "grow_local_histmaker", "grow_skmaker"}
	maximise = strings.Fields("accuracy auc aucpr balanced_accuracy f1 f1_binary f1_macro map ndcg precision r2 recall precision_macro precision_micro recall_macro recall_micro")
	minimise = strings.Fields(`aft-nloglik cox-nloglik error gamma-deviance gamma-nloglik interval-regression-accuracy logloss mae mape merror mlogloss mphe mse
	poisson-nloglik rmse rmsle tweedie-nloglik`)
	metricNames = append(slices.Clone(maximise), minimise...)
	metricAt    = lazyregexp.New(`^(error@\d*\.?\d+|(ndcg|map)@\d+-?|(ndcg|map)-)$`)
	tuple       = lazyregexp.New(`^\(\s*(-1|0|1)(\s*,\s*(-1|0|1))*\s*,?\s*\)$`)
	nested      = lazyregexp.New(`^\[(\s*\[\s*\d+(\s*,\s*\d+)*\s*\]\s*,?)+\]$`)
)

// checkHyperparameters judges as the container does before it reads any data. The first fault ends the job, and is its reason.
func checkHyperparameters(version string, given map[string]string) error {
	h := map[string]string{}
	for _, k := range sortedKeys(given) {
		name := k
		if a, ok := aliases[k]; ok {
			name = a
		}
		b, ok := hyperparameters[name]
		if !ok || !known(version, k) || !known(version, name) {
			return fmt.Errorf("Extraneous hyperparameter found: %s", k)
		}
		h[name] = given[k]
		if err := b.check(version, k, given[k]); err != nil {
			return err
		}
	}
	if h["num_round"] == "" {
		return fmt.Errorf("Missing required hyperparameter: num_round")
	}
	objective := h["objective"]
	if h["eval_metric"] != "" && objective == "" {
		return errors.New("KeyError: 'objective'") // which the validator of metrics looks up
	}
	if strings.HasPrefix(objective, "multi:") && h["num_class"] == "" {
		return fmt.Errorf("Require input for parameter 'num_class' for multi-classification")
	}
	if h["num_class"] != "" && objective != "" && !strings.HasPrefix(objective, "multi:") {
		return fmt.Errorf("Do not need to setup parameter 'num_class' for learning task other than multi-classification.")
	}
	for _, m := range strings.Split(h["eval_metric"], ",") {
		switch m = strings.TrimSpace(m); {
		case m == "auc" && objective != "" && !strings.HasPrefix(objective, "binary:") && !strings.HasPrefix(objective, "rank:"):
			return fmt.Errorf("Metric 'auc' can only be applied for classification and ranking problems.")
		case m == "aft-nloglik" && objective != "survival:aft":
			return fmt.Errorf("Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.")
		}
	}
	method := h["tree_method"]
	if h["monotone_constraints"] != "" && method != "exact" && method != "hist" {
		return fmt.Errorf("monotone_constraints can be used only when the tree_method parameter is set to either 'exact' or 'hist'.")
	}
	if h["interaction_constraints"] != "" && !slices.Contains([]string{"exact", "hist", "approx"}, method) {
		return fmt.Errorf("interaction_constraints can be used only when the tree_method parameter is set to either 'exact', 'hist' or 'approx'.")
	}
	if n := treeBuilders(h["updater"]); n > 1 {
		return fmt.Errorf("Only one tree grow plugin can be selected. Choose one from the following: %s", strings.Join(builders, ", "))
	}
	if h["process_type"] == "update" {
		for _, u := range strings.Split(h["updater"], ",") {
			if u = strings.TrimSpace(u); u != "refresh" && u != "prune" {
				return fmt.Errorf("process_type 'update' can only be used with updater 'refresh' and 'prune'")
			}
		}
	}
	return nil
}

func treeBuilders(updater string) (n int) {
	for _, u := range strings.Split(updater, ",") {
		if slices.Contains(builders, strings.TrimSpace(u)) {
			n++
		}
	}
	return n
}

func (b bound) check(version, name, text string) error {
	bad := func(why string) error {
		return fmt.Errorf("Hyperparameter %s: value %s %s", name, text, why)
	}
	switch b.kind {
	case "int", "float":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("Hyperparameter %s: could not parse value %s as %s", name, text, b.kind)
		}
		if b.kind == "int" && n != float64(int64(n)) || b.kind == "int" && strings.ContainsAny(text, ".eE") {
			return fmt.Errorf("Hyperparameter %s: could not parse value %s as int", name, text)
		}
		low, high := n < b.lo, n > b.hi
		low = low || n == b.lo && (b.open == "lo" || b.open == "both")
		high = high || n == b.hi && (b.open == "hi" || b.open == "both")
		if low || high || n != n {
			return bad(fmt.Sprintf("is not in range %v to %v", b.lo, b.hi))
		}
	case "cat":
		if len(b.of) > 0 && (!slices.Contains(b.of, text) || !known(version, name+"="+text)) {
			return bad("is not in categories " + strings.Join(b.of, ", "))
		}
	case "list":
		for _, e := range strings.Split(text, ",") {
			e = strings.TrimSpace(e)
			if (!slices.Contains(b.of, e) || !known(version, name+"="+e)) && !(name == "eval_metric" && metricAt.MatchString(e)) {
				return fmt.Errorf("Hyperparameter %s: value %s is not one of %s", name, e, strings.Join(b.of, ", "))
			}
		}
	case "tuple":
		if !tuple.MatchString(text) {
			return bad("is no tuple of -1, 0 and 1")
		}
	case "nested":
		if !nested.MatchString(text) {
			return bad("is no nested list of column numbers")
		}
		if regexp.MustCompile(`\b0+\b`).MatchString(text) {
			return bad("has a column below 1")
		}
	}
	return nil
}

// older compares versions of images: 1.5-1 is older than 1.7-1.
func older(a, b string) bool {
	x, y := strings.FieldsFunc(a, notDigit), strings.FieldsFunc(b, notDigit)
	for i := range min(len(x), len(y)) {
		n, _ := strconv.Atoi(x[i])
		m, _ := strconv.Atoi(y[i])
		if n != m {
			return n < m
		}
	}
	return len(x) < len(y)
}

func notDigit(r rune) bool { return r < '0' || r > '9' }

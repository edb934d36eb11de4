package train

import (
	"math"
	"strings"
)

type hyperKind uint8

const (
	kindInt hyperKind = iota
	kindFloat
	kindOne      // one of values
	kindSome     // some of values, divided by commas
	kindMetrics  // metrics, divided by commas
	kindMetric   // a metric with its channel in front, as tuning names it
	kindSigns    // a tuple of -1, 0 and 1
	kindColumns  // a list of lists of columns
	openLow      = 1
	openHigh     = 2
	unboundedInt = 1 << 31
)

// hyperparameter is one that the container knows, and what it accepts for it.
type hyperparameter struct {
	kind        hyperKind
	least, most float64
	open        uint8 // which ends are not in the range
	values      []string
	tunable     bool
	since       string            // version of the image that it came with; "": the first
	until       string            // the last version that has it; "": the newest
	sinceValue  map[string]string // likewise of single values
	untilValue  map[string]string // the last version that takes a value
}

var inf = math.Inf(1)

// hyperparameters is what the validator of the container accepts. It checks before anything is trained, and so does [CheckHyperparameters].
var hyperparameters = map[string]*hyperparameter{
	"num_round":             {kind: kindInt, least: 1, most: inf, tunable: true},
	"csv_weights":           {kind: kindInt, most: 1},
	"early_stopping_rounds": {kind: kindInt, least: 1, most: inf},
	"nthread":               {kind: kindInt, least: 1, most: inf},
	"verbosity":             {kind: kindInt, most: 3, since: "0.90-1"},
	"seed":                  {kind: kindInt, least: -unboundedInt, most: unboundedInt - 1, open: openLow | openHigh},
	"num_class":             {kind: kindInt, least: 2, most: inf},
	"num_parallel_tree":     {kind: kindInt, least: 1, most: inf, since: "0.90-2"},
	"silent":                {kind: kindInt, most: 1, until: "1.0-1"},
	"max_depth":             {kind: kindInt, most: inf, tunable: true},
	"max_leaves":            {kind: kindInt, most: inf},
	"max_bin":               {kind: kindInt, most: inf},
	"one_drop":              {kind: kindInt, most: 1},
	"refresh_leaf":          {kind: kindInt, most: 1},
	"prob_buffer_row":       {kind: kindInt, least: 1, most: inf, open: openLow, since: "1.3-1"},
	"_nfold":                {kind: kindInt, least: 2, most: inf, since: "1.2-1", until: "1.2-1"},
	"_kfold":                {kind: kindInt, least: 2, most: inf, since: "1.2-2"},
	"_num_cv_round":         {kind: kindInt, least: 1, most: inf, since: "1.2-2"},

	"eta":                         {kind: kindFloat, most: 1, tunable: true},
	"gamma":                       {kind: kindFloat, most: inf, tunable: true},
	"min_child_weight":            {kind: kindFloat, most: inf, tunable: true},
	"max_delta_step":              {kind: kindFloat, most: inf, tunable: true},
	"subsample":                   {kind: kindFloat, most: 1, open: openLow, tunable: true},
	"colsample_bytree":            {kind: kindFloat, most: 1, open: openLow, tunable: true},
	"colsample_bylevel":           {kind: kindFloat, most: 1, open: openLow, tunable: true},
	"colsample_bynode":            {kind: kindFloat, most: 1, open: openLow, tunable: true, since: "0.90-1"},
	"lambda":                      {kind: kindFloat, most: inf, tunable: true},
	"alpha":                       {kind: kindFloat, most: inf, tunable: true},
	"scale_pos_weight":            {kind: kindFloat, most: inf, open: openLow},
	"base_score":                  {kind: kindFloat, most: inf},
	"rate_drop":                   {kind: kindFloat, most: 1},
	"skip_drop":                   {kind: kindFloat, most: 1},
	"lambda_bias":                 {kind: kindFloat, most: 1},
	"sketch_eps":                  {kind: kindFloat, most: 1, open: openLow | openHigh},
	"tweedie_variance_power":      {kind: kindFloat, least: 1, most: 2, open: openLow | openHigh},
	"aft_loss_distribution_scale": {kind: kindFloat, most: inf, since: "1.2-1"},

	"booster":     {kind: kindOne, values: words("gbtree gblinear dart")},
	"tree_method": {kind: kindOne, values: words("auto exact approx hist gpu_hist"), sinceValue: map[string]string{"gpu_hist": "1.2-1"}, untilValue: map[string]string{"gpu_hist": "1.7-1"}},
	"grow_policy": {kind: kindOne, values: words("depthwise lossguide")},
	"objective": {kind: kindOne, values: words("binary:logistic binary:logitraw binary:hinge count:poisson multi:softmax multi:softprob rank:pairwise rank:ndcg rank:map " +
		"reg:linear reg:squarederror reg:logistic reg:gamma reg:pseudohubererror reg:squaredlogerror reg:absoluteerror reg:tweedie survival:aft survival:cox"),
		sinceValue: map[string]string{"reg:absoluteerror": "1.7-1", "reg:pseudohubererror": "1.2-1", "survival:aft": "1.2-1", "reg:squarederror": "0.90-1", "reg:squaredlogerror": "1.0-1"}},
	"sample_type":    {kind: kindOne, values: words("uniform weighted")},
	"normalize_type": {kind: kindOne, values: words("tree forest")},
	"process_type":   {kind: kindOne, values: words("default update")},
	"dsplit":         {kind: kindOne, values: words("row col")},
	"predictor": {kind: kindOne, values: words("auto cpu_predictor gpu_predictor"),
		sinceValue: map[string]string{"auto": "1.2-1", "gpu_predictor": "1.2-1"}},
	"sampling_method":            {kind: kindOne, values: words("uniform gradient_based"), since: "1.3-1"},
	"deterministic_histogram":    {kind: kindOne, values: words("true false"), since: "1.2-1"},
	"single_precision_histogram": {kind: kindOne, values: words("true false"), since: "1.2-1", until: "1.5-1"},
	"aft_loss_distribution":      {kind: kindOne, values: words("normal logistic extreme"), since: "1.2-1"},
	"save_model_on_termination":  {kind: kindOne, values: words("true false"), since: "1.0-1"},
	"use_dask_gpu_training":      {kind: kindOne, values: words("true false"), since: "1.5-1"},

	"updater": {kind: kindSome, values: words("grow_colmaker distcol grow_histmaker grow_local_histmaker grow_skmaker sync refresh prune shotgun coord_descent"),
		untilValue: map[string]string{"grow_local_histmaker": "1.5-1"}},
	"eval_metric":              {kind: kindMetrics, sinceValue: metricSince},
	"_tuning_objective_metric": {kind: kindMetric, sinceValue: metricSince},
	"monotone_constraints":     {kind: kindSigns, since: "1.0-1"},
	"interaction_constraints":  {kind: kindColumns, since: "1.0-1"},
}

// metricSince are the metrics that did not come with the first version.
var metricSince = map[string]string{
	"rmsle": "1.0-1", "r2": "1.2-1", "aft-nloglik": "1.2-1", "interval-regression-accuracy": "1.2-1", "mphe": "1.2-1", "f1_binary": "1.2-2", "f1_macro": "1.2-2",
	"balanced_accuracy": "1.3-1", "precision": "1.3-1", "precision_macro": "1.3-1", "precision_micro": "1.3-1",
	"recall": "1.3-1", "recall_macro": "1.3-1", "recall_micro": "1.3-1", "mape": "1.3-1",
}

// aliasesSince is the version from which on the container takes hyperAliases.
const aliasesSince = "0.90-2"

// hyperAliases are XGBoost's own other names, which the container takes too.
var hyperAliases = map[string]string{"learning_rate": "eta", "min_split_loss": "gamma", "reg_lambda": "lambda", "reg_alpha": "alpha"}

var (
	maximised = words("accuracy auc aucpr balanced_accuracy f1 f1_binary f1_macro map ndcg precision r2 recall precision_macro precision_micro recall_macro recall_micro")
	minimised = words("aft-nloglik cox-nloglik error gamma-deviance gamma-nloglik interval-regression-accuracy logloss mae mape merror mlogloss mphe mse " +
		"poisson-nloglik rmse rmsle tweedie-nloglik")
)

func words(s string) []string { return strings.Fields(s) }

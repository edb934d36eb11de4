package train

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
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

// HyperparameterFault is something that the container would refuse.
type HyperparameterFault struct{ Name, What string }

// MetricMaximised reports whether more of a metric is better: validation:auc, or auc alone.
func MetricMaximised(metric string) (bool, error) {
	name := metric[strings.IndexByte(metric, ':')+1:]
	base, _, _ := strings.Cut(name, "@")
	switch {
	case slices.Contains(maximised, base):
		return true, nil
	case slices.Contains(minimised, base):
		return false, nil
	}
	return false, fmt.Errorf("metric %q: want one of %s", clip(metric), strings.Join(slices.Sorted(slices.Values(slices.Concat(maximised, minimised))), " "))
}

// CheckHyperparameters says what the container of an image version would refuse, sorted by name. It looks at all of them, where the container ends
// at the first.
func CheckHyperparameters(params map[string]string, v *ImageVersion) []HyperparameterFault {
	var faults []HyperparameterFault
	add := func(name, format string, args ...any) {
		faults = append(faults, HyperparameterFault{name, fmt.Sprintf(format, args...)})
	}
	if len(params) > maxHyperKeys {
		add("", "%d hyperparameters, want at most %d", len(params), maxHyperKeys)
	}
	values := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		value := params[name]
		official := cmp.Or(hyperAliases[name], name)
		h, ok := hyperparameters[official]
		_, twice := values[official]
		switch {
		case !ok:
			add(name, "the container knows no such hyperparameter%s", didYouMean(name))
			continue
		case twice:
			add(name, "is given as %s, too", otherName(params, official, name))
			continue
		case len(name) > maxHyperKey || len(value) > maxHyperValue:
			add(name, "%d characters, want at most %d", len(value), maxHyperValue)
			continue
		case older(v.Version, h.since):
			add(name, "comes with image version %s; this is %s", h.since, v.Version)
			continue
		case h.until != "" && older(h.until, v.Version):
			add(name, "is gone since image version %s; this is %s", h.until, v.Version)
			continue
		case official != name && older(v.Version, aliasesSince):
			add(name, "is a name from image version %s on; this is %s: want %s", aliasesSince, v.Version, official)
			continue
		}
		values[official] = value
		if what := h.check(value); what != "" {
			add(name, "%s", what)
			continue
		}
		h.checkVersion(value, v, func(what string) { add(name, "%s", what) })
	}
	if _, ok := values["num_round"]; !ok {
		add("num_round", "is missing")
	}
	checkTogether(values, add)
	slices.SortStableFunc(faults, func(a, b HyperparameterFault) int { return cmp.Compare(a.Name, b.Name) })
	return faults
}

func otherName(params map[string]string, official, name string) string {
	if _, ok := params[official]; ok && official != name {
		return official
	}
	for alias, of := range hyperAliases {
		if _, ok := params[alias]; ok && of == official && alias != name {
			return alias
		}
	}
	return official
}

// didYouMean names the nearest hyperparameter, if one is near.
func didYouMean(name string) string {
	best, least := "", 3
	for known := range hyperparameters {
		if d := distance(name, known); d < least || d == least && best != "" && known < best {
			best, least = known, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance is the number of letters that have to change, come or go.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// older reports whether version a comes before b; nothing comes before "".
func older(a, b string) bool { return b != "" && compareVersions(a, b) < 0 }

// check returns what is wrong with a value, "" if nothing is.
func (h *hyperparameter) check(value string) string {
	switch h.kind {
	case kindInt:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Sprintf("%q: want a whole number %s", clip(value), h.ends())
		}
		return h.inRange(float64(n), value)
	case kindFloat:
		x, err := strconv.ParseFloat(value, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) || x != x {
			return fmt.Sprintf("%q: want a number %s", clip(value), h.ends())
		}
		return h.inRange(x, value)
	case kindOne:
		if !slices.Contains(h.values, value) {
			return fmt.Sprintf("%q: want one of %s", clip(value), strings.Join(h.values, " "))
		}
	case kindSome:
		for part := range strings.SplitSeq(value, ",") {
			if !slices.Contains(h.values, part) {
				return fmt.Sprintf("%q: want some of %s, divided by commas", clip(part), strings.Join(h.values, " "))
			}
		}
	case kindMetrics:
		for part := range strings.SplitSeq(value, ",") {
			if what := checkMetric(part); what != "" {
				return what
			}
		}
	case kindMetric:
		if _, err := MetricMaximised(value); err != nil || !strings.HasPrefix(value, "validation:") || strings.Contains(value, "@") {
			return fmt.Sprintf("%q: want a metric such as validation:auc", clip(value))
		}
	case kindSigns:
		return checkSigns(value)
	case kindColumns:
		return checkColumns(value)
	}
	return ""
}

func (h *hyperparameter) inRange(x float64, value string) string {
	low, high := x < h.least || x == h.least && h.open&openLow != 0, x > h.most || x == h.most && h.open&openHigh != 0
	if low || high || math.IsInf(x, 0) {
		return fmt.Sprintf("%s: want a number %s", clip(value), h.ends())
	}
	return ""
}

// ends is the range in words.
func (h *hyperparameter) ends() string {
	low, high := "from", "to"
	if h.open&openLow != 0 {
		low = "above"
	}
	if h.open&openHigh != 0 {
		high = "and below"
	}
	if math.IsInf(h.most, 1) {
		return fmt.Sprintf("%s %.0f", low, h.least)
	}
	return fmt.Sprintf("%s %.0f %s %.0f", low, h.least, high, h.most)
}

// checkVersion finds values that came later than the image, or went before it.
func (h *hyperparameter) checkVersion(value string, v *ImageVersion, add func(string)) {
	for part := range strings.SplitSeq(value, ",") {
		part, _, _ = strings.Cut(strings.TrimPrefix(part, "validation:"), "@")
		if since := h.sinceValue[part]; older(v.Version, since) {
			add(fmt.Sprintf("%s comes with image version %s; this is %s", part, since, v.Version))
		}
		if until := h.untilValue[part]; until != "" && older(until, v.Version) {
			hint := ""
			if part == "gpu_hist" {
				hint = ": want hist on a machine with a GPU"
			}
			add(fmt.Sprintf("%s is gone since image version %s; this is %s%s", part, until, v.Version, hint))
		}
	}
}

func checkMetric(metric string) string {
	base, threshold, at := strings.Cut(metric, "@")
	if _, err := MetricMaximised(base); err != nil || strings.Contains(base, ":") {
		return fmt.Sprintf("%q: want some of %s, divided by commas without blanks", clip(metric), strings.Join(slices.Sorted(slices.Values(slices.Concat(maximised, minimised))), " "))
	}
	if at {
		if base != "error" && base != "ndcg" && base != "map" {
			return fmt.Sprintf("%q: only error, ndcg and map take a threshold", clip(metric))
		}
		if _, err := strconv.ParseFloat(strings.TrimSuffix(threshold, "-"), 64); err != nil {
			return fmt.Sprintf("%q: want a number behind @", clip(metric))
		}
	}
	return ""
}

func checkSigns(value string) string {
	const want = "%q: want a tuple of -1, 0 and 1, such as (1,-1,0)"
	inner, ok := strings.CutPrefix(strings.TrimSpace(value), "(")
	inner, ok2 := strings.CutSuffix(inner, ")")
	if !ok || !ok2 {
		return fmt.Sprintf(want, clip(value))
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(inner), ","), ",") {
		if part = strings.TrimSpace(part); part != "-1" && part != "0" && part != "1" {
			return fmt.Sprintf(want, clip(value))
		}
	}
	return ""
}

func checkColumns(value string) string {
	const want = "%q: want a list of lists of columns from 1, such as [[1,2],[3,4]]"
	text := strings.ReplaceAll(value, " ", "")
	inner, ok := strings.CutPrefix(text, "[[")
	inner, ok2 := strings.CutSuffix(inner, "]]")
	if !ok || !ok2 {
		return fmt.Sprintf(want, clip(value))
	}
	for group := range strings.SplitSeq(inner, "],[") {
		for part := range strings.SplitSeq(group, ",") {
			if n, err := strconv.Atoi(part); err != nil || n < 1 {
				return fmt.Sprintf(want, clip(value))
			}
		}
	}
	return ""
}

// checkTogether finds values that do not go with each other.
func checkTogether(values map[string]string, add func(name, format string, args ...any)) {
	objective, given := values["objective"]
	_, classes := values["num_class"]
	if strings.HasPrefix(objective, "multi:") && !classes {
		add("num_class", "is missing: %s wants it", objective)
	}
	if classes && !given {
		add("num_class", "goes with multi:softmax and multi:softprob only")
	}
	if _, metrics := values["eval_metric"]; metrics && !given {
		add("objective", "is missing: the container fails where there is an eval_metric without one")
	}
	for metric := range strings.SplitSeq(values["eval_metric"], ",") {
		if metric == "auc" && !strings.HasPrefix(objective, "binary:") && !strings.HasPrefix(objective, "rank:") {
			add("eval_metric", "auc goes with binary: and rank: objectives only, not with %s", cmp.Or(objective, "reg:squarederror"))
		}
		if metric == "aft-nloglik" && objective != "survival:aft" {
			add("eval_metric", "aft-nloglik goes with survival:aft only")
		}
	}
	method := values["tree_method"]
	if _, ok := values["monotone_constraints"]; ok && method != "exact" && method != "hist" {
		add("monotone_constraints", "want tree_method exact or hist with it")
	}
	if _, ok := values["interaction_constraints"]; ok && method != "exact" && method != "hist" && method != "approx" {
		add("interaction_constraints", "want tree_method exact, hist or approx with it")
	}
	if updater, ok := values["updater"]; ok {
		checkUpdater(strings.Split(updater, ","), values, add)
	}
	if values["use_dask_gpu_training"] == "true" && method != "gpu_hist" && method != "hist" {
		add("use_dask_gpu_training", "want tree_method gpu_hist (hist from image version 3.0-5) with it")
	}
}

func checkUpdater(updaters []string, values map[string]string, add func(name, format string, args ...any)) {
	linear, builders := 0, 0
	for _, u := range updaters {
		switch u {
		case "shotgun", "coord_descent":
			linear++
		case "grow_colmaker", "distcol", "grow_histmaker", "grow_local_histmaker":
			builders++
		}
	}
	switch {
	case values["booster"] == "gblinear":
		if linear != 1 || len(updaters) != 1 {
			add("updater", "want shotgun or coord_descent with booster gblinear")
		}
	case values["process_type"] == "update":
		if slices.ContainsFunc(updaters, func(u string) bool { return u != "refresh" && u != "prune" }) {
			add("updater", "want refresh and prune only with process_type update")
		}
	case linear > 0:
		add("updater", "shotgun and coord_descent go with booster gblinear only")
	case builders > 1:
		add("updater", "want at most one of grow_colmaker, distcol, grow_histmaker and grow_local_histmaker")
	}
}

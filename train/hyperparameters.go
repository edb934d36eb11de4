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

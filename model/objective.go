package model

import "strings"

// supported are the objectives whose base score and link package inference knows.
var supported = map[string]bool{
	"reg:squarederror": true,
	"reg:logistic":     true,
	"binary:logistic":  true,
	"binary:logitraw":  true,
	"multi:softmax":    true,
	"multi:softprob":   true,
}

// canonicalObjective maps the names that XGBoost has given up to those that took their place.
func canonicalObjective(name string) string {
	name = strings.TrimPrefix(name, "gpu:")
	if name == "reg:linear" {
		return "reg:squarederror"
	}
	return name
}

func checkObjective(name string) error {
	if !supported[name] {
		return unsupported("objective", name)
	}
	return nil
}

// checkBooster accepts XGBoost's name of a booster.
func checkBooster(name string) error {
	if name != "gbtree" {
		return unsupported("booster", name)
	}
	return nil
}

// isLogistic tells whether the base score of an objective is a probability.
func isLogistic(objective string) bool {
	return objective == "reg:logistic" || objective == "binary:logistic"
}

func isMultiClass(objective string) bool { return strings.HasPrefix(objective, "multi:") }

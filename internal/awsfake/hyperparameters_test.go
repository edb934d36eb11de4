package awsfake

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Each version of the container knows its own hyperparameters.
func TestHyperparametersOfVersions(t *testing.T) {
	for _, c := range []struct {
		version, name, value string
		good                 bool
	}{
		{"1", "verbosity", "1", false}, {"0.90-1", "verbosity", "1", true}, {"1", "silent", "1", true}, {"1.0-1", "silent", "1", true}, {"1.2-1", "silent", "1", false},
		{"0.90-1", "learning_rate", "0.1", false}, {"0.90-2", "learning_rate", "0.1", true}, {"0.90-1", "eta", "0.1", true},
		{"1.2-1", "_nfold", "3", true}, {"1.2-2", "_nfold", "3", false}, {"1.2-1", "_kfold", "3", false}, {"1.2-2", "_kfold", "3", true},
		{"1.0-1", "predictor", "auto", false}, {"1.2-1", "predictor", "auto", true}, {"1.2-2", "eval_metric", "auc,recall", false}, {"1.3-1", "eval_metric", "auc,recall,error@0.3", true},
		{"1.5-1", "updater", "grow_local_histmaker,prune", true}, {"1.7-1", "updater", "grow_local_histmaker,prune", false},
	} {
		err := checkHyperparameters(c.version, map[string]string{"num_round": "1", "objective": "binary:logistic", c.name: c.value})
		require.Equal(t, c.good, err == nil, "%s %s %s: %v", c.version, c.name, c.value, err)
	}
	require.ErrorContains(t, checkHyperparameters("1.7-1", map[string]string{"num_round": "1", "eval_metric": "rmse"}), "KeyError: 'objective'")
}

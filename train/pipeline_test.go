package train

import (
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/train/pipeline"
)

func testStack(t testing.TB) *Stack {
	s, err := Parse(InitFile(), "threatdetect.yaml")
	require.NoError(t, err)
	return s
}

// The pipeline of every stack is valid, and small enough to be part of a request.
func TestDefinition(t *testing.T) {
	for name, change := range map[string]func(*Stack){
		"init":      func(*Stack) {},
		"spot":      func(s *Stack) { s.Training.Spot = true },
		"instances": func(s *Stack) { s.Training.Count, s.Training.Sharded = 3, true },
		"network": func(s *Stack) {
			s.Training.Subnets, s.Training.SecurityGroups, s.Training.NetworkIsolation = []string{"subnet-1"}, []string{"sg-1"}, true
		},
		"key":       func(s *Stack) { s.Training.KMSKey = "alias/td" },
		"labels":    func(s *Stack) { s.Features.Label = "s3://td-demo-111122223333/labels/truth.csv" },
		"logloss":   func(s *Stack) { s.Gate.Metric, s.Gate.Minimum = "validation:logloss", 0.2 },
		"automatic": func(s *Stack) { s.Approval = "automatic" },
		"options": func(s *Stack) {
			s.Features.LocalNets = slices.Repeat([]string{"10.0.0.0/8", "2001:db8::/32"}, 6)
			s.Features.BeaconWeights = []float64{0.4, 0.2, 0.2, 0.2}
		},
		"no marker": func(s *Stack) { s.Trigger.Marker = "" },
	} {
		t.Run(name, func(t *testing.T) {
			s := testStack(t)
			change(s)
			d, err := s.Definition(DryRunAccount)
			require.NoError(t, err)
			text, err := d.JSON()
			require.NoError(t, err)
			require.Less(t, len(text), pipeline.InlineLimit)
			if name == "options" {
				require.Contains(t, string(text), `"--local-nets","10.0.0.0/8,2001:db8::/32,10.0.0.0/8,2001:db8::/32,10.0.0.0/8","--local-nets","2001:db8::/32,`)
				require.Contains(t, string(text), `"--beacon-weights","0.4,0.2,0.2,0.2"`)
			}
			if name == "init" {
				want, err := os.ReadFile("testdata/definition.json")
				require.NoError(t, err)
				require.JSONEq(t, string(want), string(text))
			}
		})
	}
}

// A stack whose parts do not go together has no pipeline.
func TestDefinitionFaults(t *testing.T) {
	s := testStack(t)
	s.Gate.Metric = "validation:f1"
	s.Prefixes.Models = s.Prefixes.Raw + "models/"
	_, err := s.Definition(DryRunAccount)
	require.ErrorIs(t, err, pipeline.ErrReference)
	require.ErrorIs(t, err, pipeline.ErrCycle)
	require.ErrorContains(t, err, `step "Train" measures logloss, aucpr, auc and not f1`)
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"threatdetect/features"
	"threatdetect/model"
)

func (a *app) inspectCommand() *cobra.Command {
	var asJSON bool
	var tree, dot int
	cmd := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Say what a model or bundle is",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := openBundle(args[0])
			if err != nil {
				return modelError(args[0], err)
			}
			report := describe(b)
			switch flags := cmd.Flags(); {
			case flags.Changed("tree"):
				return a.printTree(b.Booster.DumpText, args[0], tree)
			case flags.Changed("dot"):
				return a.printTree(b.Booster.DumpDOT, args[0], dot)
			}
			if asJSON {
				enc := json.NewEncoder(a.stdout)
				enc.SetEscapeHTML(false)
				err = enc.Encode(report)
			} else {
				err = report.print(a.stdout)
				if err == nil {
					err = printMore(a.stdout, b.Booster)
				}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as one JSON object")
	cmd.Flags().IntVar(&tree, "tree", 0, "only tree `N`, counted from 0, as text like XGBoost's dump")
	cmd.Flags().IntVar(&dot, "dot", 0, "only tree `N`, counted from 0, as a graph for Graphviz")
	cmd.MarkFlagsMutuallyExclusive("json", "tree", "dot")
	return cmd
}

// openBundle opens a bundle or any bare artifact, an ensemble too.
func openBundle(name string) (*model.Bundle, error) {
	opts := loadOptions()
	opts.AllowEnsemble, opts.AnyObjective = true, true
	return model.OpenBundle(name, opts)
}

// description is what inspect --json prints.
type description struct {
	Format         model.Format      `json:"format"`
	XGBoostVersion []int             `json:"xgboost_version"`
	Booster        string            `json:"booster"`
	Objective      string            `json:"objective"`
	Features       int               `json:"features"`
	FeatureNames   []string          `json:"feature_names"`
	FeatureTypes   []string          `json:"feature_types"`
	Groups         int               `json:"groups"`
	Trees          int               `json:"trees"`
	Nodes          int               `json:"nodes"`
	MaxDepth       int               `json:"max_depth"`
	BaseScore      []float32         `json:"base_score"`
	BestIteration  *int              `json:"best_iteration"`
	Attributes     map[string]string `json:"attributes"`
	Categorical    bool              `json:"categorical"`
	Members        int               `json:"members"`
	SHA256         string            `json:"sha256"`
	Contract       json.RawMessage   `json:"contract"`
}

func describe(bundle *model.Bundle) *description {
	b := bundle.Booster
	d := &description{
		Format: b.Format, Booster: b.Kind, Objective: b.Objective, Features: b.NumFeature, FeatureNames: b.FeatureNames, FeatureTypes: b.FeatureTypes,
		Groups: b.NumGroup(), Trees: len(b.Trees), Nodes: b.NumNode(), MaxDepth: b.MaxDepth(), BaseScore: b.BaseScore, Attributes: b.Attributes,
		Members: len(bundle.Members), SHA256: b.Digest, Contract: bundle.Contract,
	}
	for i := range bundle.Members {
		d.Categorical = d.Categorical || splitsCategories(bundle.Members[i].Booster)
	}
	if b.Version.Known() {
		d.XGBoostVersion = b.Version[:]
	}
	var best int
	if n, err := fmt.Sscan(b.Attributes["best_iteration"], &best); n == 1 && err == nil {
		d.BestIteration = &best
	}
	if !json.Valid(d.Contract) {
		d.Contract = nil
	}
	return d
}

// splitsCategories reports whether a split asks for categories.
func splitsCategories(b *model.Booster) bool {
	return slices.ContainsFunc(b.Trees, func(t model.Tree) bool { return len(t.CategoryNodes) > 0 })
}

// print writes the description for people.
func (d *description) print(w io.Writer) error {
	version := "before 1.0"
	if d.XGBoostVersion != nil {
		version = fmt.Sprintf("%d.%d", d.XGBoostVersion[0], d.XGBoostVersion[1])
		if d.Format != model.FormatLegacy { // which does not store the patch level
			version += fmt.Sprintf(".%d", d.XGBoostVersion[2])
		}
	}
	names := "none"
	if len(d.FeatureNames) > 0 {
		names = oneLine(strings.Join(d.FeatureNames[:min(8, len(d.FeatureNames))], " "))
		if len(d.FeatureNames) > 8 {
			names += fmt.Sprintf(" and %d more", len(d.FeatureNames)-8)
		}
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "format\t%s\n", d.Format)
	fmt.Fprintf(t, "written by\tXGBoost %s\n", version)
	fmt.Fprintf(t, "booster\t%s, %d trees, %d nodes, depth %d\n", d.Booster, d.Trees, d.Nodes, d.MaxDepth)
	fmt.Fprintf(t, "objective\t%s, %d output(s) a row, base score %v\n", d.Objective, d.Groups, d.BaseScore)
	fmt.Fprintf(t, "features\t%d, names: %s\n", d.Features, names)
	for _, key := range slices.Sorted(maps.Keys(d.Attributes)) {
		fmt.Fprintf(t, "attribute\t%s = %s\n", oneLine(key), oneLine(d.Attributes[key]))
	}
	fmt.Fprintf(t, "sha256\t%s\n", d.SHA256)
	var c struct {
		Set     string          `json:"set"`
		Options json.RawMessage `json:"options"`
		Output  struct {
			Thresholds []struct {
				Value float32 `json:"value"`
			} `json:"thresholds"`
			Calibration *features.Calibration `json:"calibration"`
		} `json:"output"`
	}
	if d.Contract == nil || json.Unmarshal(d.Contract, &c) != nil {
		fmt.Fprintf(t, "contract\tnone: scores numeric rows, not logs\n")
		return t.Flush()
	}
	fmt.Fprintf(t, "contract\tset %s", oneLine(c.Set))
	if len(c.Output.Thresholds) > 0 {
		fmt.Fprintf(t, ", threshold %v", c.Output.Thresholds[0].Value)
	}
	if len(c.Options) > 0 {
		fmt.Fprintf(t, ", options %s", oneLine(string(c.Options)))
	}
	fmt.Fprintln(t)
	if k := c.Output.Calibration; k != nil {
		fmt.Fprintf(t, "calibration\t%s\n", describeCalibration(k))
	}
	return t.Flush()
}

// describeCalibration is a calibration in a line.
func describeCalibration(c *features.Calibration) string {
	text := c.Method()
	switch {
	case len(c.Points) > 0:
		text += fmt.Sprintf(", %d points", len(c.Points))
	case c.A != nil && c.B != nil:
		text += fmt.Sprintf(", a %.4g, b %.4g", float64(*c.A), float64(*c.B))
	}
	if c.Prevalence != 0 {
		text += fmt.Sprintf(", of data with %.3g %% attacks", 100*c.Prevalence)
	}
	if c.Expected != 0 {
		text += fmt.Sprintf(", for %.3g %%", 100*c.Expected)
	}
	if c.Fitted != "" {
		text += ": " + oneLine(c.Fitted)
	}
	if err := c.Check(); err != nil {
		text += "; broken: " + oneLine(err.Error())
	}
	return text
}

//go:build !noaws

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"threatdetect/train"
)

func (a *app) monitorCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "monitor",
		Short: "Make, or look at, the dashboard and the alarms of the stack",
	}, a.monitorPart("create", "Make the dashboard and the alarms, or bring them up to date",
		"Create watches the pipeline, the rule, training, and where they are there the function of the trigger and the endpoint, also for costing\n"+
			"something while nobody asks it. Alarms of what is no longer there are removed.",
		(*train.AWS).CreateMonitor),
		a.monitorPart("show", "Tell how the alarms are", "Show lists the alarms of the stack with their states. The exit code is 0 whatever they are.",
			(*train.AWS).ShowMonitor))
}

func (a *app) monitorPart(name, short, long string, do func(*train.AWS, context.Context) (*train.Monitoring, error)) *cobra.Command {
	var f awsFlags
	var asJSON bool
	cmd := &cobra.Command{Use: name + " [flags]", Short: short, Long: long, Args: cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			m, err := do(aws, ctx)
			if err != nil {
				return awsEnd(err)
			}
			return a.printMonitoring(&f, m, asJSON)
		})}
	f.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "as one JSON object")
	return cmd
}

func (a *app) printMonitoring(f *awsFlags, m *train.Monitoring, asJSON bool) error {
	for _, note := range m.Notes {
		a.printf("note: %s\n", note)
	}
	if asJSON && !f.dryRun {
		type alarm struct {
			Name    string `json:"name"`
			State   string `json:"state"`
			Reason  string `json:"reason"`
			Updated string `json:"updated"`
		}
		list := []alarm{}
		for _, s := range m.Alarms {
			list = append(list, alarm{s.Name, s.State, s.Reason, s.Updated.UTC().Format(time.RFC3339)})
		}
		line, err := json.Marshal(map[string]any{"dashboard": m.Dashboard, "address": m.Address, "alarms": list, "removed": append([]string{}, m.Removed...)})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "%s\n", line)
		return err
	}
	for _, s := range m.Alarms {
		a.told(f, "%-18s %s\n", s.State, s.Name)
	}
	for _, name := range m.Removed {
		a.told(f, "removed            %s\n", name)
	}
	if m.Dashboard != "" {
		a.told(f, "dashboard          %s\n", m.Address)
	} else {
		a.told(f, "there is no dashboard; threatdetect monitor create makes one\n")
	}
	return nil
}

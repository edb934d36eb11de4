package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// fetchingCommands take models and bundles, in modelFlags or (where true) as arguments, that may lie in S3.
var fetchingCommands = map[string]bool{"score": false, "predict": false, "evaluate": false, "serve": false, "doctor": false, "batch": false,
	"inspect": true, "convert": true, "verify": true, "bundle make": false, "bundle sign": true, "bundle verify": true}

var modelFlags = []string{"model", "bundle", "shadow", "compare", "contract"}

// fetchModels puts files of this machine in the place of all models that the command line names by their address in S3. Commands and packages
// below know nothing of it.
func (a *app) fetchModels(cmd *cobra.Command, args []string) error {
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	inArgs, ok := fetchingCommands[path]
	if !ok {
		return nil
	}
	local := func(address string) (string, error) {
		file, err := a.fetchModel(cmd, address)
		if err == nil {
			a.fetched = append(a.fetched, file, address)
		}
		return file, err
	}
	for _, name := range modelFlags {
		flag := cmd.Flags().Lookup(name)
		if flag == nil || !strings.HasPrefix(flag.Value.String(), s3) {
			continue
		}
		file, err := local(flag.Value.String())
		if err != nil {
			return err
		}
		if err := flag.Value.Set(file); err != nil {
			return err
		}
	}
	for i := range args {
		if !inArgs || !strings.HasPrefix(args[i], s3) {
			continue
		}
		file, err := local(args[i])
		if err != nil {
			return err
		}
		args[i] = file // the slice that the command gets
	}
	return nil
}

// addresses gives models that were fetched their own names back, in a message.
func (a *app) addresses(message string) string {
	if len(a.fetched) == 0 {
		return message
	}
	return strings.NewReplacer(slices.Clone(a.fetched)...).Replace(message)
}

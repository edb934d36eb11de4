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

// fetchModels puts files of this machine in the place of all models that the command line names by their address in S3, and of one that is to
// come on standard input. Commands and packages below know nothing of it.
func (a *app) fetchModels(cmd *cobra.Command, args []string) error {
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	inArgs, ok := fetchingCommands[path]
	if !ok {
		return nil
	}
	local := func(address string) (string, error) {
		fetch := a.fetchModel
		if address == "-" {
			fetch = a.spoolModel
		}
		file, err := fetch(cmd, address)
		if err == nil {
			a.fetched = append(a.fetched, file, address)
		}
		return file, err
	}
	for _, name := range modelFlags {
		flag := cmd.Flags().Lookup(name)
		if flag == nil || !isRemote(flag.Value.String()) {
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
		if !inArgs || !isRemote(args[i]) {
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

// isRemote reports whether a name is none of a file.
func isRemote(name string) bool { return name == "-" || strings.HasPrefix(name, s3) }

// spoolModel keeps a model that comes on standard input in a temporary file, since models are read more than once. After that nothing else can
// come from there.
func (a *app) spoolModel(*cobra.Command, string) (string, error) {
	kept, remove, err := a.keepStdin([]string{"-"})
	if err != nil {
		return "", err
	}
	a.remove, a.stdin, a.named = remove, takenReader{}, nil
	return kept[0], nil
}

// takenReader is standard input after a model was read from it.
type takenReader struct{}

func (takenReader) Read([]byte) (int, error) {
	return 0, usagef("standard input is named 2 times: it was the model")
}

// addresses gives models that were fetched their own names back, in a message.
func (a *app) addresses(message string) string {
	if len(a.fetched) == 0 {
		return message
	}
	return strings.NewReplacer(slices.Clone(a.fetched)...).Replace(message)
}

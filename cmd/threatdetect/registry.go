//go:build !noaws

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"threatdetect/features"
	"threatdetect/inference"
	"threatdetect/inference/detect"
	"threatdetect/model"
	"threatdetect/train"
)

func (a *app) registryCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "registry COMMAND",
		Short: "The models that the pipeline registered: list, approve, reject, fetch",
		Long: "Every model that passed the gate is a version in the registry. The highest approved version is the one to use: threatdetect serve --approved, and\n" +
			"train.Watch in Go, follow it. To roll back, reject the version that is bad.\n\n" +
			"approve and reject also keep the pointer in the bucket right (" + "approved/current.json), which programs can follow that may not ask the registry.",
	}, a.registryListCommand(), a.registryJudgeCommand("approve"), a.registryJudgeCommand("reject"), a.registryPullCommand(), a.registryPublishCommand())
}

func (a *app) registryListCommand() *cobra.Command {
	var f awsFlags
	var approval string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List the versions, the highest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			status, ok := map[string]string{"": "", "pending": train.Pending, "approved": train.Approved, "rejected": train.Rejected}[approval]
			if !ok {
				return usagef("--status %q: want pending, approved or rejected", approval)
			}
			ctx, done := a.context(cmd)
			defer done()
			_, aws, err := a.connect(ctx, &f)
			if err != nil {
				return err
			}
			list, err := aws.ListModels(ctx, status)
			if err != nil {
				return awsError(f.config, err)
			}
			switch {
			case f.dryRun:
				return nil
			case asJSON:
				return a.printJSON(list)
			}
			return writeModels(a.stdout, list)
		},
	}
	cmd.Flags().StringVar(&approval, "status", "", "only those that are pending, approved or rejected")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	f.add(cmd.Flags())
	return cmd
}

func writeModels(w io.Writer, list []train.ModelVersion) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no models")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "version\tapproval\tstatus\tcreated\n")
	for _, m := range list {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\n", m.Version, m.Approval, m.Status, shortTime(m.Created))
	}
	return t.Flush()
}

// parseVersion reads the number of a version.
func parseVersion(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, usagef("version %q: want a number, as registry list shows them", text)
	}
	return n, nil
}

func (a *app) registryJudgeCommand(verb string) *cobra.Command {
	var f awsFlags
	var o publishFlags
	var reason string
	approval, short := train.Approved, "Approve a version; it is used if no higher one is approved"
	if verb == "reject" {
		approval, short = train.Rejected, "Reject a version; if it was in use, the highest approved one below it is used again"
	}
	cmd := &cobra.Command{
		Use:     verb + " VERSION [--reason TEXT] [flags]",
		Short:   short,
		Example: "  threatdetect registry " + verb + " 3 --reason 'see the report of Monday'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			version, err := parseVersion(args[0])
			if err != nil {
				return err
			}
			ctx, done := a.context(cmd)
			defer done()
			_, aws, err := a.connect(ctx, &f)
			if err != nil {
				return err
			}
			opts, err := o.options()
			if err != nil {
				return err
			}
			if verb == "approve" { // a model that nobody can use is not approved
				m, err := aws.DescribeModel(ctx, version)
				if err == nil && !f.dryRun {
					_, err = aws.Bundle(ctx, m, opts)
				}
				if err != nil {
					return registryError(args[0], err)
				}
			}
			if err := a.agree(&f, fmt.Sprintf("%s version %d?", map[string]string{"approve": "Approve", "reject": "Reject"}[verb], version)); err != nil {
				return err
			}
			if err := aws.Judge(ctx, version, approval, reason); err != nil {
				return registryError(args[0], err)
			}
			if err := a.say(&f, "version %d is %s", version, map[string]string{"approve": "approved", "reject": "rejected"}[verb]); err != nil || o.none {
				return err
			}
			return a.publish(ctx, aws, &f, opts)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for people; up to 1024 bytes")
	o.add(cmd)
	cmd.Flags().BoolVar(&o.none, "no-publish", false, "leave the pointer in the bucket as it is")
	f.add(cmd.Flags())
	return cmd
}

// publishFlags say how bundles are made.
type publishFlags struct {
	keys []string
	none bool
}

func (o *publishFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.keys, "key", nil, "file with a private Ed25519 key (PEM, PKCS #8) to sign the bundle with; may be given again")
}

func (o *publishFlags) options() (*train.BundleOptions, error) {
	opts := &train.BundleOptions{Verify: verifyBundle}
	for _, name := range o.keys {
		key, err := readPrivateKey(name)
		if err != nil {
			return nil, err
		}
		opts.Keys = append(opts.Keys, key)
	}
	return opts, nil
}

// verifyBundle proves that the model and its contract work together, with the golden records of the contract if it has some.
func verifyBundle(b *model.Bundle) error { return verifyPausing(b, nil) }

// verifyPausing is verifyBundle beside other work.
func verifyPausing(b *model.Bundle, pauser model.Pauser) error {
	if b.Contract == nil {
		_, err := inference.New(b.Booster, &inference.Options{Pauser: pauser})
		return err
	}
	c, err := features.ParseContract(b.Contract)
	if err == nil {
		_, err = detect.New(b.Booster, c, &detect.Options{Load: &model.LoadOptions{Pauser: pauser}})
	}
	return err
}

func registryError(version string, err error) error { return awsError("version "+version, err) }

// publish brings the pointer up to date and says where it points.
func (a *app) publish(ctx context.Context, aws *train.AWS, f *awsFlags, o *train.BundleOptions) error {
	p, err := aws.Publish(ctx, o)
	if err != nil {
		return awsError("publish", err)
	}
	if p == nil {
		return a.say(f, "no version is approved: there is no pointer")
	}
	return a.say(f, "%s points to version %d, sha256 %s", aws.Stack().S3(aws.Stack().PointerKey()), p.Version, p.SHA256)
}

func (a *app) registryPublishCommand() *cobra.Command {
	var f awsFlags
	var o publishFlags
	cmd := &cobra.Command{
		Use:   "publish [flags]",
		Short: "Let the pointer in the bucket point to the highest approved version, for runs that approve by themselves",
		Args:  cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			opts, err := o.options()
			if err != nil {
				return err
			}
			return a.publish(ctx, aws, &f, opts)
		}),
	}
	o.add(cmd)
	f.add(cmd.Flags())
	return cmd
}

func (a *app) registryPullCommand() *cobra.Command {
	var f awsFlags
	var o publishFlags
	var out string
	var version int
	cmd := &cobra.Command{
		Use:   "pull [--version N] -o BUNDLE",
		Short: "Fetch the highest approved version, or another one, as a bundle",
		Long: "Pull fetches the artifact, adds the contract that the pipeline made along with it, checks that both work together and writes a bundle that score and serve\n" +
			"take. The same version gives the same bytes.",
		Example: "  threatdetect registry pull -o model.tar.gz\n  threatdetect score --bundle model.tar.gz conn.log",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version < 0 {
				return usagef("--version %d: want a number above 0", version)
			}
			ctx, done := a.context(cmd)
			defer done()
			_, aws, err := a.connect(ctx, &f)
			if err != nil {
				return err
			}
			opts, err := o.options()
			if err != nil {
				return err
			}
			var m *train.ModelVersion
			if version > 0 {
				m, err = aws.DescribeModel(ctx, version)
			} else {
				m, err = aws.NewestApproved(ctx)
			}
			switch {
			case err != nil:
				return awsError(f.config, err)
			case f.dryRun:
				return nil
			case m == nil:
				return awsError("registry", fmt.Errorf("%w: no version is approved; threatdetect registry list shows what there is", train.ErrNotFound))
			}
			data, err := aws.Bundle(ctx, m, opts)
			if err != nil {
				return registryError(strconv.Itoa(m.Version), err)
			}
			return a.writePulled(out, m, data)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "model.tar.gz", "the bundle to write, - for standard output")
	cmd.Flags().IntVar(&version, "version", 0, "this version, whether it is approved or not")
	o.add(cmd)
	f.add(cmd.Flags())
	return cmd
}

func (a *app) writePulled(out string, m *train.ModelVersion, data []byte) error {
	o, err := a.createOutput(out)
	if err != nil {
		return err
	}
	if _, err := io.Copy(o, bytes.NewReader(data)); err != nil {
		return o.failed(err)
	}
	if err := o.commit(); err != nil {
		return err
	}
	if !a.quiet {
		a.printf("version %d (%s) of set %s: %d bytes in %s\n", m.Version, m.Approval, cmp.Or(m.Set, "unknown"), len(data), out)
	}
	return nil
}

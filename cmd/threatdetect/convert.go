package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"threatdetect/model"
)

func (a *app) convertCommand() *cobra.Command {
	var to, out, release string
	opts := model.SaveOptions{}
	cmd := &cobra.Command{
		Use:   "convert --to json|ubj [-o OUT] MODEL",
		Short: "Write a model in a form that XGBoost reads today",
		Long: "convert writes any model as XGBoost's JSON or UBJSON. Margins and values keep their bits in the releases that the file is for: all from 1.7\n" +
			"on, if the model has a form that all of them read, else as many as possible, which standard error then tells; or the one that --for names.\n" +
			"If a release cannot give the same bits the model is refused, with the reason.",
		Example: "  threatdetect convert --to ubj -o model.ubj old-endpoint.pkl\n" +
			"  threatdetect convert --to json --for 1.7 model.tar.gz | jq .version",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) (err error) {
			switch to {
			case "json":
				opts.Format = model.FormatJSON
			case "ubj":
				opts.Format = model.FormatUBJSON
			case "":
				return usagef("--to is missing: json or ubj")
			default:
				return usagef("--to %q: want json or ubj", to)
			}
			if opts.Target, err = parseRelease(release); err != nil {
				return err
			}
			return a.convert(args[0], out, &opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&to, "to", "", "form to write: json or ubj")
	flags.StringVarP(&out, "output", "o", "", "file to write instead of standard output")
	flags.StringVar(&release, "for", "", "XGBoost `release` that the file is for, such as 1.7 or 3.2")
	flags.BoolVar(&opts.AllowOtherBits, "other-bits", false, "write the model also if that release must predict other bits")
	flags.BoolVar(&opts.BaseAsTree, "base-as-tree", false, "keep a base score that has no other form as a boosting round of its own")
	return cmd
}

// parseRelease reads "3.2" or "3.2.0"; nothing is no release.
func parseRelease(text string) (v model.Version, err error) {
	if text == "" {
		return v, nil
	}
	parts := strings.Split(text, ".")
	if len(parts) != 2 && len(parts) != 3 {
		return v, usagef("--for %q: want a release such as 1.7 or 3.2.0", text)
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return v, usagef("--for %q: want a release such as 1.7 or 3.2.0", text)
		}
		v[i] = int(n)
	}
	return v, nil
}

func (a *app) convert(name, out string, opts *model.SaveOptions) error {
	b, err := model.Open(name, loadOptions())
	if err != nil {
		return modelError(name, err)
	}
	plan, err := model.PlanSave(b, opts)
	if err != nil {
		return a.refusal(name, err)
	}
	o, err := a.createOutput(out)
	if err != nil {
		return err
	}
	if err := model.Save(o, b, opts); err != nil {
		o.discard()
		return o.failed(err)
	}
	if err := o.commit(); err != nil {
		return err
	}
	if !a.quiet && a.summary == "text" && len(plan.Notes) > 0 {
		releases := "XGBoost " + release(plan.First)
		if plan.First != plan.Last {
			releases += " to " + release(plan.Last)
		}
		fmt.Fprintf(a.stderr, "for %s: %s\n", releases, oneLine(strings.Join(plan.Notes, "; ")))
	}
	return nil
}

func release(v model.Version) string { return fmt.Sprintf("%d.%d", v[0], v[1]) }

// refusal is the end of a conversion that would change what the model predicts.
func (a *app) refusal(name string, err error) error {
	text := strings.TrimPrefix(err.Error(), "model: ")
	if errors.Is(err, model.ErrUnsupported) {
		text += "; see --for, --base-as-tree and --other-bits in convert --help"
	}
	return &exitError{code: exitModel, what: "convert model", where: name, err: errors.New(text)}
}

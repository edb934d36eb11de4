package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"threatdetect/features"
	"threatdetect/inference/detect"
	"threatdetect/internal/logio"
	"threatdetect/model"
)

func (a *app) bundleCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "bundle COMMAND",
		Short: "Make, sign and check bundles",
		Long: "A bundle is a model.tar.gz that SageMaker's container loads like any other, with the contract that says how a log becomes rows,\n" +
			"and digests of all that is in it, which may be signed.",
	}, a.bundleMakeCommand(), a.bundleSignCommand(), a.bundleVerifyCommand(), a.bundleKeygenCommand())
}

type bundleFlags struct {
	model, contract, card, golden, out string
	version, notBefore                 int64
	keys                               []string
}

func (f *bundleFlags) addKeys(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.keys, "key", nil, "file with a private Ed25519 key (PEM, PKCS #8) to sign with; may be given again")
	cmd.Flags().StringVarP(&f.out, "output", "o", "", "the bundle to write")
}

func (a *app) bundleMakeCommand() *cobra.Command {
	var f bundleFlags
	cmd := &cobra.Command{
		Use:     "make --model MODEL --contract FILE -o BUNDLE",
		Short:   "Put a model and its contract into a bundle",
		Example: "  threatdetect bundle make --model xgboost-model --contract contract.json --golden conn.log -o model.tar.gz",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.bundleMake(&f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.model, "model", "", "model of any kind; its file goes into the bundle as it is")
	flags.StringVar(&f.contract, "contract", "", "contract file")
	flags.StringVar(&f.card, "card", "", "Markdown file with what people should know about the model")
	flags.StringVar(&f.golden, "golden", "", fmt.Sprintf("log of which %d flows become golden records: whoever opens or verifies the bundle computes their rows and scores anew, and wants the same bits. Their lines, with addresses, are in the bundle", goldenRecords))
	flags.Int64Var(&f.version, "bundle-version", 0, "number of this bundle among those that follow each other")
	flags.Int64Var(&f.notBefore, "not-before", 0, "least version that may be loaded after this bundle")
	f.addKeys(cmd)
	return cmd
}

func (a *app) bundleMake(f *bundleFlags) error {
	switch {
	case f.model == "" || f.contract == "" || f.out == "":
		return usagef("want --model MODEL, --contract FILE and -o BUNDLE")
	case f.version < 0 || f.notBefore < 0 || f.notBefore > f.version:
		return usagef("--bundle-version %d with --not-before %d: want no number below 0, and the first not below the second", f.version, f.notBefore)
	}
	b, err := model.OpenBundle(f.model, loadOptions())
	if err != nil {
		return modelError(f.model, err)
	}
	b.Version, b.NotBefore = f.version, f.notBefore
	if b.Contract, err = os.ReadFile(f.contract); err != nil {
		return inputError(f.contract, err)
	}
	c, err := features.ParseContract(b.Contract)
	if err == nil && f.golden != "" {
		if err := addGolden(f.golden, b.Booster, c); err != nil {
			return err
		}
		b.Contract, err = c.Canonical()
	}
	if err == nil {
		_, err = detect.New(b.Booster, c, nil) // whether they fit together
	}
	if err != nil {
		return inputError(f.contract, err)
	}
	if f.card != "" {
		if b.Card, err = os.ReadFile(f.card); err != nil {
			return inputError(f.card, err)
		}
	}
	return a.writeBundle(f, b)
}

// goldenRecords is how many golden records a bundle gets, of the first goldenFrom flows of a log: those with different rows first.
const (
	goldenRecords = 20
	goldenFrom    = 10_000
)

// addGolden replaces the golden records of the contract by flows of the log.
func addGolden(log string, b *model.Booster, c *features.Contract) error {
	f, err := os.Open(log)
	if err != nil {
		return inputError(log, err)
	}
	defer f.Close()
	plain := logio.From(f, 0)
	defer plain.Close()
	pipeline, err := c.Pipeline()
	if err != nil {
		return inputError(log, err)
	}
	from := goldenFrom
	if pipeline.Stateful() { // each flow has a memory of its own, which takes tens of milliseconds to fill with nothing
		from = goldenRecords
	}
	c.Golden = nil
	var repeated []features.Golden
	rows := make(map[string]bool)
	flows := 0
	for g, err := range detect.Golden(b, c, plain) {
		if err != nil {
			return inputError(log, err)
		}
		row, err := json.Marshal(g.Row)
		if err != nil {
			return err
		}
		switch {
		case !rows[string(row)]:
			rows[string(row)] = true
			c.Golden = append(c.Golden, g)
		case len(repeated) < goldenRecords:
			repeated = append(repeated, g)
		}
		if flows++; len(c.Golden) == goldenRecords || flows == from {
			break
		}
	}
	c.Golden = append(c.Golden, repeated[:min(len(repeated), goldenRecords-len(c.Golden))]...)
	if len(c.Golden) < goldenRecords {
		return misfit(log, "%d flows that are one line each, want %d", len(c.Golden), goldenRecords)
	}
	return nil
}

// writeBundle signs with all keys, if there are some, and writes.
func (a *app) writeBundle(f *bundleFlags, b *model.Bundle) error {
	var keys []ed25519.PrivateKey
	for _, name := range f.keys {
		key, err := readPrivateKey(name)
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	out, err := a.createOutput(f.out)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error { return model.WriteBundle(w, b) }
	if len(keys) > 0 {
		write = func(w io.Writer) error { return model.WriteSignedBundle(w, b, keys...) }
	}
	if err := write(out); err != nil {
		out.discard()
		return out.failed(err)
	}
	return out.commit()
}

func (a *app) bundleSignCommand() *cobra.Command {
	var f bundleFlags
	cmd := &cobra.Command{
		Use:   "sign --key KEY BUNDLE -o OUT",
		Short: "Sign a bundle",
		Long: "Sign writes the bundle with an Ed25519 signature of its manifest, which holds the digests of the model, the contract and the card, in\n" +
			"place of those it had. Any SageMaker model.tar.gz can be signed. Members of the archive that no bundle has are left out.",
		Example: "  threatdetect bundle keygen -o team\n  threatdetect bundle sign --key team.key model.tar.gz -o signed.tar.gz",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(f.keys) == 0 || f.out == "" {
				return usagef("want --key KEY and -o OUT")
			}
			opts := loadOptions()
			opts.AllowEnsemble = true
			b, err := model.OpenBundle(args[0], opts)
			if err != nil {
				return modelError(args[0], err)
			}
			return a.writeBundle(&f, b)
		},
	}
	f.addKeys(cmd)
	return cmd
}

func (a *app) bundleVerifyCommand() *cobra.Command {
	f := trustFlags{require: true}
	cmd := &cobra.Command{
		Use:   "verify --key PUB BUNDLE",
		Short: "Check the signature of a bundle, and all that it covers",
		Long: "Verify checks that a key signed the manifest of the bundle, that everything in it is what the manifest says, and that the model is sound.\n" +
			"The exit code is 0 if so, and 3 if not. Whether the model gives its golden numbers is said by threatdetect verify BUNDLE.",
		Example: "  threatdetect bundle verify --key team.pub signed.tar.gz",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(f.keys) == 0 {
				return usagef("want --key PUB")
			}
			opts, err := f.options()
			if err != nil {
				return err
			}
			opts.AllowEnsemble = true
			b, err := model.OpenBundle(args[0], opts)
			if err != nil {
				return modelError(args[0], err)
			}
			_, err = fmt.Fprintf(a.stdout, "signed by %s\nversion   %d, not before %d\nsha256    %s\n", model.KeyID(b.SignedBy), b.Version, b.NotBefore, b.Digest)
			return err
		},
	}
	f.addKeys(cmd.Flags())
	return cmd
}

func (a *app) bundleKeygenCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "keygen -o NAME",
		Short: "Make a pair of keys: NAME.key to sign with, NAME.pub to check with",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if name == "" {
				return usagef("want -o NAME")
			}
			return a.bundleKeygen(name)
		},
	}
	cmd.Flags().StringVarP(&name, "output", "o", "", "name of the files, without .key and .pub")
	return cmd
}

func (a *app) bundleKeygen(name string) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return &exitError{code: exitFailure, what: "make keys", where: name, err: err}
	}
	secret, err := model.FormatPrivateKey(private)
	if err != nil {
		return &exitError{code: exitFailure, what: "make keys", where: name, err: err}
	}
	open, err := model.FormatPublicKey(public)
	if err != nil {
		return &exitError{code: exitFailure, what: "make keys", where: name, err: err}
	}
	if err := writeNew(name+".key", secret, 0o600); err != nil {
		return err
	}
	if err := writeNew(name+".pub", open, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, model.KeyID(public))
	return err
}

// writeNew writes a file that must not be there yet.
func writeNew(name string, data []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err == nil {
		_, err = f.Write(data)
		if err2 := f.Close(); err == nil {
			err = err2
		}
	}
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		err = file.Err
	}
	if err != nil {
		return &exitError{code: exitFailure, what: "write", where: name, err: err}
	}
	return nil
}

package main

import (
	"crypto/ed25519"
	"os"

	"github.com/spf13/pflag"

	"threatdetect/internal/logio"
	"threatdetect/model"
)

// trustFlags say which models are good enough to load.
type trustFlags struct {
	sha256    string
	keys      []string
	require   bool
	notBefore int64
	maxCost   float64
}

func (f *trustFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.sha256, "model-sha256", "", "refuse a model or bundle with another SHA-256")
	f.addKeys(flags)
	flags.Float64Var(&f.maxCost, "max-cost", 0, "refuse a model in which a row meets more splits than this on average, over all trees")
	flags.BoolVar(&f.require, "require-signature", false, "refuse a bundle that is not signed by a --key")
}

func (f *trustFlags) addKeys(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.keys, "key", nil, "file with a public key (PEM) that may sign bundles; may be given again")
	flags.Int64Var(&f.notBefore, "not-before", 0, "refuse a bundle of a lower version")
}

// loadOptions are those of every command: a model may be compressed with zstd, too.
func loadOptions() *model.LoadOptions { return &model.LoadOptions{Zstd: logio.Zstd} }

// options are the limits of loading with what the flags trust.
func (f *trustFlags) options() (*model.LoadOptions, error) {
	opts := loadOptions()
	opts.SHA256, opts.RequireSignature, opts.NotBefore, opts.MaxCost = f.sha256, f.require, f.notBefore, f.maxCost
	if f.require && len(f.keys) == 0 {
		return nil, usagef("--require-signature needs --key")
	}
	for _, name := range f.keys {
		key, err := readPublicKey(name)
		if err != nil {
			return nil, err
		}
		opts.Keys = append(opts.Keys, key)
	}
	return opts, nil
}

// maxKeyFile bounds a file with a key, bytes.
const maxKeyFile = 64 << 10

func readKeyFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, inputError(name, err)
	}
	if info.Size() > maxKeyFile {
		return nil, misfit(name, "%d bytes are too many for a key", info.Size())
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, inputError(name, err)
	}
	return text, nil
}

func readPublicKey(name string) (ed25519.PublicKey, error) {
	text, err := readKeyFile(name)
	if err != nil {
		return nil, err
	}
	key, err := model.ParsePublicKey(text)
	if err != nil {
		return nil, misfit(name, "%w", err)
	}
	return key, nil
}

func readPrivateKey(name string) (ed25519.PrivateKey, error) {
	text, err := readKeyFile(name)
	if err != nil {
		return nil, err
	}
	key, err := model.ParsePrivateKey(text)
	if err != nil {
		return nil, misfit(name, "%w", err)
	}
	return key, nil
}

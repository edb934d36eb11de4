package model

import (
	"crypto/ed25519"
	"io"
)

// Default and greatest values of the limits in [LoadOptions].
const (
	DefaultMaxBytes        = 1 << 30
	DefaultMaxTrees        = 100_000
	DefaultMaxNodes        = 1 << 27
	DefaultMaxNodesPerTree = 1 << 22
	DefaultMaxDepth        = 1024
	DefaultMaxFeatures     = 1 << 20
	DefaultMaxGroups       = 10_000
	DefaultMaxCategories   = 1 << 16

	HardMaxBytes        = 4 << 30
	HardMaxTrees        = 1_000_000
	HardMaxNodes        = 1 << 27
	HardMaxNodesPerTree = 1 << 26
	HardMaxDepth        = 4096
	HardMaxFeatures     = 1 << 24
	HardMaxGroups       = 100_000
	HardMaxCategories   = 1 << 24
)

// LoadOptions bounds and loosens what [Open], [Load] and their bundle twins accept. The zero value, and nil, are the defaults. A limit
// of 0 or less is its default; one above its HardMax constant is lowered to that.
type LoadOptions struct {
	MaxBytes        int64 // of the input as it lies on disk, and of the model after decompression
	MaxTrees        int
	MaxNodes        int // of all trees together
	MaxNodesPerTree int
	MaxDepth        int // splits on the longest way from a root to a leaf
	MaxFeatures     int
	MaxGroups       int // classes or targets
	MaxCategories   int // that one split sends to the right

	// AllowTrailing accepts bytes after the end of a model, which XGBoost ignores. It does not apply to archives.
	AllowTrailing bool
	// AllowNonAdjacent accepts splits whose right child does not directly follow the left one in files of release 1.3 and
	// later. XGBoost does not make such trees, and its releases disagree about which way they go.
	AllowNonAdjacent bool
	// AllowNonFinite accepts leaves, weights of trees and weights of a linear booster that are NaN or infinite. Such a model gives
	// scores that are no numbers; XGBoost 1.0 is known to have written leaves of -Inf.
	AllowNonFinite bool

	// AllowEnsemble makes [OpenBundle] and [LoadBundle] accept archives and directories that hold several models, as k-fold
	// training leaves them; without it they are an *[EnsembleError]. [OpenAll] and [LoadAll] set it themselves.
	AllowEnsemble bool

	// Pick says which files of an archive or a directory are models. All but [PickNamed] go with AllowEnsemble.
	Pick Pick

	// Done, if it is not nil, ends a load with [ErrStopped] soon after it is closed: the Done channel of a context.
	Done <-chan struct{}
	// Pauser, if it is not nil, is asked to pause again and again during a load, for every read and every tree.
	Pauser Pauser
	// MaxCost is how many splits a row may meet on average, over all trees; 0 is any number. See [Booster.Cost].
	MaxCost float64

	// AnyObjective accepts a model whose objective no known release has, to look at: [Booster.KnowsObjective] tells. Package inference refuses
	// it, as nobody knows its link.
	AnyObjective bool

	// Zstd opens data compressed with zstd, for which the standard library has no decoder; nil refuses them. What it returns is read to the
	// end under the same limits as gzip, and should hold no more than a few megabytes. A decoder that needs to be closed is not for here.
	Zstd func(io.Reader) (io.Reader, error)

	// SHA256, if it is not empty, is the digest in hexadecimal that the input must have: what sha256sum prints for a file. It is
	// compared before a model is parsed, and over the bytes that are. See [Bundle.Digest] for directories.
	SHA256 string
	// Keys are those that may sign bundles. A bundle with a signature needs one of them; without RequireSignature a model
	// that has none passes.
	Keys             []ed25519.PublicKey
	RequireSignature bool
	// NotBefore is the least version of a bundle that is accepted, against being led back to an old one. A model without a version
	// has version 0.
	NotBefore int64
}

// Pick is a rule by which the models of an archive or a directory are found. Sub-directories are no models under any, files whose name
// begins with a dot under none but [PickHidden].
type Pick uint8

const (
	// PickNamed takes xgboost-model, or all xgboost-model-N, or else the only file.
	PickNamed Pick = iota
	// PickAll takes every file, in the bytewise order of names, as SageMaker's container does: one that is no model is an error.
	PickAll
	// PickFirst takes the first of those that PickAll takes.
	PickFirst
	// PickHidden takes what PickAll takes and files whose name begins with a dot, as image 1.2-2 of that container does.
	PickHidden
)

// resolved returns o with every limit set.
func (o *LoadOptions) resolved() *LoadOptions {
	var r LoadOptions
	if o != nil {
		r = *o
	}
	r.MaxBytes = bound(r.MaxBytes, DefaultMaxBytes, HardMaxBytes)
	r.MaxTrees = bound(r.MaxTrees, DefaultMaxTrees, HardMaxTrees)
	r.MaxNodes = bound(r.MaxNodes, DefaultMaxNodes, HardMaxNodes)
	r.MaxNodesPerTree = bound(r.MaxNodesPerTree, DefaultMaxNodesPerTree, HardMaxNodesPerTree)
	r.MaxDepth = bound(r.MaxDepth, DefaultMaxDepth, HardMaxDepth)
	r.MaxFeatures = bound(r.MaxFeatures, DefaultMaxFeatures, HardMaxFeatures)
	r.MaxGroups = bound(r.MaxGroups, DefaultMaxGroups, HardMaxGroups)
	r.MaxCategories = bound(r.MaxCategories, DefaultMaxCategories, HardMaxCategories)
	return &r
}

// forEnsembles returns a copy of o that allows ensembles.
func (o *LoadOptions) forEnsembles() *LoadOptions {
	var all LoadOptions
	if o != nil {
		all = *o
	}
	all.AllowEnsemble = true
	return &all
}

func bound[T int | int64](v, def, hard T) T {
	if v <= 0 {
		return def
	}
	return min(v, hard)
}

// check returns a *LimitError if got is over limit.
func check(name string, got, limit int64) error {
	if got > limit {
		return &LimitError{Name: name, Limit: limit, Got: got}
	}
	return nil
}

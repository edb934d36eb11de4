// Package model reads gradient-boosted tree models that XGBoost wrote and holds them as plain, validated data.
//
// [Open] and [Load] take whatever a SageMaker training job or XGBoost itself leaves behind: the legacy binary
// form with and without its "binf" prefix, JSON and UBJSON, memory snapshots, and Python pickles of a Booster or of one of
// XGBoost's scikit-learn wrappers; each of them bare, gzip-compressed, in a directory,
// or inside model.tar.gz. The format is told from the bytes, never from the name. Archives are streamed and
// nothing is written to disk.
//
// A [Booster] that was returned without an error has been proven sound: every reachable node has its children
// in range and exactly one parent, every split names a column that exists, every tree adds to an output that
// exists. Code that walks the trees of such a booster needs no further checks. Use [Booster.Validate] on boosters
// that you build or change yourself.
//
// A [Bundle] is what travels between training and scoring: the artifact as the container wrote it, plus the
// contract that says how a log record becomes a row, in one archive that SageMaker's container still loads.
//
// The package predicts nothing; package inference does.
//
// # What is read
//
// Whatever XGBoost itself predicts with, as any release from 0.72 to 3.4 wrote it: the boosters gbtree, dart (also in the files of 3.3 and later, which
// call it gbtree) and gblinear; numeric and categorical splits, leaves of one number and of vectors; every objective; several classes or targets,
// base scores for each output, random forests, and the dictionary of category names. Ensembles of several files are read by [OpenAll]
// and [LoadAll]. Names of objectives and boosters that no release has are refused with an [UnsupportedError].
//
// Differences between releases end here: [Booster] has one form for each thing, whichever layout the file had. Left out is what predictions do not
// need: parents, metrics, the parameters of training except those of the objective, and what pruned splits remember.
//
// A pickle is decoded as data: nothing is imported or called, whatever it asks for (internal/pickle has the list of names that mean something). It has to
// hold one booster, alone, in a wrapper, or in a few layers of lists and dictionaries. What only a pickle knows is in [Booster.BestNtreeLimit] and
// [Booster.Wrapper].
//
// # How it is read
//
//	Open, Load          load.go         gzip and tar taken off as a stream (archive.go), SHA-256 at the same time
//	format from bytes   detect.go
//	legacy binary       load_legacy*.go the layout is drawn there
//	JSON, UBJSON        schema*.go      one walk over a document cursor: json*.go or internal/ubjson, into arrays, without a tree of values
//	memory snapshots    load_snapshot.go, schema.go
//	pickles             load_pickle.go  on top of internal/pickle
//	what files omit     rounds.go       forest size and rounds of older releases
//	proof               validate*.go, categories.go
//	directories         directory.go
//	bundle              bundle.go       the layout is drawn there
//	trust               sign.go         digests, signatures and versions that LoadOptions ask for
//
// Memory grows with bytes that have arrived, never with a length that a file declares; the limits are in [LoadOptions].
//
// # Errors
//
// What kind of failure it is, is answered by errors.Is with [ErrFormat] (the file is wrong), [ErrUnsupported] (the
// file is right, but holds something this version cannot use) or [ErrTooLarge] (a limit of [LoadOptions] was met).
// Where it happened is answered by errors.As with [*ParseError].
package model

// Package model reads gradient-boosted tree models that XGBoost wrote and holds them as plain, validated data.
//
// [Open] and [Load] take whatever a SageMaker training job or XGBoost itself leaves behind: the legacy binary
// form with and without its "binf" prefix, JSON and UBJSON; each of them bare, gzip-compressed, in a directory,
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
// # Errors
//
// What kind of failure it is, is answered by errors.Is with [ErrFormat] (the file is wrong), [ErrUnsupported] (the
// file is right, but holds something this version cannot use) or [ErrTooLarge] (a limit of [LoadOptions] was met).
// Where it happened is answered by errors.As with [*ParseError].
package model

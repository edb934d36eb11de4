// Package rows reads numeric rows (CSV, libsvm, NDJSON, RecordIO) into float32 rows for a predictor.
//
// [Read] ranges over the rows of one input. Each row has one value per feature of the model, in the model's order, and
// NaN is the only spelling of missing that leaves this package. A row file is exact: the first fault ends the sequence
// with an [*Error] that says where it is and, through [ErrSyntax] or [ErrShape], of what kind. Nothing is skipped.
//
// # Numbers
//
// A number is decimal text: sign, digits with at most one point, exponent. It is rounded to float64 and that to float32,
// the two roundings of the SageMaker container. So 1e300 becomes +Inf, which compares as any other value does; CSV and
// libsvm may also say inf or infinity, in any case and with a sign. Hexadecimal, underscores, decimal commas, NA and
// null (outside NDJSON) are faults.
//
// # CSV
//
// One record a line, no label column. Blanks (space, tab) round a field are dropped, and an empty field or nan, in any
// case, is missing. A line without any text is no row, for a model of one feature too: there a missing value is written
// nan or "". A line may end in CRLF, and the last one needs no newline. A field may be quoted as in RFC 4180, but not
// hold a line break.
//
// The separator is [Options.Comma], or else the first of comma, semicolon, tab, bar and space that splits the first
// record into as many fields as the model has features, or else comma. For a model of one feature it is comma.
//
// The first record is a header when one of its fields is neither a number nor missing ([HeaderAuto]). A header and a
// model with feature names are matched by name, in any order, and must agree. A header for a model without names only
// has to have the right number of columns. Without a header the columns are the model's first ones: fewer than the model
// has leave the rest missing, more are a fault. All records of an input have the same number of fields.
//
// # libsvm
//
//	[label] [qid:N] index:value index:value …   # comment
//
// An absent index is missing and a written zero is a zero. Indices start at [Options.IndexBase] and may come in any
// order. An index that is negative, repeated or beyond the model is a fault, and so is the value nan, as in XGBoost's own
// reader. The label is not used; it may be absent, so a first item with a colon is always index:value: the form
// label:weight cannot be told from it and is not read. A line with nothing but blanks or a comment is no row, and one
// with only a label is a row of missing values.
//
// # NDJSON
//
// One JSON array or object a line. An array holds numbers and nulls by position, with CSV's rules for their count. An
// object holds them by feature name: a name that is absent is missing, one that the model does not have, or that comes
// twice, is a fault. null is missing; NaN and Infinity are not JSON.
//
// # RecordIO
//
// SageMaker's RecordIO-protobuf: frames of a magic number, a length and a record, which holds the row under the feature
// "values" as float32, float64 or int32 numbers. Without keys it is an array, with CSV's rules for its length. With keys, or
// with a shape and no numbers, it is sparse: an absent key is missing, and one that is repeated, or beyond the shape or the
// model, is a fault. Labels and other features are not used. Records may come in parts.
//
// # SageMaker's containers
//
// With [Options.Image] an input is read as the container of that image reads a request, see [Image].
package rows

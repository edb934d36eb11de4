package model

import (
	"bytes"
	"math"

	"threatdetect/internal/ubjson"
)

// Limits of strings that all formats share, in bytes.
const (
	maxAttributeKey = ubjson.MaxKey
	maxAttribute    = ubjson.MaxString
)

// parse finds the format of a whole model file from its first bytes, reads it and proves it sound.
//
// A legacy file of a release before 1.1 has no mark of its own: it begins with its base score, which may look like any of the marks. So what
// cannot be read as what it looks like is tried as such a file, too.
func parse(data []byte, opts *LoadOptions) (*Booster, error) {
	b, err := parseForm(data, opts, true)
	if err != nil {
		return nil, err
	}
	if err := b.validate(opts); err != nil {
		return nil, err
	}
	if opts.MaxCost > 0 {
		if cost := b.Cost(); cost > opts.MaxCost {
			return nil, at(-1, &LimitError{Name: "splits that a row meets on average", Limit: int64(opts.MaxCost), Got: int64(math.Ceil(cost))})
		}
	}
	return b, nil
}

// parseForm reads a model of whatever form; a pickle only if that is asked for. The result is not validated yet.
func parseForm(data []byte, opts *LoadOptions, pickles bool) (*Booster, error) {
	b, err := parseMarked(data, opts, pickles)
	if err == nil {
		return b, nil
	}
	old, plausible, oldErr := readLegacy(data, 0, opts)
	switch {
	case !plausible:
		return nil, err
	case oldErr != nil:
		return nil, oldErr
	}
	return old, nil
}

// legacyMark begins the legacy binary form since 1.1.
const legacyMark = "binf"

// parseMarked reads the formats that begin with a mark.
func parseMarked(data []byte, opts *LoadOptions, pickles bool) (*Booster, error) {
	start := data[:min(len(data), 256)]
	has := func(prefix string) bool { return bytes.HasPrefix(start, []byte(prefix)) }
	switch {
	case len(data) == 0:
		return nil, notAModel("the file is empty")
	case isGzip(start), isZstd(start):
		return nil, &ParseError{Err: formatErrorf("a compressed file inside a compressed file")}
	case has(legacyMark):
		b, _, err := readLegacy(data, len(legacyMark), opts)
		return b, err
	case has("bs64"):
		return nil, &ParseError{Err: &UnsupportedError{What: "the base64 form of a model, which XGBoost itself has given up,"}}
	case has(snapshotMark):
		return readSnapshot(data, opts)
	case has("{"):
		return parseDocument(data, opts)
	case has("booster["), has("[") && isPrintable(start):
		return nil, notAModel("this is a dump of a model for people (dump_model); save the booster with save_model")
	case pickles && isPickle(start):
		return readPickle(data, opts)
	}
	return nil, notAModel("no known form of a model begins with %.16q", start)
}

// notAModel fails at the start of the file.
func notAModel(format string, args ...any) error {
	return &ParseError{Err: formatErrorf(format, args...)}
}

// parseDocument tells JSON from UBJSON by what follows the brace, as XGBoost does: a quote or the marker of a length.
func parseDocument(data []byte, opts *LoadOptions) (*Booster, error) {
	i := 1
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r') {
		i++
	}
	if i == len(data) {
		return nil, &ParseError{Offset: int64(i), Err: formatErrorf("the file ends after its first brace")}
	}
	switch c := data[i]; {
	case c == '"' || c == '}':
		return readDocument(newJSONReader(data), FormatJSON, opts)
	case c|0x20 >= 'a' && c|0x20 <= 'z':
		return readDocument(ubjson.NewReader(data), FormatUBJSON, opts)
	}
	return nil, &ParseError{Offset: int64(i), Err: formatErrorf("neither JSON nor UBJSON has %q after the first brace", data[i])}
}

// isGzip tells whether data begins with a gzip header: its mark, the only method there is, and no reserved flag.
func isGzip(data []byte) bool {
	return len(data) > 3 && data[0] == 0x1f && data[1] == 0x8b && data[2] == 8 && data[3]&0xe0 == 0
}

func isZstd(data []byte) bool { return bytes.HasPrefix(data, []byte{0x28, 0xb5, 0x2f, 0xfd}) }

// isPickle recognises protocols 2 to 5 by their mark, and 0 and 1 by a first line of text after their first opcode.
func isPickle(start []byte) bool {
	if len(start) > 1 && start[0] == 0x80 {
		return start[1] >= 2 && start[1] <= 5
	}
	line, _, ok := bytes.Cut(start, []byte{'\n'})
	return ok && len(line) > 0 && (line[0] == 'c' || line[0] == '(') && isPrintable(line)
}

func isPrintable(text []byte) bool {
	for _, c := range text {
		if c >= 0x7f || c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

package serve

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"threatdetect/inference/rows"
	"threatdetect/model"
)

// DefaultMaxContentLength is the most bytes of a request that the container takes if it is not told otherwise.
const DefaultMaxContentLength = 6 << 20

// MaxContentLength is the most bytes of a request that are taken, whatever the container is told. The multi-model mode of the images, and every
// mode of those before 1.2-2, lower MAX_CONTENT_LENGTH to it too; the others do not.
const MaxContentLength = 20 << 20

// DefaultMaxRows is how many rows a request may have unless it is told otherwise, and CellsOfRow how many cells, for each of them: ten million in all, rows times columns
// of the model.
const (
	DefaultMaxRows = 100_000
	CellsOfRow     = 100
)

// mostRows is how many rows a request to a model may have; rows is how many to any, 0 the default.
func mostRows(rows, width int) int {
	rows = cmp.Or(rows, DefaultMaxRows)
	return max(min(rows, CellsOfRow*rows/width), 1)
}

// Settings are what the environment of a container tells it, and the image that it is made from.
type Settings struct {
	Image *rows.Image // whose answers are given; required

	MaxContentLength int64   // MAX_CONTENT_LENGTH: bytes of a request; negative is the default. More than the constant of this name has no effect but on what is told
	DefaultAccept    *string // SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT: what a request without Accept gets; nil if unset
	Batch            bool    // SAGEMAKER_BATCH: a batch transform asks
	Output           *string // SAGEMAKER_INFERENCE_OUTPUT: which values are told of a row, with commas between; nil if unset
	Alone            bool    // SAGEMAKER_INFERENCE_ENSEMBLE is set, but not to true: only the first model counts
	MultiModel       bool    // SAGEMAKER_MULTI_MODEL is anything, even false; the first image does not know it

	// MaxRows is how many rows a request may have, with a hundred columns of the model each; 0 is DefaultMaxRows. No image knows such a bound. More cost time, not
	// memory: that is bounded by the bytes of the request.
	MaxRows int

	Load *model.LoadOptions // nil is the defaults
}

// SettingsFromEnv reads the variables of a container's environment with lookup, such as os.LookupEnv. A MAX_CONTENT_LENGTH that is
// no number counts as unset.
func SettingsFromEnv(image *rows.Image, lookup func(string) (string, bool)) *Settings {
	s := &Settings{Image: image, MaxContentLength: -1}
	if text, ok := lookup("MAX_CONTENT_LENGTH"); ok {
		if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil && n >= 0 {
			s.MaxContentLength = min(n, math.MaxInt32)
		}
	}
	s.DefaultAccept = optional(lookup("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"))
	s.Output = optional(lookup("SAGEMAKER_INFERENCE_OUTPUT"))
	batch, _ := lookup("SAGEMAKER_BATCH")
	s.Batch = batch != ""
	ensemble, ok := lookup("SAGEMAKER_INFERENCE_ENSEMBLE")
	s.Alone = ok && ensemble != "true"
	multi, _ := lookup("SAGEMAKER_MULTI_MODEL")
	s.MultiModel = multi != "" && image.Tag != "0.90-1"
	return s
}

func optional(value string, ok bool) *string {
	if !ok {
		return nil
	}
	return &value
}

// limit is how many bytes of a request are taken.
func (s *Settings) limit() int64 { return min(s.told(), MaxContentLength) }

// told is how many bytes the image says that it takes.
func (s *Settings) told() int64 {
	switch {
	case s.MaxContentLength < 0:
		return DefaultMaxContentLength
	case generationOf(s.Image).joined:
		return min(s.MaxContentLength, MaxContentLength)
	}
	return s.MaxContentLength
}

// PickOf is the rule by which the files of an artifact are models for an image whose environment does not say otherwise.
func PickOf(image *rows.Image) model.Pick { return (&Settings{Image: image}).pick() }

// pick is the rule by which the files of an artifact are models.
func (s *Settings) pick() model.Pick {
	switch g := generationOf(s.Image); {
	case s.Alone || g.joined:
		return model.PickFirst
	case g.hidden:
		return model.PickHidden
	}
	return model.PickAll
}

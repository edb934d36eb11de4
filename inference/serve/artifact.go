package serve

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"

	"threatdetect/inference"
	"threatdetect/inference/rows"
	"threatdetect/model"
)

// artifact is a model, or an ensemble, that scores as one image does. It is immutable.
type artifact struct {
	image     rows.Image // Pickled set for this artifact
	scorer    scorer
	health    *health
	ensemble  *inference.Ensemble // nil for a single model
	objective string
	digest    string
	numGroup  int
}

// scorer is a predictor or an ensemble of predictors.
type scorer interface {
	NumFeature() int
	NumOutput() int
	Predict(dst, row []float32) error
	PredictBatch(dst, rows []float32) error
}

// openArtifact loads every model of the artifact at path that the container would load, when it is whole.
func openArtifact(path string, s *Settings) (*artifact, error) {
	var opts model.LoadOptions
	if s.Load != nil {
		opts = *s.Load
	}
	opts.AllowEnsemble, opts.Pick = true, s.pick()
	b, _, err := settled(path, settleTime, func() (*model.Bundle, error) { return model.OpenBundle(path, &opts) })
	if err != nil {
		return nil, err
	}
	for i := range b.Members {
		if err := readable(s.Image, b.Members[i].Booster); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, b.Members[i].Name, err)
		}
	}
	a := &artifact{image: *s.Image, objective: b.Booster.Objective, digest: b.Digest, numGroup: b.Booster.NumGroup()}
	a.image.Pickled = b.Booster.Format == model.FormatPickle
	runtime := &inference.Options{Runtime: s.Image.XGBoost, TreeLimit: inference.LimitContainer}
	if len(b.Members) > 1 {
		boosters := make([]*model.Booster, len(b.Members))
		for i := range b.Members {
			boosters[i] = b.Members[i].Booster
		}
		a.ensemble, err = inference.NewEnsemble(boosters, runtime)
		a.scorer = a.ensemble
	} else {
		a.scorer, err = inference.New(b.Booster, runtime)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	a.health = newHealth(a.scorer)
	return a, nil
}

// readable returns an error if the XGBoost release of the image cannot read a model that this module can.
func readable(image *rows.Image, b *model.Booster) error {
	reader, writer := model.Version(image.XGBoost), b.Version
	var why string
	switch {
	case b.Format == model.FormatPickle && !reader.Before(1, 0) && writer.Before(1, 0):
		why = "a pickle of a release before 1.0"
	case b.Format == model.FormatPickle && reader.Before(1, 0) && !writer.Before(1, 0):
		why = "a pickle of a release from 1.0 on"
	case b.Format == model.FormatPickle && !reader.Before(3, 1) && writer.Before(1, 6):
		why = "a pickle of a release before 1.6"
	case b.Format == model.FormatLegacy && !reader.Before(3, 1):
		why = "a model in the legacy binary form"
	case b.Format == model.FormatUBJSON && reader.Before(1, 6):
		why = "a model in UBJSON"
	case b.Format == model.FormatJSON && reader.Before(1, 0):
		why = "a model in JSON"
	default:
		return nil
	}
	return fmt.Errorf("%w by image %s", &model.UnsupportedError{What: why}, image.Tag)
}

// predictions are the values of the rows of one request.
type predictions struct {
	values []float32 // row after row
	width  int       // values of a row
}

func (p *predictions) len() int { return len(p.values) / p.width }

func (p *predictions) row(i int) []float32 { return p.values[i*p.width:][:p.width] }

// score reads the rows of a request and scores them, some at a time: of their values no more than that is held. Errors are
// *rows.Error for what is the request's fault, or that of ctx.
func (a *artifact) score(ctx context.Context, body []byte, format rows.Format) (*predictions, error) {
	width, out := a.scorer.NumFeature(), a.scorer.NumOutput()
	size := batchSize(body, format, width) * width
	scratch := takeBatch(size)
	defer batches.Put(scratch)
	batch := (*scratch)[:0]
	p := &predictions{width: out}
	j, read := jobOf(ctx), 0
	predict := func(only bool) error {
		done := len(p.values)
		p.values = slices.Grow(p.values, len(batch)/width*out)[:done+len(batch)/width*out]
		if only && len(batch) == width { // an ensemble adds in another order then
			return a.scorer.Predict(p.values[done:], batch)
		}
		return a.scorer.PredictBatch(p.values[done:], batch)
	}
	for row, err := range rows.Read(bytes.NewBuffer(body), format, &rows.Options{NumFeature: width, Image: &a.image}) {
		if err != nil {
			return nil, err
		}
		if len(batch) == size {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := predict(false); err != nil {
				return nil, err
			}
			batch = batch[:0]
		}
		batch = append(batch, row...)
		if read++; read%pauseRows == 0 {
			j.pause()
		}
	}
	return p, predict(len(p.values) == 0)
}

// batches are values of rows that were scored.
var batches = sync.Pool{New: func() any { return new([]float32) }}

// takeBatch returns a slice of batches with room for size values, or more.
func takeBatch(size int) *[]float32 {
	b := batches.Get().(*[]float32)
	if cap(*b) < size {
		*b = make([]float32, size)
	}
	return b
}

// batchSize is how many rows of a body are scored at once: few enough for little memory and a prompt end, and no more than it can have.
func batchSize(body []byte, format rows.Format, width int) int {
	size := max(min(batchRows, batchCells/width), 1)
	if format == rows.RecordIO {
		return size
	}
	n := 1
	for i := 0; n < size; n++ {
		next := bytes.IndexByte(body[i:], '\n')
		if next < 0 {
			break
		}
		i += next + 1
	}
	return n
}

// averaged returns a whose ensembles never vote.
func (a *artifact) averaged() *artifact {
	if a.ensemble == nil {
		return a
	}
	b := *a
	b.ensemble = a.ensemble.Averaged()
	b.scorer = b.ensemble
	return &b
}

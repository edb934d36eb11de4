package serve

import (
	"bytes"
	"context"
	"fmt"
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

// openArtifact loads every model of the artifact at path that the container would load, when it is whole; with pauses if pauser is not nil.
func openArtifact(path string, s *Settings, pauser model.Pauser) (*artifact, error) {
	var opts model.LoadOptions
	if s.Load != nil {
		opts = *s.Load
	}
	opts.AllowEnsemble, opts.Pick = true, s.pick()
	if pauser != nil {
		opts.Pauser = pauser
	}
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
	runtime := &inference.Options{Runtime: s.Image.XGBoost, TreeLimit: inference.LimitContainer, Pauser: opts.Pauser}
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

// score reads the rows of a request, most of them at most, and gives the values of some at a time to each, which does not keep them. Errors are *rows.Error for what
// is the request's fault, before any value, or that of ctx.
func (a *artifact) score(ctx context.Context, body []byte, format rows.Format, most int, each func(values []float32)) error {
	width, out := a.scorer.NumFeature(), a.scorer.NumOutput()
	size := batchSize(body, format, width+rowValues(out, a.members())) * width
	scratch := takeBatch(size)
	defer batches.Put(scratch)
	batch := (*scratch)[:0]
	var values []float32
	j, read := jobOf(ctx), 0
	predict := func(only bool) error {
		n := len(batch) / width
		if values == nil {
			values = make([]float32, n*out)
		}
		var err error
		if only { // an ensemble adds in another order then
			err = a.scorer.Predict(values[:out], batch)
		} else {
			err = a.scorer.PredictBatch(values[:n*out], batch)
		}
		if err == nil {
			each(values[:n*out])
		}
		return err
	}
	for row, err := range rows.Read(bytes.NewBuffer(body), format, &rows.Options{NumFeature: width, MaxRows: most, Image: &a.image}) {
		if err != nil {
			return err
		}
		if len(batch) == size {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := predict(false); err != nil {
				return err
			}
			batch = batch[:0]
		}
		batch = append(batch, row...)
		if read++; read%pauseRows == 0 {
			j.pause()
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return predict(read == 1)
}

// rowSize is about how many bytes the longest form of the scores of a row takes.
func (a *artifact) rowSize() int { return scoreSize(a.scorer) }

func scoreSize(s scorer) int { return 2*numberSize + numberSize*s.NumOutput() }

// members is how many models score each row.
func (a *artifact) members() int {
	if a.ensemble == nil {
		return 1
	}
	return a.ensemble.NumMember()
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

// batchSize is how many rows of a body are scored at once, if each takes so many numbers with its scores: few enough for little memory and a prompt end, and no more than
// it can have.
func batchSize(body []byte, format rows.Format, numbers int) int {
	size := max(min(batchRows, batchNumbers/numbers), 1)
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

// rowValues is about how many numbers are held for the values of a row: each member of an ensemble has some of its own.
func rowValues(out, members int) int { return out + 4*out*members }

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

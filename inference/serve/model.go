package serve

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"threatdetect/features"
	"threatdetect/inference"
	"threatdetect/inference/detect"
	"threatdetect/model"
)

// maxReasons is the most features that an answer names as the reasons of a score.
const maxReasons = 64

// Model is what an [API] scores with: a model of any kind, and its contract if it has one. It is immutable and safe for
// concurrent use.
type Model struct {
	Bundle *model.Bundle // what was loaded; treat it as read-only
	Loaded time.Time

	scorer   scorer
	health   *health
	ensemble bool
	detector *detect.Detector // nil without a contract
	columns  []string         // as the contract calls them
	set      *features.Set    // nil without a contract
	spaces   chan *workspace  // those that nobody uses, which the next model inherits; nil without a contract

	explainOnce sync.Once   // contributions take memory and time: only for who asks
	explained   atomic.Bool // somebody asked
	explainErr  error
	explainer   *inference.Predictor
	explaining  *detect.Detector
}

// OpenModel loads the artifact or bundle at path. A contract that does not fit, or whose golden records do not score as they
// must, is an error, and so is a model that scores a row without values with something that is no number. Who has just written to it may not be done: it is
// looked at again a fifth of a second later, until it is the same twice.
func OpenModel(path string, opts *model.LoadOptions) (*Model, error) {
	m, _, err := openSettled(path, opts, settleTime)
	return m, err
}

func openSettled(path string, opts *model.LoadOptions, settle time.Duration) (m *Model, content string, err error) {
	m, content, err = settled(path, settle, func() (*Model, error) { return openModel(path, opts) })
	if err == nil && content == "" {
		content = m.Digest()
	}
	return m, content, err
}

func openModel(path string, opts *model.LoadOptions) (*Model, error) {
	var load model.LoadOptions
	if opts != nil {
		load = *opts
	}
	load.AllowEnsemble = true
	b, err := model.OpenBundle(path, &load)
	if err != nil {
		return nil, err
	}
	m, err := newModel(b, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// newModel makes a model ready, with pauses if pauser is not nil.
func newModel(b *model.Bundle, pauser model.Pauser) (*Model, error) {
	m := &Model{Bundle: b, Loaded: time.Now(), ensemble: len(b.Members) > 1}
	var err error
	if b.Contract != nil {
		if m.detector, err = detect.FromBundle(b, &detect.Options{Load: &model.LoadOptions{Pauser: pauser}}); err != nil {
			return nil, err
		}
		for _, c := range m.detector.Schema().Columns {
			m.columns = append(m.columns, c.Name)
		}
		if m.set, err = features.LookupSet(m.detector.Set()); err != nil {
			return nil, err
		}
		m.spaces = newWorkspaces(m.set)
	}
	switch options := (&inference.Options{Pauser: pauser}); {
	case m.ensemble:
		boosters := make([]*model.Booster, len(b.Members))
		for i := range b.Members {
			boosters[i] = b.Members[i].Booster
		}
		m.scorer, err = inference.NewEnsemble(boosters, options)
	case m.detector != nil:
		m.scorer = m.detector.Predictor()
	default:
		m.scorer, err = inference.New(b.Booster, options)
	}
	if err != nil {
		return nil, err
	}
	m.health = &health{score: m.selfCheck}
	return m, m.selfCheck()
}

// selfCheck scores a row without values, which must be a number.
func (m *Model) selfCheck() error {
	out, err := scoreNothing(m.scorer)
	if err != nil {
		return err
	}
	for _, v := range out {
		if v != v {
			return fmt.Errorf("a row without values scores NaN")
		}
	}
	return nil
}

// Detector judges flows; nil if the model has no contract.
func (m *Model) Detector() *detect.Detector { return m.detector }

// Digest is the SHA-256 of the artifact.
func (m *Model) Digest() string { return m.Bundle.Digest }

// errNoReasons says that scores cannot be explained.
var errNoReasons = errors.New("this model cannot tell reasons")

// explain makes ready what tells reasons, with pauses if pauser is not nil.
func (m *Model) explain(pauser model.Pauser) error {
	m.explainOnce.Do(func() {
		m.explained.Store(true)
		if m.ensemble {
			m.explainErr = fmt.Errorf("%w: it is an ensemble", errNoReasons)
			return
		}
		if m.explainer, m.explainErr = inference.New(m.Bundle.Booster, &inference.Options{Output: inference.Contribution, Pauser: pauser}); m.explainErr != nil {
			m.explainErr = fmt.Errorf("%w: %w", errNoReasons, m.explainErr)
			return
		}
		if m.detector != nil {
			m.explaining, m.explainErr = detect.FromBundle(m.Bundle, &detect.Options{Explain: maxReasons, SkipGolden: true, Load: &model.LoadOptions{Pauser: pauser}})
		}
	})
	return m.explainErr
}

// Live is the model in use, which can be replaced while requests are answered, and a second one that shadows it. Each request is
// answered by one model from its beginning to its end. The zero value has none. It is safe for concurrent use.
type Live struct {
	model, shadow atomic.Pointer[Model]
}

// Model returns the model in use, nil before there is one.
func (l *Live) Model() *Model { return l.model.Load() }

// Swap puts a model in the place of the one in use, which it returns.
func (l *Live) Swap(m *Model) *Model { return l.model.Swap(m) }

// Shadow returns the model that scores along without being asked, nil if there is none.
func (l *Live) Shadow() *Model { return l.shadow.Load() }

// SetShadow sets the model that scores along: what it says is compared and counted, and no answer tells of it.
func (l *Live) SetShadow(m *Model) { l.shadow.Store(m) }

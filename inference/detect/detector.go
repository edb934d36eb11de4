package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"

	"threatdetect/features"
	"threatdetect/inference"
	"threatdetect/model"
)

// ErrNoContract says that a model came without a contract: it can score numeric rows, but nothing says how a log
// becomes such a row.
var ErrNoContract = errors.New("no contract")

// Options are optional; nil stands for the defaults.
type Options struct {
	// Threshold replaces the contract's: a flow is judged a threat if its score is at least *Threshold.
	Threshold *float32
	// Explain is how many of the features that add most to a verdict are told, in Verdict.Top. It costs more than the verdict
	// itself, and model.ErrUnsupported is the error if the model's file has no training statistics.
	Explain int
	// Contributions makes [Detector.Contributions] work; verdicts are not explained by it.
	Contributions bool
	// SkipGolden leaves the contract's golden records unscored. They take about a millisecond, and refuse a model that the
	// contract was not made for.
	SkipGolden bool
	// Load limits what a bundle may ask for. Its Pauser is asked while a model is compiled as well.
	Load *model.LoadOptions
}

// Detector judges flows with one model and its contract. It is immutable and safe for concurrent use.
type Detector struct {
	contract  *features.Contract
	pipeline  *features.Pipeline
	predictor *inference.Predictor
	threshold float32
	digest    string
	objective string
	softmax   bool                 // the predictor's output is the index of a class
	calibrate *features.Calibrator // nil unless the contract has a calibration
	explainer *explainer
	add       *inference.Predictor // of contributions; nil unless asked for
}

// Open reads the bundle at path: a model.tar.gz with a contract inside. The error answers errors.Is for ErrNoContract
// if the archive holds a model alone, and for the kinds of packages model and features.
func Open(path string, opts *Options) (*Detector, error) {
	b, err := model.OpenBundle(path, opts.load())
	if err != nil {
		return nil, err
	}
	d, err := FromBundle(b, opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// Load is Open for a bundle that comes from elsewhere than a file.
func Load(r io.Reader, opts *Options) (*Detector, error) {
	b, err := model.LoadBundle(r, opts.load())
	if err != nil {
		return nil, err
	}
	return FromBundle(b, opts)
}

func (o *Options) load() *model.LoadOptions {
	if o == nil {
		return nil
	}
	return o.Load
}

func (o *Options) pauser() model.Pauser {
	if load := o.load(); load != nil {
		return load.Pauser
	}
	return nil
}

// Predictor is what scores the rows of flows.
func (d *Detector) Predictor() *inference.Predictor { return d.predictor }

// FromBundle is Open for a bundle that is in memory already.
func FromBundle(b *model.Bundle, opts *Options) (*Detector, error) {
	if b.Contract == nil {
		return nil, fmt.Errorf("%w: a log needs a bundle with threatdetect/contract.json, or a contract beside the model", ErrNoContract)
	}
	c, err := features.ParseContract(b.Contract)
	if err != nil {
		return nil, fmt.Errorf("threatdetect/contract.json: %w", err)
	}
	if want := c.Training.Model; want != "" {
		if sum := sha256.Sum256(b.Artifact); hex.EncodeToString(sum[:]) != want {
			return nil, fmt.Errorf("%w: it was made for the model with SHA-256 %s, the bundle holds %x", features.ErrContract, want, sum)
		}
	}
	return New(b.Booster, c, opts)
}

// New joins a model and a contract. It fails with features.ErrContract, and the difference, if they do not fit, or if the
// contract's golden records do not score as they must.
func New(b *model.Booster, c *features.Contract, opts *Options) (*Detector, error) {
	pipeline, err := c.Pipeline()
	if err != nil {
		return nil, err
	}
	pauser := opts.pauser()
	predictor, err := inference.New(b, &inference.Options{Pauser: pauser})
	if err != nil {
		return nil, err
	}
	d := &Detector{contract: c, pipeline: pipeline, predictor: predictor, threshold: c.Threshold(), digest: b.Digest, objective: b.Objective,
		softmax: b.Objective == "multi:softmax"}
	if opts != nil && opts.Threshold != nil {
		d.threshold = *opts.Threshold
	}
	if err := d.checkFit(b); err != nil {
		return nil, err
	}
	if calibration := c.Output.Calibration; calibration != nil {
		if d.calibrate, err = calibration.Calibrator(b.Objective); err != nil {
			return nil, err
		}
	}
	if opts == nil || !opts.SkipGolden {
		if err := checkGolden(b, c, predictor, pauser); err != nil {
			return nil, err
		}
	}
	if opts != nil {
		if d.explainer, err = newExplainer(b, pipeline.Schema().Names(), opts.Explain, pauser); err != nil {
			return nil, err
		}
		if opts.Contributions {
			if d.add, err = inference.New(b, &inference.Options{Output: inference.Contribution, Pauser: pauser}); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// checkFit compares what the contract says of the model with the model.
func (d *Detector) checkFit(b *model.Booster) error {
	names := d.pipeline.Schema().Names()
	if len(b.FeatureNames) > 0 && !numbered(b.FeatureNames) {
		if diff := features.DiffNames(names, b.FeatureNames); diff != "" {
			return fmt.Errorf("%w: contract and model: %s", features.ErrContract, diff)
		}
	}
	if len(names) != b.NumFeature {
		return fmt.Errorf("%w: the contract makes %d columns (set %s), the model takes %d", features.ErrContract, len(names), d.contract.Set, b.NumFeature)
	}
	if want := d.contract.Output.Objective; want != "" && want != b.Objective {
		return fmt.Errorf("%w: the contract is for objective %q, the model has %q", features.ErrContract, want, b.Objective)
	}
	if classes := d.contract.Output.Classes; b.NumGroup() > 1 && len(classes) != b.NumGroup() {
		return fmt.Errorf("%w: the contract names %d classes, the model has %d", features.ErrContract, len(classes), b.NumGroup())
	}
	return nil
}

// Contract returns the contract. Treat it as read-only.
func (d *Detector) Contract() *features.Contract { return d.contract }

// Schema returns the columns of the rows that are scored. Treat it as read-only.
func (d *Detector) Schema() *features.Schema { return d.pipeline.Schema() }

// Set is the name and version of the feature set.
func (d *Detector) Set() string { return d.contract.Set }

// Model identifies the model: "sha256:" and the digest of the file it came from.
func (d *Detector) Model() string { return "sha256:" + d.digest }

// Threshold is the score from which on a flow is judged a threat.
func (d *Detector) Threshold() float32 { return d.threshold }

// Objective is what the model was trained for, as it says itself: "binary:logistic" and so on.
func (d *Detector) Objective() string { return d.objective }

// Calibrated reports whether the contract has a calibration, so that verdicts have a Probability besides their Score.
func (d *Detector) Calibrated() bool { return d.calibrate != nil }

// NumScore is how many classes a verdict has a score of: 0 for a model without classes, or one that only names them.
func (d *Detector) NumScore() int {
	if d.softmax || d.predictor.NumOutput() == 1 {
		return 0
	}
	return d.predictor.NumOutput()
}

// Classes returns the names of the classes that a model with several tells apart, as its contract has them; nil for other models. It is a copy.
func (d *Detector) Classes() []string {
	if d.softmax || d.predictor.NumOutput() > 1 {
		return slices.Clone(d.contract.Output.Classes)
	}
	return nil
}

// Stream returns a new run of the detector with the defaults. Each goroutine and each source of flows takes its own.
func (d *Detector) Stream() *Stream { return d.StreamWith(nil) }

// StreamWith returns a new run of the detector that keeps to the options of the set of features.
func (d *Detector) StreamWith(o *features.StateOptions) *Stream {
	return d.stream(d.pipeline.ExtractorWith(o))
}

// Reuse is Stream in the memory of a run of this or another detector, which is over and not to be used any more; see [features.Pipeline.Reuse]. nil is none.
func (d *Detector) Reuse(s *Stream) *Stream {
	if s == nil {
		return d.Stream()
	}
	return d.stream(d.pipeline.Reuse(s.extractor))
}

// Retire has a run that is over keep nothing but its memory, for [Detector.Reuse]: what it remembers is forgotten, its verdicts are no longer valid, and its detector
// can be collected.
func (s *Stream) Retire() {
	s.extractor.Reset()
	*s = Stream{extractor: s.extractor}
}

// Restore returns a run that goes on where one of the same set of features, with the same options, stopped that was saved by [Stream.Save], be it of
// another model: what is remembered are flows, not verdicts. What does not fit is refused with features.ErrState.
func (d *Detector) Restore(r io.Reader, o *features.StateOptions) (*Stream, error) {
	x, err := d.pipeline.Restore(r, o)
	if err != nil {
		return nil, err
	}
	return d.stream(x), nil
}

func (d *Detector) stream(x *features.Extractor) *Stream {
	return &Stream{
		detector: d, extractor: x,
		row: make([]float32, 0, d.pipeline.NumColumn()), out: make([]float32, d.predictor.NumOutput()),
	}
}

// Stream is one run of a detector over the flows of one source. It has one owner: it is not safe for concurrent use.
//
// Flows go in with Push and verdicts come out of Next, each with its flow:
//
//	for f := range flows {
//		s.Push(f)
//		for v, ok := s.Next(); ok; v, ok = s.Next() {
//			...
//		}
//	}
//	s.Finish() // and Next once more until there is none
//
// [Stream.Verdicts] does that for a sequence, and [Stream.Judge] is shorter for a set that remembers nothing. With a set
// that does ([features.Set.Stateful]) verdicts come in order of time, later than their flows went in.
type Stream struct {
	detector  *Detector
	extractor *features.Extractor
	row, out  []float32
	verdict   Verdict
	why       explanation
}

// Verdict is what a detector says of one flow. It, its flow and its slices are valid until the stream's next step.
type Verdict struct {
	Flow  *features.Flow
	Score float32 // probability of an attack, as the model has it; for several classes, of not being of the first, benign one
	// Probability is what the contract's calibration makes of Score, and Score if it has none.
	Probability float32
	// Threat tells that Score is at least the threshold.
	Threat bool

	// Class and Classes are set for models with several classes: the index of the likeliest class, and the score of each.
	// A multi:softmax model only names the class; Classes is nil then.
	Class   int
	Classes []float32

	Row []float32 // the row that was scored

	// Number is how many flows went in ahead of this one, for whoever has to know where a flow came from that waited; see
	// [features.Extractor.Waiting]. Judge does not count.
	Number int64

	// Top is set on Options.Explain: the features that add most, one way or the other, to the margin of the score; with several
	// classes, to that of Class.
	Top []Reason
}

// Judge returns the verdict on f. It does not allocate, but for the first explanation. It fails with features.ErrContract if f comes from a source
// that the feature set cannot be computed from, and with features.ErrOrder if the set remembers flows.
func (s *Stream) Judge(f *features.Flow) (*Verdict, error) {
	row, err := s.extractor.AppendRow(s.row[:0], f)
	if err != nil {
		return nil, err
	}
	return s.judge(f, row)
}

// Push takes the next flow of the stream. It is to be called again only when Next has returned false; until then f must
// not change. It fails with features.ErrContract if f comes from a source that the feature set cannot be computed from.
func (s *Stream) Push(f *features.Flow) error { return s.extractor.Push(f) }

// Next returns the next verdict that is due, or false if there is none before the next Push or Finish. It does not
// allocate, but for the first explanation.
func (s *Stream) Next() (v *Verdict, ok bool, err error) {
	row, ok := s.extractor.Next()
	if !ok {
		return nil, false, nil
	}
	if v, err = s.judge(row.Flow, row.Values); err != nil {
		return nil, false, err
	}
	v.Number = row.Number
	return v, true, nil
}

// Finish ends the stream: the verdicts on all flows that are held are due.
func (s *Stream) Finish() { s.extractor.Finish() }

// Save writes what the stream remembers of flows, so that a restart does not change verdicts; see [features.Extractor.Save].
func (s *Stream) Save(w io.Writer) error { return s.extractor.Save(w) }

// Waiting is [features.Extractor.Waiting].
func (s *Stream) Waiting() []int64 { return s.extractor.Waiting() }

// Stats counts what the set of features did besides making rows.
func (s *Stream) Stats() features.Stats { return s.extractor.Stats() }

// judge returns the verdict on a flow with its row.
func (s *Stream) judge(f *features.Flow, row []float32) (*Verdict, error) {
	if err := s.detector.predictor.Predict(s.out, row); err != nil {
		return nil, err
	}
	return s.conclude(f, row, s.out)
}

// conclude makes the verdict of what the predictor says of a row.
func (s *Stream) conclude(f *features.Flow, row, out []float32) (*Verdict, error) {
	d, v := s.detector, &s.verdict
	*v = Verdict{Flow: f, Row: row, Score: d.score(out)}
	switch {
	case d.softmax:
		v.Class = int(out[0])
	case len(out) > 1:
		v.Classes = out
		v.Class = argMax(out)
	}
	v.Threat = v.Score >= d.threshold
	v.Probability = d.probability(v.Score)
	if d.explainer != nil {
		var err error
		if v.Top, err = d.explainer.explain(&s.why, row, v.Class); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// score is that of a verdict, by what the predictor says of a row.
func (d *Detector) score(out []float32) float32 {
	switch { // the first class is the benign one
	case d.softmax:
		return min(out[0], 1)
	case len(out) > 1:
		return 1 - out[0]
	}
	return out[0]
}

// probability is that of a verdict, by its score.
func (d *Detector) probability(score float32) float32 {
	if d.calibrate == nil {
		return score
	}
	return d.calibrate.Probability(score)
}

// Probability is that of [Verdict] for a row of which the model predicts values, for whoever has rows and no flows.
func (d *Detector) Probability(values []float32) float32 { return d.probability(d.score(values)) }

func argMax(values []float32) int { return slices.Index(values, slices.Max(values)) }

// Verdicts judges a sequence of flows. It is single-use if flows is. Errors of flows are passed on where they occur; the
// sequence goes on behind a [*features.RecordError], which concerns one record, and ends with any other error, ahead of
// which the verdicts on the flows so far come out.
func (s *Stream) Verdicts(flows iter.Seq2[*features.Flow, error]) iter.Seq2[*Verdict, error] {
	return func(yield func(*Verdict, error) bool) {
		for row, err := range s.extractor.Rows(flows) {
			var v *Verdict
			if err == nil {
				if v, err = s.judge(row.Flow, row.Values); err != nil {
					yield(nil, err)
					return
				}
				v.Number = row.Number
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// numbered reports whether names are f0, f1 and so on, which is how XGBoost before 1.3 calls columns that nobody named.
func numbered(names []string) bool {
	for i, name := range names {
		if name != "f"+strconv.Itoa(i) {
			return false
		}
	}
	return true
}

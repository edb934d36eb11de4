package model

import (
	"encoding/binary"
	"math"
	"strings"
)

// Sizes of the structures of the legacy binary form, in bytes.
const (
	learnerParamSize = 136
	forestParamSize  = 160
	linearParamSize  = 136
	treeParamSize    = 148
	nodeSize         = 20
	statSize         = 16
	maxLegacyName    = 64 // of an objective or booster; XGBoost has none above 30
)

// legacyReader reads the legacy binary form: little-endian, without padding.
//
//	LearnerModelParam  136 bytes   base_score f32, num_feature u32, num_class i32, extra attributes i32, metrics i32,
//	                               major u32, minor u32, num_target u32, reserved
//	objective, booster             u64 length and bytes, each
//	the booster itself             load_legacy_booster.go
//	attributes                     u64 count, pairs of strings
//	max_delta_step                 string (before 1.0, count:poisson)
//	metrics                        u64 count, strings (before 1.0)
type legacyReader struct {
	data []byte
	pos  int
	opts *LoadOptions
	b    *Booster

	forest    int // num_parallel_tree, 0 if the file does not have it
	plausible bool
}

// readLegacy reads a model whose header starts at byte start. The result is not validated yet. Plausible tells that the header is that of a
// legacy file, so that an error is about its contents and not about the choice of the format.
func readLegacy(data []byte, start int, opts *LoadOptions) (b *Booster, plausible bool, err error) {
	r := &legacyReader{data: data, pos: start, opts: opts, b: &Booster{
		Format: FormatLegacy, Params: map[string]string{}, Attributes: map[string]string{},
	}}
	if err := r.model(); err != nil {
		return nil, r.plausible, err
	}
	finish(r.b, nil, r.forest)
	return r.b, true, nil
}

// legacyError places err at a byte and at the field that JSON calls path.
func legacyError(offset int, path string, err error) error {
	return &ParseError{Offset: int64(offset), Path: path, Err: err}
}

// take returns the next n bytes.
func (r *legacyReader) take(n int, path string) ([]byte, error) {
	if left := len(r.data) - r.pos; n > left {
		return nil, legacyError(r.pos, path, formatErrorf("needs %d bytes, %d are left", n, left))
	}
	r.pos += n
	return r.data[r.pos-n : r.pos], nil
}

// count reads how many things of at least size bytes follow, and proves that they fit into the data.
func (r *legacyReader) count(size int, path string) (int, error) {
	at := r.pos
	p, err := r.take(8, path)
	if err != nil {
		return 0, err
	}
	n := binary.LittleEndian.Uint64(p)
	if left := len(r.data) - r.pos; n > uint64(left/size) {
		return 0, legacyError(at, path, formatErrorf("length %d does not fit into the %d bytes that are left", n, left))
	}
	return int(n), nil
}

func (r *legacyReader) text(limit int, path string) (string, error) {
	at := r.pos
	n, err := r.count(1, path)
	if err != nil {
		return "", err
	}
	if err := check("string length", int64(n), int64(limit)); err != nil {
		return "", legacyError(at, path, err)
	}
	p, err := r.take(n, path)
	return string(p), err
}

func le32(p []byte, at int) uint32   { return binary.LittleEndian.Uint32(p[at:]) }
func leInt(p []byte, at int) int     { return int(int32(le32(p, at))) }
func leF32(p []byte, at int) float32 { return math.Float32frombits(le32(p, at)) }

func (r *legacyReader) model() error {
	start := r.pos
	p, err := r.take(learnerParamSize, "learner.learner_model_param")
	if err != nil {
		return err
	}
	nameAt := r.pos
	objective, err := r.text(maxLegacyName, "learner.objective.name")
	if err != nil {
		return err
	}
	kindAt := r.pos
	if r.b.Kind, err = r.text(maxLegacyName, "learner.gradient_booster.name"); err != nil {
		return err
	}
	if err := checkBooster(r.b.Kind); err != nil {
		return legacyError(kindAt, "learner.gradient_booster.name", err)
	}
	r.plausible = true
	if err := r.learnerParam(p, start); err != nil {
		return err
	}
	r.b.Objective = canonicalObjective(objective)
	if err := r.opts.checkObjective(r.b.Objective); err != nil {
		return legacyError(nameAt, "learner.objective.name", err)
	}
	if err := r.booster(); err != nil {
		return err
	}
	if leInt(p, 12) != 0 {
		if err := r.attributes(); err != nil {
			return err
		}
	}
	if err := r.oldTail(leInt(p, 16) != 0); err != nil {
		return err
	}
	if left := len(r.data) - r.pos; left > 0 && !r.opts.AllowTrailing {
		return legacyError(r.pos, "", formatErrorf("%d bytes follow the model", left))
	}
	return nil
}

// learnerParam takes LearnerModelParam, which lies at byte start, apart.
func (r *legacyReader) learnerParam(p []byte, start int) error {
	b := r.b
	major, minor := le32(p, 20), le32(p, 24)
	if major > 1000 || minor > 1000 {
		return legacyError(start+20, "version", formatErrorf("%d.%d is not a release", major, minor))
	}
	b.Version = Version{int(major), int(minor), 0}
	b.BaseScore = []float32{leF32(p, 0)}
	b.BaseIsMargin = major == 0
	b.NumFeature = int(min(le32(p, 4), math.MaxInt32))
	if b.NumClass = leInt(p, 8); b.NumClass < 0 {
		return legacyError(start+8, pathParam+"num_class", formatErrorf("%d is negative", b.NumClass))
	}
	b.NumTarget = 1
	if !b.Version.Before(1, 6) {
		b.NumTarget = int(min(max(le32(p, 28), 1), math.MaxInt32))
	}
	if err := checkShape(b, r.opts); err != nil {
		return legacyError(start, pathParam[:len(pathParam)-1], err)
	}
	return nil
}

// isBookkeeping tells whether an attribute is one of those that XGBoost itself keeps only in the legacy form.
func isBookkeeping(key string) bool {
	return key == "objective" || key == "metrics" || strings.HasPrefix(key, "SAVED_PARAM_")
}

func (r *legacyReader) attributes() error {
	const path = "learner.attributes"
	n, err := r.count(16, path)
	if err != nil {
		return err
	}
	for range n {
		at := r.pos
		key, err := r.text(maxAttributeKey, path)
		if err != nil {
			return err
		}
		valueAt := r.pos + 8
		value, err := r.text(maxAttribute, path)
		if err != nil {
			return err
		}
		switch {
		case key == "objective" && r.b.Version.Known():
			if err := r.objective(value, valueAt); err != nil {
				return err
			}
		case key == "count_poisson_max_delta_step" && r.b.Objective == poisson:
			r.b.Params[maxStep] = value
		case !isBookkeeping(key):
			if _, ok := r.b.Attributes[key]; ok {
				return legacyError(at, path, formatErrorf("the key %.64q is given twice", key))
			}
			r.b.Attributes[key] = value
		}
	}
	return nil
}

// objective reads the JSON text that holds the parameters of the objective, which lies at byte start.
func (r *legacyReader) objective(text string, start int) error {
	header := r.b.Objective
	doc := newJSONReader([]byte(text))
	err := readObjective(doc, r.b, r.opts)
	if err == nil {
		err = doc.End()
	}
	if err == nil && r.b.Objective != header {
		err = formatErrorf("the objective is %.64q, but the header says %.64q", r.b.Objective, header)
	}
	if err != nil {
		p := within("learner.attributes.objective", at(0, err))
		p.Offset += int64(start)
		return p
	}
	return nil
}

// oldTail reads what follows the attributes in files of releases before 1.0.
func (r *legacyReader) oldTail(metrics bool) error {
	if r.b.Version.Known() {
		return nil
	}
	if r.b.Objective == poisson {
		step, err := r.text(maxLegacyName, "learner.objective.poisson_regression_param."+maxStep)
		if err != nil {
			return err
		}
		r.b.Params[maxStep] = step
	}
	if !metrics {
		return nil
	}
	n, err := r.count(8, "learner.metrics")
	for ; n > 0 && err == nil; n-- {
		_, err = r.text(maxLegacyName, "learner.metrics")
	}
	return err
}

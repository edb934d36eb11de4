package model

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"threatdetect/internal/pickle"
)

// readPickle reads a pickled Booster, alone or inside of something else, and never runs anything:
//
//	xgboost.core.Booster     handle: a memory snapshot, before 1.0 the legacy binary form
//	                         feature_names, feature_types (before 1.4), best_iteration, best_ntree_limit (before 2.0)
//	xgboost.sklearn.XGB…     _Booster: the former; classes_, n_classes_, _le, missing
//
// Offsets of errors whose path begins with handle count from the beginning of the handle.
func readPickle(data []byte, opts *LoadOptions) (*Booster, error) {
	root, n, err := pickle.Decode(data)
	if err != nil {
		return nil, pickleError(err)
	}
	if n != len(data) && !opts.AllowTrailing {
		return nil, &ParseError{Offset: int64(n), Err: formatErrorf("%d bytes follow the pickle", len(data)-n)}
	}
	booster, wrapper, err := findBooster(root)
	if err != nil {
		return nil, at(-1, err)
	}
	b, err := readHandle(booster, opts)
	if err != nil {
		return nil, err
	}
	b.Format = FormatPickle
	if err := readBoosterState(booster, b, opts); err != nil {
		return nil, err
	}
	if wrapper != nil {
		if b.Wrapper, err = readWrapper(wrapper); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// pickleError says in this package's terms what is wrong with a pickle.
func pickleError(err error) error {
	p := &ParseError{Offset: -1}
	var place *pickle.Error
	if errors.As(err, &place) {
		p.Offset = place.Offset
	}
	var name *pickle.GlobalError
	var opcode *pickle.OpcodeError
	var limit *pickle.LimitError
	switch {
	case errors.As(err, &name):
		p.Err = &UnsupportedError{What: fmt.Sprintf("the name %.64q of module %.64q, which the pickle asks for (nothing was run),", name.Name, name.Module)}
	case errors.As(err, &opcode) && opcode.Known:
		p.Err = &UnsupportedError{What: fmt.Sprintf("the opcode %s, which no pickled booster needs (nothing was run),", place.Op)}
	case errors.As(err, &limit):
		p.Err = &LimitError{Name: limit.Name, Limit: limit.Limit, Got: limit.Got}
	case place != nil && place.Op != "":
		p.Err = formatErrorf("%s: %w", place.Op, place.Err)
	case place != nil:
		p.Err = &formatError{place.Err}
	default:
		p.Err = &formatError{err}
	}
	return p
}

const (
	maxPickleSearch   = 16 // containers around the booster
	maxPickleWrappers = 64
)

// findBooster looks for the one booster of a pickle, and for the wrapper that it belongs to.
func findBooster(root pickle.Value) (booster, wrapper *pickle.Object, err error) {
	n := 0
	var wrappers []*pickle.Object
	err = pickle.Walk(root, maxPickleSearch, func(v pickle.Value) bool {
		o, ok := v.(*pickle.Object)
		if !ok {
			return true
		}
		switch o.Class.Role {
		case pickle.RoleBooster:
			booster = o
			n++
			return false
		case pickle.RoleWrapper:
			wrappers = append(wrappers, o)
			return len(wrappers) <= maxPickleWrappers
		}
		return true
	})
	switch {
	case err != nil:
		return nil, nil, pickleError(err)
	case n == 0 && len(wrappers) > 0:
		return nil, nil, formatErrorf("the pickle holds a %s that was never trained", wrappers[0].Class)
	case n == 0:
		return nil, nil, formatErrorf("the pickle holds no booster")
	case n > 1:
		return nil, nil, formatErrorf("the pickle holds %d boosters; expected one", n)
	}
	if err := check("wrappers in a pickle", int64(len(wrappers)), maxPickleWrappers); err != nil {
		return nil, nil, err
	}
	for _, o := range wrappers {
		v, err := pickled(o, "_Booster")
		if err != nil {
			return nil, nil, err
		}
		if v != pickle.Value(booster) {
			continue
		}
		if wrapper != nil {
			return nil, nil, formatErrorf("two wrappers share the booster")
		}
		wrapper = o
	}
	return booster, wrapper, nil
}

// pickled returns an attribute of a pickled object, or nil if it is absent or None.
func pickled(o *pickle.Object, key string) (pickle.Value, error) {
	state := o.Dict()
	if state == nil {
		return nil, nil
	}
	v, n := state.Get(key)
	if n > 1 {
		return nil, misplaced(key, formatErrorf("the key is given twice"))
	}
	if _, none := v.(pickle.None); none {
		return nil, nil
	}
	return v, nil
}

// readHandle reads the model inside of a pickled Booster. It never is a pickle itself.
func readHandle(o *pickle.Object, opts *LoadOptions) (*Booster, error) {
	v, err := pickled(o, "handle")
	if err != nil {
		return nil, err
	}
	handle, ok := v.(pickle.Bytes)
	switch {
	case v == nil:
		return nil, misplaced("handle", formatErrorf("the booster was never trained"))
	case !ok:
		return nil, misplaced("handle", formatErrorf("expected bytes"))
	}
	b, err := parseForm(handle, opts, false)
	if err != nil {
		return nil, within("handle", at(-1, err))
	}
	return b, nil
}

// readBoosterState takes what the model itself does not hold from the attributes of the pickled object.
func readBoosterState(o *pickle.Object, b *Booster, opts *LoadOptions) error {
	if err := pickledTexts(o, "feature_names", &b.FeatureNames, opts); err != nil {
		return err
	}
	if err := pickledTexts(o, "feature_types", &b.FeatureTypes, opts); err != nil {
		return err
	}
	limit, err := pickledCount(o, "best_ntree_limit")
	if err != nil {
		return err
	}
	best, err := pickledCount(o, "best_iteration")
	if err != nil {
		return err
	}
	b.BestNtreeLimit, b.BestRounds = max(limit, 0), best+1
	return nil
}

// pickledTexts reads a list of one text for each feature into dst, unless there is none or the model itself has them.
func pickledTexts(o *pickle.Object, key string, dst *[]string, opts *LoadOptions) error {
	v, err := pickled(o, key)
	if err != nil || v == nil || len(*dst) > 0 {
		return err
	}
	var items []pickle.Value
	switch v := v.(type) {
	case *pickle.List:
		items = v.Items
	case *pickle.Tuple:
		items = v.Items
	default:
		return misplaced(key, formatErrorf("expected a list"))
	}
	if err := check("features", int64(len(items)), int64(opts.MaxFeatures)); err != nil {
		return within(key, at(-1, err))
	}
	for i, item := range items {
		text, ok := item.(pickle.String)
		if !ok {
			return misplaced(index(key, i), formatErrorf("expected a text"))
		}
		*dst = append(*dst, string(text))
	}
	return nil
}

// pickledCount reads a number of trees or rounds, or -1 if there is none.
func pickledCount(o *pickle.Object, key string) (int, error) {
	v, err := pickled(o, key)
	if err != nil || v == nil {
		return -1, err
	}
	n, ok := v.(pickle.Int)
	if !ok || n < -1 || n >= math.MaxInt32 { // -1 is what a booster without rounds has
		return -1, misplaced(key, formatErrorf("expected a number of rounds or trees"))
	}
	return int(n), nil
}

// readWrapper takes what predictions of a scikit-learn wrapper need from its attributes.
func readWrapper(o *pickle.Object) (*Wrapper, error) {
	w := &Wrapper{Class: o.Class.Name, Missing: float32(math.NaN())}
	missing, err := pickled(o, "missing")
	if err != nil {
		return nil, err
	}
	switch v := missing.(type) {
	case nil:
	case pickle.Float:
		w.Missing = float32(v)
	case pickle.Int:
		w.Missing = float32(v)
	default:
		return nil, misplaced("missing", formatErrorf("expected a number"))
	}
	n, err := pickledCount(o, "n_classes_")
	if err != nil {
		return nil, err
	}
	w.NumClass = max(n, 0)
	labels, err := pickled(o, "classes_")
	if err != nil {
		return nil, err
	}
	if labels == nil {
		encoder, err := pickled(o, "_le")
		if err != nil {
			return nil, err
		}
		if encoder, ok := encoder.(*pickle.Object); ok {
			if labels, err = pickled(encoder, "classes_"); err != nil {
				return nil, within("_le", at(-1, err))
			}
		}
	}
	w.Classes = labelTexts(labels)
	return w, nil
}

// labelTexts writes class labels as Python's str does, or returns nil if they are not a list or array of plain values.
func labelTexts(v pickle.Value) []string {
	var items []pickle.Value
	switch v := v.(type) {
	case *pickle.List:
		items = v.Items
	case *pickle.Array:
		for i := range v.Len() {
			items = append(items, v.At(i))
		}
	}
	var texts []string
	for _, item := range items {
		switch v := item.(type) {
		case pickle.String:
			texts = append(texts, string(v))
		case pickle.Int:
			texts = append(texts, strconv.FormatInt(int64(v), 10))
		case pickle.BigInt:
			texts = append(texts, string(v))
		case pickle.Float:
			texts = append(texts, pythonFloat(float64(v)))
		case pickle.Bool:
			text := "False"
			if v {
				text = "True"
			}
			texts = append(texts, text)
		default:
			return nil
		}
	}
	return texts
}

// pythonFloat writes a float as Python's repr does: the shortest digits, and at least one behind the point.
func pythonFloat(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 0):
		return map[bool]string{true: "inf", false: "-inf"}[v > 0]
	}
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if v == math.Trunc(v) {
		text += ".0"
	}
	return text
}

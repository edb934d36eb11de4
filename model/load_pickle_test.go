package model

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit/tarball"
)

// pickleCase is a case of testdata/pickle, with what its manifest says.
type pickleCase struct {
	Release, Name string
	File, Ref     []byte

	Model          string
	Forest         int
	BestNtreeLimit int      `json:"best_ntree_limit"`
	BestIteration  *int     `json:"best_iteration"`
	FeatureNames   []string `json:"feature_names"`
	Wrapper        string
	Missing        *float32
	NumClasses     int `json:"num_classes"`
	Classes        []string
}

func pickleCases(t testing.TB) []pickleCase {
	t.Helper()
	archives, err := filepath.Glob("../testdata/pickle/*.tar.gz")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(archives), 7)
	var all []pickleCase
	for _, archive := range archives {
		files := tarball.Read(t, archive)
		var manifest map[string]pickleCase
		require.NoError(t, json.Unmarshal(files["manifest.json"], &manifest))
		for name, c := range manifest {
			c.Release, c.Name = strings.TrimSuffix(filepath.Base(archive), ".tar.gz"), name
			c.File, c.Ref = files[name+".pkl"], files[c.Model+".ref"]
			require.NotEmpty(t, c.File)
			require.NotEmpty(t, c.Ref)
			all = append(all, c)
		}
	}
	return all
}

// A pickled booster is the booster that the same release saved.
func TestPickles(t *testing.T) {
	for _, c := range pickleCases(t) {
		t.Run(c.Release+"/"+c.Name, func(t *testing.T) {
			b, ref := load(t, c.File, nil), load(t, c.Ref, nil)
			require.Equal(t, FormatPickle, b.Format)
			require.NotEmpty(t, b.Digest)
			require.Equal(t, c.FeatureNames, b.FeatureNames)
			require.Equal(t, c.BestNtreeLimit, b.BestNtreeLimit)
			if c.BestIteration == nil {
				require.Zero(t, b.BestRounds)
			} else {
				require.Equal(t, *c.BestIteration+1, b.BestRounds)
			}
			if b.Version.Known() {
				require.Equal(t, c.Forest, b.NumParallelTree)
				require.Equal(t, len(b.Trees), b.NumRound()*b.NumGroup()*c.Forest)
			}
			if strings.HasPrefix(c.Name, "early") && b.Version.Before(2, 0) {
				require.Less(t, b.BestNtreeLimit, b.NumRound())
			}
			c.checkWrapper(t, b.Wrapper)

			got, want := data(b), data(ref)
			got.Wrapper, got.BestNtreeLimit, got.BestRounds = nil, 0, 0
			got.NumParallelTree, got.IterationStart = want.NumParallelTree, want.IterationStart // older models do not hold them
			require.Equal(t, want, got)
		})
	}
}

func (c *pickleCase) checkWrapper(t *testing.T, w *Wrapper) {
	if c.Wrapper == "" {
		require.Nil(t, w)
		return
	}
	require.Equal(t, c.Wrapper, w.Class)
	require.Equal(t, c.Classes, w.Classes)
	require.Equal(t, c.NumClasses, w.NumClass)
	if c.Missing == nil {
		require.True(t, math.IsNaN(float64(w.Missing)))
	} else {
		require.Equal(t, *c.Missing, w.Missing)
	}
}

// pickled texts of protocol 4, numbers and lists, to put pickles together from.
func pickleText(text string) string { return "\x8c" + string([]byte{byte(len(text))}) + text }

func pickleBytes(p []byte) string {
	return "\x96" + string(binary.LittleEndian.AppendUint64(nil, uint64(len(p)))) + string(p)
}

// pickledObject makes an instance of a class whose attributes are given as key, pickled value, key, …
func pickledObject(module, class string, state ...string) string {
	out := "c" + module + "\n" + class + "\n)\x81}("
	for i := 0; i+1 < len(state); i += 2 {
		out += pickleText(state[i]) + state[i+1]
	}
	return out + "ub"
}

func pickledBooster(handle []byte, state ...string) string {
	return pickledObject("xgboost.core", "Booster", append([]string{"handle", pickleBytes(handle)}, state...)...)
}

func TestPickleDefects(t *testing.T) {
	handle := toUBJSON(documentOf(tiny()), true)
	good := pickledBooster(handle)
	wrapper := func(booster string, state ...string) string {
		return pickledObject("xgboost.sklearn", "XGBClassifier", append([]string{"_Booster", booster}, state...)...)
	}
	for file, kind := range map[string]error{
		// No booster, or several
		"N.": ErrFormat,
		"].": ErrFormat,
		pickledObject("xgboost.sklearn", "XGBModel") + ".":                  ErrFormat,
		pickledObject("xgboost.sklearn", "XGBModel", "_Booster", "N") + ".": ErrFormat,
		"(" + good + good + "l.":                                            ErrFormat,
		"(" + good + "\x940" + wrapper("h\x00") + wrapper("h\x00") + "l.":   ErrFormat,
		strings.Repeat("(", 18) + good + strings.Repeat("l", 18) + ".":      ErrTooLarge,
		good + ".N.":    ErrFormat,
		good[:40] + ".": ErrFormat,
		// Attributes
		pickledBooster(nil) + ".":                                                                                            ErrFormat,
		pickledObject("xgboost.core", "Booster") + ".":                                                                       ErrFormat,
		pickledObject("xgboost.core", "Booster", "handle", "N") + ".":                                                        ErrFormat,
		pickledObject("xgboost.core", "Booster", "handle", pickleText("binf")) + ".":                                         ErrFormat,
		"cxgboost.core\nBooster\n)\x81.":                                                                                     ErrFormat,
		pickledBooster(handle, "handle", "N") + ".":                                                                          ErrFormat,
		pickledBooster(handle[:len(handle)-1]) + ".":                                                                         ErrFormat,
		pickledBooster([]byte(good+".")) + ".":                                                                               ErrFormat, // a pickle inside of a pickle
		pickledBooster(handle, "feature_names", "K\x01") + ".":                                                               ErrFormat,
		pickledBooster(handle, "feature_names", "(K\x01l") + ".":                                                             ErrFormat,
		pickledBooster(handle, "feature_names", "("+pickleText("a")+"l") + ".":                                               ErrFormat,
		pickledBooster(handle, "best_ntree_limit", "J\xfe\xff\xff\xff") + ".":                                                ErrFormat,
		pickledBooster(handle, "best_ntree_limit", "I9999999999\n") + ".":                                                    ErrFormat,
		pickledBooster(handle, "best_ntree_limit", pickleText("1")) + ".":                                                    ErrFormat,
		pickledBooster(handle, "best_iteration", "]") + ".":                                                                  ErrFormat,
		wrapper(good, "_Booster", "N") + ".":                                                                                 ErrFormat,
		wrapper(good, "missing", "]") + ".":                                                                                  ErrFormat,
		wrapper(good, "n_classes_", "]") + ".":                                                                               ErrFormat,
		wrapper(good, "classes_", "N", "classes_", "N") + ".":                                                                ErrFormat,
		wrapper(good, "_le", "N", "_le", "N") + ".":                                                                          ErrFormat,
		wrapper(good, "_le", pickledObject("xgboost.compat", "XGBoostLabelEncoder", "classes_", "N", "classes_", "N")) + ".": ErrFormat,
		// What runs code elsewhere
		"cos\nsystem\n(" + pickleText("id") + "tR.":             ErrUnsupported,
		wrapper(good, "eval_metric", "cbuiltins\neval\n") + ".": ErrUnsupported,
		"(" + pickleText("id") + "ios\nsystem\n.":               ErrUnsupported,
		"(" + good + "\x82\x01l.":                               ErrUnsupported,
		"(" + good + "P0\nl.":                                   ErrUnsupported,
		"(" + good + "\x99l.":                                   ErrFormat,
	} {
		b, err := sound(t, []byte("\x80\x04"+file))
		require.ErrorIs(t, err, kind, "%.200q", file)
		require.Nil(t, b)
		var p *ParseError
		require.ErrorAs(t, err, &p)
		require.Less(t, len(err.Error()), 400)
	}
	_, err := sound(t, []byte("\x80\x04cos\nsystem\n(tR."))
	require.ErrorContains(t, err, `byte 2: the name "system" of module "os", which the pickle asks for (nothing was run), is not supported`)
	_, err = sound(t, []byte("\x80\x04"+pickledBooster(handle[:100])+"."))
	require.ErrorContains(t, err, "model: handle.learner")
}

// The handle may be any form of a model, with names or without.
func TestPickledForms(t *testing.T) {
	want := data(tiny())
	names := "(" + pickleText("a") + pickleText("b") + pickleText("c") + "l"
	for form, handle := range forms(tiny()) {
		for _, state := range [][]string{nil, {"feature_names", names, "feature_types", "N", "best_iteration", "K\x00", "best_ntree_limit", "K\x01", "other", "]"}} {
			b := load(t, []byte("\x80\x05"+pickledBooster(handle, state...)+"."), nil)
			require.Equal(t, FormatPickle, b.Format, form)
			require.Equal(t, len(state) > 0, len(b.FeatureNames) == 3, form)
			require.Equal(t, len(state) > 0, b.BestNtreeLimit == 1)
			require.Equal(t, len(state) > 0, b.BestRounds == 1)
			got := data(b)
			got.BestNtreeLimit, got.BestRounds = 0, 0
			require.Equal(t, want, got)
		}
	}
	pickled := "\x80\x05" + pickledBooster(toLegacy(tiny())) + "."
	_, err := sound(t, []byte(pickled+"more"))
	require.ErrorIs(t, err, ErrFormat)
	load(t, []byte(pickled+"more"), &LoadOptions{AllowTrailing: true})
	_, err = Load(strings.NewReader("\x80\x05"+pickledBooster(toLegacy(tiny()), "feature_names", names)+"."), &LoadOptions{MaxFeatures: 2})
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestWrapperLabels(t *testing.T) {
	handle := toLegacy(tiny())
	labels := func(classes, encoder string) *Wrapper {
		return load(t, []byte("\x80\x05"+pickledObject("xgboost.sklearn", "XGBClassifier", "_Booster", pickledBooster(handle), "missing", "N", "classes_", classes,
			"_le", encoder, "n_classes_", "K\x02")+"."), nil).Wrapper
	}
	list := "(" + pickleText("a") + "K\x05\x88\x89I99999999999999999999\nl"
	w := labels(list, "N")
	require.Equal(t, []string{"a", "5", "True", "False", "99999999999999999999"}, w.Classes)
	require.True(t, math.IsNaN(float64(w.Missing)))
	require.Equal(t, 2, w.NumClass)
	require.Equal(t, []string{"7"}, labels("N", pickledObject("sklearn.preprocessing.label", "LabelEncoder", "classes_", "(K\x07l")).Classes)
	require.Nil(t, labels("(Nl", "N").Classes)
	require.Nil(t, labels("N", "N").Classes)
	require.Nil(t, labels("}", "K\x01").Classes)
	for text, v := range map[string]float64{"0.0": 0, "-0.0": math.Copysign(0, -1), "1.0": 1, "0.5": 0.5, "1e+16": 1e16, "1e-05": 1e-5, "0.0001": 1e-4,
		"123456789012345.0": 123456789012345, "nan": nan, "inf": math.Inf(1), "-inf": math.Inf(-1)} {
		require.Equal(t, []string{text}, labels(fmt.Sprintf("(F%v\nl", v), "N").Classes)
	}
}

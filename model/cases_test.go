package model

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// inPickles are the handles that pickles of a booster may have: the model alone, and with a configuration.
func inPickles(b *Booster) map[string][]byte {
	out := map[string][]byte{}
	for name, file := range forms(b) {
		out[name] = file
		switch {
		case name == "json" && !b.Version.Before(1, 3):
			out["json snapshot"] = []byte(`{"Model":` + string(file) + `,"Config":{}}`)
		case name == "ubjson" && !b.Version.Before(1, 6):
			out["ubjson snapshot"] = append(append([]byte("{L\x00\x00\x00\x00\x00\x00\x00\x05Model"), file...), '}')
		case name == "legacy" && b.Version.Known():
			out["legacy snapshot"] = snapshotOf(file, "{}")
		}
	}
	return out
}

// Every kind of booster in every form, each inside of a pickle as well.
func TestVariantsInPickles(t *testing.T) {
	for name, want := range variants() {
		for form, handle := range inPickles(want) {
			b := load(t, []byte("\x80\x05"+pickledBooster(handle)+"."), nil)
			got := data(b)
			got.BestNtreeLimit, got.BestRounds = 0, 0
			require.Equal(t, data(want), got, "%s as %s", name, form)
		}
	}
}

// A model that was pickled, written again in the other forms, is the same in all of them.
func TestFourFormsOfARealModel(t *testing.T) {
	tried := 0
	for _, c := range pickleCases(t) {
		if c.Release != "1.7.6" || c.Name != "early" {
			continue
		}
		pickled := load(t, c.File, nil)
		require.Equal(t, "reg:squarederror", pickled.Objective)
		want := data(pickled)
		want.BestNtreeLimit, want.BestRounds = 0, 0
		for form, file := range forms(load(t, c.Ref, nil)) {
			require.Equal(t, want, data(load(t, file, nil)), form)
			tried++
		}
	}
	require.Equal(t, 4, tried, "legacy, JSON and both kinds of UBJSON")
}

// A leaf may carry whatever its node had before training made it one; a deleted node too.
func TestStaleIndices(t *testing.T) {
	b := tiny()
	for n, feature := range map[int]int32{2: 9999, 3: math.MaxInt32 - 1, 4: -1} {
		b.Trees[0].Feature[n] = feature
	}
	b.Trees[1].Feature[0], b.Trees[1].DefaultLeft[0] = 12345, true
	b.Trees[0].Value[5] = 77
	for form, file := range forms(b) {
		got := load(t, file, nil)
		require.Equal(t, b.Trees[0].Left, got.Trees[0].Left, form)
		require.Equal(t, 2, got.Trees[0].NumDeleted, form)
	}
}

// Numbers and objects of documents in forms that XGBoost reads and does not write.
func TestForeignJSON(t *testing.T) {
	b := tiny()
	for _, key := range []string{"loss_changes", "sum_hessian", "base_weights"} {
		for _, number := range []string{"NaN", "Infinity", "-Infinity"} {
			doc := documentOf(tiny())
			*doc.at("learner.gradient_booster.model.trees[1]." + key) = raw("[" + number + "]")
			got := load(t, toJSON(doc), nil)
			require.Equal(t, data(b).Trees[0], data(got).Trees[0], key)
			require.Equal(t, data(b).Trees[1].Value, data(got).Trees[1].Value, key)
		}
	}
	// the keys of every object the other way round
	require.Equal(t, data(tiny()), data(load(t, toJSON(turned(documentOf(tiny()))), nil)))
	require.Equal(t, data(tiny()), data(load(t, toUBJSON(turned(documentOf(tiny())), true), nil)))
}

// turned is a document whose objects have their keys in the other order.
func turned(v any) any {
	switch v := v.(type) {
	case object:
		var out object
		for i := len(v) - 1; i >= 0; i-- {
			out = append(out, pair{v[i].key, turned(v[i].value)})
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = turned(v[i])
		}
		return out
	}
	return v
}

// The objective's block has had other names, and the threshold of a categorical split is NaN or the least number there is.
func TestOldSpellings(t *testing.T) {
	for _, block := range []string{"pseudo_huber_param", "pseduo_huber_param", "reg_loss_param", ""} {
		b := tiny()
		b.Objective, b.Params = "reg:pseudohubererror", map[string]string{}
		doc := documentOf(b)
		objective := object{{"name", b.Objective}}
		if block != "" {
			objective = append(objective, pair{block, object{{"huber_slope", "1.5"}}})
		}
		*doc.at("learner.objective") = objective
		for _, file := range [][]byte{toJSON(doc), toUBJSON(doc, true)} {
			got := load(t, file, nil)
			require.Equal(t, "reg:pseudohubererror", got.Objective, block)
			require.Equal(t, block != "", got.Params["huber_slope"] == "1.5", block)
		}
	}
	for _, threshold := range []string{"1e-45", "1E-45", "NaN", "0"} {
		b := variants()["categories"]
		doc := documentOf(b)
		*doc.at("learner.gradient_booster.model.trees[0].split_conditions") = raw("[" + threshold + "," + threshold + ",0.25,-0.5,1.5,0,0]")
		got := load(t, toJSON(doc), nil)
		require.Equal(t, b.Trees[0].CategoryCodes, got.Trees[0].CategoryCodes, threshold)
		require.Empty(t, got.Warnings(), threshold)
	}
}

// What the container of release 3.2 leaves behind: UBJSON without an ending of its name, in an archive.
func TestModelWithoutEnding(t *testing.T) {
	b := tiny()
	b.Version, b.Objective, b.Params = Version{3, 2, 0}, "reg:squarederror", map[string]string{}
	for text, want := range map[string]float32{"[1.0026694E1]": 10.026694, "1.0026694E1": 10.026694, "[0E0]": 0} {
		doc := documentOf(b)
		*doc.at("learner.learner_model_param.base_score") = text
		got, err := Load(bytes.NewReader(zip(tarOf(t, entry{name: "xgboost-model", body: string(toUBJSON(doc, true))}))), nil)
		require.NoError(t, err)
		require.Equal(t, FormatUBJSON, got.Format)
		require.Equal(t, []float32{want}, got.BaseScore)
	}
}

// Names are kept as they are, even those that would spoil a terminal; errors quote them.
func TestNamesWithControlCharacters(t *testing.T) {
	names := []string{"a\x00b", "\x1b[31mred", "tab\tnew\nline"}
	for _, typed := range []bool{true, false} {
		doc := documentOf(tiny())
		learner := doc.at("learner")
		*learner = append((*learner).(object), pair{"feature_names", []any{names[0], names[1], names[2]}})
		if at := doc.at("learner.feature_names"); at != nil {
			*at = []any{names[0], names[1], names[2]}
			*learner = (*learner).(object)[:len((*learner).(object))-1]
		}
		require.Equal(t, names, load(t, toUBJSON(doc, typed), nil).FeatureNames)
		*doc.at("learner.feature_names") = []any{names[0], names[1]}
		_, err := sound(t, toUBJSON(doc, typed))
		require.NotContains(t, err.Error(), "\x1b")
	}
	doc := documentOf(tiny())
	*doc.at("learner.objective.name") = "x\x1b[2J\x00"
	_, err := sound(t, toUBJSON(doc, true))
	require.ErrorIs(t, err, ErrUnsupported)
	require.NotContains(t, err.Error(), "\x1b")
}

// A file that was cut tells where, and in what.
func TestCutFilesTellWhere(t *testing.T) {
	for form, file := range forms(tiny()) {
		for n := 200; n < len(file); n += 11 {
			_, err := Load(bytes.NewReader(file[:n]), nil)
			var p *ParseError
			require.ErrorAs(t, err, &p)
			require.LessOrEqual(t, p.Offset, int64(n), form)
			require.GreaterOrEqual(t, p.Offset, int64(0), "%s cut at %d: %v", form, n, err)
			if n < len(file)-40 { // not behind the last member
				require.NotEmpty(t, p.Path, "%s cut at %d: %v", form, n, err)
			}
		}
	}
}

// Two hundred thousand objects and arrays, each inside of the one before, end XGBoost.
func TestDeepDocuments(t *testing.T) {
	const depth = 200_000
	for name, file := range map[string]string{
		"arrays":           `{"learner":` + strings.Repeat("[", depth),
		"objects":          strings.Repeat(`{"a":`, depth),
		"skipped":          `{"x":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`,
		"ubjson arrays":    "{U\x01x" + strings.Repeat("[", depth),
		"ubjson objects":   strings.Repeat("{U\x01a", depth),
		"inside of a tree": `{"learner":{"gradient_booster":{"model":{"trees":` + strings.Repeat("[", depth),
	} {
		_, err := sound(t, []byte(file))
		require.Error(t, err, name)
		if !strings.Contains(name, "tree") && name != "arrays" {
			require.ErrorIs(t, err, ErrTooLarge, name)
		}
	}
}
